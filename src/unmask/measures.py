"""The full table of measures: pooled, for each source, each generator and each group of people. Pure functions.

`figures` holds what a model card shows, errors at the shipped thresholds among them; this is what a researcher asks
for beyond it. Ranking measures are of comparable scores; calls are made at one half of the calibrated probability,
which treats both errors alike; everything has its bootstrap interval.

A test is balanced where two to three of five items are fakes. On any other, accuracy rewards whoever calls the larger
class, so balanced accuracy stands beside it and the table says so.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final, Literal

from unmask import resampling
from unmask.confusion import HALF
from unmask.manifest import FAKE, REAL
from unmask.scored import GROUP_COLUMNS, both_classes, counts, grouped, measurable, ranked_by, real_things
from unmask.scores import Row
from unmask.types import Value

BALANCED: Final = (0.4, 0.6)
"""Shares of fakes between which accuracy may be read alone."""

Part = Literal["all", "source", "generator", "group"]

_HEADINGS: Final[dict[Part, str]] = {
    "all": "All",
    "source": "By source",
    "generator": "By generator",
    "group": "By group",
}
_COLUMNS: Final = ("split", "part", "of", "measure", "value", "low", "high", "reals", "fakes", "balance", "on")
_BALANCED_ACCURACY: Final = "balanced accuracy"
_SHOWN: Final = ("AUC", "average precision", "TPR at 1 % FPR", "accuracy", _BALANCED_ACCURACY, "macro F1", "log loss")
"""What the page shows of each part; all of it is in the CSV file."""


class Measure(Value):
    """One measure of one part of a test, with the ends of its 95 % bootstrap interval.

    Attributes:
        name: Such as "AUC" or "F1 of fake".
        split: The split.
        part: What kind of part it is.
        of: Which of its kind: the source, the generator or the group; "" for all.
        on: The same in words, with the share of fakes and the score that was ranked.
        value: The measure; of the confusion matrix, a count.
        low: Lower end.
        high: Upper end.
        reals: How many were measured.
        fakes: Likewise.
    """

    name: str
    split: str
    part: Part
    of: str
    on: str
    value: float
    low: float
    high: float
    reals: int
    fakes: int

    @property
    def balanced(self) -> bool:
        """Whether accuracy may be read alone."""
        return balanced(self.reals, self.fakes)


def balanced(reals: int, fakes: int) -> bool:
    """Whether classes of these sizes make a balanced test."""
    return BALANCED[0] <= fakes / (reals + fakes) <= BALANCED[1]


def measures(rows: Iterable[Row], *, threshold: float = HALF, groups: Sequence[str] = GROUP_COLUMNS) -> list[Measure]:
    """Measure everything that can be measured: every part with scored reals and scored fakes.

    Args:
        rows: Scores of one or several splits; perturbed copies are left out.
        threshold: Calibrated probabilities at or above it are called fake.
        groups: Attribute columns whose combinations are people's groups.

    Returns:
        For each split: all items, then each source (fakes of one without reals meet the reals of all), each generator
        (its fakes, and the reals of its own sources or else of all), and each group.
    """
    found: list[Measure] = []
    originals = sorted((one for one in rows if not one.perturbation), key=lambda one: one.split)  # the order is kept
    for split, inside in groupby(originals, lambda one: one.split):
        for part, of, beside, chosen in _parts(list(inside), groups):
            if both_classes(chosen):
                found += _measured(chosen, split or "all", part, of, beside, threshold)
    return found


def write(path: Path, found: Iterable[Measure]) -> None:
    """Write measures as CSV, numbers in full."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for one in found:
            numbers = (repr(one.value), repr(one.low), repr(one.high), one.reals, one.fakes)
            balance = "balanced" if one.balanced else "unbalanced"
            writer.writerow((one.split, one.part, one.of, one.name, *numbers, balance, one.on))


def to_markdown(found: Iterable[Measure]) -> str:
    """The measures as a Markdown page: all of them for each whole split, the foremost for its parts."""
    pages = []
    for split, inside in groupby(found, lambda one: one.split):
        table = list(inside)
        whole = [one for one in table if one.part == "all"]
        if whole:
            pages.append(_all_of(split, whole))
        for part, heading in list(_HEADINGS.items())[1:]:
            members = [one for one in table if one.part == part]
            if members:
                pages.append(_overview(f"{heading}, {split}", members))
    return "\n".join(pages)


def _parts(rows: Sequence[Row], groups: Sequence[str]) -> Iterator[tuple[Part, str, str, list[Row]]]:
    """Kind, name, what else is beside it in words, and rows."""
    reals = [one for one in rows if one.label == REAL]
    against_all = f", against the {real_things(rows)} of all sources"
    yield "all", "", "", list(rows)
    for source in sorted({one.source for one in rows} - {""}):
        own = [one for one in rows if one.source == source]
        alone = all(one.label == FAKE for one in own)
        yield "source", source, against_all if alone else "", [*own, *reals] if alone else own
    for method in sorted({one.method for one in rows if one.label == FAKE} - {""}):
        fakes = [one for one in rows if one.label == FAKE and one.method == method]
        homes = {one.source for one in fakes}
        own = [one for one in reals if one.source in homes]
        named = f", against the {real_things(rows)} of {', '.join(sorted(homes))}"
        beside = named if own and any(homes) else against_all
        yield "generator", method, beside, [*fakes, *(own or reals)]
    for name, members in grouped(rows, groups):
        yield "group", name, "", members


def _measured(rows: Sequence[Row], split: str, part: Part, of: str, beside: str, threshold: float) -> Iterator[Measure]:
    reals, fakes = counts(rows)
    even = balanced(reals, fakes)
    share = f"{'' if even else 'unbalanced, '}{fakes / (reals + fakes):.0%} fakes"
    on = f"{of or 'pooled'} {split}{beside}, {share}, {ranked_by(rows)}"
    for name, (value, low, high) in resampling.every(measurable(rows), threshold=threshold).items():
        if name == _BALANCED_ACCURACY and even:
            continue  # it would say the same as accuracy
        yield Measure(
            name=name, split=split, part=part, of=of, on=on, value=value, low=low, high=high, reals=reals, fakes=fakes
        )


def _all_of(split: str, found: Sequence[Measure]) -> str:
    lines = [
        f"## All measures, {split}",
        "",
        f"On {found[0].on}; {found[0].reals:,} real, {found[0].fakes:,} fake.",
        "",
    ]
    lines += ["| measure | value | 95 % interval |", "|---|---|---|"]
    for one in found:
        show = _count if one.name in resampling.COUNTS else _decimal
        lines.append(f"| {one.name} | {show(one.value)} | {show(one.low)} to {show(one.high)} |")
    return "\n".join(lines) + "\n"


def _overview(heading: str, found: Sequence[Measure]) -> str:
    names = [name for name in _SHOWN if any(one.name == name for one in found)]
    lines = [f"## {heading}", "", "| on | real | fake | " + " | ".join(names) + " |", "|---" * (len(names) + 3) + "|"]
    for on, members in groupby(found, lambda one: one.on):
        by_name = {one.name: one for one in members}
        first = next(iter(by_name.values()))
        cells = (_cell(by_name[name]) if name in by_name else "" for name in names)
        lines.append(f"| {on} | {first.reals:,} | {first.fakes:,} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _cell(one: Measure) -> str:
    return f"{_decimal(one.value)} ({_decimal(one.low)} to {_decimal(one.high)})"


def _decimal(value: float) -> str:
    return f"{value:.3f}"


def _count(value: float) -> str:
    return f"{value:,.0f}"
