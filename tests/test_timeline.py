from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import some_voice
from tests.some_video import FACE, first, moments, second, video
from unmask import timeline
from unmask.types import Evidence, Region, Track


def of(values: dict[float, float | None]) -> Track:
    times = sorted(values)
    return first().model_copy(update={"start_s": times[0], "end_s": times[-1], "moments": moments(values)})


def test_a_person_is_away_where_a_frame_does_not_show_them() -> None:
    assert [[m.time_s for m in run] for run in timeline.runs(video(), second())] == [[0.0, 0.2, 0.4], [1.8, 2.0]]
    assert list(timeline.away(video(), second())) == [(0.4, 1.8)]
    assert list(timeline.away(video(), first())) == []


def test_closer_looks_make_nobody_else_away() -> None:
    closer = video(looked_closer_s=(0.25, 0.3))
    assert len(timeline.runs(closer, second())) == 2


def test_a_person_is_drawn_half_way_to_the_frames_without_them() -> None:
    assert np.array(timeline.stretches(video(), second())) == pytest.approx(np.array([(0.0, 0.5), (1.7, 2.1)]))
    assert timeline.stretches(video(), first()) == [(0.0, 2.1)]
    assert timeline.stretches(video(), of({1.0: 0.5}))[0] == pytest.approx((0.9, 1.1))


def test_the_highest_look_counts_only_what_was_judged() -> None:
    most = timeline.highest(first())
    assert most is not None
    assert (most.time_s, most.probability) == (1.0, 0.97)
    assert timeline.highest(of({0.0: None})) is None


def test_columns_have_gaps_only_where_nothing_was_seen_or_judged() -> None:
    assert timeline.columns(video(), second(), 32) == [0.04] * 3 + [None] * 6 + [0.04] * 2
    assert timeline.columns(video(), first(), 32)[:3] == [0.06, 0.5, None]
    assert timeline.columns(video(), first().model_copy(update={"moments": ()}), 32) == []


def test_columns_are_no_more_than_fit_and_keep_the_peak() -> None:
    found = timeline.columns(video(), first(), 4)
    assert len(found) == 4
    assert max(value or 0 for value in found) == 0.97


def test_a_closer_look_belongs_to_the_column_next_to_it() -> None:
    track = of({0.0: 0.1, 0.2: 0.2, 0.25: 0.9, 0.4: 0.3})
    assert timeline.columns(video(), track, 32) == [0.1, 0.9, 0.3]


@pytest.mark.parametrize(
    ("start_s", "end_s", "texts"),
    [
        (0, 12, ["0:00", "0:02", "0:04", "0:06", "0:08", "0:10", "0:12"]),
        (0, 0.5, ["0:00.0", "0:00.1", "0:00.2", "0:00.3", "0:00.4", "0:00.5"]),
        (1, 5, ["0:01", "0:02", "0:03", "0:04", "0:05"]),
        (59.5, 61.2, ["0:59.5", "1:00.0", "1:00.5", "1:01.0"]),
        (0, 7200, ["0:00", "20:00", "40:00", "1:00:00", "1:20:00", "1:40:00", "2:00:00"]),
        (0, 0, ["0:00.0"]),
    ],
)
def test_ticks_are_round_and_few(start_s: float, end_s: float, texts: list[str]) -> None:
    found = timeline.ticks(start_s, end_s)
    assert [text for _, text in found] == texts
    assert all(start_s - 1e-6 <= time_s <= end_s + 1e-6 for time_s, _ in found)


@pytest.mark.parametrize(
    ("region", "words"),
    [
        (Region(), None),
        (Region(track=2), "person 2"),
        (Region(track=1, start_s=4.2, end_s=6.8), "person 1, 0:04.2 to 0:06.8"),
        (Region(track=1, start_s=4.2, end_s=4.2), "person 1, at 0:04.2"),
        (Region(start_s=0.0), "at 0:00.0"),
        (Region(box_px=FACE), None),
    ],
)
def test_a_region_in_words(region: Region, words: str | None) -> None:
    assert timeline.when(region) == words


