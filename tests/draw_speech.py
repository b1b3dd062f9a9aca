"""Sound that a detector of voices takes for speech, though nobody spoke: drawn vowels and consonants."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from unmask.modalities.audio import RATE_HZ
from unmask.words import Samples

_VOWELS_HZ = np.array(
    [(730, 1090, 2440), (270, 2290, 3010), (530, 1840, 2480), (570, 840, 2410), (300, 870, 2240), (440, 1020, 2240)],
    float,
)
_WIDTHS_HZ = (60, 90, 120, 150)
_SYLLABLE_S = 0.16


@cache
def speech(seconds: float, seed: int = 0, pitch_hz: float = 110.0) -> Samples:
    """Syllables of about six a second: harmonics under formants that glide from vowel to vowel, and hisses between."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    count = int(seconds / _SYLLABLE_S) + 2
    knots = np.arange(count) * _SYLLABLE_S + rng.uniform(-0.03, 0.03, count)
    vowels = _VOWELS_HZ[rng.integers(0, len(_VOWELS_HZ), count)] * rng.normal(1, 0.03, (count, 1))
    formants = [*(np.interp(times, knots, column) for column in vowels.T), np.full(len(times), 3500.0)]
    unsteady = np.interp(times, np.arange(0, seconds + 0.02, 0.01), rng.standard_normal(int(seconds * 100) + 2))
    pitch = pitch_hz * np.interp(times, knots, rng.uniform(0.8, 1.25, count)) * (1 + 0.01 * unsteady)
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    voiced = np.zeros(len(times))
    for harmonic in range(1, int(5000 / pitch_hz)):
        hz = harmonic * pitch
        height = np.where(hz < 7000, 1 / harmonic, 0)
        for formant, width in zip(formants, _WIDTHS_HZ, strict=True):
            height = height * formant**2 / np.sqrt((hz**2 - formant**2) ** 2 + (width * hz) ** 2)
        voiced += height * np.cos(harmonic * phase)
    voiced *= np.abs(np.sin(np.pi * (times / _SYLLABLE_S % 1))) ** 0.6
    hiss = np.zeros(len(times))
    length = round(0.07 * RATE_HZ)
    for knot in knots[::2]:
        start = max(0, int(knot * RATE_HZ))
        if start + length < len(hiss):
            hiss[start : start + length] += np.diff(rng.standard_normal(length + 1)) * np.hanning(length)
    sound = voiced / np.abs(voiced).max() + 0.25 * hiss + 0.0025 * rng.standard_normal(len(times))
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)


def write(path: Path, samples: NDArray[Any], rate_hz: int = RATE_HZ, codec: str = "pcm_s16le") -> Path:
    """Samples (T,) or (C, T), full scale at 1, as a file of sound in any coding that FFmpeg writes."""
    rows = np.atleast_2d(samples)
    layout = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}[len(rows)]
    with av.open(str(path), "w") as container:
        stream = cast(AudioStream, container.add_stream(codec, rate=rate_hz, layout=layout))
        converter = av.AudioResampler(stream.format.name, layout, rate_hz, stream.frame_size or 1024)
        for start in range(0, rows.shape[1], 4096):
            part = np.ascontiguousarray(rows[:, start : start + 4096].T.reshape(1, -1), np.float64)
            frame = av.AudioFrame.from_ndarray(part, "dbl", layout)
            frame.sample_rate, frame.pts = rate_hz, start
            for piece in converter.resample(frame):
                container.mux(stream.encode(piece))
        for piece in converter.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path
