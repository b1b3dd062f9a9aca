from __future__ import annotations

import pytest

from unmask.wording import decimals, to_the_second, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("holiday/été 01.jpg", "holiday/été 01.jpg"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("two\nlines\r\t", "two\\nlines\\r\\t"),
        ("c1\x9bcontrol", "c1\\x9bcontrol"),
        ("gpj.\u202eexe", "gpj.\\u202eexe"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
    ],
)
def test_visible_writes_out_what_could_hide_or_turn_around_a_line(text: str, shown: str) -> None:
    assert visible(text) == shown
    assert visible(text).isprintable()


@pytest.mark.parametrize(
    ("value", "against", "shown"),
    [
        (0.971, (), "0.97"),
        (0.829, (0.83,), "0.829"),
        (0.83, (0.83,), "0.83"),
        (0.8301, (0.83,), "0.8301"),
        (0.1201, (0.12, 0.83), "0.1201"),
        (0.99996, (), "over 0.9999"),
        (0.00004, (), "under 0.0001"),
        (0.0, (), "0"),
        (1.0, (), "1"),
    ],
)
def test_decimals_show_on_which_side_of_a_threshold_a_number_lies(
    value: float, against: tuple[float, ...], shown: str
) -> None:
    assert decimals(value, against) == shown


@pytest.mark.parametrize(
    ("time_s", "shown"),
    [(0.0, "0:00"), (4.99, "0:04"), (59.9999999, "1:00"), (727.0, "12:07"), (3723.9, "1:02:03"), (-0.1, "0:00")],
)
def test_a_time_to_the_second_is_the_second_that_has_begun(time_s: float, shown: str) -> None:
    assert to_the_second(time_s) == shown
