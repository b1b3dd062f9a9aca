"""How networks rank the generator that each learned without: AUC over sources and seeds, from redraws that all share.

Every network of a comparison looks at the same real photos, and all that learned without a source at the same fakes of
it. So pictures are redrawn once for all: what chance in the choice of pictures does to one network it does to the
others too, and the difference of two is known far better than either.

Redrawing is about pictures; what chance in the training does is told beside it, by the figures of the single seeds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import metrics, resampling
from unmask.card import Figure
from unmask.errors import UsageError
from unmask.figures import real_ones
from unmask.manifest import REAL, Named, is_of
from unmask.metrics import LEVEL, RESAMPLES, SEED, Floats
from unmask.scored import ranked_by
from unmask.scores import Row
from unmask.types import Value

NOTHING: Final = ""
"""What a network learned without that learned from everything."""

_CELLS: Final = 2**21
"""Counts worked on at a time, as in `resampling`."""


@dataclass(frozen=True)
class Trial:
    """One network, and what it said of the pictures that it is measured on.

    Attributes:
        variant: Which of the networks to compare.
        left_out: The source it learned without, or "method:NAME"; `NOTHING` where it learned from all.
        seed: Of its training.
        rows: Its scores of real photos and of fakes, those of `left_out` if there is one.
    """

    variant: str
    left_out: str
    seed: int
    rows: Sequence[Row]


@dataclass(frozen=True)
class Areas:
    """AUC of all trials on pictures that all of them could score.

    Attributes:
        values: Float64 (S, 1 + R) by variant and what was left out: a row for each of S seeds, in their order; first on
            the pictures as they are, then on R redraws, the same for all.
        counts: Reals and fakes by what was left out.
        dropped: Pictures that some trial could score and another could not.
    """

    values: Mapping[tuple[str, str], Floats]
    counts: Mapping[str, tuple[int, int]]
    dropped: int


class Area(Value):
    """A mean over seeds, its 95 % interval over redrawn pictures, and the figure of each seed."""

    value: float
    low: float
    high: float
    seeds: tuple[float, ...]

    @classmethod
    def of(cls, draws: Floats, seeds: Floats) -> Area:
        """From the value with its redraws (1 + R,), and the values of the seeds (S,)."""
        low, high = np.quantile(draws[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        return cls(value=float(draws[0]), low=float(low), high=float(high), seeds=tuple(map(float, seeds)))


def areas(trials: Iterable[Trial], *, resamples: int = RESAMPLES, seed: int = SEED) -> Areas:
    """Rank with every trial, on the pictures as they are and on redraws of them.

    Real photos are redrawn among themselves, and so are the fakes of each source that is left out.

    Args:
        trials: With the same seeds for every variant.
        resamples: Redraws.
        seed: Of the redraws.

    Raises:
        UsageError: No trial; seeds differ; or a trial scored no reals or no fakes that all could score.
    """
    listed = sorted(trials, key=lambda one: (one.variant, one.left_out, one.seed))
    scores = [_scores(one.rows) for one in listed]
    names = sorted({one.left_out for one in listed})
    _check_seeds(listed)
    shared, dropped = _shared(listed, scores)
    pictures = {row.path: row for one in listed for row in one.rows if row.path in shared}
    paths, sizes = _strata(pictures, names)
    place = {path: number for number, path in enumerate(paths)}
    truth = np.array([float(pictures[path].label) for path in paths])
    where = [np.array([place[path] for path in own if path in place], int) for own in scores]
    said = [np.array([own[path] for path in own if path in place], float) for own in scores]
    for own, values in zip(where, said, strict=True):
        metrics.checked(truth[own], values)  # both classes, and numbers
    parts: list[list[Floats]] = [[] for _ in listed]
    for counts in _redraws(sizes, resamples, seed):
        for part, own, values in zip(parts, where, said, strict=True):
            part.append(resampling.auc(truth[own], values, counts[:, own]))
    found: dict[tuple[str, str], list[Floats]] = defaultdict(list)
    for one, part in zip(listed, parts, strict=True):
        found[one.variant, one.left_out].append(np.concatenate(part))
    fakes = {one.left_out: int(truth[own].sum()) for one, own in zip(listed, where, strict=True)}
    sums = {one.left_out: len(own) for one, own in zip(listed, where, strict=True)}
    return Areas(
        {key: np.stack(rows) for key, rows in found.items()},
        {name: (sums[name] - fakes[name], fakes[name]) for name in names},
        dropped,
    )


def columns(found: Areas, variant: str) -> dict[str, tuple[Floats, Floats]]:
    """All figures of a variant, each with its redraws (1 + R,) and its values by seed (S,).

    "without SOURCE" for each source left out, "mean" and "worst" of them, and "within" for the networks that learned
    from everything, where there are any. The worst is the worst of the means over seeds, in every redraw anew.
    """
    mine = {left_out: values for (name, left_out), values in found.values.items() if name == variant}
    within = mine.pop(NOTHING, None)
    named = {f"without {source}": (values.mean(axis=0), values[:, 0]) for source, values in sorted(mine.items())}
    if mine:
        stacked = np.stack(list(mine.values()))  # (sources, S, 1 + R)
        named["mean"] = (stacked.mean(axis=(0, 1)), stacked[:, :, 0].mean(axis=0))
        named["worst"] = (stacked.mean(axis=1).min(axis=0), stacked[:, :, 0].min(axis=0))
    if within is not None:
        named["within"] = (within.mean(axis=0), within[:, 0])
    return named


def measured(found: Areas, variant: str) -> dict[str, Area]:
    """The figures of a variant, by the names of `columns`."""
    return {name: Area.of(*column) for name, column in columns(found, variant).items()}


def difference(found: Areas, variant: str, base: str) -> dict[str, Area]:
    """What a variant gains over another, by the names of `columns`: redraws and seeds are compared pair by pair."""
    before, after = columns(found, base), columns(found, variant)
    return {
        name: Area.of(draws - before[name][0], seeds - before[name][1])
        for name, (draws, seeds) in after.items()
        if name in before
    }


def claim(trials: Sequence[Trial], command: str) -> list[Figure]:
    """The unseen-generator figures of networks that learned with several seeds: `figures.unseen`, as means over seeds.

    Args:
        trials: Of one variant.
        command: The command that measures this.

    Raises:
        UsageError: As for `areas`.
    """
    found = areas(trials)
    (variant,) = {one.variant for one in trials}
    figures = []
    by_name = measured(found, variant)
    by_source = {source: by_name[f"without {source}"] for source in found.counts}
    for source, area in by_source.items():
        rows = [row for one in trials if one.left_out == source for row in one.rows]
        on = f"fakes of {source} against {real_ones(source, rows)}, {ranked_by(rows)}, {_over(area)}"
        figures.append(_figure("unseen-generator AUC", on, area, command, found.counts[source]))
    worst = min(figures, key=lambda figure: figure.value)
    over = f"{len(by_source)} sources, each held out once, {_over(by_name['mean'])}"
    return [
        *figures,
        _figure("mean unseen-generator AUC", over, by_name["mean"], command),
        worst.model_copy(update={"name": "worst unseen-generator AUC"}),
    ]


def _over(area: Area) -> str:
    return f"mean of {len(area.seeds)} seeds ({min(area.seeds):.3f} to {max(area.seeds):.3f})"


def _figure(name: str, on: str, area: Area, command: str, counts: tuple[int, int] | None = None) -> Figure:
    reals, fakes = counts or (None, None)
    return Figure(
        name=name, on=on, value=area.value, low=area.low, high=area.high, reals=reals, fakes=fakes, command=command
    )


def _scores(rows: Sequence[Row]) -> dict[str, float]:
    """By path, what may be compared: logits of one detector, or probabilities where several decided."""
    judged = [row for row in rows if row.logit is not None]
    one_scale = len({row.detector for row in judged}) == 1
    found = {row.path: row.logit if one_scale else row.probability for row in judged}
    return {path: score for path, score in found.items() if score is not None}


def _check_seeds(trials: Sequence[Trial]) -> None:
    seeds = defaultdict(list)
    for one in trials:
        seeds[one.variant, one.left_out].append(one.seed)
    once = all(len(found) == len(set(found)) for found in seeds.values())
    if not once or len({tuple(found) for found in seeds.values()}) != 1:
        raise UsageError("networks can be compared only where each learned with the same seeds, and once with each")


def _shared(trials: Sequence[Trial], scores: Sequence[Mapping[str, float]]) -> tuple[set[str], int]:
    """What every trial scored of all that it was to score, and how many pictures some could not."""
    shown: dict[str, set[str]] = defaultdict(set)
    for one, own in zip(trials, scores, strict=True):
        shown[one.left_out] |= own.keys()
    lost = {path for one, own in zip(trials, scores, strict=True) for path in shown[one.left_out] - own.keys()}
    return set().union(*shown.values()) - lost, len(lost)


def _strata(pictures: Mapping[str, Named], names: Sequence[str]) -> tuple[list[str], list[int]]:
    """Paths in an order in which those that are redrawn among themselves are neighbours, and how many those are."""
    strata: dict[tuple[bool, ...], list[str]] = defaultdict(list)
    for path in sorted(pictures):
        one = pictures[path]
        real = one.label == REAL
        strata[real, *(not real and is_of(one, name) for name in names)].append(path)
    ordered = [strata[key] for key in sorted(strata)]
    return [path for part in ordered for path in part], [len(part) for part in ordered]


def _redraws(sizes: Sequence[int], resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """How often each picture counts: once each in the first row, then as drawn; (up to R, N) at a time."""
    rng = np.random.default_rng(seed)
    step = max(1, _CELLS // max(1, sum(sizes)))
    yield np.ones((1, sum(sizes)))
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        yield np.hstack([rng.multinomial(size, np.full(size, 1 / size), rows) for size in sizes]).astype(np.float64)
