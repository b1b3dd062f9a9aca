"""Whether some people are wronged more often than others: error rates for each group, with what chance would do.

Two errors are counted. A real photo called fake is the wrong done to the person in it; a fake called real is the
protection that the person in it did not get. Both at the shipped thresholds, over every file with a verdict, and at one
half of the calibrated probability, over every file with a score. Small groups are named and not rated.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np

from unmask import metrics
from unmask.confusion import HALF
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL
from unmask.metrics import LEVEL, RESAMPLES, SEED, Interval
from unmask.scores import Row
from unmask.types import Label, Status

LEAST: Final = 30
"""Fewest files of one class that a group is rated on."""

SHIPPED: Final = "the shipped thresholds"
AT_HALF: Final = "0.5"

_MANY: Final = 10
"""A column of numbers with more values than this is rated by decades; with fewer, its numbers are names."""

Group = tuple[str, ...]


@dataclass(frozen=True)
class Rate:
    """How often one error was made on one group.

    Attributes:
        error: "real photos called fake" or "fakes called real".
        at: The thresholds: "the shipped thresholds" or "0.5".
        by: The column, or several with a plus between them.
        group: Its value, or values.
        errors: How many.
        of: Of how many.
        rate: The share with its Wilson interval; None where the group is too small to be rated.
    """

    error: str
    at: str
    by: str
    group: str
    errors: int
    of: int
    rate: Interval | None


@dataclass(frozen=True)
class Gap:
    """The largest difference in one error rate between the rated groups of a column.

    Attributes:
        error: As in `Rate`.
        at: Likewise.
        by: Likewise.
        highest: The group with the highest rate.
        lowest: That with the lowest.
        gap: The difference of the largest and the smallest rate, each group's files redrawn within it.
        by_chance: Were the groups alike, 95 % of shuffled memberships would show a gap up to this. The largest of
            many differences is never 0, which is why the interval alone does not tell.
    """

    error: str
    at: str
    by: str
    highest: str
    lowest: str
    gap: Interval
    by_chance: float


@dataclass(frozen=True)
class Fairness:
    """Rates of all groups, the largest gaps, and what could not be rated, in sentences."""

    rates: tuple[Rate, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...]


def fairness(rows: Iterable[Row], by: Sequence[str], *, least: int = LEAST) -> Fairness:
    """Rate groups of people.

    Args:
        rows: Scores; perturbed copies are left out.
        by: Attribute columns, or combinations such as "gender+race". Numbers, such as ages, are rated by decades.
        least: Fewest files of one class that a group is rated on.

    Raises:
        UsageError: No column, one that the table lacks, or `least` below 1.
    """
    files = [one for one in rows if not one.perturbation]
    check([one.attributes for one in files], by, least)
    rates: list[Rate] = []
    gaps: list[Gap] = []
    notes = []
    for label, who, missing in ((REAL, "real photos", "called fake"), (FAKE, "fakes", "called real")):
        if not any(one.label == label for one in files):
            notes.append(f"There are no {who} in this test: how often they are {missing} cannot be rated.")
    for error, at, of, wrong in _errors():
        asked = list(filter(of, files))
        if asked and not any(map(wrong, asked)):
            notes.append(f"{error.capitalize()} at {at}: none of {len(asked)}. The intervals say how many may be.")
    for columns in dict.fromkeys(by):
        groups = _groups(files, columns.split("+"))
        without = len(files) - sum(map(len, groups.values()))
        if without:
            notes.append(f"{without} of {len(files)} files do not state {columns.replace('+', ' and ')}.")
        for error, at, of, wrong in _errors():
            found = [_rate(error, at, columns, group, list(filter(of, m)), wrong, least) for group, m in groups.items()]
            rates += (one for one in found if one.of)
            if gap := _gap([one for one in found if one.rate]):
                gaps.append(gap)
    small = sorted({(one.by, one.group) for one in rates if one.rate is None})
    if small:
        named = ", ".join(f"{group} ({columns})" for columns, group in small)
        notes.append(f"Too small to be rated, with fewer than {least} files of a class: {named}.")
    return Fairness(tuple(rates), tuple(gaps), tuple(notes))


def check(attributes: Iterable[Mapping[str, str]], by: Sequence[str], least: int) -> None:
    """Refuse columns that none of some files state.

    Raises:
        UsageError: As for `fairness`.
    """
    there = sorted({name for one in attributes for name, value in one.items() if value})
    unknown = sorted({name for columns in by for name in columns.split("+")} - set(there))
    if unknown or not by:
        what = f"no file states {', '.join(unknown)}" if unknown else "name a column to rate people by"
        raise UsageError(f"{what}; the columns are: {', '.join(there) or 'none'}")
    if least < 1:
        raise UsageError(f"a group of at least {least} files is none")


def _errors() -> Iterator[tuple[str, str, Callable[[Row], bool], Callable[[Row], bool]]]:
    """Each error, at which threshold, among which rows, and when it was made."""
    for label, name, wrong in ((REAL, "real photos called fake", Label.FAKE), (FAKE, "fakes called real", Label.REAL)):
        yield name, SHIPPED, partial(_has_verdict, label), partial(_is_called, wrong)
        yield name, AT_HALF, partial(_has_score, label), partial(_is_beyond_half, label)


def _has_verdict(label: int, one: Row) -> bool:
    return one.label == label and one.status == Status.OK.value


def _is_called(verdict: Label, one: Row) -> bool:
    return one.verdict == verdict.value


def _has_score(label: int, one: Row) -> bool:
    return one.label == label and one.probability is not None


def _is_beyond_half(label: int, one: Row) -> bool:
    called_fake = one.probability is not None and one.probability >= HALF
    return called_fake != (label == FAKE)


def _groups(rows: Sequence[Row], columns: Sequence[str]) -> dict[str, list[Row]]:
    """Rows by the values of some columns, numbers by decades and in their order; rows that lack one are left out."""
    by_decade = {column: _is_number([one.attributes.get(column, "") for one in rows]) for column in columns}
    found: defaultdict[tuple[tuple[float, str], ...], list[Row]] = defaultdict(list)
    for one in rows:
        values = [(column, one.attributes.get(column, "")) for column in columns]
        if all(value for _, value in values):
            found[tuple(_named(value, by_decade[column]) for column, value in values)].append(one)
    return {" ".join(name for _, name in key): found[key] for key in sorted(found)}


def _is_number(values: Iterable[str]) -> bool:
    different = {value for value in values if value}
    try:
        return all(math.isfinite(float(value)) for value in different) and len(different) > _MANY
    except ValueError:
        return False


def _named(value: str, by_decade: bool) -> tuple[float, str]:
    """What to sort by, and what to say."""
    if not by_decade:
        return 0.0, value
    decade = math.floor(float(value) / 10) * 10
    return decade, f"{decade} to {decade + 9}"


def _rate(
    error: str, at: str, by: str, group: str, rows: Sequence[Row], wrong: Callable[[Row], bool], least: int
) -> Rate:
    errors = sum(map(wrong, rows))
    rate = metrics.share(errors, len(rows)) if len(rows) >= least else None
    return Rate(error, at, by, group, errors, len(rows), rate)


def _gap(rated: Sequence[Rate]) -> Gap | None:
    """None where fewer than two groups are rated, or where no error was made and a bootstrap would be certain of it.

    Redrawing files that are right or wrong is drawing from a binomial; shuffling them, from a hypergeometric.
    """
    if len(rated) < 2 or not any(one.errors for one in rated):
        return None
    rates = {one.group: one.errors / one.of for one in rated}
    highest, lowest = max(rates, key=rates.__getitem__), min(reversed(rates), key=rates.__getitem__)
    sizes, errors = np.array([one.of for one in rated]), sum(one.errors for one in rated)
    rng = np.random.default_rng(SEED)
    redrawn = rng.binomial(sizes, list(rates.values()), (RESAMPLES, len(rated))) / sizes
    shuffled = rng.multivariate_hypergeometric(sizes, errors, RESAMPLES, method="marginals") / sizes
    low, high = np.quantile(np.ptp(redrawn, axis=1), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    by_chance = float(np.quantile(np.ptp(shuffled, axis=1), LEVEL))
    gap = Interval(rates[highest] - rates[lowest], float(low), float(high))
    first = rated[0]
    return Gap(first.error, first.at, first.by, highest, lowest, gap, by_chance)
