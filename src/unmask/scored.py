"""Which rows of a table of scores can be measured, and by which number they may be compared: what all figures share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import numpy as np

from unmask.manifest import FAKE, REAL
from unmask.metrics import Floats
from unmask.resampling import Set
from unmask.scores import Row
from unmask.trees import SOUNDS

GROUP_COLUMNS: Final = ("gender", "race")
"""Manifest columns that together name a group of people, where a set has them."""


def scored(rows: Iterable[Row]) -> list[Row]:
    """The rows with a score; what could not be judged or abstained has none."""
    return [one for one in rows if one.logit is not None and one.probability is not None]


def real_things(rows: Iterable[Row]) -> str:
    """What the reals of a table are called in the name of a figure."""
    suffixes = {Path(one.path).suffix.lower() for one in rows}
    return "real recordings" if suffixes and suffixes <= SOUNDS else "real photos"


def both_classes(rows: Iterable[Row]) -> bool:
    """Whether reals and fakes are among the rows with a score."""
    return len({one.label for one in scored(rows)}) == 2


def ranked(rows: Sequence[Row]) -> tuple[Floats, Floats]:
    """Labels, and scores that may be compared: logits of one detector, or probabilities where several decided.

    Logits of two detectors have no common scale; calibrated probabilities are meant to have one.
    """
    found = scored(rows)
    one_scale = len({one.detector for one in found}) == 1
    scores = [one.logit if one_scale else one.probability for one in found]
    return np.array([one.label for one in found], float), np.array(scores, float)


def measurable(rows: Sequence[Row]) -> Set:
    """Labels, comparable scores and calibrated probabilities of the rows with a score.

    Raises:
        UsageError: A class is missing.
    """
    labels, scores = ranked(rows)
    return Set.of(labels, scores, [one.probability or 0.0 for one in scored(rows)])


def ranked_by(rows: Iterable[Row]) -> str:
    """What `ranked` compares, in words."""
    names = sorted({one.detector for one in scored(rows)})
    return f"by logit of {names[0]}" if len(names) == 1 else f"by calibrated probability of {', '.join(names)}"


def counts(rows: Iterable[Row]) -> tuple[int, int]:
    """Reals and fakes with a score."""
    labels = [one.label for one in scored(rows)]
    return labels.count(REAL), labels.count(FAKE)


def grouped(rows: Iterable[Row], columns: Sequence[str] = GROUP_COLUMNS) -> Iterator[tuple[str, list[Row]]]:
    """Rows by the values of some attribute columns, such as "female asian"; rows that lack one are left out."""
    named = [(" ".join(values), one) for one in rows if all(values := [one.attributes.get(c, "") for c in columns])]
    named.sort(key=lambda pair: pair[0])
    for name, part in groupby(named, lambda pair: pair[0]):
        yield name, [one for _, one in part]
