"""The one cutter of voices: preparing, measuring and scanning hear the same passages.

Speech whose pauses are short is a turn. A turn that fits into a window is one passage; a longer one is cut into windows
that overlap, the last of which ends with it, so that all that is said is judged and long silences never are. Windows
are cut while the sound comes in, so memory is flat in its length.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from unmask.card import Cut
from unmask.errors import UsageError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities.audio import Recording, opened
from unmask.voice_activity import STEP, STEP_S, VoiceActivity
from unmask.words import RATE_HZ, Passage, Region, Samples

PAUSE_S: Final = 0.6
"""A longer one ends a turn."""

AROUND_S: Final = 0.05
"""A turn begins so much before its speech and ends so much after."""

LEAST_TURN_S: Final = 0.25
"""A short turn with less speech than this is a click or a breath, and no word."""

_PAUSE: Final = -(-round(PAUSE_S * RATE_HZ) // STEP)
_AROUND: Final = round(AROUND_S * RATE_HZ)
_FULL_SCALE: Final = 2**15


class Gate(Protocol):
    """Whatever tells where somebody speaks; `VoiceActivity` does."""

    def speaks(self, samples: Samples, /) -> NDArray[np.bool_]:
        """Whether somebody speaks, for each step that is full."""

    def rest(self) -> NDArray[np.bool_]:
        """Likewise for the step that is not."""


@dataclass(frozen=True)
class Heard:
    """What was found out about a recording besides its passages.

    Attributes:
        format: FFmpeg's name of the container.
        codec: FFmpeg's name of the coding.
        rate_hz: Samples a second in the file.
        channels: As many.
        duration_s: What was read.
        speech_s: How long somebody speaks.
        speech: For each second, the share of it in which somebody speaks.
        notes: What the reader must know.
    """

    format: str
    codec: str
    rate_hz: int
    channels: int
    duration_s: float
    speech_s: float
    speech: tuple[float, ...]
    notes: tuple[str, ...]


def passages(recording: Recording, cut: Cut, voice_activity: Gate | None = None) -> Passages:
    """The passages of a recording, in the order of time; iterate over them once.

    Args:
        recording: An opened sound.
        cut: Of the kind "speech".
        voice_activity: Who tells where somebody speaks, fresh; `VoiceActivity` where None.

    Raises:
        UsageError: The cut is of another kind.
    """
    if cut.kind != "speech":
        raise UsageError(f'a recording is cut as "speech", not as "{cut.kind}"')
    return Passages(recording, cut, voice_activity or VoiceActivity())


def of_file(path: Path, cut: Cut, limits: Limits = DEFAULT_LIMITS) -> tuple[list[Passage], Heard]:
    """All passages of one file, and what is known of it.

    Raises:
        MediaError: It cannot be read, or has no sound.
    """
    with opened(path, limits) as recording:
        found = passages(recording, cut)
        return list(found), found.heard()


class Passages:
    """The passages of one recording; made by `passages`."""

    def __init__(self, recording: Recording, cut: Cut, gate: Gate) -> None:
        self._recording, self._gate, self._cut = recording, gate, cut
        self._window = round(cut.window_s * RATE_HZ)
        self._step = max(1, min(round(cut.step_s * RATE_HZ), self._window))
        self._speech = bytearray()  # for each step
        self._held, self._held_from, self._heard = np.zeros(0, np.float32), 0, 0
        self._turn: tuple[int, int] | None = None  # the steps of its speech, the last one excluded
        self._next: int | None = None  # where the turn's next window begins, once it is longer than one

    def __iter__(self) -> Iterator[Passage]:
        """Read the recording, and cut.

        Raises:
            MediaError: As for `Recording.blocks`.
        """
        for block in self._recording.blocks():
            self._held = np.concatenate([self._held, block.samples])
            self._heard += len(block.samples)
            yield from self._follow(self._gate.speaks(block.samples))
            self._forget()
        yield from self._follow(self._gate.rest())
        if self._turn is not None:
            yield from self._close(self._turn)

    @property
    def speech_s(self) -> float:
        """How long somebody speaks in what was heard so far."""
        return min(sum(self._speech) * STEP_S, self._heard / RATE_HZ)

    @property
    def speech(self) -> tuple[float, ...]:
        """For each second that was heard so far, the share of it in which somebody speaks."""
        ends = np.arange(1, len(self._speech) + 1) * STEP / RATE_HZ
        spoken = np.concatenate([[0.0], np.cumsum(np.frombuffer(bytes(self._speech), np.uint8)) * STEP_S])
        seconds = np.arange(-(-self._heard // RATE_HZ) + 1)
        shares = np.diff(np.interp(seconds, np.concatenate([[0.0], ends]), spoken))
        return tuple(round(float(share), 3) for share in shares)

    def heard(self) -> Heard:
        """What is known of the recording, once all passages were taken."""
        of = self._recording
        duration_s = self._heard / RATE_HZ
        return Heard(of.format, of.codec, of.rate_hz, of.channels, duration_s, self.speech_s, self.speech, of.notes)

    def _follow(self, speaks: NDArray[np.bool_]) -> Iterator[Passage]:
        """Take the next steps; give the windows that lie inside the turn however it goes on, and turns that end."""
        for speaking in speaks:
            number = len(self._speech)
            self._speech.append(int(speaking))
            if speaking:
                self._turn = (self._turn[0] if self._turn else number, number + 1)
                yield from self._inside(self._turn)
            elif self._turn and number + 1 - self._turn[1] >= _PAUSE:
                yield from self._close(self._turn)

    def _inside(self, turn: tuple[int, int]) -> Iterator[Passage]:
        start, _ = self._bounds(turn)
        for begin in self._starts(start, min(turn[1] * STEP, self._heard)):
            yield self._passage(begin, begin + self._window)
            self._next = begin + self._step

    def _close(self, turn: tuple[int, int]) -> Iterator[Passage]:
        start, end = self._bounds(turn)
        if end - start > self._window:
            for begin in (*self._starts(start, end), end - self._window):
                yield self._passage(begin, begin + self._window)
        elif self._spoken_s(start, end) >= LEAST_TURN_S:
            yield self._passage(start, end)
        self._turn = self._next = None

    def _starts(self, start: int, end: int) -> Iterator[int]:
        return starts(start, end, self._window, self._step, self._next)

    def _bounds(self, turn: tuple[int, int]) -> tuple[int, int]:
        """Where a turn begins and ends, in samples, if this is all of it."""
        return max(turn[0] * STEP - _AROUND, 0), min(turn[1] * STEP + _AROUND, self._heard)

    def _passage(self, start: int, end: int) -> Passage:
        samples = self._held[start - self._held_from : end - self._held_from]
        spoken_s = self._spoken_s(start, end)
        unfit = None if spoken_s >= self._cut.least_speech_s else f"only {int(spoken_s * 10) / 10} s of speech"
        region = Region(start_s=start / RATE_HZ, end_s=end / RATE_HZ)
        return Passage(np.resize(levelled(samples), self._window), region, unfit)

    def _spoken_s(self, start: int, end: int) -> float:
        first, last = start // STEP, -(-end // STEP)
        edges = np.clip(np.arange(first, last + 1) * STEP, start, end)
        return float(np.diff(edges)[np.frombuffer(self._speech[first:last], np.uint8).astype(bool)].sum() / RATE_HZ)

    def _forget(self) -> None:
        """Let go of all that no window can need any more."""
        needed = len(self._speech) * STEP - _AROUND
        if self._turn is not None:
            needed = self._bounds(self._turn)[0] if self._next is None else self._next - self._step
        drop = max(0, needed - self._held_from)
        self._held = self._held[drop:].copy()
        self._held_from += drop


def starts(start: int, end: int, window: int, step: int, begin: int | None = None) -> Iterator[int]:
    """Where the windows of a turn begin, but for the last one, which ends with the turn.

    One that the last would all but repeat is left out, so that no second of a turn has two votes for nothing; the first
    never is, so the windows cover the turn.

    Args:
        start: Of the turn.
        end: Of the turn, or of what is known of it: what is given then holds however it goes on.
        window: Length.
        step: From one to the next, no more than a window.
        begin: Where to go on.
    """
    spare = min(step // 4, window - step)
    begin = start if begin is None else begin
    while begin + window + (spare if begin > start else 0) < end:
        yield begin
        begin += step


def levelled(samples: Samples) -> Samples:
    """Samples without their mean, on the grid of 16 bit.

    Cheap microphones and some decoders shift the whole sound; lossy codecs, resamplers and synthesisers give finer
    numbers than a 16-bit recording has. Both tell how a sound was stored, not who spoke, and would be learned.
    """
    if not len(samples):
        return samples
    centred = samples - samples.mean(dtype=np.float64)
    return np.asarray(np.clip(np.rint(centred * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1) / _FULL_SCALE, np.float32)
