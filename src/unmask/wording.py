"""How numbers and names are shown to people: in reasons, on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence


def visible(text: str) -> str:
    """Text with its invisible characters written out, so that no name can hide, break, colour or turn around a line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def visible_lines(text: str) -> str:
    """The same for a text of several lines, which stay lines."""
    return "\n".join(visible(line) for line in text.splitlines())


def decimals(value: float, against: Sequence[float] = ()) -> str:
    """A probability in two decimals, or as many as it takes to show on which side of a threshold it lies."""
    for digits in (2, 3, 4):
        shown = round(value, digits)
        sides = ((value - limit, shown - round(limit, digits)) for limit in against)
        if 0 < shown < 1 and all((true > 0, true < 0) == (seen > 0, seen < 0) for true, seen in sides):
            return f"{shown:.{digits}f}"
    if value < 0.5:
        return "0" if value == 0 else "under 0.0001"
    return "1" if value == 1 else "over 0.9999"


def clock(time_s: float) -> str:
    """A time in a recording: 0:04.2, 12:07.0, 1:02:03.5."""
    tenths = round(time_s * 10)
    hours, rest = divmod(tenths, 36_000)
    minutes, rest = divmod(rest, 600)
    seconds = f"{rest // 10:02}.{rest % 10}"
    return f"{hours}:{minutes:02}:{seconds}" if hours else f"{minutes}:{seconds}"


def to_the_second(time_s: float) -> str:
    """The same as players show it, the second that has begun: 0:04, 12:07, 1:02:03."""
    return clock(int(max(0.0, time_s) + 1e-6)).removesuffix(".0")
