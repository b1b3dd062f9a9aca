"""What a video codec does to a frame: a still through H.264 and back, by PyAV, which the base install brings."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np
from av import CodecContext, FFmpegError, VideoFrame
from PIL import Image

from unmask.errors import UsageError

_FRAMES: Final = 3  # the first is coded whole, the others from it, as most frames of a clip are
_RATE_HZ: Final = 25


def through(picture: Image.Image, crf: int) -> Image.Image:
    """The last of three equal frames, encoded by x264 (preset medium, 4:2:0) and decoded.

    Args:
        picture: RGB. Of an odd side the last pixel is cut off, because colours are stored for two by two pixels.
        crf: Constant rate factor, 0 to 51: 18 looks untouched, 23 is x264's default, 40 is ruin.

    Returns:
        RGB, with even sides. The same every time: one thread encodes.

    Raises:
        UsageError: This build of FFmpeg has no x264, or it takes no picture of this size.
    """
    even = picture.crop((0, 0, picture.width // 2 * 2, picture.height // 2 * 2))
    if not min(even.size):
        raise UsageError(f"a frame of {picture.width} x {picture.height} px cannot go through H.264: it is too small")
    try:
        encoder, decoder = CodecContext.create("libx264", "w"), CodecContext.create("h264", "r")
        encoder.thread_count = decoder.thread_count = 1
        encoder.width, encoder.height = even.size
        encoder.pix_fmt = "yuv420p"
        encoder.time_base, encoder.framerate = Fraction(1, _RATE_HZ), Fraction(_RATE_HZ)
        encoder.options = {"crf": str(crf), "preset": "medium"}
        frame = VideoFrame.from_ndarray(np.asarray(even), format="rgb24").reformat(format="yuv420p")
        packets = []
        for number in range(_FRAMES):
            frame.pts = number
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
        frames = [one for packet in packets for one in decoder.decode(packet)] + decoder.decode(None)
    except (FFmpegError, ValueError) as error:  # PyAV names an absent codec by a ValueError
        raise UsageError(f"a frame of {even.width} x {even.height} px cannot go through H.264: {error}") from error
    return Image.fromarray(frames[-1].to_ndarray(format="rgb24"))
