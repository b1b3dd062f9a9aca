"""How many errors are left where the least sure verdicts are withheld: risk against coverage, from a table of scores.

A file is called fake where its calibrated probability is at least one half, and is the surer the further it lies from
there. The selective risk at a coverage is the share of wrong calls among that share of the files, the surest first
(Geifman & El-Yaniv 2017, arXiv:1705.08500); its mean over all coverages, AURC (Geifman, Uziel & El-Yaniv 2019,
arXiv:1805.08206), is small for who errs seldom and knows when. Both depend on how many of the files are fake. Among
files that are equally sure none comes first, so the risk there is the one expected of any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from unmask import resampling, scored
from unmask.card import Thresholds
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL
from unmask.metrics import RESAMPLES, Floats, Interval, share
from unmask.resampling import Counts, Set
from unmask.scores import Row
from unmask.thresholding import choose_by_risk
from unmask.types import Label

WITHHELD: Final = (0.0, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Shares of the files, the least sure, on which the table withholds its verdict."""

GRID: Final = np.linspace(0.02, 1, 99)
"""Coverages at which a curve is drawn; below, the risk is of so few files that it says nothing."""

HALF: Final = 0.5


@dataclass(frozen=True)
class Rest:
    """What is left once the least sure are withheld; counts are expected ones where files are equally sure.

    Attributes:
        withheld: Share of the files.
        risk: Share of wrong calls among the rest.
        kept: How many files the rest is.
        reals_called_fake: Wrong calls among its real photos.
        fakes_called_real: Wrong calls among its fakes.
        least_sure: The probability that its least sure call claims for itself, one half to one.
    """

    withheld: float
    risk: Interval
    kept: float
    reals_called_fake: float
    fakes_called_real: float
    least_sure: float


@dataclass(frozen=True)
class Rule:
    """What some thresholds come to.

    Attributes:
        name: Which.
        coverage: Share of the files that get a verdict, with its Wilson interval.
        risk: Share of wrong verdicts among those, likewise; None where there are none.
        reals_called_fake: How many.
        fakes_called_real: How many.
    """

    name: str
    coverage: Interval
    risk: Interval | None
    reals_called_fake: int
    fakes_called_real: int


@dataclass(frozen=True, eq=False)
class Risk:
    """Everything about one split of one table.

    Attributes:
        on: The split, and who was asked.
        items: Labels and probabilities of the files with a score.
        unscored: Files without a score, which no coverage counts.
        area: AURC.
        best: AURC of who errs as often and knows exactly when.
        rests: The table.
        curve: Risk at `GRID`, with the ends of its 95 % interval: (3, 99).
        rules: The shipped thresholds, and those chosen by risk where asked for.
    """

    on: str
    items: Set
    unscored: int
    area: Interval
    best: float
    rests: tuple[Rest, ...]
    curve: Floats
    rules: tuple[Rule, ...]

    @property
    def error(self) -> float:
        """Share of wrong calls where none is withheld."""
        return float(wrong(self.items).mean())


def measure(rows: Sequence[Row], split: str, most: float | None = None, *, resamples: int = RESAMPLES) -> Risk:
    """Risk against coverage of the files of a split, as they are: perturbed copies are left out.

    Args:
        rows: A table of scores.
        split: Whose.
        most: Also choose thresholds by `thresholding.choose_by_risk` with this share of errors, on the files of val
            alone, and tell what they come to here.
        resamples: Redraws of the bootstrap.

    Raises:
        ManifestError: The split holds no scored files of one of the classes; or val does, where thresholds are chosen.
        UsageError: No thresholds keep the errors so few.
    """
    chosen = _of(rows, split)
    found = scored.scored(chosen)
    items = scored.measurable(found)
    values = resampling.intervals(items.truth, lambda counts: _measures(items, counts), resamples=resamples)
    curve = np.array([values[_at(coverage)] for coverage in GRID]).T
    rules = [_rule("as shipped", items, [one.verdict for one in found])]
    if most is not None:
        by_risk = chosen_on_val(rows, most)
        rules.append(_rule(_words(by_risk, most), items, _verdicts(items.claimed, by_risk)))
    return Risk(
        on=f"{split}, {scored.ranked_by(found).replace('by logit', 'by calibrated probability')}",
        items=items,
        unscored=len(chosen) - len(found),
        area=values["AURC"],
        best=_best(items),
        rests=tuple(_rest(items, withheld, values[_at(1 - withheld)]) for withheld in WITHHELD),
        curve=curve,
        rules=tuple(rules),
    )


