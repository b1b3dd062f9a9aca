"""Reports on recordings, made by hand: 20 s with a pause in the middle; most like a fake at 12 to 16 s."""

from __future__ import annotations

import hashlib
import wave
from pathlib import Path
from typing import Any

import numpy as np

from unmask.types import (
    Evidence,
    Label,
    ModelUsed,
    Region,
    Report,
    Samples,
    Score,
    Source,
    Status,
    Stretch,
    Verdict,
    Voice,
)

RATE_HZ = 16_000
DURATION_S = 20.0
WINDOWS: dict[float, float | None] = {0.0: 0.1, 2.0: 0.05, 4.0: None, 10.0: 0.6, 12.0: 0.97, 14.0: 0.9, 16.0: 0.5}
"""Starts of windows of 4 s, and what was said of each."""

MARKED = Region(start_s=12.0, end_s=16.0)
MODEL = ModelUsed(
    name="voice", version="1", sha256="cd" * 32, calibration_set="val set 9", fake_above=0.8, real_below=0.15
)


def stretches(windows: dict[float, float | None], window_s: float = 4.0) -> tuple[Stretch, ...]:
    """Windows by their starts."""
    return tuple(Stretch(start_s=start, end_s=start + window_s, probability=p) for start, p in windows.items())


def verdict(**changes: Any) -> Verdict:
    """What is said of the voice."""
    values: dict[str, Any] = {
        "label": Label.FAKE,
        "probability": 0.93,
        "reason": "0.93 is at or above 0.80",
        "detector": "voice",
        "region": MARKED,
    }
    return Verdict(**values | changes)


def unheard() -> Verdict:
    """What is said where nobody speaks."""
    return Verdict(label=Label.UNCERTAIN, reason="nobody speaks in it")


def voice(**changes: Any) -> Voice:
    """What was heard."""
    values: dict[str, Any] = {
        "duration_s": DURATION_S,
        "codec": "pcm_s16le",
        "rate_hz": RATE_HZ,
        "channels": 1,
        "speech_s": 13.5,
        "verdict": verdict(),
        "stretches": stretches(WINDOWS),
    }
    return Voice(**values | changes)


def judged(path: Path | str = "call.wav", **changes: Any) -> Report:
    """A report on a recording."""
    data = Path(path).read_bytes() if Path(path).exists() else b""
    values: dict[str, Any] = {
        "source": Source(path=str(path), sha256=hashlib.sha256(data).hexdigest(), bytes=len(data), format="wav"),
        "status": Status.OK,
        "verdict": verdict(),
        "scores": {"voice": Score(logit=2.6, probability=0.93)},
        "models": (MODEL,),
        "voice": voice(),
    }
    return Report(**values | changes)


def window(start_s: float, **changes: Any) -> Evidence:
    """What the detector says of one window: its upper frequencies speak for fake."""
    values: dict[str, Any] = {
        "detector": "voice",
        "region": Region(start_s=start_s, end_s=start_s + 4.0),
        "logit": 2.0,
        "probability": 0.9,
        "votes": True,
        "sentence": "this window sounds fake",
        "heat_map": ((-3.0,) * 4, (3.0,) * 4),
    }
    return Evidence(**values | changes)


def tone(hz: float, duration_s: float, level: float = 0.5) -> Samples:
    """A sine."""
    times = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return np.asarray(level * np.sin(2 * np.pi * hz * times), np.float32)


def syllables(duration_s: float) -> Samples:
    """Harmonics of a falling pitch, four bursts a second."""
    times = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    turns = 2 * np.pi * np.cumsum(140 + 30 * np.sin(times)) / RATE_HZ
    sound = sum(np.sin(k * turns) / k for k in range(1, 30)) * np.maximum(0, np.sin(2 * np.pi * 2 * times)) * 0.2
    return np.asarray(sound, np.float32)


def write(path: Path, samples: Samples) -> Path:
    """Samples as a WAV file of 16 bit."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def draw(path: Path) -> Path:
    """The recording: 8 s of syllables, 2 s of silence, 10 s of syllables."""
    pause = np.zeros(2 * RATE_HZ, np.float32)
    return write(path, np.concatenate([syllables(8.0), pause, syllables(10.0)]))
