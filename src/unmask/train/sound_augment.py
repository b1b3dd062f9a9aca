"""What happens to voices on their way through rooms, microphones, lines and platforms, drawn alike for real and fake.

Each change is one that a user's recording may have gone through, so a detector must neither call it fake nor be blinded
by it. Nothing here knows a label. What is hidden from the network in time or frequency is hidden in its features,
elsewhere.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple, Self

import numpy as np
from pydantic import Field, model_validator

from unmask import sound_changes, sound_codecs
from unmask.sound_changes import BANDS_HZ, COLOURS
from unmask.types import Samples, Value


class SoundAugment(Value):
    """Probability of each change, and how loud noise may be.

    All are drawn before the label is looked at, so they cannot tell it.

    Attributes:
        speed: Played 0.9 to 1.1 times as fast.
        reverb: A room that falls by 60 dB in 0.1 to 0.9 s.
        noise: White, pink, babble or hum.
        equalise: A tilt of up to 3 dB an octave, and up to 4 dB by chance at each octave.
        gain: -20 to 6 dB, as far as it fits.
        clip: Up to 15 dB of the peaks cut off.
        band: The band of a telephone, or a lowest or a highest frequency, or both.
        requantise: 8 to 15 bits.
        codec: One of those coders that work in a few milliseconds.
        snr_db: Least and most that a sound stands above its noise, in decibels.
    """

    speed: float = Field(default=0.2, ge=0.0, le=1.0)
    reverb: float = Field(default=0.2, ge=0.0, le=1.0)
    noise: float = Field(default=0.3, ge=0.0, le=1.0)
    equalise: float = Field(default=0.2, ge=0.0, le=1.0)
    gain: float = Field(default=0.5, ge=0.0, le=1.0)
    clip: float = Field(default=0.05, ge=0.0, le=1.0)
    band: float = Field(default=0.2, ge=0.0, le=1.0)
    requantise: float = Field(default=0.05, ge=0.0, le=1.0)
    codec: float = Field(default=0.4, ge=0.0, le=1.0)
    snr_db: tuple[float, float] = (5.0, 40.0)

    @model_validator(mode="after")
    def _least_first(self) -> Self:
        if not self.snr_db[0] <= self.snr_db[1]:
            raise ValueError("snr_db must be a range, the lower end first")
        return self

    @classmethod
    def nothing(cls) -> Self:
        """Sounds stay as they are."""
        return cls(**{name: 0.0 for name in cls.model_fields if name != "snr_db"})


class _Coding(NamedTuple):
    codec: str
    weight: float
    bit_rates: tuple[int | None, ...] = (None,)


_CODINGS: Final = (
    _Coding("mp3", 3, (24_000, 32_000, 48_000, 64_000, 96_000)),
    _Coding("aac", 3, (16_000, 24_000, 32_000, 48_000, 64_000)),
    _Coding("opus", 3, (8_000, 12_000, 16_000, 24_000, 32_000)),
    _Coding("amr", 1, (12_200, 7_950, 5_900, 4_750)),
    _Coding("g722", 1),
    _Coding("g726", 1, (40_000, 32_000, 24_000)),
    _Coding("a-law", 1),
    _Coding("mu-law", 1),
    _Coding("adpcm", 1),
    _Coding("wma", 1, (24_000, 32_000, 48_000)),
    _Coding("mp2", 1, (32_000, 48_000, 64_000)),
)

_BITS: Final = 16  # what is read from files lies on this grid, so what is learnt from shall too


def augment_sound(samples: Samples, options: SoundAugment, rng: np.random.Generator) -> Samples:
    """A changed copy of a sound, in the order in which the world changes it: speaker, room, microphone, line.

    Args:
        samples: float32 (T,), mono, in [-1, 1], 16 kHz, on the grid of 16 bit.
        options: How often.
        rng: Source of all chance; the same copy for the same state, where FFmpeg has the same coders.

    Returns:
        float32 (T,), in [-1, 1], on the grid of 16 bit.
    """
    if rng.random() < options.speed:
        samples = sound_changes.faster(samples, float(rng.uniform(0.9, 1.1)))
    if rng.random() < options.reverb:
        response = sound_changes.room(float(rng.uniform(0.1, 0.9)), float(rng.uniform(-3, 12)), rng)
        samples = sound_changes.reverberated(samples, response)
    if rng.random() < options.noise:
        colour = COLOURS[int(rng.integers(len(COLOURS)))]
        samples = sound_changes.noisy(samples, colour, float(rng.uniform(*options.snr_db)), rng)
    if rng.random() < options.equalise:
        octaves = np.arange(len(BANDS_HZ)) - len(BANDS_HZ) // 2
        gains_db = rng.uniform(-3, 3) * octaves + rng.uniform(-4, 4, len(BANDS_HZ))
        samples = sound_changes.equalised(samples, gains_db)
    if rng.random() < options.gain:
        samples = sound_changes.louder(samples, float(rng.uniform(-20, 6)))
    if rng.random() < options.clip:
        samples = sound_changes.clipped(samples, float(rng.uniform(1, 15)))
    if rng.random() < options.band:
        samples = _band(samples, rng)
    if rng.random() < options.requantise:
        samples = sound_changes.requantised(samples, int(rng.integers(8, _BITS)))
    if rng.random() < options.codec:
        samples = _coded(samples, rng)
    return sound_changes.requantised(samples, _BITS)


def _band(samples: Samples, rng: np.random.Generator) -> Samples:
    kind = rng.random()
    if kind < 0.2:
        return sound_changes.telephone(samples)
    low_hz = float(rng.uniform(50, 300)) if kind < 0.7 else 0.0
    high_hz = float(rng.uniform(3400, 8000)) if kind > 0.45 else None
    return sound_changes.band_limited(samples, low_hz, high_hz, order=int(rng.integers(2, 13)))


def _coded(samples: Samples, rng: np.random.Generator) -> Samples:
    codings, weights = _codings()
    one = codings[int(rng.choice(len(codings), p=weights))]
    bit_rate = one.bit_rates[int(rng.integers(len(one.bit_rates)))]
    return sound_codecs.through(samples, one.codec, bit_rate, quick=True)


@cache
def _codings() -> tuple[tuple[_Coding, ...], tuple[float, ...]]:
    there = tuple(one for one in _CODINGS if one.codec in sound_codecs.available())
    whole = sum(one.weight for one in there)
    return there, tuple(one.weight / whole for one in there)
