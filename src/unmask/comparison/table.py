"""A table of figures, for people (terminal, Markdown, page) and for programs (CSV)."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from unmask.comparison.measuring import CLUSTERED, POOLED, SHOWN, Measured
from unmask.comparison.runs import number
from unmask.metrics import Interval
from unmask.wording import visible

NONE: Final = ""


@dataclass(frozen=True)
class Cell:
    """One cell: words or a number, with its interval and the values of single seeds where it has them."""

    text: str
    value: float | None = None
    interval: Interval | None = None
    seeds: tuple[float, ...] = ()

    @property
    def ends(self) -> str:
        """The interval as text, or ""."""
        return f"{self.interval.low:z.3f} to {self.interval.high:z.3f}" if self.interval else NONE

    @property
    def each(self) -> str:
        """The values of several seeds as text, or ""."""
        return ", ".join(f"{value:.3f}" for value in self.seeds) if len(self.seeds) > 1 else NONE

    @property
    def whole(self) -> str:
        """Everything on one line."""
        inside = "; ".join(part for part in (self.ends, f"seeds {self.each}" if self.each else NONE) if part)
        return f"{self.text} ({inside})" if inside else self.text


@dataclass(frozen=True)
class Table:
    """Columns by name, and rows of cells; every row has a cell for each column."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def without(self, *names: str) -> Table:
        """The same without some columns."""
        kept = [index for index, name in enumerate(self.columns) if name not in names]
        return Table(
            tuple(self.columns[index] for index in kept), tuple(tuple(row[i] for i in kept) for row in self.rows)
        )


def words(text: object) -> Cell:
    """A cell of words, or of a whole number."""
    return Cell(NONE if text is None else str(text))


def figure(value: float | None, digits: int = 3) -> Cell:
    """A cell of a number that has no interval."""
    return Cell(NONE) if value is None else Cell(f"{value:,.{digits}f}", value)


def signed(value: float) -> Cell:
    """A cell of a difference."""
    return Cell(f"{value:+.3f}", value)


def measured(interval: Interval | None, seeds: tuple[float, ...] = ()) -> Cell:
    """A cell of a measure; empty where it could not be measured."""
    return Cell(NONE) if interval is None else Cell(f"{interval.value:z.3f}", interval.value, interval, seeds)


def main(found: Sequence[Measured]) -> Table:
    """One row for each line and what it was measured on. Columns that no row fills are left out."""
    shown = {**SHOWN, **CLUSTERED}
    columns = ("#", "recipe", "network", "seeds", "items", "on", "real", "fake", "not judged", *shown.values())
    columns += ("pictures/s", "parameters", "ms a picture", "published", "published data")
    rows = tuple(_row(one, tuple(shown)) for one in found)
    empty = [name for index, name in enumerate(columns) if not any(row[index].text for row in rows)]
    return Table(columns, rows).without(*empty)


def speed(one: Measured) -> tuple[Cell, Cell, Cell]:
    """Pictures per second in training, parameters, and milliseconds per picture: the mean over seeds."""
    costs = [run.cost for run in one.line.runs]
    means = []
    for key in ("pictures_per_s", "ms_per_picture"):
        noted = [value for cost in costs if (value := number(cost.get(key))) is not None]
        means.append(sum(noted) / len(noted) if noted else None)
    parameters = one.line.first.parameters
    return figure(means[0], 0), figure(parameters, 0), figure(means[1], 1)


def to_markdown(table: Table) -> str:
    """The table in Markdown, intervals and seeds in parentheses."""
    lines = [table.columns, ("---",) * len(table.columns), *(tuple(cell.whole for cell in row) for row in table.rows)]
    return "".join("| " + " | ".join(_cell(text) for text in line) + " |\n" for line in lines)


def to_csv(table: Table) -> str:
    """The table as CSV: numbers in full, and for each measure the ends of its interval and each seed's value."""
    spread = {index for row in table.rows for index, cell in enumerate(row) if cell.interval}
    header = []
    for index, name in enumerate(table.columns):
        header += [name, f"{name} low", f"{name} high", f"{name} of each seed"] if index in spread else [name]
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(header)
    for row in table.rows:
        line: list[object] = []
        for index, cell in enumerate(row):
            line.append(cell.text if cell.value is None else repr(cell.value))
            if index in spread:
                ends = (cell.interval.low, cell.interval.high) if cell.interval else (NONE, NONE)
                line += [*ends, " ".join(map(repr, cell.seeds))]
        writer.writerow(line)
    return file.getvalue()


def to_text(table: Table, width: int) -> str:
    """The table turned on its side, rows of it beside one another as far as they fit into `width` characters."""
    names = [visible(name) for name in table.columns]
    first = max(map(len, names), default=0)
    columns = [
        [visible(cell.text + (f" ({cell.ends})" if cell.interval else "")) for cell in row] for row in table.rows
    ]
    columns = [[_shortened(text, max(24, width - first - 2)) for text in column] for column in columns]
    blocks: list[list[list[str]]] = []
    used = width + 1
    for column in columns:
        wide = max(map(len, column)) + 2
        if used + wide > width:
            blocks.append([])
            used = first
        blocks[-1].append(column)
        used += wide
    return "\n\n".join(_block(names, first, block) for block in blocks) + "\n"


def _row(one: Measured, shown: Iterable[str]) -> tuple[Cell, ...]:
    line = one.line
    about = [words(line.number), words(line.name), words(line.first.network), words(line.seeds), words(line.items)]
    about += [words(one.on), words(one.reals), words(one.fakes), words(one.unjudged)]
    values = [measured(one.values.get(name), one.seeds.get(name, ())) for name in shown]
    # What was published was published about some other data: it stands in the row of all sources, once.
    said = [words(NONE), words(NONE)]
    if one.on == POOLED:
        figures = line.first.published_figures
        said = [words(", ".join(f"{name} {value:g}" for name, value in figures.items()))]
        said.append(words(line.first.published.get("data")))
    return (*about, *values, *speed(one), *said)


def _block(names: Sequence[str], first: int, columns: Sequence[Sequence[str]]) -> str:
    wide = [max(map(len, column)) for column in columns]
    lines = []
    for index, name in enumerate(names):
        cells = (column[index].ljust(width) for column, width in zip(columns, wide, strict=True))
        lines.append("  ".join([name.ljust(first), *cells]).rstrip())
    return "\n".join(line for line, name in zip(lines, names, strict=True) if line != name)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 3]}..."


def _cell(text: str) -> str:
    return visible(text).replace("|", "\\|")
