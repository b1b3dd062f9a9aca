from __future__ import annotations

import numpy as np
import pytest

from tests.draw_voice import voice
from unmask.modalities.audio import RATE_HZ, Sound
from unmask.pitch import below, track
from unmask.speech import STEP_S
from unmask.voice_measures import (
    Speech,
    band_edge_hz,
    changes_db,
    delay_spread_ms,
    has_treble,
    pause_flatness_db,
    pause_spread_db,
    runs,
    silent,
    speech_of,
    steady_tone,
    treble_db,
    treble_grain,
    variation_db,
)


def prepared(sound: Sound) -> Speech:
    found = speech_of(sound)
    assert found is not None
    return found


def test_neither_loudness_nor_the_silence_at_the_ends_matters() -> None:
    drawn = voice(breath=0.003)
    around = np.random.default_rng(1).normal(0, 0.003, RATE_HZ).astype(np.float32)
    longer = Sound((np.concatenate([around, drawn.samples, around[: RATE_HZ // 2]]) / 8).astype(np.float32), 5.0)
    one, other = prepared(drawn), prepared(longer)
    assert other.start_s == pytest.approx(one.start_s + 6.0, abs=0.03)
    assert abs(len(one.spoken) - len(other.spoken)) < 5
    assert treble_db(other) == pytest.approx(treble_db(one), abs=0.1)
    assert pause_spread_db(other) == pytest.approx(pause_spread_db(one), abs=0.3)
    assert np.median(other.level_db[other.pauses]) == pytest.approx(np.median(one.level_db[one.pauses]), abs=0.3)


def test_where_nobody_speaks_there_is_nothing_to_measure() -> None:
    assert speech_of(Sound(np.zeros(RATE_HZ, np.float32))) is None
    assert speech_of(voice(), np.zeros(300, bool)) is None
    assert speech_of(Sound(np.zeros(0, np.float32))) is None


def test_what_is_told_to_be_speech_is_taken_for_it() -> None:
    spoken = np.zeros(300, bool)
    spoken[100:170] = True
    told = speech_of(voice(), spoken)
    assert told is not None
    assert told.start_s == pytest.approx(1.0)
    assert len(told.spoken) == 70


def test_pauses_are_found_and_digital_silence_in_them() -> None:
    noisy, clean = prepared(voice(breath=0.003)), prepared(voice(breath=0.003, pause=0.0))
    assert [(end - start) * STEP_S for start, end in runs(noisy.pauses)] == pytest.approx([0.25, 0.25], abs=0.06)
    assert not silent(noisy).any()
    assert silent(clean).sum() > 0.8 * clean.pauses.sum()


def test_even_noise_is_flat_and_a_hum_is_not() -> None:
    drawn = voice(breath=0.003)
    assert pause_flatness_db(prepared(drawn)) == pytest.approx(-2.5, abs=0.7)  # the mean of a logarithm of noise
    assert pause_flatness_db(prepared(voice(breath=0.003, tone_hz=5500))) < -6
    without = speech_of(voice(0.6), np.ones(60, bool))
    assert without is not None
    assert np.isnan(pause_flatness_db(without))
    assert np.isnan(pause_spread_db(without))


def test_the_band_ends_where_it_was_cut() -> None:
    drawn = voice(breath=0.003)
    cut = prepared(Sound(below(drawn.samples, 5000).astype(np.float32)))
    assert band_edge_hz(cut) == pytest.approx(5000, abs=150)
    assert not has_treble(cut)
    assert has_treble(prepared(drawn))


def test_a_tone_that_never_stops_is_found_at_its_frequency() -> None:
    above_db, hz = steady_tone(prepared(voice(tone_hz=5500)))
    assert hz == pytest.approx(5500, abs=32)
    assert above_db > steady_tone(prepared(voice()))[0] + 10


def test_noise_that_is_drawn_anew_has_no_memory_and_a_steady_wave_has() -> None:
    rng = np.random.default_rng(0)
    hiss, grain = voice(breath=0.02), voice(breath=1e-4)
    lines = np.zeros(16001)
    lines[rng.integers(3500, 7000, 60) // 1] = 1  # what a room leaves: a fixed pattern over all frequencies
    fixed = np.fft.irfft(lines * np.exp(2j * np.pi * rng.random(16001)), 32000)
    fixed *= 0.01 / fixed.std()
    steady = Sound((grain.samples + np.tile(fixed, 2)[: len(grain.samples)]).astype(np.float32))
    told = []
    for drawn in (hiss, steady):
        speech = prepared(drawn)
        told.append(treble_grain(speech, track(speech.samples, speech.spoken).voiced))
    (hiss_skew, hiss_memory), (_, steady_memory) = told
    assert hiss_skew == pytest.approx(-1.1, abs=0.25)
    assert hiss_memory < 0.3 < steady_memory
    assert np.isnan(treble_grain(prepared(hiss), np.zeros(len(prepared(hiss).spoken), bool))).all()


def test_a_wave_that_does_not_repeat_spreads_the_group_delay() -> None:
    spreads = []
    for drawn in (voice(breath=1e-3), voice(breath=1e-3, jitter=0.02)):
        speech = prepared(drawn)
        voiced = track(speech.samples, speech.spoken).voiced
        spread = delay_spread_ms(speech, voiced)
        assert (np.isnan(spread) == ~voiced).all()
        spreads.append(float(np.nanmedian(spread)))
    assert spreads[0] < 0.3 < spreads[1]


def test_change_and_variation_grow_with_what_moves() -> None:
    still, moving = prepared(voice(breath=1e-4)), prepared(voice(breath=1e-4, shimmer_db=4.0))
    assert np.nanmean(changes_db(moving)) > np.nanmean(changes_db(still))
    assert variation_db(moving) > variation_db(still)
    assert len(changes_db(still)) == len(still.spoken)
