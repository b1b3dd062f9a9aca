from __future__ import annotations

import pytest

from unmask.sparkline import BLOCKS, DIGITS, marks_for, sparkline


def test_heights_follow_a_scale_that_is_the_same_for_everybody() -> None:
    assert sparkline([0.0, 0.124, 0.126, 0.5, 0.99, 1.0]) == "▁▁▂▅██"
    assert sparkline([0.02, 0.03]) == "▁▁", "a flat low line stays flat and low"


def test_digits_stand_in_for_blocks() -> None:
    assert sparkline([0.0, 0.05, 0.55, 0.93, 1.0], DIGITS) == "00599"


def test_a_gap_is_told_from_a_low_value() -> None:
    assert sparkline([0.0, None, 1.0]) == "▁ █"
    assert sparkline([0.0, None, 1.0], DIGITS) == "0-9"


def test_nothing_is_an_empty_line() -> None:
    assert sparkline([]) == ""


@pytest.mark.parametrize(
    ("encoding", "marks"),
    [
        ("utf-8", BLOCKS),
        ("UTF-16", BLOCKS),
        ("ascii", DIGITS),
        ("latin-1", DIGITS),
        ("nonsense", DIGITS),
        (None, DIGITS),
    ],
)
def test_blocks_are_used_where_text_can_hold_them(encoding: str | None, marks: str) -> None:
    assert marks_for(encoding) == marks
