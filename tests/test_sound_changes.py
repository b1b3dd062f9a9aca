"""What happens to sound on its way: each change does what it says, and no more."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unmask import sound_changes
from unmask.modalities.audio import RATE_HZ
from unmask.sound_changes import BANDS_HZ, COLOURS, Colour
from unmask.types import Samples

FLAT_DB = np.zeros(len(BANDS_HZ))


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def speech_like(seed: int = 0, seconds: float = 2.0) -> Samples:
    """Harmonics of a gliding pitch below formants, in syllables, with breath: float32 (T,), peak 0.5."""
    rng, times_s = generator(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch_hz = 130 + 40 * np.sin(2 * np.pi * (0.7 * times_s + rng.random()))
    phase = 2 * np.pi * np.cumsum(pitch_hz) / RATE_HZ
    formants = [(500 + 200 * np.sin(5 * times_s), 1.0), (1500 + 400 * np.cos(3 * times_s), 0.5), (2600.0, 0.25)]
    voice = np.zeros_like(times_s)
    for number in range(1, 30):
        hz = number * pitch_hz
        voice += sum(size * np.exp(-(((hz - at) / 150) ** 2)) for at, size in formants) * np.sin(number * phase)
    syllables = np.clip(np.sin(2 * np.pi * 2.3 * times_s + rng.random()) + 0.4, 0, None)
    whole = syllables * (voice + 0.02 * rng.standard_normal(len(times_s)))
    return np.asarray(0.5 * whole / np.abs(whole).max(), np.float32)


def tone(hz: float, count: int = RATE_HZ, rate_hz: int = RATE_HZ) -> Samples:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(count) / rate_hz)).astype(np.float32)


def level_db(samples: NDArray[np.floating]) -> float:
    return float(10 * np.log10(np.square(samples, dtype=np.float64).mean() + 1e-20))


def octaves_db(samples: Samples) -> NDArray[np.float64]:
    """Power a hertz, in the octaves around `BANDS_HZ` up to 4 kHz."""
    power = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(len(samples), 1 / RATE_HZ)
    return np.array([10 * np.log10(power[(hz > at / 1.4) & (hz < at * 1.4)].mean()) for at in BANDS_HZ[:-1]])


def noisy(colour: Colour, samples: Samples) -> Samples:
    return sound_changes.noisy(samples, colour, 10, generator())


VOICE = speech_like()
CHANGES: dict[str, Callable[[Samples], Samples]] = {
    "faster": lambda samples: sound_changes.faster(samples, 1.07),
    "slower": lambda samples: sound_changes.faster(samples, 0.93),
    "louder": lambda samples: sound_changes.louder(samples, 3),
    "reverberated": lambda samples: sound_changes.reverberated(samples, sound_changes.room(0.4, 3, generator())),
    "band": lambda samples: sound_changes.band_limited(samples, 100, 5000),
    "telephone": sound_changes.telephone,
    "equalised": lambda samples: sound_changes.equalised(samples, np.linspace(-6, 6, len(BANDS_HZ))),
    "clipped": lambda samples: sound_changes.clipped(samples, 6),
    "requantised": lambda samples: sound_changes.requantised(samples, 10),
    **{colour: partial(noisy, colour) for colour in COLOURS},
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())


@every_change
@pytest.mark.parametrize("count", [0, 1, 2, 77, 5000, 16001])
def test_a_change_keeps_length_and_range(change: Callable[[Samples], Samples], count: int) -> None:
    before = VOICE[:count]
    held = before.copy()
    after = change(before)
    assert after.shape == before.shape
    assert after.dtype == np.float32
    assert np.isfinite(after).all()
    assert np.abs(after).max(initial=0) <= 1
    np.testing.assert_array_equal(before, held)


@every_change
def test_a_change_changes_and_is_repeatable(change: Callable[[Samples], Samples]) -> None:
    after = change(VOICE)
    np.testing.assert_array_equal(after, change(VOICE))
    assert np.abs(after - VOICE).max() > 5e-4


@every_change
def test_silence_stays_silence(change: Callable[[Samples], Samples]) -> None:
    assert not change(np.zeros(4000, np.float32)).any()


@every_change
def test_the_loudest_sound_fits(change: Callable[[Samples], Samples]) -> None:
    after = change(np.sign(tone(400)) * np.float32(1))
    assert np.abs(after).max() <= 1


@pytest.mark.parametrize("to_hz", [8000, 11025, 22050, 44100, 48000])
def test_resampling_is_exact_and_without_delay(to_hz: int) -> None:
    hz, count = 1234.5, 16_123
    after = sound_changes.resampled(tone(hz, count), RATE_HZ, to_hz)
    assert len(after) == round(count * to_hz / RATE_HZ)
    inner = slice(to_hz // 8, -to_hz // 8)
    assert np.abs(after - tone(hz, len(after), to_hz))[inner].max() < 2e-3


def test_resampling_loses_what_the_lower_rate_cannot_hold_and_adds_nothing() -> None:
    assert level_db(sound_changes.resampled(tone(5000), RATE_HZ, 8000)) < level_db(tone(5000)) - 40
    there = sound_changes.resampled(VOICE, RATE_HZ, 44_100)
    assert np.abs(sound_changes.resampled(there, 44_100, RATE_HZ) - VOICE).max() < 0.01


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5000), st.integers(1, 200), st.integers(1, 200))
def test_resampling_takes_any_ratio(count: int, from_hz: int, to_hz: int) -> None:
    after = sound_changes.resampled(VOICE[:count], from_hz, to_hz)
    assert after.shape == (round(count * to_hz / from_hz),)
    assert np.isfinite(after).all()


@pytest.mark.parametrize("factor", [0.9, 1.1])
def test_speed_moves_the_pitch(factor: float) -> None:
    after = sound_changes.faster(tone(1000, 16_000), factor)[:14_000]
    power = np.abs(np.fft.rfft(after * np.hanning(len(after))))
    assert np.argmax(power) * RATE_HZ / len(after) == pytest.approx(1000 * factor, abs=2)


def test_faster_speech_begins_again_and_slower_speech_is_cut() -> None:
    faster = sound_changes.faster(VOICE, 1.1)
    turn = round(len(VOICE) / 1.1)
    np.testing.assert_array_equal(faster[turn:], faster[: len(VOICE) - turn])
    whole = sound_changes.resampled(VOICE, 9, 10)
    np.testing.assert_array_equal(sound_changes.faster(VOICE, 0.9), whole[: len(VOICE)])


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("snr_db", [-5.0, 10.0, 35.0])
def test_noise_has_the_level_that_was_asked_for(colour: Colour, snr_db: float) -> None:
    quiet = VOICE * np.float32(0.1)
    added = sound_changes.noisy(quiet, colour, snr_db, generator(3)) - quiet
    assert level_db(quiet) - level_db(added) == pytest.approx(snr_db, abs=0.05)


def test_noise_that_does_not_fit_makes_all_quieter() -> None:
    after = sound_changes.noisy(VOICE * np.float32(2), "white", 0, generator())
    assert np.abs(after).max() == pytest.approx(1)
    assert (np.abs(after) > 0.999).sum() < 3


def test_noises_have_their_spectra() -> None:
    white, pink, babble = (octaves_db(sound_changes.noise(one, 160_000, generator())) for one in COLOURS[:3])
    np.testing.assert_allclose(np.diff(white), 0, atol=1)
    np.testing.assert_allclose(np.diff(pink), -3, atol=1)
    assert np.abs(np.diff(babble)[:2]).max() < 3
    np.testing.assert_allclose(np.diff(babble)[3:], -9, atol=2)


def test_babble_swells_and_hum_is_of_mains() -> None:
    def steps_db(colour: Colour) -> NDArray[np.float64]:
        pieces = sound_changes.noise(colour, 160_000, generator()).reshape(-1, 1600)
        return np.asarray(10 * np.log10(np.square(pieces).mean(axis=1)), np.float64)

    assert steps_db("babble").std() > 2 * steps_db("white").std()
    for seed in range(4):
        hum = sound_changes.noise("hum", RATE_HZ, generator(seed))
        loud = np.flatnonzero(np.abs(np.fft.rfft(hum)) > 1)
        assert not (loud % 50).any() or not (loud % 60).any()
        assert len(loud) == 10


@pytest.mark.parametrize("rt60_s", [0.1, 0.4, 0.9])
def test_a_room_falls_by_60_db_in_its_time(rt60_s: float) -> None:
    response = sound_changes.room(rt60_s, 0.0, generator(1)).astype(float)
    assert response[0] == 1
    assert level_db(response[1:]) + 10 * np.log10(len(response) - 1) == pytest.approx(0, abs=0.01)
    left = np.cumsum(np.square(response[:0:-1]))[::-1]  # Schroeder 1965: the energy that is still to come
    falls_db = 10 * np.log10(left / left[0])
    first, last = np.searchsorted(-falls_db, [8, 28])
    assert 60 * (last - first) / (20 * RATE_HZ) == pytest.approx(rt60_s, rel=0.2)


def test_an_echo_keeps_the_level_and_the_place() -> None:
    response = sound_changes.room(0.5, 6.0, generator())
    after = sound_changes.reverberated(VOICE, response)
    assert level_db(after) == pytest.approx(level_db(VOICE), abs=0.01)
    likeness = np.correlate(after, VOICE[2000:-2000], mode="valid")
    assert np.argmax(np.abs(likeness)) == 2000
    click = np.zeros(8000, np.float32)
    click[3000] = 0.1
    heard = sound_changes.reverberated(click, response)
    assert np.abs(heard[:3000]).max() < 1e-6
    np.testing.assert_allclose(heard[3000:] / heard[3000], response[:5000], atol=1e-5)


def test_bands_are_limited_where_they_say() -> None:
    def loss_db(hz: float, low_hz: float, high_hz: float | None) -> float:
        inner = slice(4000, -4000)  # a tone that begins out of nothing holds other frequencies
        return level_db(tone(hz)[inner]) - level_db(sound_changes.band_limited(tone(hz), low_hz, high_hz)[inner])

    assert loss_db(300, 300, None) == pytest.approx(3, abs=0.1)
    assert loss_db(150, 300, None) == pytest.approx(48, abs=1)
    assert loss_db(4000, 0, 4000) == pytest.approx(3, abs=0.1)
    assert loss_db(1000, 300, 4000) == pytest.approx(0, abs=0.1)
    assert loss_db(7000, 0, None) == pytest.approx(0, abs=0.1)
    after = sound_changes.band_limited(VOICE, 100, 5000)
    assert np.argmax(np.correlate(after, VOICE[2000:-2000], mode="valid")) == 2000


def test_a_telephone_carries_nothing_from_4_khz_on() -> None:
    noise = sound_changes.noise("white", RATE_HZ, generator()) * np.float32(0.1)
    power = np.abs(np.fft.rfft(sound_changes.telephone(noise) * np.hanning(RATE_HZ))) ** 2
    assert power[4010:].mean() < 1e-6 * power[1000:3000].mean()
    assert power[:150].mean() < 1e-3 * power[1000:3000].mean()
    assert power[3300:3400].mean() > 0.3 * power[1000:3000].mean()


def test_an_equaliser_raises_and_lowers_its_bands() -> None:
    noise = sound_changes.noise("white", 160_000, generator()) * np.float32(0.1)
    gains_db = np.array([6.0, 3, 0, -3, 0, 4, 0])
    after = sound_changes.equalised(noise, gains_db)
    assert level_db(after) == pytest.approx(level_db(noise), abs=0.01)
    at = [slice(10 * hz - 50, 10 * hz + 50) for hz in BANDS_HZ[:-1]]
    raised = np.abs(np.fft.rfft(after)) / np.abs(np.fft.rfft(noise))
    found = 20 * np.log10([raised[part].mean() for part in at])
    np.testing.assert_allclose(found - found[2], gains_db[:6], atol=0.4)
    np.testing.assert_allclose(sound_changes.equalised(VOICE, FLAT_DB), VOICE, atol=1e-5)


def test_gain_and_clipping_and_bits() -> None:
    assert level_db(sound_changes.louder(VOICE, -12)) == pytest.approx(level_db(VOICE) - 12, abs=1e-3)
    assert np.abs(sound_changes.louder(VOICE, 20)).max() == pytest.approx(1)
    cut = sound_changes.clipped(VOICE, 6)
    assert np.abs(cut).max() == pytest.approx(0.5 * 10**-0.3, rel=1e-3)
    inside = np.abs(VOICE) < 0.2
    np.testing.assert_array_equal(cut[inside], VOICE[inside])
    for bits in (8, 12, 16):
        after = sound_changes.requantised(VOICE, bits)
        assert np.abs(after - VOICE).max() <= 2.0**-bits
        np.testing.assert_array_equal(after * 2 ** (bits - 1) % 1, 0)
