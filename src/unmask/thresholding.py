"""From probabilities to labels: the thresholds between which a verdict is uncertain, chosen on a calibration set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import compress
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask.calibrate import Floats, by_class
from unmask.card import Thresholds
from unmask.errors import UsageError

REALS_CALLED_FAKE: Final = 0.01
"""Largest share of real items of the calibration set that may reach `fake_above`."""

REALS_OF_A_SOURCE_CALLED_FAKE: Final = 0.05
"""Likewise of the real items of each source that has enough of them to say so."""

FAKES_CALLED_REAL: Final = 0.05
"""Largest share of fake items of the calibration set that may lie at or under `real_below`."""

_ENOUGH: Final = 20  # real items of a source: one of them may be wrong


def choose(labels: ArrayLike, probabilities: ArrayLike, sources: Sequence[str] = ()) -> Thresholds:
    """Choose the thresholds between which a verdict is uncertain.

    `fake_above` is the smallest number that at most 1 % of reals reach, but not under one half; `real_below` the
    largest at or under which at most 5 % of fakes lie, but not over one half. So nobody reads "fake, probability
    0.3", the two never cross, and where the classes separate both are one half: the set leaves nothing uncertain.
    One in a hundred of fewer than 100 reals is none.

    A promise about all real items can be kept at the cost of a few sources. Where sources are known, at most 5 % of the
    reals of each may reach `fake_above`, of which there are 20 or more.

    Args:
        labels: 0 or 1, shape (N,).
        probabilities: Calibrated, shape (N,).
        sources: Of each item; empty where they are not known.

    Raises:
        UsageError: A class is missing, a value is no probability, or no threshold can keep the promise because too
            many reals score exactly 1 or too many fakes exactly 0.
    """
    truth, values = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64)
    reals, fakes = (np.sort(group) for group in by_class(truth, values))
    if min(reals[0], fakes[0]) < 0 or max(reals[-1], fakes[-1]) > 1:
        raise UsageError("a probability lies outside of 0 to 1; calibrate first")
    mine = _reals_by_source(truth, values, sources)
    of_each = [_highest_below(own, REALS_OF_A_SOURCE_CALLED_FAKE) for own in mine.values()]
    highest_below = max([_highest_below(reals, REALS_CALLED_FAKE), *of_each])
    lowest_above = fakes[math.floor(FAKES_CALLED_REAL * len(fakes))]
    if highest_below >= 1 or lowest_above <= 0:
        raise UsageError("too many reals score exactly 1, or fakes exactly 0, for any threshold to keep them apart")
    fake_above = max(0.5, float(np.nextafter(highest_below, 2)))
    real_below = min(0.5, float(np.nextafter(lowest_above, -1)))
    return Thresholds(
        fake_above=fake_above,
        real_below=real_below,
        chosen=_sentence(reals, fakes, fake_above, real_below) + _by_source(mine, fake_above),
        reals_called_fake=float((reals >= fake_above).mean()),
        fakes_called_real=float((fakes <= real_below).mean()),
    )


def choose_for_each(
    labels: ArrayLike, probabilities: ArrayLike, kinds: Sequence[str], sources: Sequence[str] = ()
) -> Thresholds:
    """Choose as `choose` does, so that its promise holds for each kind of items by itself, and for all of them.

    Where most of a set was made, what was collected would count for nothing in a promise about all; and a source whose
    real items are of several kinds has enough of them only among all.

    Args:
        labels: 0 or 1, shape (N,).
        probabilities: Calibrated, shape (N,).
        kinds: Of each item; a kind that lacks a class is passed over.
        sources: As for `choose`.

    Raises:
        UsageError: As for `choose`.
    """
    truth, values, kind_of = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64), np.asarray(kinds)
    whole = choose(truth, values, sources)
    parts = {
        kind: choose(truth[mine], values[mine], list(compress(sources, mine)))
        for kind in sorted(set(kinds))
        if len(set(truth[mine := kind_of == kind])) == 2
    }
    if len(parts) < 2:
        return whole
    fake_above = max(one.fake_above for one in (whole, *parts.values()))
    real_below = min(one.real_below for one in (whole, *parts.values()))
    reals, fakes = (np.sort(group) for group in by_class(truth, values))
    chosen = _sentence(reals, fakes, fake_above, real_below)
    counts = ", ".join(f"{(truth[kind_of == kind] == 1).sum():.0f} {kind} fakes" for kind in parts)
    return Thresholds(
        fake_above=fake_above,
        real_below=real_below,
        chosen=f"{chosen}; both hold for each kind by itself ({counts})",
        reals_called_fake=float((reals >= fake_above).mean()),
        fakes_called_real=float((fakes <= real_below).mean()),
    )


def choose_by_risk(labels: ArrayLike, probabilities: ArrayLike, most: float, sure: float | None = None) -> Thresholds:
    """Choose the narrowest band of uncertainty that leaves few errors among the verdicts outside it.

    The verdict on a file is on the side of one half that its probability lies on, and the least sure are withheld: the
    band is as wide on one side of one half as on the other. Unlike `choose`, this promises something about those who
    get a verdict, of either kind, and depends on how many of the set are fake.

    Args:
        labels: 0 or 1, shape (N,).
        probabilities: Calibrated, shape (N,).
        most: Largest share of errors among the verdicts.
        sure: None takes that share as it is on the set. A probability, such as 0.95, makes it hold that probably for
            all files that come from where the set does (Geifman & El-Yaniv 2017, arXiv:1705.08500, algorithm 1).

    Raises:
        UsageError: A class is missing, a value is no probability, or even the surest verdicts err more often.
    """
    truth, values = np.asarray(labels, np.float64), np.asarray(probabilities, np.float64)
    reals, fakes = by_class(truth, values)
    if values.min() < 0 or values.max() > 1:
        raise UsageError("a probability lies outside of 0 to 1; calibrate first")
    distance = np.abs(values - 0.5)
    order = np.argsort(-distance, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(distance[order]) != 0, True))  # files that are equally sure go together
    counts = ends + 1
    errors = np.cumsum(((values >= 0.5) != (truth == 1))[order])[ends]
    last = _largest_within(errors, counts, most) if sure is None else _guaranteed(errors, counts, most, sure)
    if last is None:
        raise UsageError(f"no band keeps the errors below {most:.1%}: too few files are judged surely and rightly")
    half = float(distance[order][ends[last]])
    return Thresholds(
        fake_above=0.5 + half,
        real_below=0.5 - half,
        chosen=f"on the calibration set, {errors[last]} of the {counts[last]} verdicts outside the band are wrong "
        f"({_promise(most, sure)}), and {len(truth) - counts[last]} of {len(truth)} files lie inside it",
        reals_called_fake=float((reals >= 0.5 + half).mean()),
        fakes_called_real=float((fakes <= 0.5 - half).mean()),
    )


def _promise(most: float, sure: float | None) -> str:
    return f"at most {most:.1%} may be" + ("" if sure is None else f", for all such files with probability {sure:g}")


def _largest_within(errors: NDArray[np.int64], counts: NDArray[np.int64], most: float) -> int | None:
    within = np.flatnonzero(errors <= most * counts)
    return int(within[-1]) if len(within) else None


def _guaranteed(errors: NDArray[np.int64], counts: NDArray[np.int64], most: float, sure: float) -> int | None:
    """A binary search, because each place that is looked at costs some of the doubt that is allowed."""
    steps = math.ceil(math.log2(len(counts))) + 1
    low, high, found = 0, len(counts) - 1, None
    while low <= high:
        middle = (low + high) // 2
        if _surely_below(int(errors[middle]), int(counts[middle]), most, (1 - sure) / steps):
            found, low = middle, middle + 1
        else:
            high = middle - 1
    return found


def _surely_below(errors: int, count: int, share: float, doubt: float) -> bool:
    """Whether so few errors would be seen with a probability below `doubt` if the true share were `share`."""
    if not 0 < share < 1:
        return share >= 1
    seen = np.arange(errors + 1)
    choose_log = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) for k in seen]
    return float(np.exp(choose_log + seen * math.log(share) + (count - seen) * math.log1p(-share)).sum()) <= doubt


def _sentence(reals: Floats, fakes: Floats, fake_above: float, real_below: float) -> str:
    called_fake, called_real = int((reals >= fake_above).sum()), int((fakes <= real_below).sum())
    found = int((fakes >= fake_above).sum())
    return (
        f"on the calibration set, {called_fake} of {len(reals)} reals reach {fake_above:.3f} "
        f"(at most {REALS_CALLED_FAKE:.0%} may), as do {found} of {len(fakes)} fakes; "
        f"{called_real} of {len(fakes)} fakes lie at or under {real_below:.3f} (at most {FAKES_CALLED_REAL:.0%} may)"
    )


def _highest_below(reals: Floats, share: float) -> float:
    """Of sorted values the highest that is left when this share of them may lie above."""
    return float(reals[len(reals) - 1 - math.floor(share * len(reals))])


def _reals_by_source(truth: Floats, values: Floats, sources: Sequence[str]) -> dict[str, Floats]:
    """The sorted values of the real items of each source that has enough."""
    if not sources:
        return {}
    of = np.asarray(sources)
    if of.shape != truth.shape:
        raise UsageError(f"{len(of)} sources and {len(truth)} labels do not belong together")
    found = {source: np.sort(values[(of == source) & (truth == 0)]) for source in sorted(set(sources))}
    return {source: own for source, own in found.items() if len(own) >= _ENOUGH}


def _by_source(reals: dict[str, Floats], fake_above: float) -> str:
    if not reals:
        return ""
    worst = max(reals, key=lambda source: float((reals[source] >= fake_above).mean()))
    count = f"{int((reals[worst] >= fake_above).sum())} of {len(reals[worst])} reals of {worst or 'no source'}"
    return f"; by source {count} at most (at most {REALS_OF_A_SOURCE_CALLED_FAKE:.0%} may)"
