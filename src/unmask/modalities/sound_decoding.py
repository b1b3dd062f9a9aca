"""From packets to samples: one sound track as mono pieces of one rate, whatever happens in it.

Channels are mixed by their mean. The mean is a plain rule that a forger cannot aim at by choosing a layout, and no
louder than full scale; the price is that a voice on one of two channels comes at half its height, which no detector
here may mind, and that two channels of opposite sign cancel each other, which is told. Samples that are no numbers
become silence, and what is beyond full scale is cut off, both before the resampler's filter could smear them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmask.limits import Limits
from unmask.modalities.sound_container import begins_s, fits, is_bare
from unmask.words import RATE_HZ

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

_APART_S: Final = 0.06
"""Time stamps are rounded; frames that are no further apart than this follow each other."""

_AT_ONCE_S: Final = 1.0
"""Sound that is resampled in one go."""

_FULL_SCALE: Final = 0.99
_MUCH_CLIPPED: Final = 1e-3
_CANCELLED: Final = 1e-3
_SILENCE_S: Final = 10.0


class Piece(NamedTuple):
    """Sound at `RATE_HZ`: `offset` samples after `start_s`, a time of the container's clock."""

    start_s: float
    offset: int
    samples: NDArray[np.float32]


class Decoding:
    """One pass over a sound track.

    Time stops while whoever takes the pieces works on them: their work is not the file's fault.

    Args:
        container: The container, where the pass shall begin.
        stream: The track.
        limits: What it may cost.

    Attributes:
        whole: Whether, so far, it did not have to end before the file does.
    """

    def __init__(self, container: InputContainer, stream: AudioStream, limits: Limits) -> None:
        self._packets = container.demux(stream)
        self._stream, self._limits, self._bare = stream, limits, is_bare(container)
        self._until = time.monotonic() + limits.sound_decode_s
        self.whole = True
        self._notes: dict[str, None] = {}
        self._samples, self._full = 0, 0
        self._power, self._mixed_power = 0.0, 0.0

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reader must know of what was decoded so far."""
        found = list(self._notes)
        if self._full > _MUCH_CLIPPED * self._samples:
            found.append(f"{self._full / self._samples:.1%} of its samples are at full scale: the sound is clipped")
        if self._mixed_power < _CANCELLED * self._power:
            found.append("its channels cancel each other out when they are mixed")
        return tuple(found)

    def pieces(self) -> Iterator[Piece]:
        """The sound, in the order of the file."""
        run: _Run | None = None
        for frame in self._frames():
            if not fits(frame.sample_rate, self._limits) or frame.layout.nb_channels > self._limits.sound_channels:
                self._note("parts of its sound are over a limit and were passed over")
                continue
            when = None if self._bare and run is not None else _time_s(frame)
            if run is None or not run.goes_on(frame, when):
                if run is not None:
                    yield from self._paused(run.rest())
                    when = run.end_s if when is None else when
                run = _Run(self, frame, begins_s(self._stream) if when is None else when)
            yield from self._paused(run.add(frame))
        if run is not None:
            yield from self._paused(run.rest())

    def _paused(self, pieces: Iterator[Piece]) -> Iterator[Piece]:
        for piece in pieces:
            given = time.monotonic()
            yield piece
            self._until += time.monotonic() - given

    def _frames(self) -> Iterator[AudioFrame]:
        """Decoded frames; what cannot be decoded is passed over."""
        from av import FFmpegError

        while True:
            packet = None
            if time.monotonic() >= self._until:
                self._ends("decoding took too long: the rest was not listened to")
            else:
                try:
                    packet = next(self._packets, None)
                except (FFmpegError, EOFError):
                    self._ends("the file breaks off: it was judged on what could be read")
            try:
                yield from self._stream.decode(packet)
            except (FFmpegError, EOFError):
                if packet is not None:
                    self._note("parts of its sound are broken and were passed over")
            if packet is None:
                return

    def mono(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The mean of the channels of float32 (C, T), made fit for a filter."""
        if not np.isfinite(samples).all():
            self._note("some of its samples are no numbers; they were taken for silence")
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        self._samples += samples.size
        self._full += int((np.abs(samples) >= _FULL_SCALE).sum())
        samples = np.clip(samples, -1, 1)
        if len(samples) == 1:
            return np.asarray(samples[0])
        mixed = np.asarray(samples.mean(axis=0), np.float32)
        self._power += float(np.square(samples).mean(axis=0).sum())
        self._mixed_power += float(np.square(mixed).sum())
        return mixed

    def _ends(self, why: str) -> None:
        self.whole = False
        self._note(why)

    def _note(self, text: str) -> None:
        self._notes[text] = None


