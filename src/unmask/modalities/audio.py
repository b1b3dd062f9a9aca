"""Sound: the one place that decodes it.

PyAV decodes and resamples, because its wheel brings FFmpeg along. A sound's zero is the first frame of the pictures,
where the file has pictures, so that what is heard and what is seen share one clock. Pieces lie where their time stamps
say; what is missing between them is silence. What to do with a file that breaks off, lies or never ends is decided
here as well: what could be read is given, and `Recording.notes` says what was not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from unmask.containers import bytes_of
from unmask.errors import MediaError, NothingToJudgeError, UnreadableError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities import sound_container
from unmask.modalities.sound_decoding import Decoding, gapless
from unmask.wording import clock
from unmask.words import RATE_HZ as RATE_HZ

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_EARLIER_S: Final = 1.0
_MOST_HELD_S: Final = 1800.0
"""What `sound` holds in memory at most."""

_SHORTER_BY: Final = 0.9
"""A file holds less than it announces if it ends before this share of that, and a second before."""


@dataclass(frozen=True, eq=False)
class Sound:
    """A stretch of sound.

    Attributes:
        samples: float32 (T,) in [-1, 1], mono, `RATE_HZ` a second.
        start_s: When it begins, on the clock of the pictures.
    """

    samples: NDArray[np.float32]
    start_s: float = 0.0

    @property
    def duration_s(self) -> float:
        """How long it is."""
        return len(self.samples) / RATE_HZ

    def part(self, start_s: float, end_s: float) -> Sound:
        """A stretch of it, cut to what there is."""
        first, last = (round((moment - self.start_s) * RATE_HZ) for moment in (start_s, end_s))
        first = min(max(first, 0), len(self.samples))
        return Sound(self.samples[first : max(first, last)], self.start_s + first / RATE_HZ)


def sound(
    path: Path, limits: Limits = DEFAULT_LIMITS, start_s: float = 0.0, end_s: float | None = None
) -> Sound | None:
    """The sound of a file, mixed to mono at 16 kHz, held in memory; `opened` is for what may be long.

    A stream that breaks off gives what could be read of it. No more than `limits.sound_s` seconds are taken, nor more
    than half an hour, in no more than `limits.sound_decode_s` of wall clock.

    Args:
        path: A video, or a file of sound.
        limits: What it may cost.
        start_s: From when, on the clock of the pictures.
        end_s: Until when; to the end where None.

    Returns:
        The sound, or None where there is no sound track, or none of it can be read.
    """
    most_s = min(limits.sound_s, _MOST_HELD_S, np.inf if end_s is None else end_s - start_s)
    room = round(max(most_s, 0.0) * RATE_HZ)
    chunks: list[NDArray[np.float32]] = []
    try:
        with _told(), bytes_of(path, limits) as file, sound_container.container(file, limits) as container:
            stream = sound_container.track(container, limits)
            zero_s = _first_picture_s(container, stream) + start_s
            if start_s > _EARLIER_S:
                _jump(container, zero_s - _EARLIER_S)
            filled = 0
            for piece in gapless(Decoding(container, stream, limits).pieces(), zero_s, room):
                chunks.append(piece[: room - filled])
                filled += len(chunks[-1])
                if filled >= room:
                    break
    except MediaError:  # no file of ours can be heard, whatever is wrong with it
        return None
    return Sound(np.concatenate(chunks), start_s) if chunks else None


@contextmanager
def opened(path: Path, limits: Limits = DEFAULT_LIMITS) -> Iterator[Recording]:
    """Open a file of sound, or the sound of a video.

    Args:
        path: The file.
        limits: What it may cost.

    Raises:
        UnsupportedError: Not a sound of a kind that we read.
        UnreadableError: Missing, not permitted, empty, or over a limit.
        NothingToJudgeError: It has no sound.
    """
    with _told():
        file = bytes_of(path, limits)
    with file:
        with _told():
            recording = Recording(path, file, limits)
        yield recording


class Recording:
    """One opened sound; made by `opened`.

    Attributes:
        path: The file.
        format: FFmpeg's name of the container, the first where it has several.
        codec: FFmpeg's name of the coding.
        rate_hz: Samples a second in the file.
        channels: As many.
        duration_s: As the file announces it, or None; once all blocks were taken, what was read.
    """

    def __init__(self, path: Path, file: IO[bytes], limits: Limits) -> None:
        self.path = path
        self._file, self._limits = file, limits
        self._notes: dict[str, None] = {}
        with sound_container.container(file, limits) as container:
            stream = sound_container.track(container, limits)
            self.format = container.format.name.split(",")[0]
            self.codec = stream.codec_context.codec.canonical_name
            self.rate_hz = stream.codec_context.sample_rate
            self.channels = stream.codec_context.channels
            self._announced_s = self.duration_s = sound_container.announced_s(container, stream)
            tracks = len(container.streams.audio)
        if tracks > 1:
            self._note(f"the file has {tracks} sound tracks; the first was listened to")

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, and what is unusual, so far."""
        return tuple(self._notes)

    def blocks(self, block_s: float = 30.0) -> Iterator[Sound]:
        """The sound from its beginning, in consecutive pieces without gaps; the last one may be shorter.

        Time runs with the pictures, where there are some and the sound does not begin more than a second before them.
        Nothing but one block is held.

        Args:
            block_s: How long a block is.

        Raises:
            NothingToJudgeError: The sound track is empty.
            UnreadableError: Nothing of it can be decoded.
        """
        size = max(1, round(block_s * RATE_HZ))
        block, filled, given = np.empty(size, np.float32), 0, 0
        for piece in self._pieces():
            taken = 0
            while taken < len(piece):
                part = piece[taken : taken + size - filled]
                block[filled : filled + len(part)] = part
                filled, taken = filled + len(part), taken + len(part)
                if filled == size:
                    yield Sound(block, given / RATE_HZ)
                    block, filled, given = np.empty(size, np.float32), 0, given + size
        if filled:
            yield Sound(block[:filled], given / RATE_HZ)

    def _pieces(self) -> Iterator[NDArray[np.float32]]:
        """All that is listened to, and then what is to be said of it."""
        room = round(self._limits.sound_s * RATE_HZ)
        filled, left_out = 0, False
        with _told():
            self._file.seek(0)
            with sound_container.container(self._file, self._limits) as container:
                stream = sound_container.track(container, self._limits)
                decoding = Decoding(container, stream, self._limits)
                for piece in gapless(decoding.pieces(), self._zero_s(container, stream)):
                    left_out = len(piece) > room - filled
                    yield piece[: room - filled]
                    filled = min(filled + len(piece), room)
                    if left_out:
                        break
            for note in decoding.notes:
                self._note(note)
            if not filled:
                if decoding.notes:
                    raise UnreadableError("nothing of the sound can be decoded")
                raise NothingToJudgeError("the sound is empty")
        self._sum_up(filled / RATE_HZ, left_out, decoding.whole)

    def _sum_up(self, read_s: float, left_out: bool, whole: bool) -> None:
        announced = self._announced_s or 0.0
        if left_out:
            self._note(f"only the first {clock(read_s)} was listened to")
        elif read_s < min(_SHORTER_BY * announced, announced - 1) and whole:
            self._note(f"the file says that it lasts {clock(announced)}; it breaks off after {clock(read_s)}")
        self.duration_s = read_s

    def _zero_s(self, container: InputContainer, stream: AudioStream) -> float:
        picture_s, sound_s = _first_picture_s(container, stream), sound_container.begins_s(stream)
        if sound_s > picture_s - _EARLIER_S:
            return picture_s
        self._note(f"the sound begins {clock(picture_s - sound_s)} before the pictures; time counts from there")
        return sound_s

    def _note(self, text: str) -> None:
        self._notes[text] = None


def _first_picture_s(container: InputContainer, stream: AudioStream) -> float:
    """When the first picture is shown, or where there is none, when the sound begins."""
    return sound_container.begins_s(next(iter(sound_container.pictures(container)), stream))


def _jump(container: InputContainer, moment_s: float) -> None:
    from av import FFmpegError

    with suppress(FFmpegError):  # then it is decoded from the beginning
        container.seek(round(moment_s * 1_000_000))


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
        raise UnreadableError(f"the sound is broken: {' '.join(str(error).split())[:200]}") from error
