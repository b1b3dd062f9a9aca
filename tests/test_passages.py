"""The one cutter of voices: windows inside turns, all speech in them, and nothing of how the file was stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.draw_speech import speech, write
from unmask.card import Cut
from unmask.errors import MediaError, UsageError
from unmask.limits import DEFAULT_LIMITS
from unmask.modalities.audio import Recording, Sound
from unmask.passages import AROUND_S, LEAST_TURN_S, PAUSE_S, Passages, levelled, of_file, passages, starts
from unmask.voice_activity import STEP, STEP_S
from unmask.words import RATE_HZ, Passage, Samples

CUT = Cut(kind="speech", window_s=4.0, step_s=2.0, least_speech_s=1.0)
EDGE = STEP_S + AROUND_S + 1e-6


@dataclass
class Told:
    """A gate that is told where somebody speaks."""

    flags: list[bool]
    waits: int = 0
    said: int = 0

    def speaks(self, samples: Samples, /) -> NDArray[np.bool_]:
        self.waits += len(samples)
        steps, self.waits = divmod(self.waits, STEP)
        self.said += steps
        return np.array(self.flags[self.said - steps : self.said], bool)

    def rest(self) -> NDArray[np.bool_]:
        return self.speaks(np.zeros(-self.waits % STEP, np.float32))


@dataclass
class Played:
    """A recording of samples that are at hand."""

    samples: Samples
    block: int = 7777
    format: str = "wav"
    codec: str = "pcm_s16le"
    rate_hz: int = 44_100
    channels: int = 2
    notes: tuple[str, ...] = field(default=("drawn",))

    def blocks(self) -> list[Sound]:
        starts = range(0, len(self.samples), self.block)
        return [Sound(self.samples[start : start + self.block], start / RATE_HZ) for start in starts]


def cutter(spans_s: list[tuple[float, float]], seconds: float, cut: Cut = CUT, block: int = 7777) -> Passages:
    """Noise in which somebody speaks between some seconds."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, round(seconds * RATE_HZ)).astype(np.float32)
    centres = (np.arange(-(-len(samples) // STEP)) + 0.5) * STEP_S
    flags = [any(start <= moment < end for start, end in spans_s) for moment in centres]
    return passages(cast(Recording, Played(samples, block)), cut, Told(flags))


def spans(found: list[Passage]) -> list[tuple[float, float]]:
    return [(one.region.start_s or 0.0, one.region.end_s or 0.0) for one in found]


def test_a_short_turn_is_one_passage_repeated_until_it_is_full() -> None:
    (one,) = cutter([(2.0, 4.5)], 8.0)
    ((start, end),) = spans([one])
    assert start == pytest.approx(2.0 - AROUND_S, abs=STEP_S)
    assert end == pytest.approx(4.5 + AROUND_S, abs=STEP_S)
    assert one.samples.shape == (4 * RATE_HZ,)
    there = round((end - start) * RATE_HZ)
    assert (one.samples[there:] == one.samples[: len(one.samples) - there]).all()
    assert one.unfit is None


def test_pauses_inside_a_turn_are_kept_and_long_ones_end_it() -> None:
    found = list(cutter([(1.0, 2.0), (2.4, 3.5), (4.5, 6.0)], 8.0))
    edges = [1 - AROUND_S, 3.5 + AROUND_S, 4.5 - AROUND_S, 6 + AROUND_S]
    assert np.ravel(spans(found)) == pytest.approx(edges, abs=STEP_S)
    assert PAUSE_S < 1.0


def test_a_long_turn_gives_windows_the_last_of_which_ends_with_it() -> None:
    found = spans(list(cutter([(1.0, 12.0)], 14.0)))
    assert np.diff([start for start, _ in found])[:-1] == pytest.approx([2.0] * (len(found) - 2))
    assert all(end - start == pytest.approx(4.0) for start, end in found)
    assert found[-1][1] == pytest.approx(12.0 + AROUND_S, abs=STEP_S)


def test_too_little_speech_is_unfit_and_a_click_is_nothing() -> None:
    assert [one.unfit for one in cutter([(1.0, 1.5)], 4.0)] == ["only 0.5 s of speech"]
    assert [one.unfit for one in cutter([(1.0, 1.98)], 4.0)] == ["only 0.9 s of speech"]  # 1.0 would sound like enough
    assert list(cutter([(1.0, 1.0 + LEAST_TURN_S / 2)], 4.0)) == []
    assert list(cutter([], 4.0)) == []


def test_edges_of_the_file_are_edges_of_turns() -> None:
    assert np.ravel(spans(list(cutter([(0.0, 3.01)], 3.01)))) == pytest.approx([0.0, 3.01], abs=1e-4)


def test_what_was_heard_is_told() -> None:
    found = cutter([(0.0, 1.0), (2.5, 3.0)], 4.2)
    list(found)
    heard = found.heard()
    assert heard.speech_s == pytest.approx(1.5, abs=2 * STEP_S)
    assert heard.duration_s == pytest.approx(4.2)
    assert heard.speech == pytest.approx((1.0, 0.0, 0.5, 0.0, 0.0), abs=0.04)
    assert (heard.format, heard.codec, heard.rate_hz, heard.channels) == ("wav", "pcm_s16le", 44_100, 2)
    assert heard.notes == ("drawn",)


@settings(max_examples=40, deadline=None)
@given(
    edges=st.lists(st.floats(0, 30), min_size=2, max_size=12),
    seconds=st.floats(0.1, 30),
    window_s=st.floats(0.5, 5),
    step_s=st.floats(0.2, 6),
    block=st.integers(500, 200_000),
)
def test_windows_lie_in_their_turn_and_hold_all_that_is_said(
    edges: list[float], seconds: float, window_s: float, step_s: float, block: int
) -> None:
    marks = sorted(edges)
    said = list(zip(marks[::2], marks[1::2], strict=False))
    cut = Cut(kind="speech", window_s=window_s, step_s=step_s, least_speech_s=0.4)
    of = cutter(said, seconds, cut, block)
    found = spans(list(of))
    steps = np.flatnonzero(np.frombuffer(bytes(of._speech), np.uint8)) * STEP_S
    turns = np.split(steps, np.flatnonzero(np.diff(steps) >= PAUSE_S + STEP_S - 1e-6) + 1) if len(steps) else []
    for start, end in found:
        assert 0 <= start < end <= of._heard / RATE_HZ
        assert end - start <= window_s + 1 / RATE_HZ
        assert any(turn[0] - EDGE <= start and end <= turn[-1] + STEP_S + EDGE for turn in turns)
    for turn in turns:
        if len(turn) * STEP_S < LEAST_TURN_S + 2 * STEP_S:
            continue
        middles = turn[turn + STEP_S < of._heard / RATE_HZ] + STEP_S / 2
        assert all(any(start <= moment <= end for start, end in found) for moment in middles)
    assert found == spans(list(cutter(said, seconds, cut, 16_000)))


@given(st.integers(0, 1000), st.integers(1, 400), st.integers(1, 2000), st.integers(1, 400))
def test_starts_leave_no_hole(start: int, window: int, longer: int, step: int) -> None:
    end = start + window + longer
    step = min(step, window)
    found = [*starts(start, end, window, step), end - window]
    assert found[0] == start
    assert all(0 < after - before <= window for before, after in pairwise(found))
    until = list(starts(start, end - 1, window, step))
    assert [*until, *starts(start, end, window, step, until[-1] + step if until else None)] == found[:-1]


def test_memory_does_not_grow_with_a_turn() -> None:
    of = cutter([(0.0, 300.0)], 300.0)
    most = max(len(of._held) for _ in of)
    assert most < 8 * RATE_HZ


def test_depth_and_offset_tell_nothing() -> None:
    fine = np.random.default_rng(1).uniform(-0.3, 0.3, 1000).astype(np.float32)
    level = levelled(fine + 0.25)
    assert abs(level.mean()) < 1e-5
    assert (level * 32768 == np.rint(level * 32768)).all()
    assert np.abs(level - (fine - fine.mean())).max() < 1e-4
    loud = levelled(np.array([1, 1, 1, -1], np.float32))
    assert loud.min() >= -1
    assert loud.max() < 1
    assert len(levelled(np.zeros(0, np.float32))) == 0


def test_a_file_is_cut_by_the_network_that_ships(tmp_path: Path) -> None:
    quiet = np.zeros(2 * RATE_HZ, np.float32)
    sound = np.concatenate([quiet, speech(6.0), quiet, speech(2.0, seed=1), quiet])
    found, heard = of_file(write(tmp_path / "a.flac", sound, codec="flac"), CUT)
    assert heard.speech_s == pytest.approx(8.0, abs=0.6)
    assert (heard.codec, heard.duration_s) == ("flac", 14.0)
    assert [start for start, _ in spans(found)] == pytest.approx([2.0, 4.0, 10.0], abs=0.25)
    assert all(one.unfit is None for one in found)


def test_wrong_use_and_wrong_files_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("nothing")
    with pytest.raises(MediaError):
        of_file(tmp_path / "a.wav", CUT, DEFAULT_LIMITS)
    with pytest.raises(UsageError, match='not as "face"'):
        passages(cast(Recording, Played(np.zeros(1, np.float32))), Cut(kind="face", size_px=224))
