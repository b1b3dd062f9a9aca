"""Drawn recordings without a word in them: noise whose bands rise and fall as a voice's do, no two alike."""

from __future__ import annotations

import wave
from collections.abc import Mapping
from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from unmask.words import RATE_HZ

_FIRST = 3000
"""Of these seeds the first hundred differ by nothing that a probe could take for a shortcut, which is chance."""

_MOMENT_S = 0.08
_BANDS = 24


def utterance(seed: int, seconds: float = 2.0, rate_hz: int = RATE_HZ) -> NDArray[np.float64]:
    """float64 (T,), of mean 0 and RMS 0.1, without a pause; the low bands are louder than the high ones."""
    rng = np.random.default_rng(_FIRST + seed)
    count = round(seconds * rate_hz)
    size = 2 * round(_MOMENT_S * rate_hz / 2)
    moments = count * 2 // size + 3
    heights = np.repeat(rng.normal(0, 10, (-(-moments // 4), _BANDS)), 4, axis=0)[:moments] - np.arange(_BANDS) * 1.5
    hz = np.linspace(0, 1, size // 2 + 1)
    window = np.hanning(size + 1)[:-1]
    sound = np.zeros((moments + 1) * (size // 2))
    for number, height in enumerate(heights):
        spectrum = rng.standard_normal(len(hz)) + 1j * rng.standard_normal(len(hz))
        gain = 10 ** (np.interp(hz, np.linspace(0, 1, _BANDS) ** 2, height) / 20)
        start = number * (size // 2)
        moment = np.fft.irfft(spectrum * gain, size)
        sound[start : start + size] += window * moment / np.sqrt(np.mean(moment**2))
    sound = sound[size // 2 : size // 2 + count]
    sound -= sound.mean()
    return np.asarray(0.1 * sound / np.sqrt(np.mean(sound**2)))


def write_wav(path: Path, samples: NDArray[np.floating], rate_hz: int = RATE_HZ) -> Path:
    """Samples (T,) or (C, T) as a WAV of 16 bit, without tags."""
    rows = np.atleast_2d(samples)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(rows))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(_steps(rows).T.astype("<i2").tobytes())
    return path


def write_coded(
    path: Path,
    samples: NDArray[np.floating],
    codec: str,
    rate_hz: int = RATE_HZ,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Likewise in any coding that FFmpeg writes, in the container that the suffix says."""
    rows = np.atleast_2d(samples)
    layout = {1: "mono", 2: "stereo"}[len(rows)]
    steps = _steps(rows)
    with av.open(str(path), "w") as container:
        container.metadata.update(tags or {})
        stream = cast(AudioStream, container.add_stream(codec, rate=rate_hz, layout=layout))
        converter = av.AudioResampler(stream.format.name, layout, rate_hz, stream.frame_size or 4096)
        for start in range(0, steps.shape[1], 4096):
            part = np.ascontiguousarray(steps[:, start : start + 4096].T.reshape(1, -1))
            frame = av.AudioFrame.from_ndarray(part, "s16", layout)
            frame.sample_rate, frame.pts = rate_hz, start
            for piece in converter.resample(frame):
                container.mux(stream.encode(piece))
        for piece in converter.resample(None):
            container.mux(stream.encode(piece))
        container.mux(stream.encode(None))
    return path


def _steps(rows: NDArray[np.floating]) -> NDArray[np.int16]:
    return np.asarray(np.clip(np.rint(rows * 2**15), -(2**15), 2**15 - 1), np.int16)