def _time_s(frame: AudioFrame) -> float | None:
    return float(frame.pts * frame.time_base) if frame.pts is not None and frame.time_base else None


class _Run:
    """Frames of one rate and format that follow each other without a gap."""

    def __init__(self, decoding: Decoding, first: AudioFrame, start_s: float) -> None:
        from av import AudioResampler

        self._decoding = decoding
        self._start_s, self._rate_hz = start_s, first.sample_rate
        self._kind = (first.format.name, first.layout.nb_channels)
        self._held: list[NDArray[Any]] = []
        self._holds, self._taken, self._given = 0, 0, 0
        self._resampler = None if self._rate_hz == RATE_HZ else AudioResampler("flt", "mono", RATE_HZ)

    @property
    def end_s(self) -> float:
        """When the next frame should begin."""
        return self._start_s + (self._taken + self._holds) / self._rate_hz

    def goes_on(self, frame: AudioFrame, when_s: float | None) -> bool:
        """Whether a frame is the next one."""
        same = frame.sample_rate == self._rate_hz and (frame.format.name, frame.layout.nb_channels) == self._kind
        return same and (when_s is None or abs(when_s - self.end_s) < _APART_S)

    def add(self, frame: AudioFrame) -> Iterator[Piece]:
        """Take a frame; give what is ready."""
        self._held.append(frame.to_ndarray())
        self._holds += frame.samples
        if self._holds >= _AT_ONCE_S * self._rate_hz:
            yield from self._resampled()

    def rest(self) -> Iterator[Piece]:
        """Give all that is left, to the sample as long as it was."""
        if self._held:
            yield from self._resampled()
        if self._resampler is not None:
            for piece in self._resampler.resample(None):
                yield from self._piece(piece.to_ndarray()[0])

    def _resampled(self) -> Iterator[Piece]:
        from av import AudioFrame

        held = _channels(np.concatenate(self._held, axis=1), self._kind[1], self._kind[0].endswith("p"))
        self._held, self._holds = [], 0
        mono = self._decoding.mono(held)
        if self._resampler is None:
            self._taken += len(mono)
            yield from self._piece(mono)
            return
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(mono[None]), "flt", "mono")
        frame.sample_rate, frame.time_base, frame.pts = self._rate_hz, Fraction(1, self._rate_hz), self._taken
        self._taken += len(mono)
        for piece in self._resampler.resample(frame):
            yield from self._piece(piece.to_ndarray()[0])

    def _piece(self, samples: NDArray[np.float32]) -> Iterator[Piece]:
        room = -(-self._taken * RATE_HZ // self._rate_hz) - self._given  # the filter's tail is longer
        samples = np.clip(samples[: max(room, 0)], -1, 1)
        if len(samples):
            yield Piece(self._start_s, self._given, samples)
            self._given += len(samples)


def _channels(samples: NDArray[Any], channels: int, planar: bool) -> NDArray[np.float32]:
    """Samples as the decoder gives them, as float32 (C, T), full scale at 1."""
    rows = samples if planar else samples.reshape(-1, channels).T
    if rows.dtype == np.uint8:
        return np.asarray((rows.astype(np.float32) - 128) / 128, np.float32)
    if np.issubdtype(rows.dtype, np.integer):
        return rows.astype(np.float32) / np.float32(2.0 ** (8 * rows.dtype.itemsize - 1))
    return rows.astype(np.float32)


def gapless(pieces: Iterator[Piece], zero_s: float, room: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Pieces one after the other from a moment on, with silence where there is none.

    What lies before that moment, or twice, is left out. A clock that jumps back by more than a second has started anew,
    as that of chained streams does: what follows is played on.

    Args:
        pieces: The pieces.
        zero_s: The moment, on the clock of the container.
        room: How many samples will be taken; a piece that begins later ends it all.
    """
    filled, moved = 0, 0
    for start_s, offset, samples in pieces:
        place = round((start_s - zero_s) * RATE_HZ) + offset + moved
        if filled and place < filled - RATE_HZ:
            moved, place = moved + filled - place, filled
        fresh = samples[max(0, filled - place) :]
        begin = max(place, filled)
        if not len(fresh):
            continue
        if room is not None and begin >= room:
            return
        while filled < begin:
            silence = min(begin - filled, round(_SILENCE_S * RATE_HZ))
            yield np.zeros(silence, np.float32)
            filled += silence
        yield fresh
        filled += len(fresh)
