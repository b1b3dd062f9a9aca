"""Videos: the one place that decodes them.

PyAV decodes, because its wheel brings FFmpeg along and gives frames with their time and their turn. A file is first
read without being decoded, which says at which times it has frames; then only what leads to the wanted ones is decoded,
so memory is flat in the length of the video. What to do with a file that breaks off, lies or never ends is decided
here as well: what could be read is given, and `Film.notes` says what was not.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from unmask import video_frame
from unmask.containers import EXACT, bytes_of, container, pictures, time_of
from unmask.containers import accepts as accepts
from unmask.errors import MediaError, UnreadableError, UsageError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.moments import evenly as evenly
from unmask.wording import clock

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_SHORTER_BY: Final = 0.9
"""A file holds less than it announces if it ends before this share of that, and a second before."""

Skip = Literal["NONKEY", "NONREF"]
"""Which frames a decoder passes over: all but key frames, or those that no other needs."""


class Still(NamedTuple):
    """One frame: its time from the start of the clip in seconds, and its picture, upright RGB."""

    time_s: float
    image: Image.Image


@contextmanager
def opened(path: Path, limits: Limits = DEFAULT_LIMITS, threads: int = 1) -> Iterator[Film]:
    """Open a video, and read at which times it has frames.

    Args:
        path: The file.
        limits: What it may cost.
        threads: Of the decoder; one where videos are decoded side by side.

    Raises:
        UnsupportedError: Not a video of a kind that we read.
        UnreadableError: Missing, not permitted, empty, over a limit, or without a frame.
        NothingToJudgeError: It has no pictures, or too small ones.
    """
    with _told():
        file = bytes_of(path, limits)
    with file:
        with _told():
            film = Film(path, file, limits, threads)
        yield film


def extract(video: Path, count: int, limits: Limits = DEFAULT_LIMITS) -> Iterator[Still]:
    """Frames of one video, evenly spaced in time, the first and the last among them; of one, that in the middle.

    A clip with fewer frames gives each once. Frames that are broken are replaced by the next sound one, and where a
    file breaks off, what can be read counts as the clip.

    Args:
        video: The file.
        count: How many.
        limits: What it may cost.

    Raises:
        MediaError: As for `opened`, or no frame can be decoded.
        UsageError: The number is none.
    """
    if count < 1:
        raise UsageError(f"{count} frames are none: ask for at least 1")
    with opened(video, limits) as film:
        yield from film.stills(evenly(film, count))


class Film:
    """One opened video; made by `opened`.

    Attributes:
        path: The file.
        format: FFmpeg's name of the container, the first where it has several.
        times_s: float64 (N,), when its frames are shown, from the first on, sorted.
        duration_s: From the first frame to the end of the last.
        key_times_s: float64 (K,), those of them that can be decoded without any other.
        jumps: Whether a jump to one of these lands there; if not, all that lies before must be read.
        has_sound: Whether there is a sound track.
    """

    def __init__(self, path: Path, file: IO[bytes], limits: Limits, threads: int) -> None:
        self.path = path
        self._file, self._limits, self._threads = file, limits, threads
        self._end = time.monotonic() + limits.video_decode_s
        self._notes: dict[str, None] = {}
        with container(file, limits) as opened_file:
            stream = pictures(opened_file, limits, threads)
            self.format = opened_file.format.name.split(",")[0]
            self.has_sound = bool(opened_file.streams.audio)
            self._unit = float(stream.time_base or 0)
            self._times, self._keys = self._index(opened_file, stream)
            self.jumps = opened_file.format.name in EXACT
            announced = (opened_file.duration or 0) / 1e6
        times = np.frombuffer(self._times, np.int64)
        self.times_s: NDArray[np.float64] = (times - times[0]) * self._unit
        self.key_times_s: NDArray[np.float64] = (np.array(self._keys, np.int64) - times[0]) * self._unit
        steps = np.diff(self.times_s)
        self.duration_s = float(self.times_s[-1] + (np.median(steps) if len(steps) else 0))
        if self.duration_s < min(_SHORTER_BY * announced, announced - 1) and not self._notes:
            self._note(f"the file says that it lasts {clock(announced)}; it breaks off after {clock(self.duration_s)}")

    @property
    def frames(self) -> int:
        """How many frames the file holds."""
        return len(self._times)

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, and what was changed, so far."""
        return tuple(self._notes)

    @cached_property
    def size_px(self) -> tuple[int, int]:
        """Width and height of its first frame, upright."""
        return next(self.stills([0.0])).image.size

    def stills(self, moments_s: Sequence[float]) -> Iterator[Still]:
        """The frames nearest to some moments, in the order of time, each once; of broken ones the next sound one.

        Raises:
            UnreadableError: No frame can be decoded.
        """
        wanted = sorted({self._nearest(moment) for moment in moments_s})
        found = False
        with _told():
            for when, frame in self._frames(wanted):
                yield self._still(when, frame)
                found = True
        if wanted and not found:
            why = "no frame of the video can be decoded" if self._in_time() else "decoding the video took too long"
            raise UnreadableError(why)

    def between(self, start_s: float, end_s: float, most: int | None = None) -> Iterator[Still]:
        """All frames of a stretch, both ends included, but no more than `most`."""
        first = bisect_left(self.times_s, start_s - self._unit / 2)
        last = bisect_right(self.times_s, end_s + self._unit / 2)
        last = last if most is None else min(last, first + most)
        with _told():
            for when, frame in self._frames(self._times[first:last]):
                yield self._still(when, frame)

    def _nearest(self, moment_s: float) -> int:
        place = bisect_left(self.times_s, moment_s)
        near = range(max(place - 1, 0), min(place + 1, self.frames))
        return self._times[min(near, key=lambda i: abs(self.times_s[i] - moment_s))]

    def _still(self, when: int, frame: VideoFrame) -> Still:
        video_frame.check_size(frame.width, frame.height, self._limits)
        picture, done = video_frame.upright(frame)
        for note in done:
            self._note(note)
        return Still((when - self._times[0]) * self._unit, picture)

    def _note(self, text: str) -> None:
        self._notes[text] = None

    def _in_time(self) -> bool:
        return time.monotonic() <= self._end

    def _index(self, container: InputContainer, stream: VideoStream) -> tuple[array[int], list[int]]:
        """Times of all frames, and those to which one can jump, both sorted, in units of the stream."""
        from av import FFmpegError

        times, keys = array("q"), array("q")
        try:
            for packet in container.demux(stream):
                when = time_of(packet, len(times), stream)
                if when is None:
                    continue
                times.append(when)
                if packet.is_keyframe:
                    keys.append(when)
                reached = (when - times[0]) * self._unit
                if reached > self._limits.video_s or len(times) >= self._limits.video_frames:
                    self._note(f"only the first {clock(reached)} was looked at")
                    break
                if not self._in_time():
                    self._note(f"reading the file took too long; only the first {clock(reached)} was looked at")
                    break
        except (FFmpegError, EOFError):
            self._note("the file breaks off: it was judged on what could be read")
        if not times:
            raise UnreadableError("the video holds no frame that can be read")
        return array("q", sorted(set(times))), sorted(set(keys))

    def _frames(self, wanted: Sequence[int]) -> Iterator[tuple[int, VideoFrame]]:
        """The frames at these times, or the next sound ones, with their times.

        Between two of them, it jumps to the last key frame before the second, if one lies there. Where jumps do not
        land and all that is wanted are key frames, nothing else is decoded.
        """
        from av import FFmpegError

        if not wanted:
            return
        self._file.seek(0)
        with container(self._file, self._limits) as opened_file:
            stream = pictures(opened_file, self._limits, self._threads)
            keys = self._keys if self.jumps else []
            asked = set(wanted)
            others: Skip = "NONKEY" if not self.jumps and asked <= set(self._keys) else "NONREF"
            decoded = self._sound(opened_file, stream, asked, others)
            here, given = self._times[0], None
            for when in wanted:
                if given is not None and given >= when:
                    continue  # frames before it were broken, and it has already been given in their place
                start = keys[bisect_right(keys, when) - 1] if keys and keys[0] <= when else here
                if start > here:
                    with suppress(FFmpegError):
                        opened_file.seek(start, stream=stream)
                        decoded = self._sound(opened_file, stream, asked, others)
                for frame in decoded:
                    if not self._in_time():
                        self._note(
                            f"decoding took too long: nothing after {clock((here - self._times[0]) * self._unit)}"
                        )
                        return
                    here = frame.pts if frame.pts is not None else frame.dts if frame.dts is not None else when
                    if here >= when:
                        given = here
                        yield here, frame
                        break

    def _sound(
        self, container: InputContainer, stream: VideoStream, asked: Set[int], others: Skip
    ) -> Iterator[VideoFrame]:
        """Decoded frames; a packet that cannot be decoded is passed over, and a frame with holes as well.

        Of frames that are not asked for, only those are decoded that others need: about half of most videos.
        """
        from av import FFmpegError

        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets, None)
            except (FFmpegError, EOFError):  # the file breaks off here
                packet = None
            if packet is not None:
                needed = packet.pts is None or packet.pts in asked
                stream.codec_context.skip_frame = "DEFAULT" if needed else others
            try:
                for frame in stream.decode(packet):
                    if frame.is_corrupt:
                        self._note("some of its frames are broken and were passed over")
                    else:
                        yield frame
            except (FFmpegError, EOFError):
                if packet is not None:
                    self._note("some of its frames are broken and were passed over")
            if packet is None:
                return


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong in here is the file's fault, and becomes a sentence."""
    try:
        yield
    except MediaError:
        raise
    except OSError as error:
        raise UnreadableError(f"the file cannot be read: {(error.strerror or str(error)).lower()}") from error
    except Exception as error:  # FFmpeg and its binding raise whatever they meet in a hostile file
        raise UnreadableError(f"the video is broken: {' '.join(str(error).split())[:200]}") from error
