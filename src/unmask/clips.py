"""Frames of one video, evenly spaced over the whole clip.

PyAV decodes, because its wheel brings FFmpeg along and gives frames with their time and their turn. A file is first
read without being decoded, which says at which times it has frames; then only what leads to the chosen ones is decoded.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, NamedTuple

from PIL import Image

from unmask.errors import MediaError, NothingToJudgeError, UnreadableError, UnsupportedError, UsageError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities.image import LEAST_SIDE_PX

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Containers only: playlists and scripts that FFmpeg knows too may name other files, or addresses.
_FORMATS: Final = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,flv,asf,ogg,m4v,h264,hevc,gif"
_EXACT: Final = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")
"""Formats with an index, in which a jump lands where it should."""

_TURNS: Final = {
    90: Image.Transpose.ROTATE_90,
    180: Image.Transpose.ROTATE_180,
    -180: Image.Transpose.ROTATE_180,
    -90: Image.Transpose.ROTATE_270,
}


class Still(NamedTuple):
    """One frame: its time from the start of the clip in seconds, and its picture, upright RGB."""

    time_s: float
    image: Image.Image


def extract(video: Path, count: int, limits: Limits = DEFAULT_LIMITS) -> Iterator[Still]:
    """Frames of one video, evenly spaced in time, the first and the last among them; of one, that in the middle.

    A clip with fewer frames gives each once. Frames that are broken are replaced by the next sound one, and where a
    file breaks off, what can be read counts as the clip.

    Args:
        video: The file.
        count: How many.
        limits: What it may cost.

    Raises:
        UnsupportedError: Not a video of a kind that we read.
        UnreadableError: Missing, not permitted, empty, over a limit, or no frame of it can be decoded.
        NothingToJudgeError: It has no pictures, or too small ones.
    """
    if count < 1:
        raise UsageError(f"{count} frames are none: ask for at least 1")
    try:
        with _opened(video, limits) as file:
            yield from _stills(file, count, limits)
    except MediaError:
        raise
    except OSError as error:
        raise UnreadableError(f"the file cannot be read: {(error.strerror or str(error)).lower()}") from error
    except Exception as error:  # FFmpeg and its binding raise whatever they meet in a hostile file
        raise UnreadableError(f"the video is broken: {' '.join(str(error).split())[:200]}") from error


def _opened(video: Path, limits: Limits) -> IO[bytes]:
    """As a file of ours: FFmpeg would take some names for addresses."""
    try:
        size = video.stat().st_size
        if not video.is_file():
            raise UnsupportedError("not a regular file")
    except ValueError as error:  # a null byte in the name
        raise UnreadableError(f"the file cannot be read: {error}") from error
    if size == 0:
        raise UnreadableError("the file is empty")
    if size > limits.video_bytes:
        raise UnreadableError(f"the file has {size:,} bytes; the limit is {limits.video_bytes:,}")
    return video.open("rb")


def _stills(file: IO[bytes], count: int, limits: Limits) -> Iterator[Still]:
    end = time.monotonic() + limits.video_decode_s
    with _container(file) as container:
        times, keys = _index(container, _stream(container, limits), end)
    file.seek(0)
    with _container(file) as container:
        stream = _stream(container, limits)
        unit = float(stream.time_base or 0)
        found = False
        for when, frame in _chosen(container, stream, _evenly(times, count), keys, end):
            _check_size(frame.width, frame.height, limits)
            image = Image.fromarray(frame.to_ndarray(format="rgb24"))
            turn = _TURNS.get(round(frame.rotation / 90) * 90)
            yield Still((when - times[0]) * unit, image if turn is None else image.transpose(turn))
            found = True
    if not found:
        raise UnreadableError("no frame of the video can be decoded")


def _container(file: IO[bytes]) -> InputContainer:
    import av

    try:
        return av.open(file, "r", options={"format_whitelist": _FORMATS}, metadata_errors="replace")
    except (av.FFmpegError, EOFError) as error:
        raise UnsupportedError("not a video that we can read, or broken at its beginning") from error


def _stream(container: InputContainer, limits: Limits) -> VideoStream:
    if not container.streams.video:
        raise NothingToJudgeError("the file has no pictures")
    stream = container.streams.video[0]
    if stream.codec_context is None:  # whatever the type says
        raise UnsupportedError("the video is in a coding that we cannot read")
    stream.codec_context.thread_count = 1  # videos are decoded side by side already
    _check_size(stream.codec_context.width, stream.codec_context.height, limits)
    return stream


def _index(container: InputContainer, stream: VideoStream, end: float) -> tuple[list[int], list[int]]:
    """Times of all frames, and those to which one can jump, both sorted, in units of the stream."""
    from av import FFmpegError

    times: set[int] = set()
    keys: set[int] = set()
    with suppress(FFmpegError, EOFError):  # where the file breaks off
        for packet in container.demux(stream):
            _in_time(end)
            when = packet.pts if packet.pts is not None else packet.dts
            if when is not None and packet.size:
                times.add(when)
                if packet.is_keyframe:
                    keys.add(when)
    if not times:
        raise UnreadableError("the video holds no frame that can be read")
    return sorted(times), sorted(keys) if container.format.name in _EXACT else []


def _evenly(times: Sequence[int], count: int) -> list[int]:
    """The times of frames that lie closest to evenly spaced moments; each once."""
    first, last = times[0], times[-1]
    shares = [i / (count - 1) for i in range(count)] if count > 1 else [0.5]
    moments = [first + share * (last - first) for share in shares]
    return sorted({min(times, key=lambda when: abs(when - moment)) for moment in moments})


def _chosen(
    container: InputContainer, stream: VideoStream, wanted: Sequence[int], keys: Sequence[int], end: float
) -> Iterator[tuple[int, VideoFrame]]:
    """The frames at these times, or the next sound ones, with their times.

    Between two of them, it jumps to the last key frame before the second, if one lies there.
    """
    from av import FFmpegError

    frames = _sound(container, stream)
    here = keys[0] if keys else wanted[0]
    given: int | None = None
    for when in wanted:
        if given is not None and given >= when:
            continue  # frames before it were broken, and it has already been given in their place
        start = max((key for key in keys if key <= when), default=here)
        if start > here:
            with suppress(FFmpegError):
                container.seek(start, stream=stream)
                frames = _sound(container, stream)
        for frame in frames:
            _in_time(end)
            time_of = frame.pts if frame.pts is not None else frame.dts
            here = when if time_of is None else time_of
            if here >= when:
                given = here
                yield here, frame
                break


def _sound(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """Decoded frames; a packet that cannot be decoded is passed over, and a frame with holes as well."""
    from av import FFmpegError

    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except (FFmpegError, EOFError):  # the file breaks off here
            packet = None
        try:
            for frame in stream.decode(packet):
                if not frame.is_corrupt:
                    yield frame
        except (FFmpegError, EOFError):
            pass
        if packet is None:
            return


def _in_time(end: float) -> None:
    if time.monotonic() > end:
        raise UnreadableError("decoding the video took too long")


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.pixels or max(width, height) > limits.side_px:
        raise UnreadableError(
            f"the video announces {width} x {height} px; the limit is {limits.pixels:,} px in all "
            f"and {limits.side_px:,} px a side"
        )
    if width and height and min(width, height) < LEAST_SIDE_PX:
        what = f"the video is {width} x {height} px; each side needs at least {LEAST_SIDE_PX} px"
        raise NothingToJudgeError(what)
