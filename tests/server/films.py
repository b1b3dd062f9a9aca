"""A short film of the portrait that moves a little, with a drawn voice, as browsers play it; and that voice alone."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image

from tests.draw_speech import speech, write
from unmask.types import RATE_HZ

RATE = 12
SIDE_PX = 320


def film(path: Path, portrait: Image.Image, seconds: float = 3.0) -> Path:
    """The portrait, 320 px wide, that wanders some pixels; H.264 and AAC in MP4, 12 frames a second."""
    samples = speech(seconds)
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=RATE)
        pictures.width, pictures.height, pictures.pix_fmt, pictures.gop_size = SIDE_PX, SIDE_PX, "yuv420p", RATE
        sound = container.add_stream("aac", rate=RATE_HZ, layout="mono")
        for number in range(round(seconds * RATE)):
            left = round(20 + 15 * np.sin(number / 6))
            picture = portrait.crop((left, left // 2, left + 460, left // 2 + 460)).resize((SIDE_PX, SIDE_PX))
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(np.asarray(picture), format="rgb24")))
        container.mux(pictures.encode())
        frame = av.AudioFrame.from_ndarray(samples[None], format="fltp", layout="mono")
        frame.sample_rate = RATE_HZ
        container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


def recording(path: Path, seconds: float = 14.0) -> Path:
    """A drawn voice as WAV."""
    write(path, speech(seconds))
    return path
