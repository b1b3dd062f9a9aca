from __future__ import annotations

from tests.some_voice import MODEL, stretches, voice
from unmask import voice_line
from unmask.time_charts import Axis
from unmask.types import Voice
from unmask.voice_line import VoiceLine

MARKED = (12.0, 16.0)


def drawn(heard: Voice | None = None, *, marked: tuple[float, float] | None = MARKED) -> VoiceLine:
    heard = heard or voice()
    return voice_line.draw(heard, MODEL, Axis(0.0, heard.duration_s), marked)


def test_steps_break_where_nobody_speaks_or_nothing_could_be_judged() -> None:
    line = drawn()
    assert line.path == "M0 90H15V95H25M50 40H65V3H75V10H85V50H100"
    assert line.judged == ((0.0, 25.0), (50.0, 50.0))
    assert line.unfit == "M25 98h15"
    assert line.marked == (60.0, 20.0)


def test_the_line_in_words_says_what_the_drawing_shows() -> None:
    assert drawn().words == (
        "Voice: probability of fake in 6 windows; highest 0.97 at 0:12.0, lowest 0.05 at 0:02.0; most like a fake "
        "0:12.0 to 0:16.0; 1 could not be judged"
    )
    alone = drawn(voice(stretches=stretches({0.0: 0.7996})), marked=None)
    assert alone.words == "Voice: probability of fake in 1 window; highest 0.7996 at 0:00.0, lowest 0.7996 at 0:00.0"


def test_a_voice_that_could_not_be_judged_has_no_line() -> None:
    line = drawn(voice(stretches=stretches({0.0: None, 2.0: None})), marked=None)
    assert (line.path, line.judged, line.marked) == ("", (), None)
    assert line.unfit == "M0 98h30"
    assert line.words.endswith("in 0 windows; 2 could not be judged")


def test_numbers_are_those_of_the_windows() -> None:
    line = drawn()
    assert line.rows[:3] == (
        ("0:00.0", "0:04.0", "0.10"),
        ("0:02.0", "0:06.0", "0.05"),
        ("0:04.0", "0:08.0", "not judged"),
    )
    assert (len(line.rows), line.every, line.merged) == (7, 1, False)


def test_hours_are_drawn_by_the_highest_of_their_parts() -> None:
    windows: dict[float, float | None] = {2.0 * index: 0.97 if index == 777 else 0.2 for index in range(1799)}
    line = drawn(voice(duration_s=3600.0, stretches=stretches(windows)))
    assert line.merged
    assert line.path.count("H") == 400
    assert line.path.count("V3H") == 1
    assert (len(line.rows), line.every) == (100, 18)
    assert [row for row in line.rows if row[2] == "0.97"] == [("25:54.0", "25:58.0", "0.97")]
    assert "1,799 windows; highest 0.97 at 25:54.0" in line.words
