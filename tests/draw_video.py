"""Tiny clips for tests: frame n is a grey of 20 + 4 n, its left half darker, so that order and turn can be seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.video.stream import VideoStream

RATE = 10
WIDTH_PX, HEIGHT_PX = 128, 96
STEP = 4


def draw(path: Path, frames: int = 21, *, codec: str = "libx264", gap: int = 5, turn: int = 0) -> Path:
    """A clip of `frames` at 10 a second with a key frame each `gap`; `turn` degrees are noted, not drawn."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = cast(VideoStream, container.add_stream(codec, rate=RATE))
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = WIDTH_PX, HEIGHT_PX, "yuv420p", gap
        if turn:
            stream.set_display_rotation(turn)
        for number in range(frames):
            pixels = np.full((HEIGHT_PX, WIDTH_PX, 3), 20 + STEP * number, np.uint8)
            pixels[:, : WIDTH_PX // 2] -= 20
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


def number(pixels: np.ndarray[Any, Any]) -> int:
    """Which frame this is, by its brightness on the bright side."""
    return round((float(np.asarray(pixels).max()) - 20) / STEP)
