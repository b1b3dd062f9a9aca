"""Write videos, in the codings that videos are met in."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple, cast

import numpy as np
from av import FFmpegError, VideoFrame
from av import open as open_container
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from PIL import Image

from unmask.errors import UsageError

EXACT: Final = Fraction(1, 90_000)
"""A tick of the clock of MPEG, in seconds: fine enough for the frames of any video."""


@dataclass(frozen=True)
class Encoding:
    """How frames become a file.

    Attributes:
        codec: FFmpeg's name of the encoder.
        suffix: Of the file; says which container.
        options: Of the encoder.
    """

    codec: str
    suffix: str
    options: Mapping[str, str]


# x264's code for AVX-512 writes other bytes now and then for the same frames, wherever some are coded from both sides.
_REPEATABLE: Final = {"x264-params": "asm=sse4.2"} if platform.machine().lower() in ("x86_64", "amd64") else {}


class _Kind(NamedTuple):
    codec: str
    suffixes: tuple[str, ...]
    quality: str
    least: int
    most: int
    options: Mapping[str, str]


_KINDS: Final[Mapping[str, _Kind]] = {
    "h264": _Kind("libx264", (".mp4", ".mkv"), "crf", 17, 36, {"preset": "veryfast", **_REPEATABLE}),
    "h265": _Kind(
        *("libx265", (".mp4", ".mkv"), "crf", 19, 37),
        {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"},
    ),
    "vp9": _Kind("libvpx-vp9", (".webm",), "crf", 20, 50, {"b": "0", "deadline": "realtime", "cpu-used": "8"}),
    "mpeg4": _Kind("mpeg4", (".mp4", ".avi"), "quantiser", 2, 11, {}),
}
CODINGS: Final = tuple(_KINDS)
"""Names of the codings that can be drawn."""


def draw(coding: str, rng: np.random.Generator) -> tuple[Encoding, int]:
    """One of the qualities, and of the containers, that a coding is met in; and the number of that quality.

    Args:
        coding: One of `CODINGS`.
        rng: Source of all chance.
    """
    kind = _KINDS[coding]
    quality = int(rng.integers(kind.least, kind.most + 1))
    suffix = kind.suffixes[int(rng.integers(len(kind.suffixes)))]
    if kind.quality == "crf":
        return Encoding(kind.codec, suffix, {**kind.options, "crf": str(quality)}), quality
    return Encoding(kind.codec, suffix, {"qmin": str(quality), "qmax": str(quality)}), quality


def h264(crf: int) -> Encoding:
    """x264 at a constant rate factor (preset medium), as `h264.through` encodes a still; 0 loses nothing but colour."""
    return Encoding("libx264", ".mp4", {"crf": str(crf), "preset": "medium", **_REPEATABLE})


def write(path: Path, frames: Iterable[tuple[float, Image.Image]], encoding: Encoding, tick_s: Fraction) -> int:
    """Write a video without sound. Its frames are taken one by one; none is held.

    Args:
        path: The file, with the suffix of the encoding.
        frames: Times in seconds, rising, and RGB pictures of the first one's size. Of odd sides the last pixel is cut
            off, because colours are stored for two by two pixels.
        encoding: How.
        tick_s: To what times are rounded; one frame at most in each.

    Returns:
        How many frames were written. The bytes are the same every time: one thread encodes.

    Raises:
        UsageError: This build of FFmpeg lacks the encoder, or it takes no frames of this size.
    """
    count, before = 0, -1
    reformatter = VideoReformatter()  # one for all frames: setting up the conversion takes longer than it does
    try:
        # Matroska numbers each file by chance otherwise
        with open_container(str(path.resolve()), "w", container_options={"fflags": "+bitexact"}) as container:
            stream: VideoStream | None = None
            for time_s, picture in frames:
                stream = stream or _stream(container, encoding, picture.size, tick_s)
                even = picture.crop((0, 0, stream.width, stream.height))
                frame = reformatter.reformat(VideoFrame.from_ndarray(np.asarray(even), "rgb24"), format="yuv420p")
                before = max(before + 1, round(time_s / tick_s))
                frame.pts, frame.time_base = before, tick_s
                container.mux(stream.encode(frame))
                count += 1
            if stream is not None:
                container.mux(stream.encode(None))
    except (FFmpegError, ValueError) as error:  # PyAV names an absent codec by a ValueError
        raise UsageError(f"no video can be written with {encoding.codec}: {error}") from error
    return count


def _stream(container: object, encoding: Encoding, size: tuple[int, int], tick_s: Fraction) -> VideoStream:
    add = container.add_stream  # type: ignore[attr-defined]
    rate = 1 / tick_s if tick_s > Fraction(1, 1000) else Fraction(25)  # what only rate control reads
    stream = cast(VideoStream, add(encoding.codec, rate=rate, options=dict(encoding.options)))
    stream.width, stream.height = (side // 2 * 2 for side in size)
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = tick_s
    stream.codec_context.thread_count = 1
    return stream
