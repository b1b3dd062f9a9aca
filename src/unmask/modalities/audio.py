"""Sound: the one place that decodes it.

PyAV decodes and resamples. A sound's zero is the first frame of the pictures, where the file has pictures, so that what
is heard and what is seen share one clock. Pieces lie where their time stamps say; what is missing between them is
silence.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from unmask.limits import DEFAULT_LIMITS, Limits

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.audio.stream import AudioStream
    from av.container import InputContainer

RATE_HZ: Final = 16_000

# Containers only: playlists and scripts that FFmpeg knows too may name other files, or addresses.
_FORMATS: Final = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf,ogg,m4v,wav,flac,mp3,aac,aiff,caf,amr,w64,ac3,eac3"
)
_LEAST_RATE_HZ: Final = 4_000
"""Nothing that was recorded is slower; a file that says so would be blown up by resampling."""

_APART_S: Final = 0.06
"""Time stamps are rounded; pieces that are no further apart than this follow each other."""

_EARLIER_S: Final = 1.0


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
    """The sound of a file, mixed to mono at 16 kHz.

    A stream that breaks off gives what could be read of it. No more than `limits.sound_s` seconds are taken, in no more
    than `limits.video_decode_s` of wall clock.

    Args:
        path: A video, or a file of sound.
        limits: What it may cost.
        start_s: From when, on the clock of the pictures.
        end_s: Until when; to the end where None.

    Returns:
        The sound, or None where there is no sound track, or none of it can be read.
    """
    from av import FFmpegError

    try:
        if not path.is_file() or path.stat().st_size > limits.video_bytes:
            return None
        with path.open("rb") as file, _container(file) as container:
            if not container.streams.audio or len(container.streams) > limits.video_streams:
                return None
            stream = container.streams.audio[0]
            if stream.codec_context is None or stream.codec_context.sample_rate < _LEAST_RATE_HZ:
                return None
            most = limits.sound_s if end_s is None else min(limits.sound_s, end_s - start_s)
            return _collected(container, stream, start_s, max(most, 0.0), time.monotonic() + limits.video_decode_s)
    except (FFmpegError, OSError, EOFError, ValueError):  # no file of ours can be heard, whatever is wrong with it
        return None


def _container(file: IO[bytes]) -> InputContainer:
    import av

    return av.open(file, "r", options={"format_whitelist": _FORMATS}, metadata_errors="replace")


def _collected(
    container: InputContainer, stream: AudioStream, start_s: float, most_s: float, until: float
) -> Sound | None:
    from av import FFmpegError

    zero_s = _zero(container, stream)
    if start_s > _EARLIER_S:
        with suppress(FFmpegError):  # then it is decoded from the beginning
            container.seek(round((zero_s + start_s - _EARLIER_S) * 1_000_000))
    room = round(most_s * RATE_HZ)
    chunks: list[NDArray[np.float32]] = []
    filled = 0
    end: int | None = None  # where the piece before ended, in samples from start_s
    for moment_s, piece in _pieces(container, stream, until):
        place = end if moment_s is None else round((moment_s - zero_s - start_s) * RATE_HZ)
        if place is None or (end is not None and abs(place - end) < _APART_S * RATE_HZ):
            place = end or 0
        end = place + len(piece)
        cut = piece[max(0, filled - place) : max(0, room - place)]
        begin = max(place, filled)
        if len(cut) and begin < room:
            if begin > filled:
                chunks.append(np.zeros(begin - filled, np.float32))
            chunks.append(cut)
            filled = begin + len(cut)
        if place >= room:
            break
    if not chunks:
        return None
    samples = np.concatenate(chunks)
    return Sound(np.clip(np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0), -1, 1), start_s)


def _zero(container: InputContainer, stream: AudioStream) -> float:
    """The time that the clock starts at: of the first picture, or where there is none, of the first sound."""
    from av.stream import Disposition

    pictures = [one for one in container.streams.video if not one.disposition & Disposition.attached_pic]
    first = pictures[0] if pictures else stream
    if first.start_time is None or first.time_base is None:
        return 0.0
    return float(first.start_time * first.time_base)


def _pieces(
    container: InputContainer, stream: AudioStream, until: float
) -> Iterator[tuple[float | None, NDArray[np.float32]]]:
    """Decoded and resampled pieces with their times; what cannot be decoded is passed over."""
    from av import AudioResampler, FFmpegError

    resampler = AudioResampler(format="fltp", rate=RATE_HZ)  # its own mono would be louder than full scale
    packets = container.demux(stream)
    while True:
        try:
            packet = next(packets, None) if time.monotonic() < until else None
        except (FFmpegError, EOFError):  # the file breaks off here
            packet = None
        try:
            frames = stream.decode(packet) if packet is not None else stream.decode(None)
        except (FFmpegError, EOFError):
            frames = []
        for frame in frames:
            yield from _resampled(resampler, frame)
        if packet is None:
            yield from _resampled(resampler, None)
            return


def _resampled(
    resampler: AudioResampler, frame: AudioFrame | None
) -> Iterator[tuple[float | None, NDArray[np.float32]]]:
    from av import FFmpegError

    try:
        pieces = resampler.resample(frame)
    except (FFmpegError, ValueError):  # its format changed in mid-stream
        return
    for piece in pieces:
        when = float(piece.pts * piece.time_base) if piece.pts is not None and piece.time_base else None
        yield when, piece.to_ndarray().mean(axis=0, dtype=np.float32)
