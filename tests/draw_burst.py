"""A drawn face over time, as a `Burst`: eyes that can close, a mouth that can open, landmarks that can tremble."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unmask.burst import PLACES, SIDE_PX, Burst
from unmask.modalities.audio import RATE_HZ, Sound

RATE_FPS = 25.0


def face(opening: float = 0.0, eyes: float = 1.0, side: float = 0.0) -> np.ndarray:
    """An aligned face, uint8 (112, 112, 3): a mouth open by 0 to 1, eyes by 0 to 1, lit from the right by `side`."""
    y, x = np.mgrid[:SIDE_PX, :SIDE_PX].astype(np.float64)
    grey = 150 + side * (x - 56)
    for centre in (40, 72):
        white = (np.abs(x - centre) / 8) ** 2 + (np.abs(y - 42) / (0.2 + 4 * eyes)) ** 2 < 1
        iris = white & (np.abs(x - centre) < 3)
        grey[white], grey[iris] = 230, 40
    lips = (np.abs(x - 56) / 13) ** 2 + (np.abs(y - 80) / (4 + 6 * opening)) ** 2 < 1
    inside = (np.abs(x - 56) / 10) ** 2 + (np.abs(y - 80) / (0.2 + 6 * opening)) ** 2 < 1
    grey[lips], grey[inside] = 120, 30
    return np.repeat(np.clip(grey, 0, 255)[..., None], 3, axis=2).astype(np.uint8)


def burst(
    seconds: float = 4.0,
    *,
    opening: Callable[[float], float] = lambda time: 0.0,
    eyes: Callable[[float], float] = lambda time: 1.0,
    trembling_px: float = 0.0,
    turn: Callable[[float], float] = lambda time: 0.0,
    grain: float = 2.0,
    seed: int = 0,
) -> Burst:
    """A face 100 px between whose eyes in frames of 640 x 480; `turn` moves the nose to the side, in pixels."""
    rng = np.random.default_rng(seed)
    times = np.arange(round(seconds * RATE_FPS)) / RATE_FPS
    drawn = np.stack([face(opening(t), eyes(t)) for t in times]).astype(np.float64)
    noisy = np.clip(drawn + rng.normal(0, grain, drawn.shape), 0, 255).astype(np.uint8)
    marks = np.tile(PLACES * 100 / 32 + 100, (len(times), 1, 1))
    marks[:, 2, 0] += [turn(t) for t in times]
    marks += rng.normal(0, trembling_px, marks.shape)
    boxes = np.tile(np.array([150, 150, 400, 450], np.float32), (len(times), 1))
    return Burst(times, boxes, marks.astype(np.float32), np.ones(len(times), bool), noisy, (640, 480))


def syllables(time: float, seed: int = 0) -> float:
    """How loud somebody speaks at a time, 0 to 1: irregular syllables, four a second, silent before 0.4 s."""
    rng = np.random.default_rng(seed)
    starts = 0.5 + np.cumsum(rng.uniform(0.16, 0.36, 40))
    heights = rng.uniform(0.35, 1.0, 40)
    return float(np.max(heights * np.exp(-(((time - starts) / 0.055) ** 2)))) if time > 0.4 else 0.0


def voice(seconds: float = 4.0, lag_s: float = 0.0, seed: int = 0) -> Sound:
    """A buzz that is as loud as `syllables` says, `lag_s` later."""
    rng = np.random.default_rng(1)
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    moments = np.arange(0, seconds + 1, 0.005)
    loud = np.interp(times - lag_s, moments, [syllables(float(t), seed) for t in moments], left=0.0)
    buzz = sum(np.sin(2 * np.pi * 120 * harmonic * times) / harmonic for harmonic in range(1, 30))
    return Sound((0.15 * loud * buzz + rng.normal(0, 3e-4, len(times))).astype(np.float32))
