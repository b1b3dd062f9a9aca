"""A curve in one line of text, for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

BLOCKS: Final = "▁▂▃▄▅▆▇█"
DIGITS: Final = "0123456789"

_GAPS: Final = {BLOCKS: " ", DIGITS: "-"}


def sparkline(values: Sequence[float | None], marks: str = BLOCKS) -> str:
    """One character a value, low to high.

    The scale is always 0 to 1, so that lines under one another compare: a flat low line is not stretched to look steep.

    Args:
        values: Between 0 and 1; None where there is none.
        marks: `BLOCKS`, or `DIGITS` where the terminal cannot show blocks.
    """
    last = len(marks) - 1
    return "".join(
        _GAPS[marks] if value is None else marks[min(last, max(0, int(value * len(marks))))] for value in values
    )


def marks_for(encoding: str | None) -> str:
    """`BLOCKS` where text in this encoding can hold them, else `DIGITS`."""
    try:
        BLOCKS.encode(encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return DIGITS
    return BLOCKS
