"""Through coders and back: as long as before, at the same place, worse where the coder is worse."""

from __future__ import annotations

import io

import av
import numpy as np
import pytest

from tests.test_sound_changes import speech_like, tone
from unmask import sound_changes, sound_codecs
from unmask.errors import UsageError
from unmask.modalities.audio import RATE_HZ
from unmask.sound_codecs import CODERS
from unmask.types import Samples

VOICE = speech_like(seconds=1.0)
HEARD = sound_changes.telephone(VOICE)  # what every coder keeps
LEAST_DB = {"opus": 2, "amr": 2, "g723": 1}  # those that model speech follow the wave less

every_coder = pytest.mark.parametrize("codec", sound_codecs.available())


def lost_db(before: Samples, after: Samples) -> float:
    """How far what is wrong lies below what is there."""
    return float(10 * np.log10(np.square(before).sum() / np.square(after - before).sum()))


def test_this_build_has_them_all() -> None:
    assert sound_codecs.available() == tuple(CODERS)


@pytest.mark.parametrize(
    ("codec", "quick"), [*((name, False) for name in CODERS), *((name, True) for name in ("mp3", "aac", "opus"))]
)
def test_nothing_moves_and_the_wave_is_followed(codec: str, quick: bool) -> None:
    after = sound_codecs.through(VOICE, codec, quick=quick)
    assert after.shape == VOICE.shape
    assert after.dtype == np.float32
    assert np.isfinite(after).all()
    assert np.abs(after).max() <= 1
    heard = sound_changes.telephone(after)
    likeness = np.correlate(heard, HEARD[100:-100], mode="valid")
    assert abs(int(np.argmax(likeness)) - 100) <= 1
    assert lost_db(HEARD, heard) > LEAST_DB.get(codec, 10)


@pytest.mark.parametrize(
    ("codec", "rate_hz"),
    [("mp3", 44100), ("aac", 24000), ("opus", 48000), ("opus", 8000), ("wma", 22050), ("mp2", 48000), ("ac3", 48000)],
)
def test_nothing_moves_at_other_rates(codec: str, rate_hz: int) -> None:
    heard = sound_changes.telephone(sound_codecs.through(VOICE, codec, None, rate_hz, quick=True))
    assert abs(int(np.argmax(np.correlate(heard, HEARD[100:-100], mode="valid"))) - 100) <= 1


@every_coder
def test_any_length_comes_back(codec: str) -> None:
    for count in (0, 1, 10, 3000):
        assert sound_codecs.through(VOICE[:count], codec).shape == (count,)


@every_coder
def test_silence_stays_nearly_silent(codec: str) -> None:
    assert np.abs(sound_codecs.through(np.zeros(8000, np.float32), codec)).max() < 3e-4


@every_coder
def test_the_same_bytes_every_time(codec: str) -> None:
    assert sound_codecs.encoded(VOICE[:4000], codec) == sound_codecs.encoded(VOICE[:4000], codec)


@every_coder
def test_ends_are_as_good_as_the_middle(codec: str) -> None:
    steady = tone(440, 16_000)
    after = sound_codecs.through(steady, codec)
    for part in (slice(0, 800), slice(-800, None)):
        assert np.abs(after[part]).max() > 0.25


@pytest.mark.parametrize(
    ("codec", "rates"), [("mp3", (24, 64)), ("aac", (16, 64)), ("opus", (8, 48)), ("g726", (16, 40))]
)
def test_fewer_bits_lose_more(codec: str, rates: tuple[int, int]) -> None:
    few, many = (sound_codecs.through(VOICE, codec, 1000 * kbit, quick=True) for kbit in rates)
    assert lost_db(VOICE, few) < lost_db(VOICE, many) - 1
    sizes = [len(sound_codecs.encoded(VOICE, codec, 1000 * kbit)) for kbit in rates]
    assert sizes[0] < 0.8 * sizes[1]


def test_telephone_coders_keep_no_more_than_4_khz() -> None:
    noise = sound_changes.noise("white", RATE_HZ, np.random.default_rng(0)) * np.float32(0.1)
    for codec in ("amr", "g723", "g726", "a-law", "mu-law"):
        power = np.abs(np.fft.rfft(sound_codecs.through(noise, codec) * np.hanning(RATE_HZ))) ** 2
        assert power[4100:].mean() < 1e-4 * power[500:3000].mean()


def test_flac_loses_nothing_of_16_bits() -> None:
    exact = sound_changes.requantised(VOICE, 16)
    np.testing.assert_array_equal(sound_codecs.through(exact, "flac"), exact)


def test_a_file_is_of_its_coder() -> None:
    for codec, rate_hz, wanted in (("opus", 16000, "opus"), ("amr", 8000, "amr_nb"), ("mu-law", 8000, "pcm_mulaw")):
        with av.open(io.BytesIO(sound_codecs.encoded(VOICE, codec))) as container:
            stream = container.streams.audio[0]
            assert stream.codec_context.codec.canonical_name == wanted
            assert stream.rate == (48000 if codec == "opus" else rate_hz)


def test_wrong_use_is_refused() -> None:
    with pytest.raises(UsageError, match="there is no coder gsm; there are: mp3, aac"):
        sound_codecs.through(VOICE, "gsm")
    with pytest.raises(UsageError, match="amr does not work at 16000 Hz; it does at 8000"):
        sound_codecs.through(VOICE, "amr", None, 16000)
    with pytest.raises(UsageError, match="amr has no 12000 bits a second; it has 12200, 10200"):
        sound_codecs.through(VOICE, "amr", 12_000)
    with pytest.raises(UsageError, match="flac has no 64000 bits a second; it has those of its format only"):
        sound_codecs.through(VOICE, "flac", 64_000)
    with pytest.raises(UsageError, match="no sound can be written with wmav2 at 1000 bits a second, 16000 Hz"):
        sound_codecs.through(VOICE, "wma", 1000)


def test_a_build_without_an_encoder_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = {"mp3": CODERS["flac"], "aac": sound_codecs.Coder("no_such_encoder", "mp4", ".m4a")}
    monkeypatch.setattr(sound_codecs, "CODERS", absent)
    with pytest.raises(UsageError, match="no sound can be written with no_such_encoder"):
        sound_codecs.encoded(VOICE, "aac")
    assert sound_codecs.available.__wrapped__() == ("mp3",)
