"""What coders do to sound: there and back through MP3, AAC, Opus, telephone coders and more, in memory.

PyAV encodes and decodes, each coder in the container that it is met in. GSM full rate and AMR-WB are missing: FFmpeg
decodes them, but brings no encoder.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from typing import Final, cast

import av
import numpy as np
from av import AudioFrame, FFmpegError
from av.audio.stream import AudioStream

from unmask.errors import UsageError
from unmask.modalities.audio import RATE_HZ
from unmask.sound_changes import resampled, telephone
from unmask.types import Samples

_RATES_HZ: Final = (16000, 8000, 11025, 12000, 22050, 24000, 32000, 44100, 48000)
_NARROW: Final = (8000,)
_MARGIN: Final = RATE_HZ // 8  # some coders lose the first or the last frame, and all need to settle


@dataclass(frozen=True)
class Coder:
    """How sound is coded.

    Attributes:
        encoder: FFmpeg's name of the encoder.
        container: FFmpeg's name of the container.
        suffix: Of a file.
        rates_hz: Samples a second that it can code; the first where none is asked for.
        bit_rates: Bits a second; the first where none is asked for. Empty where the format leaves no choice.
        fixed: Whether there are no others than those. If not, FFmpeg says what it takes.
        options: Of the encoder.
        quick: Its options where time counts more than quality.
        stereo: Whether it takes nothing but two channels.
    """

    encoder: str
    container: str
    suffix: str
    rates_hz: tuple[int, ...] = _RATES_HZ
    bit_rates: tuple[int, ...] = ()
    fixed: bool = True
    options: Mapping[str, str] = field(default_factory=dict)
    quick: Mapping[str, str] = field(default_factory=dict)
    stereo: bool = False


CODERS: Final[Mapping[str, Coder]] = {
    "mp3": Coder(*("libmp3lame", "mp3", ".mp3", _RATES_HZ, (64_000,)), fixed=False, quick={"compression_level": "7"}),
    "aac": Coder(*("aac", "mp4", ".m4a", _RATES_HZ, (48_000,)), fixed=False, quick={"aac_coder": "fast"}),
    "opus": Coder(
        *("libopus", "ogg", ".opus", (16000, 8000, 12000, 24000, 48000), (24_000,)),
        fixed=False,
        quick={"compression_level": "0"},
    ),
    "vorbis": Coder("vorbis", "ogg", ".ogg", options={"strict": "experimental"}, stereo=True),
    "amr": Coder(
        *("libopencore_amrnb", "amr", ".amr", _NARROW),
        (12_200, 10_200, 7_950, 7_400, 6_700, 5_900, 5_150, 4_750),
    ),
    "g722": Coder("g722", "wav", ".wav", (16000,), (64_000,)),
    "g723": Coder("g723_1", "wav", ".wav", _NARROW, (6_300,)),
    "g726": Coder("g726", "wav", ".wav", _NARROW, (32_000, 40_000, 24_000, 16_000)),
    "a-law": Coder("pcm_alaw", "wav", ".wav", _NARROW),
    "mu-law": Coder("pcm_mulaw", "wav", ".wav", _NARROW),
    "adpcm": Coder("adpcm_ima_wav", "wav", ".wav"),
    "wma": Coder("wmav2", "asf", ".wma", _RATES_HZ, (32_000,), fixed=False),
    "mp2": Coder("mp2", "mp2", ".mp2", (16000, 22050, 24000, 32000, 44100, 48000), (64_000,), fixed=False),
    "ac3": Coder("ac3", "ac3", ".ac3", (32000, 44100, 48000), (64_000,), fixed=False),
    "flac": Coder("flac", "flac", ".flac"),
}
"""By name: MP3 (LAME), AAC-LC, Opus, Vorbis, AMR narrow band, ITU-T G.722, G.723.1, G.726, A-law and mu-law of G.711,
IMA ADPCM, Windows Media Audio 2, MPEG-1 layer 2, AC-3, and FLAC, which loses nothing but what 16 bits cannot hold."""


@cache
def available() -> tuple[str, ...]:
    """Names of those `CODERS` that this build of FFmpeg can write and read."""
    return tuple(name for name in CODERS if _works(name))


def through(
    samples: Samples, codec: str, bit_rate: int | None = None, rate_hz: int | None = None, *, quick: bool = False
) -> Samples:
    """Sound, coded and decoded; nothing is shifted in time.

    How far a coder shifts is found out once a process, with a buzz, to a sample. Both ends are
    mirrored before coding, so that the sound begins and ends in the midst of one.

    Args:
        samples: float32 (T,), mono, in [-1, 1], 16 kHz.
        codec: One of `CODERS`.
        bit_rate: Bits a second; the coder's usual ones where None.
        rate_hz: Samples a second that the coder works at; 16 kHz where None and where it can, else its own.
        quick: Code in a quicker and worse way, where the encoder has one.

    Returns:
        float32 (T,), in [-1, 1]. The same every time.

    Raises:
        UsageError: No such coder, or it does not take these rates, or this build of FFmpeg lacks it.
    """
    if not len(samples):
        return samples
    rate_hz = rate_hz or _coder(codec).rates_hz[0]
    start = _MARGIN + _shift(codec, bit_rate, rate_hz, quick)
    mirrored = np.pad(samples, _MARGIN, mode="reflect")
    back = _decoded(encoded(mirrored, codec, bit_rate, rate_hz, quick=quick), codec)[start : start + len(samples)]
    return np.pad(np.clip(back, -1, 1), (0, len(samples) - len(back)))


def encoded(
    samples: Samples, codec: str, bit_rate: int | None = None, rate_hz: int | None = None, *, quick: bool = False
) -> bytes:
    """Sound as a file of a coder: its bytes, the same every time. Arguments and errors as of `through`."""
    coder = _coder(codec)
    rate_hz = rate_hz or coder.rates_hz[0]
    if rate_hz not in coder.rates_hz:
        raise UsageError(f"{codec} does not work at {rate_hz} Hz; it does at {', '.join(map(str, coder.rates_hz))}")
    if bit_rate is not None and coder.fixed and bit_rate not in coder.bit_rates:
        raise UsageError(f"{codec} has no {bit_rate} bits a second; it has {_listed(coder)}")
    bit_rate = bit_rate or next(iter(coder.bit_rates), None)
    waves = np.clip(resampled(samples, RATE_HZ, rate_hz), -1, 1)
    planes = np.ascontiguousarray(np.broadcast_to(waves, (1 + coder.stereo, len(waves))))
    frame = AudioFrame.from_ndarray(planes, "fltp", "stereo" if coder.stereo else "mono")
    frame.sample_rate, frame.pts, frame.time_base = rate_hz, 0, Fraction(1, rate_hz)
    file = io.BytesIO()
    try:
        # Ogg numbers its streams by chance otherwise
        with av.open(file, "w", format=coder.container, container_options={"fflags": "+bitexact"}) as container:
            options = {**coder.options, **(coder.quick if quick else {})}
            stream = cast(AudioStream, container.add_stream(coder.encoder, rate=rate_hz, options=options))
            stream.layout = frame.layout
            stream.codec_context.thread_count = 1
            if bit_rate:
                stream.bit_rate = bit_rate
            container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (FFmpegError, ValueError) as error:  # PyAV names an absent encoder by a ValueError
        what = f" at {bit_rate} bits a second" if bit_rate else ""
        raise UsageError(f"no sound can be written with {coder.encoder}{what}, {rate_hz} Hz: {error}") from error
    return file.getvalue()


def _coder(codec: str) -> Coder:
    if codec not in CODERS:
        raise UsageError(f"there is no coder {codec}; there are: {', '.join(CODERS)}")
    return CODERS[codec]


def _listed(coder: Coder) -> str:
    return ", ".join(map(str, coder.bit_rates)) or "those of its format only"


def _works(codec: str) -> bool:
    try:
        through(np.zeros(_MARGIN, np.float32), codec)
    except UsageError:
        return False
    return True


def _decoded(data: bytes, codec: str) -> Samples:
    """Mono at 16 kHz; float32 (T,), T and the beginning as the container has them."""
    # our own bytes: nothing about them has to be found out by reading on
    options = {"probesize": "4096", "analyzeduration": "0"}
    try:
        with av.open(io.BytesIO(data), "r", format=_coder(codec).container, options=options) as container:
            rate_hz = container.streams.audio[0].rate
            waves = np.concatenate([_mono(frame) for frame in container.decode(audio=0)])
    except (FFmpegError, ValueError) as error:
        raise UsageError(f"{codec} cannot be decoded here: {error}") from error
    return resampled(waves, rate_hz, RATE_HZ)


def _mono(frame: AudioFrame) -> Samples:
    waves = frame.to_ndarray()
    if not frame.format.is_planar:
        waves = waves.reshape(-1, frame.layout.nb_channels).T
    scale = 1 if waves.dtype.kind == "f" else 1 << (8 * waves.itemsize - 1)
    return np.asarray(waves.mean(axis=0, dtype=np.float32) / np.float32(scale), np.float32)


@lru_cache(maxsize=256)
def _shift(codec: str, bit_rate: int | None, rate_hz: int, quick: bool) -> int:
    """By how many samples at 16 kHz a coder delays; below 0 where its first frame is lost."""
    # What models speech must find a voice to follow: a buzz whose pitch rises from 90 to 250 Hz. Its waves are
    # triangles, because those of steeper sides outrun the steps of ADPCM.
    times_s = np.arange(RATE_HZ) / RATE_HZ
    buzz = abs((90 * times_s + 80 * times_s**2) % 1 - 0.5) - 0.25
    sent = telephone(np.pad(buzz * np.hanning(RATE_HZ), _MARGIN).astype(np.float32))
    back = telephone(_decoded(encoded(sent, codec, bit_rate, rate_hz, quick=quick), codec))
    size = 1 << (len(sent) + len(back)).bit_length()
    likeness = np.fft.irfft(np.fft.rfft(back, size) * np.conj(np.fft.rfft(sent, size)), size)
    place = int(np.argmax(likeness))
    return place if place < size // 2 else place - size
