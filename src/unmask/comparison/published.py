"""What was published, beside what we measured. Never one without its data: the same figure on other data is another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from unmask.comparison import table
from unmask.comparison.lines import ItemSet
from unmask.comparison.measuring import CLUSTERED, LOWER_IS_BETTER, POOLED, SHOWN, Measured, named
from unmask.comparison.table import Cell, Table
from unmask.metrics import Interval

COLUMNS = (
    "recipe",
    "figure",
    "published",
    "its data",
    "ours",
    "our data",
    "difference",
    "ours is",
    "pictures/s",
    "parameters",
    "ms a picture",
)


def against_ours(found: Sequence[Measured], sets: Sequence[ItemSet]) -> Table:
    """One row for each published figure and what we measured it on; lines that publish nothing get a row that says so.

    "above" and "below" are said where the whole interval lies there; else the published figure is within it.
    """
    where = {one.letter: one.split if len(sets) == 1 else f"{one.split} (items {one.letter})" for one in sets}
    return Table(COLUMNS, tuple(row for one in found for row in _rows(one, where[one.line.items])))


def verdict(published: float, ours: Interval, *, lower_is_better: bool = False) -> str:
    """Where our figure lies, seen from the published one."""
    if ours.low <= published <= ours.high:
        return "within the interval"
    word = "above" if ours.low > published else "below"
    return f"{word} (lower is better)" if lower_is_better else word


def _rows(one: Measured, split: str) -> Iterator[tuple[Cell, ...]]:
    published = one.line.first.published_figures
    ours_on = f"{one.on}, {split}: {one.reals:,} real, {one.fakes:,} fake"
    for name, value in published.items():
        measure = named(name)
        interval = one.values.get(measure or "")
        if measure in CLUSTERED and one.on != POOLED:
            continue  # embeddings are of a sample over all sources
        more = table.signed(interval.value - value) if interval else table.words("")
        says = (more, table.words(_verdict(value, measure, interval)))
        yield _row(one, _shown(name, measure), table.figure(value, 4), interval, ours_on, says)
    if not published and one.on == POOLED:
        nothing = (table.words(""), table.words(""))
        yield _row(one, "accuracy", table.words("none"), one.values.get("accuracy"), ours_on, nothing)


def _row(
    one: Measured, name: str, published: Cell, ours: Interval | None, ours_on: str, says: tuple[Cell, Cell]
) -> tuple[Cell, ...]:
    about = (
        table.words(one.line.name),
        table.words(name),
        published,
        table.words(one.line.first.published.get("data")),
    )
    return (*about, table.measured(ours), table.words(ours_on), *says, *table.speed(one))


def _shown(name: str, measure: str | None) -> str:
    return {**SHOWN, **CLUSTERED}.get(measure or "", name)


def _verdict(published: float, measure: str | None, ours: Interval | None) -> str:
    if measure is None:
        return "not a measure of ours"
    return verdict(published, ours, lower_is_better=measure in LOWER_IS_BETTER) if ours else "not measured"
