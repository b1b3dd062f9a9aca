from __future__ import annotations

import pytest

from tests import some_voice
from tests.some_video import MODEL, first, second, video
from unmask import time_charts
from unmask.time_charts import Axis
from unmask.types import Curve


def test_an_axis_is_in_percent_and_holds_everything() -> None:
    axis = Axis(2.0, 6.0)
    assert [axis.x(time_s) for time_s in (2.0, 3.0, 6.0, 1.0, 9.0)] == [0, 25, 100, 0, 100]
    assert axis.part(3.0, 5.0) == (25, 50)
    assert Axis(1.0, 1.0).x(1.0) == 0


def test_every_other_tick_may_be_left_out() -> None:
    assert [(tick.text, tick.spare) for tick in Axis(0, 4).ticks][:3] == [
        ("0:00", False),
        ("0:01", True),
        ("0:02", False),
    ]


def test_a_timeline_has_a_dot_for_each_look() -> None:
    drawn = time_charts.draw(video(), first(), MODEL)
    assert len(drawn.dots) == 11
    peak = drawn.dots[5]
    assert (peak.x, peak.y) == pytest.approx((100 / 2.1, 3), abs=1e-3)
    assert peak.words == "0:01.0: probability of fake 0.97"
    assert [dot.judged for dot in drawn.dots].index(False) == 2
    assert drawn.dots[2].words == "0:00.4: not judged"
    assert drawn.marked == pytest.approx((100 * 0.8 / 2.1, 100 * 0.4 / 2.1), abs=2e-3)
    assert drawn.most == "0:00.8 to 0:01.2"


def test_its_line_breaks_where_the_person_was_not_judged_or_away() -> None:
    assert time_charts.draw(video(), first(), MODEL).path.count("M") == 2
    away = time_charts.draw(video(), second(), MODEL)
    assert away.path.count("M") == 2
    assert len(away.there) == 2


def test_all_timelines_of_a_video_share_their_seconds() -> None:
    clip = video()
    assert {time_charts.draw(clip, track, None).axis for track in clip.tracks} == {Axis(0.0, 2.1)}


def test_the_timeline_in_words_says_what_the_drawing_shows() -> None:
    assert time_charts.draw(video(), first(), MODEL).words == (
        "Person 1: probability of fake in 11 looks from 0:00.0 to 0:02.0; highest 0.97 at 0:01.0, lowest 0.06 at "
        "0:00.0; most like a fake 0:00.8 to 0:01.2"
    )
    assert time_charts.draw(video(), second(), MODEL).words.endswith("at 0:00.2; away between 0:00.4 and 0:01.8")


def test_a_person_who_could_not_be_judged_says_so() -> None:
    silent = first()
    blank = tuple(moment.model_copy(update={"probability": None}) for moment in silent.moments)
    verdict = silent.verdict.model_copy(update={"region": None})
    drawn = time_charts.draw(video(), silent.model_copy(update={"moments": blank, "verdict": verdict}), None)
    assert (drawn.path, drawn.marked, drawn.most) == ("", None, None)
    assert drawn.words.endswith("; none could be judged")


def curve(name: str, track: int | None, values: tuple[float | None, ...] = (1.0, 3.0), **changes: object) -> Curve:
    given = {"detector": "lipsync", "name": name, "track": track, "times_s": (0.0, 1.0), "values": values}
    return Curve.model_validate(given | changes)


def test_sound_is_drawn_over_the_persons_of_its_detector() -> None:
    curves = (curve("mouth", 1), curve("mouth", 2), curve("sound", None), curve("turn", 1, detector="motion"))
    found = time_charts.charts(video(curves=curves))
    assert [(chart.detector, chart.person, [line.curve.name for line in chart.lines]) for chart in found] == [
        ("lipsync", 1, ["mouth", "sound"]),
        ("lipsync", 2, ["mouth", "sound"]),
        ("motion", 1, ["turn"]),
    ]
    assert found[0].words == "mouth and sound of person 1 from 0:00.0 to 0:01.0: mouth from 1 to 3; sound from 1 to 3"


def test_only_what_was_heard_meanwhile_lies_over_a_person() -> None:
    later = {"times_s": (5.0, 6.0)}
    curves = (curve("mouth", 1), curve("sound", None), curve("mouth", 2, **later), curve("sound", None, **later))
    found = time_charts.charts(video(curves=(*curves, curve("mouth", 3, times_s=(8.0, 9.0)))))
    assert [[line.curve.times_s[0] for line in chart.lines] for chart in found] == [[0.0, 0.0], [5.0, 5.0], [8.0]]


def test_sound_alone_is_a_chart_too() -> None:
    (chart,) = time_charts.charts(video(curves=(curve("sound", None, unit="dB"),)))
    assert chart.person is None
    assert chart.lines[0].high == "3 dB"


def test_a_curve_fills_the_height_and_breaks_at_gaps() -> None:
    times = (0.0, 0.1, 0.2, 0.3, 5.0, 5.1)
    (chart,) = time_charts.charts(video(curves=(curve("mouth", 1, (0.0, 2.0, None, 1.0, 1.0, 1.0), times_s=times),)))
    path = chart.lines[0].path
    assert path.startswith("M0 100L1.961 0M")
    assert path.count("M") == 3


def test_curves_without_numbers_or_without_change_are_drawn_as_such() -> None:
    empty, flat = time_charts.charts(video(curves=(curve("a", 1, (None, None)), curve("b", 1, (2.0, 2.0)))))
    assert empty.lines[0].path == ""
    assert "from nothing to nothing" in empty.words
    assert flat.lines[0].path == "M0 50L100 50"
    assert time_charts.charts(video(curves=(curve("c", 1, (), times_s=()),))) == []


def test_long_curves_show_only_some_of_their_numbers() -> None:
    times = tuple(index / 25 for index in range(1000))
    long = curve("mouth", 1, times, times_s=times)
    (chart,) = time_charts.charts(video(curves=(long,)))
    assert (len(chart.rows), chart.every) == (100, 10)
    assert chart.rows[1] == ("0.40", ("0.4",))


def test_long_curves_are_drawn_in_no_more_points_than_can_be_told_apart() -> None:
    times = tuple(index / 25 for index in range(10_000))
    values = tuple(None if 4000 <= index < 6000 else float(index % 10) for index in range(10_000))
    (chart,) = time_charts.charts(some_voice.voice(curves=(curve("pitch", None, values, times_s=times),)))
    path = chart.lines[0].path
    assert 700 < path.count("L") + path.count("M") <= 1000
    assert path.count("M") == 2
    assert (chart.person, chart.lines[0].low, chart.lines[0].high) == (None, "0", "9")
