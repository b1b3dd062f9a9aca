"""What a metadata baseline found: figures with intervals, in all and inside each source, and the alarm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import numpy as np

from unmask import metrics
from unmask.audit import PROBE_LIMIT
from unmask.baseline_model import Baseline
from unmask.confusion import confusion
from unmask.metrics import LEVEL, Floats, Interval
from unmask.probes import LEAST_PER_CLASS
from unmask.scored import both_classes, counts, scored
from unmask.scores import Row
from unmask.traits import FAMILIES

RESULT: Final = "metadata.json"
ALL: Final = "all"
POOL: Final = "val and test"
"""Nothing is chosen or calibrated on val, so all files of both were never seen and count alike."""

_CHANCE: Final = 0.5


class Alarm(StrEnum):
    """Whether metadata tell the label."""

    RAISED = "raised"
    NONE = "none"
    CANNOT_SAY = "cannot say"


@dataclass(frozen=True)
class Measured:
    """How well the regression does on one part of what it never saw; 95 % bootstrap intervals.

    Attributes:
        split: "val", "test", or "val and test".
        source: One source, or "all".
        reals: Real photos in it.
        fakes: Fakes in it.
        accuracy: Share of right answers at probability .5; on unequal classes, chance is not .5.
        balanced_accuracy: Mean of the shares of right answers in each class; chance is .5.
        auc: Area under the ROC curve.
        alarm: What the balanced accuracy says of this part; None for a single split, which is listed to stand beside
            the figures of networks, and asked nothing: every further question is a chance of a false alarm.
    """

    split: str
    source: str
    reals: int
    fakes: int
    accuracy: Interval
    balanced_accuracy: Interval
    auc: Interval
    alarm: Alarm | None

    def to_dict(self) -> dict[str, Any]:
        """The figures as JSON-ready values."""
        figures = {name: getattr(self, name)._asdict() for name in ("accuracy", "balanced_accuracy", "auc")}
        return {**asdict(self), **figures, "alarm": self.alarm and self.alarm.value}


@dataclass(frozen=True)
class Outcome:
    """All that one run found out.

    Attributes:
        alarm: Raised if it is raised over all sources together or inside one of them.
        sentence: What that means and what to do.
        measured: Val and test pooled, over all sources and inside each that has both classes; then each split.
        model: The regression.
        files: Files used, by split.
        unreadable: Files left out, by split.
        folder: Where everything was written.
    """

    alarm: Alarm
    sentence: str
    measured: tuple[Measured, ...]
    model: Baseline
    files: dict[str, int]
    unreadable: dict[str, int]
    folder: Path

    def to_text(self) -> str:
        """The figures as aligned lines, the strongest terms, what was left out, and the alarm last."""
        table: list[tuple[str, ...]] = [
            ("split", "source", "real", "fake", "accuracy", "balanced accuracy", "AUC", "alarm")
        ]
        table += [
            (
                *(one.split, one.source, f"{one.reals:,}", f"{one.fakes:,}"),
                *map(_shown, (one.accuracy, one.balanced_accuracy, one.auc)),
                one.alarm.value if one.alarm else "",
            )
            for one in self.measured
        ]
        widths = [max(map(len, column)) for column in zip(*table, strict=True)]
        lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in table]
        if self.model.terms:
            told = ", ".join(f"{term.name} {term.coefficient:+.2f}" for term in self.model.strongest(6))
            lines.append(f"strongest, in logits towards fake: {told}")
        if self.unreadable:
            left_out = ", ".join(f"{count:,} in {split}" for split, count in sorted(self.unreadable.items()))
            lines.append(f"left out, as they cannot be read: {left_out}")
        return "\n".join([*lines, f"alarm {self.alarm.value}: {self.sentence}"])

    def to_dict(self) -> dict[str, Any]:
        """The outcome as JSON-ready values."""
        strongest = [
            {"name": term.name, "coefficient": term.coefficient, "strength": term.strength}
            for term in self.model.strongest()
        ]
        return {
            "alarm": self.alarm.value,
            "sentence": self.sentence,
            "measured": [one.to_dict() for one in self.measured],
            "strongest": strongest,
            "files": self.files,
            "unreadable": self.unreadable,
            "model": self.model.model_dump(mode="json"),
        }


def measured(rows: Sequence[Row], seed: int = 0) -> tuple[Measured, ...]:
    """Measure the scores of val and test: pooled, the pool inside each source, and each split alone.

    Whether a source raises the alarm is asked of an interval that is wider the more sources there are (Bonferroni): of
    twenty sources without any trace, one would raise it by chance.

    Raises:
        UsageError: A class has no scores.
    """
    sources = [own for _, own in _by("source", rows)]
    level = 1 - (1 - LEVEL) / max(len(sources), 1)
    found = [_part(POOL, ALL, rows, seed, LEVEL)]
    if len({one.source for one in rows}) > 1:
        found += [_part(POOL, own[0].source, own, seed, level) for own in sources]
    found += [_part(split, ALL, own, seed) for split, own in _by("split", rows)]
    return tuple(found)


def judged(accuracy: Interval, reals: int, fakes: int) -> Alarm:
    """What a balanced accuracy over so many files says: raised from `audit.PROBE_LIMIT` on, if that is not by chance.

    "Cannot say" is an interval that holds both chance and the limit, and fewer files than can say anything.
    """
    if min(reals, fakes) < LEAST_PER_CLASS:
        return Alarm.CANNOT_SAY
    if accuracy.value >= PROBE_LIMIT and accuracy.low > _CHANCE:
        return Alarm.RAISED
    return Alarm.CANNOT_SAY if accuracy.low <= _CHANCE and accuracy.high >= PROBE_LIMIT else Alarm.NONE


def concluded(parts: Sequence[Measured], model: Baseline) -> tuple[Alarm, str]:
    """The alarm over all parts of the pool, and a sentence that says what it means and what to do.

    A source that tells raises it alone: a large clean one must not hide it. Where the pool is clean, a source too
    small to judge does not take that back, but is named.
    """
    pool = next(one for one in parts if one.split == POOL and one.source == ALL)
    inside = [one for one in parts if one.split == POOL and one.source != ALL]
    telling = [one.source for one in inside if one.alarm is Alarm.RAISED]
    unsure = [one.source for one in inside if one.alarm is Alarm.CANNOT_SAY]
    figure = f"balanced accuracy {_shown(pool.balanced_accuracy)}"
    if pool.alarm is Alarm.RAISED or telling:
        where = f" inside {', '.join(telling)}" if telling else ""
        what = f"the files' metadata alone tell the label{where} ({figure} over all): a network trained on them may "
        return Alarm.RAISED, f"{what}have learned nothing else; {_advice(model)}"
    if pool.alarm is Alarm.CANNOT_SAY:
        return Alarm.CANNOT_SAY, f"with so few files this may be chance or a tell ({figure}): add files to val and test"
    small = f"; {', '.join(unsure)} alone: too few files to say" if unsure else ""
    return Alarm.NONE, f"the files' metadata tell little or nothing of the label ({figure}){small}"


def _advice(model: Baseline) -> str:
    """What to do. Where all but the length is alike, as after preparing, the length is a fact of the pixels."""
    if set(model.families) >= set(FAMILIES) and all(term.fact.startswith("bytes: ") for term in model.terms):
        return (
            "all that differs is the number of bytes, and in files of one size and one compression that is how much "
            "detail the pictures hold: compare figures on pictures of equal detail, or balance it"
        )
    return "run `unmask audit` to see what tells, and `unmask prepare` to make real and fake files alike"


def _by(column: str, rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Parts with both classes, by name."""
    names = sorted({str(getattr(one, column)) for one in rows})
    parts = [(name, [one for one in rows if getattr(one, column) == name]) for name in names]
    return [(name, part) for name, part in parts if both_classes(part)]


def _part(split: str, source: str, rows: Sequence[Row], seed: int, level: float | None = None) -> Measured:
    columns = ((one.label, one.logit, one.probability) for one in scored(rows))
    labels, logits, claimed = map(np.array, zip(*columns, strict=True))
    reals, fakes = counts(rows)

    def interval(metric: metrics.Metric, scores: Floats, at: float = LEVEL) -> Interval:
        return metrics.bootstrap(metric, labels, scores, seed=seed, level=at)

    balanced = interval(metrics.balanced_accuracy, claimed)
    asked = interval(metrics.balanced_accuracy, claimed, level) if level else balanced
    return Measured(
        split=split,
        source=source,
        reals=reals,
        fakes=fakes,
        accuracy=interval(_accuracy, claimed),
        balanced_accuracy=balanced,
        auc=interval(metrics.auc, logits),
        alarm=judged(asked, reals, fakes) if level else None,
    )


def _accuracy(labels: Floats, claimed: Floats) -> float:
    return float(confusion(labels, claimed).accuracy)


def _shown(figure: Interval) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"