def chosen_on_val(rows: Sequence[Row], most: float) -> Thresholds:
    """Thresholds that keep the share of errors among the verdicts on val at `most`.

    Raises:
        ManifestError: The table holds no scored files of val, of one of the classes.
        UsageError: No thresholds do.
    """
    items = scored.measurable(scored.scored(_of(rows, "val")))
    return choose_by_risk(items.truth, items.claimed, most)


def wrong(items: Set) -> Floats:
    """Which calls are wrong, 0 or 1: (N,)."""
    return np.asarray((items.claimed >= HALF) != (items.truth == FAKE), np.float64)


def area(items: Set, counts: Counts) -> Floats:
    """AURC of each redraw: (R,) for counts (R, N)."""
    kept, errors = _cumulated(items, wrong(items), counts)
    places = np.arange(1, int(kept[0, -1]) + 1)
    return np.array([np.mean(np.interp(places, x, y) / places) for x, y in zip(kept, errors, strict=True)])


def at(items: Set, counts: Counts, coverages: Floats) -> Floats:
    """Selective risk of each redraw at some coverages: (R, C)."""
    kept, errors = _cumulated(items, wrong(items), counts)
    places = np.maximum(coverages * kept[0, -1], 1)  # of less than one file there is no share
    return np.array([np.interp(places, x, y) / places for x, y in zip(kept, errors, strict=True)])


def _cumulated(items: Set, of: Floats, counts: Counts) -> tuple[Floats, Floats]:
    """Files, and those of them that count as `of`, among the surest: (R, T + 1) each, from none to all."""
    distance = np.abs(items.claimed - HALF)
    order = np.argsort(-distance, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(distance[order]) != 0, True))
    drawn = counts[:, order]
    files, those = (np.cumsum(part, axis=1)[:, ends] for part in (drawn, drawn * of[order]))
    nothing = np.zeros((len(counts), 1))
    return np.hstack([nothing, files]), np.hstack([nothing, those])


def _measures(items: Set, counts: Counts) -> dict[str, Floats]:
    coverages = np.unique(np.concatenate([GRID, 1 - np.array(WITHHELD)]).round(9))
    risks = at(items, counts, coverages)
    return {"AURC": area(items, counts)} | {_at(c): risks[:, i] for i, c in enumerate(coverages)}


def _at(coverage: float) -> str:
    return f"risk at {coverage:.9f}"


def _rest(items: Set, withheld: float, risk: Interval) -> Rest:
    once = np.ones((1, len(items.truth)))
    kept = (1 - withheld) * len(items.truth)
    errors = {}
    for label in (REAL, FAKE):
        files, those = _cumulated(items, wrong(items) * (items.truth == label), once)
        errors[label] = float(np.interp(kept, files[0], those[0]))
    surest = np.sort(np.abs(items.claimed - HALF))[::-1]
    return Rest(withheld, risk, kept, errors[REAL], errors[FAKE], HALF + float(surest[max(0, round(kept) - 1)]))


def _best(items: Set) -> float:
    """All errors last: those that are the least sure."""
    count, errors = len(items.truth), int(wrong(items).sum())
    places = np.arange(count - errors + 1, count + 1)
    return float(((places - (count - errors)) / places).sum() / count)


def _rule(name: str, items: Set, verdicts: Sequence[str]) -> Rule:
    called = np.array(verdicts)
    fake_calls = int(((called == Label.FAKE.value) & (items.truth == REAL)).sum())
    real_calls = int(((called == Label.REAL.value) & (items.truth == FAKE)).sum())
    given = int(np.isin(called, (Label.FAKE.value, Label.REAL.value)).sum())
    risk = share(fake_calls + real_calls, given) if given else None
    return Rule(name, share(given, len(called)), risk, fake_calls, real_calls)


def _verdicts(claimed: Floats, thresholds: Thresholds) -> list[str]:
    fake, real = claimed >= thresholds.fake_above, claimed <= thresholds.real_below
    return [str(one) for one in np.select([fake, real], [Label.FAKE.value, Label.REAL.value], Label.UNCERTAIN.value)]


def _words(thresholds: Thresholds, most: float) -> str:
    fake, real = thresholds.fake_above, thresholds.real_below
    return f"chosen on val for at most {most:.1%} errors: fake from {fake:.4g}, real up to {real:.4g}"


def _of(rows: Sequence[Row], split: str) -> list[Row]:
    chosen = [one for one in rows if one.split == split and not one.perturbation]
    if not scored.both_classes(chosen):
        there = ", ".join(sorted({one.split for one in rows} - {""})) or "none"
        raise ManifestError(f'the scores hold no real photos and fakes of the split "{split}"; its splits: {there}')
    return chosen
