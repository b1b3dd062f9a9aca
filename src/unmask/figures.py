"""From tables of scores to the figures that a model card shows: pure functions.

Files that could not be judged are never dropped in silence: ranking figures are over those with a score, and say by
their counts how many that were; the rest is counted as "unjudged" or "abstained" beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final

import numpy as np

from unmask import metrics
from unmask.card import Figure
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL, is_of
from unmask.metrics import Floats, Interval
from unmask.scored import GROUP_COLUMNS, both_classes, counts, grouped, ranked, ranked_by, real_things, scored
from unmask.scores import Row
from unmask.types import Label, Status

_PERCENTAGES: Final = ("called fake", "found", "rate", "abstained", "uncertain", "unjudged")


def figures_from_scores(rows: Iterable[Row], command: str, *, groups: Sequence[str] = GROUP_COLUMNS) -> list[Figure]:
    """All figures of one model.

    Args:
        rows: Scores, of one or several splits, with or without perturbed copies.
        command: The command that measures this, for the reader to repeat.
        groups: Attribute columns whose combinations are people's groups.

    Returns:
        Ranking figures for each source and pooled, errors at the shipped thresholds for each source and group, what
        was left out, calibration, and what perturbations cost.
    """
    table = list(rows)
    originals = [one for one in table if not one.perturbation]
    found: list[Figure] = []
    for split in sorted({one.split for one in originals}):
        inside = [one for one in originals if one.split == split]
        found += _ranking(inside, split or "all", command)
        found += _labels(inside, split or "all", command, groups)
        found += _lost([one for one in table if one.split == split], split or "all", command)
    pooled = [one for one in originals if one.split in ("val", "test")]
    if {one.split for one in pooled} == {"val", "test"} and both_classes(pooled):
        found.append(_calibration(pooled, "val and test pooled", command))
    return found


def unseen(scores_by_heldout: Mapping[str, Sequence[Row]], command: str) -> list[Figure]:
    """How models rank generators they never saw: the figure that counts.

    Args:
        scores_by_heldout: Source S to the scores of the model that was trained without S, over one split; used are
            the fakes of S against the real photos of all sources.
        command: The command that measures this.

    Returns:
        The AUC for each source, the mean over sources with its interval (reals and fakes of every source redrawn
        within themselves, the mean taken of each redraw), and the worst.

    Raises:
        UsageError: No source, or one without scored fakes or reals.
    """
    if not scores_by_heldout:
        raise UsageError("the unseen-generator figure needs at least one held-out source")
    sets, found = [], []
    for source, rows in sorted(scores_by_heldout.items()):
        chosen = [one for one in rows if not one.perturbation and (one.label == REAL or is_of(one, source))]
        if not both_classes(chosen):
            raise UsageError(f"the scores without {source} hold no scored fakes of it, or no scored real photos")
        sets.append(ranked(chosen))
        on = f"fakes of {source} against {real_ones(source, chosen)}, {ranked_by(chosen)}"
        interval = metrics.bootstrap(metrics.auc, *sets[-1])
        found.append(_figure("unseen-generator AUC", on, interval, command, chosen))
    mean = metrics.bootstrap_mean(metrics.auc, sets)
    over = f"{len(sets)} sources, each held out once"
    worst = min(found, key=lambda figure: figure.value)
    return [
        *found,
        _figure("mean unseen-generator AUC", over, mean, command),
        worst.model_copy(update={"name": "worst unseen-generator AUC"}),
    ]


def real_ones(source: str, rows: Iterable[Row]) -> str:
    """Against what the fakes of a source are ranked, in words."""
    listed = list(rows)
    others = any(row.label == REAL and row.source != source for row in listed)
    return f"all {real_things(listed)}" if others else "its own real ones"


def to_markdown(figures: Iterable[Figure]) -> str:
    """The figures as a Markdown table."""
    lines = ["| figure | on | value | 95 % interval | real | fake |", "|---|---|---|---|---|---|"]
    for one in figures:
        show = _percent if any(word in one.name for word in _PERCENTAGES) else _decimal
        interval = "" if one.low is None or one.high is None else f"{show(one.low)} to {show(one.high)}"
        counts = (f"{count:,}" if count is not None else "" for count in (one.reals, one.fakes))
        lines.append(" | ".join([f"| {one.name}", one.on, show(one.value), interval, *counts]) + " |")
    return "\n".join(lines) + "\n"


def _ranking(rows: Sequence[Row], split: str, command: str) -> list[Figure]:
    """AUC for each source, and all ranking figures pooled. Fakes of a source without reals meet those of all."""
    found: list[Figure] = []
    reals = [one for one in rows if one.label == REAL]
    for source in sorted({one.source for one in rows if one.label == FAKE}):
        own = [one for one in rows if one.source == source]
        alone = all(one.label == FAKE for one in own)
        chosen = [*own, *reals] if alone else own
        if both_classes(chosen):
            on = f"{source} {split}" + (f", against the {real_things(reals)} of all sources" if alone else "")
            auc = metrics.bootstrap(metrics.auc, *ranked(chosen))
            found.append(_figure("AUC", f"{on}, {ranked_by(chosen)}", auc, command, chosen))
    if not both_classes(rows):
        return found
    labels, scores = ranked(rows)
    on = f"{split} pooled, {ranked_by(rows)}"
    for name, metric in (("AUC", metrics.auc), ("equal error rate", metrics.eer), ("fakes found at 1 % FPR", _tpr)):
        found.append(_figure(name, on, metrics.bootstrap(metric, labels, scores), command, rows))
    return [*found, *_kinds(rows, split, command), _calibration(rows, f"{split} pooled", command)]


def _kinds(rows: Sequence[Row], split: str, command: str) -> Iterator[Figure]:
    """AUC of the fakes of each kind (column `kind`: synthesis, conversion ...), where a set names several."""
    kinds = sorted({kind for one in rows if one.label == FAKE and (kind := one.attributes.get("kind"))})
    for kind in kinds if len(kinds) > 1 else []:
        chosen = [one for one in rows if one.label == REAL or one.attributes.get("kind") == kind]
        if both_classes(chosen):
            on = f"{kind} {split}, against the {real_things(chosen)} of all sources, {ranked_by(chosen)}"
            yield _figure("AUC", on, metrics.bootstrap(metrics.auc, *ranked(chosen)), command, chosen)


def _labels(rows: Sequence[Row], split: str, command: str, groups: Sequence[str]) -> list[Figure]:
    """What users would have read: errors at the shipped thresholds, over every file that got a verdict."""
    found: list[Figure] = []
    judged = [one for one in rows if one.status == Status.OK.value]
    parts = [(f"{source} {split}", list(part)) for source, part in _grouped(judged, lambda one: one.source)]
    parts += [(f"{split} pooled", judged)] if len(parts) > 1 else []
    for on, part in parts:
        found += _share(f"{real_things(part)} called fake", on, part, REAL, _is(Label.FAKE), command)
        found += _share("fakes found", on, part, FAKE, _is(Label.FAKE), command)
    people = [
        share
        for name, part in grouped(judged, groups)
        for share in _share(
            f"{real_things(part)} called fake", f"{split}, {name}", part, REAL, _is(Label.FAKE), command
        )
    ]
    worst = max(people, key=lambda figure: figure.value, default=None)
    found += people
    if worst:
        found.append(worst.model_copy(update={"name": f"{worst.name}, worst group"}))
    for label, who in ((REAL, real_things(rows)), (FAKE, "fakes")):
        on = f"{split} pooled"
        found += _share(f"{who} uncertain", on, judged, label, _is(Label.UNCERTAIN), command)
        found += _share(f"{who} abstained", on, judged, label, lambda one: one.probability is None, command)
        found += _share(f"{who} unjudged", on, rows, label, lambda one: one.status != Status.OK.value, command)
    return found


def _lost(rows: Sequence[Row], split: str, command: str) -> list[Figure]:
    """AUC of the originals minus that of their copies, over files that were scored both times.

    Originals and copies are redrawn together: the interval is about the loss, not about the set.
    """
    found: list[Figure] = []
    originals = {one.path: one for one in rows if not one.perturbation}
    for name in sorted({one.perturbation for one in rows} - {""}):
        copies = [one for one in rows if one.perturbation == name and one.path in originals]
        twice = [one for one in scored(copies) if originals[one.path].probability is not None]
        if not both_classes(twice):
            continue
        labels, after = ranked(twice)
        before = ranked([originals[one.path] for one in twice])[1]
        loss = metrics.bootstrap(_difference(before, after), labels, np.arange(len(twice)))
        on = f"{split} pooled, {name}, {ranked_by(twice)}"
        found.append(_figure("AUC lost", on, loss, command, twice))
        for label, who in ((REAL, real_things(rows)), (FAKE, "fakes")):
            on = f"{split} pooled, {name}"
            found += _share(f"{who} abstained", on, copies, label, lambda one: one.probability is None, command)
    return found


def _difference(before: Floats, after: Floats) -> metrics.Metric:
    """A metric of which files were drawn, so that both scores of a file are drawn together."""

    def lost(labels: Floats, drawn: Floats) -> float:
        which = drawn.astype(int)
        return metrics.auc(labels, before[which]) - metrics.auc(labels, after[which])

    return lost


def _calibration(rows: Sequence[Row], on: str, command: str) -> Figure:
    labels, claimed = [one.label for one in scored(rows)], np.array([one.probability for one in scored(rows)], float)
    error = metrics.bootstrap(metrics.calibration_error, labels, claimed)
    return _figure("expected calibration error, 15 bins", on, error, command, rows)


def _tpr(labels: Floats, scores: Floats) -> float:
    return metrics.tpr_at_fpr(labels, scores, 0.01)


def _share(
    name: str, on: str, rows: Iterable[Row], label: int, is_so: Callable[[Row], bool], command: str
) -> list[Figure]:
    """The share of one class that something is true of, with its Wilson interval; nothing where the class is empty."""
    of = [one for one in rows if one.label == label]
    if not of:
        return []
    share = metrics.share(sum(map(is_so, of)), len(of))
    return [_figure(name, on, share, command, reals=len(of) * (label == REAL), fakes=len(of) * (label == FAKE))]


def _figure(name: str, on: str, interval: Interval, command: str, rows: Sequence[Row] = (), **of: int) -> Figure:
    if scored(rows):
        of = dict(zip(("reals", "fakes"), counts(rows), strict=True))
    return Figure(name=name, on=on, value=interval.value, low=interval.low, high=interval.high, command=command, **of)


def _is(label: Label) -> Callable[[Row], bool]:
    return lambda one: one.verdict == label.value


def _grouped(rows: Iterable[Row], key: Callable[[Row], str]) -> Iterator[tuple[str, Iterator[Row]]]:
    return groupby(sorted(rows, key=key), key)


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _decimal(value: float) -> str:
    return f"{value:.3f}"