def test_a_look_is_told_from_a_finding_on_a_whole_person() -> None:
    look = Evidence(
        detector="track",
        region=Region(track=1, start_s=1.0, end_s=1.0),
        logit=1.0,
        votes=False,
        sentence="looks fake",
        heat_map=((1.0,),),
    )
    assert timeline.is_one_look(look)
    assert not timeline.is_one_look(look.model_copy(update={"heat_map": None})), "a person who was seen but once"
    assert not timeline.is_one_look(look.model_copy(update={"region": Region(track=1, start_s=1.0, end_s=2.0)}))
    assert not timeline.is_one_look(look.model_copy(update={"region": Region(box_px=FACE)}))


def test_the_heat_map_of_a_window_of_sound_is_one_look_too() -> None:
    heard = some_voice.window(2.0)
    assert timeline.is_one_look(heard)
    assert not timeline.is_one_look(heard.model_copy(update={"heat_map": None})), "a finding on some seconds"
    assert not timeline.is_one_look(heard.model_copy(update={"region": Region()})), "or on all of it"


def test_windows_lie_side_by_side_over_the_seconds_nearest_to_their_middles() -> None:
    found = [(step.start_s, step.end_s, step.probability) for step in timeline.steps(some_voice.voice(), 100)]
    assert found == [
        (0.0, 3.0, 0.1),
        (3.0, 5.0, 0.05),
        (5.0, 8.0, None),
        (10.0, 13.0, 0.6),
        (13.0, 15.0, 0.97),
        (15.0, 17.0, 0.9),
        (17.0, 20.0, 0.5),
    ]
    assert timeline.steps(some_voice.voice(stretches=()), 100) == []


def test_many_windows_are_told_by_the_highest_of_equal_parts() -> None:
    found = timeline.steps(some_voice.voice(), 4)
    assert [(step.start_s, step.end_s, step.probability) for step in found] == [
        (0.0, 5.0, 0.1),
        (5.0, 8.0, None),
        (10.0, 15.0, 0.97),
        (15.0, 20.0, 0.9),
    ]


def test_a_voice_has_a_column_for_each_window_and_none_where_nobody_speaks() -> None:
    assert timeline.heard(some_voice.voice(), 32) == [0.1, 0.05, None, 0.6, 0.97, 0.97, 0.5]
    assert timeline.heard(some_voice.voice(), 4) == [0.1, None, 0.97, 0.9]
    assert timeline.heard(some_voice.voice(stretches=()), 32) == []
    once = some_voice.voice(duration_s=4.0, stretches=some_voice.stretches({0.0: 0.7}))
    assert timeline.heard(once, 32) == [0.7]
    long = {2.0 * index: 0.4 for index in range(1799)}
    assert (
        timeline.heard(some_voice.voice(duration_s=3600.0, stretches=some_voice.stretches({**long})), 32) == [0.4] * 32
    )


class TestAroundHighest:
    @pytest.mark.parametrize(
        ("logits", "expected"),
        [
            ([3.0], (0, 0, 0)),
            ([0, 0, 0, 0, 5, 6, 4, 0, 0], (4, 5, 6)),
            ([9, 8, 0, 0, 0], (0, 0, 1)),
            ([0, 0, 0, 8, 9], (3, 4, 4)),
            ([9, 0, 9, 0, 0], (0, 0, 0)),
            ([1, 1, 1], (0, 0, 2)),
        ],
    )
    def test_by_hand(self, logits: list[float], expected: tuple[int, int, int]) -> None:
        assert timeline.around_highest(logits) == expected

    @given(st.lists(st.floats(-50, 50), min_size=1, max_size=30))
    def test_it_holds_the_highest(self, logits: list[float]) -> None:
        first, top, last = timeline.around_highest(logits)
        assert 0 <= first <= top <= last < len(logits)
        assert logits[top] == max(logits)
