"""WORLD: pitch, envelope and aperiodicity, and a voice of them again; the vocoder of statistical text to speech.

Source: Morise, Yokomori and Ozawa, WORLD: a vocoder-based high-quality speech synthesis system for real-time
applications, 2016. Keeps the bandwidth; its digital silence in pauses is filled by `finishing`.
"""

from __future__ import annotations

import warnings
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from unmask.errors import MissingExtraError
from unmask.modalities.audio import RATE_HZ
from unmask.vocoders.spectra import Sound, smoothed

_CODED: Final = 0.5
_SMOOTH: Final = 0.4
_RESCALED: Final = 0.3


def world(samples: Sound, rng: np.random.Generator) -> Sound:
    """The same voice.

    In some fakes the envelope goes through 24 to 60 mel cepstra, is blurred over 10 to 20 ms, or the pitch is a little
    higher or lower.

    Raises:
        MissingExtraError: pyworld is not installed.
    """
    scale = float(rng.uniform(0.85, 1.2)) if rng.random() < _RESCALED else 1.0
    return _resynthesised(samples, scale, 1.0, rng)


def world_converted(samples: Sound, rng: np.random.Generator) -> Sound:
    """Another voice, as simple voice conversion has it: a higher or lower pitch from a shorter or longer throat.

    Raises:
        MissingExtraError: pyworld is not installed.
    """
    up = rng.choice([-1.0, 1.0])
    octaves, stretch = rng.uniform(0.15, 0.7), rng.uniform(0.08, 0.2)
    return _resynthesised(samples, float(2 ** (up * octaves)), float(2 ** (up * stretch)), rng)


def library() -> Any:
    """Pyworld.

    Raises:
        MissingExtraError: It is not installed, or what it needs is not.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks pkg_resources, which is deprecated, for its own version
            import pyworld
    except ImportError as error:
        raise MissingExtraError("making voices with WORLD", "voices") from error
    return pyworld


def _resynthesised(samples: Sound, pitch_scale: float, throat_scale: float, rng: np.random.Generator) -> Sound:
    pyworld = library()
    find = pyworld.dio if rng.random() < 0.7 else pyworld.harvest
    pitch, moments = find(samples, RATE_HZ)
    pitch = pyworld.stonemask(samples, pitch, moments, RATE_HZ)
    envelope = pyworld.cheaptrick(samples, pitch, moments, RATE_HZ)
    breath = pyworld.d4c(samples, pitch, moments, RATE_HZ)
    if rng.random() < _CODED:
        size, count = 2 * (envelope.shape[1] - 1), int(rng.integers(24, 61))
        coded = pyworld.code_spectral_envelope(envelope, RATE_HZ, count)
        envelope = pyworld.decode_spectral_envelope(coded, RATE_HZ, size)
    if rng.random() < _SMOOTH:
        envelope = np.exp(smoothed(np.log(envelope), float(rng.uniform(2.0, 4.0)), 0))
    envelope, breath = (np.ascontiguousarray(_stretched(one, throat_scale)) for one in (envelope, breath))
    made = pyworld.synthesize(pitch * pitch_scale, envelope, breath, RATE_HZ)
    return np.asarray(made, np.float64)


def _stretched(spectra: NDArray[np.float64], scale: float) -> NDArray[np.float64]:
    """Spectra with what was at 1 kHz at `scale` kHz; what would come from beyond the highest bin is the highest."""
    if scale == 1.0:
        return spectra
    bins = np.arange(spectra.shape[1])
    return np.array([np.interp(bins / scale, bins, one) for one in spectra])
