"""How single looks at persons rank, beside the videos they are pooled into: what pooling and its detector add.

Looks of one video are much alike, so the interval redraws videos, each with all its looks.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import resampling
from unmask.card import Figure
from unmask.manifest import FAKE, Item
from unmask.metrics import LEVEL, RESAMPLES, SEED, Floats
from unmask.types import Report

FILE: Final = "frames.csv"
_CELLS: Final = 2**21
"""Counts worked on at a time, as in `resampling`."""


class FrameScores:
    """The looks of the videos of an evaluation, by split.

    Args:
        items: What is scanned first, in order. Reports that come after these, of copies, are passed on and not kept.
    """

    def __init__(self, items: Iterable[Item]) -> None:
        self._waiting = iter(items)
        self._rows: list[tuple[str, str, int, float, float]] = []

    def noting(self, reports: Iterable[Report]) -> Iterator[Report]:
        """Pass reports on, and keep the looks at the persons who decided."""
        for report in reports:
            item = next(self._waiting, None)
            if item is not None and report.video and report.video.tracks:
                spread = set(report.video.looked_at_s)
                self._rows += [
                    (item.split, str(item.path), item.label, one.time_s, one.probability)
                    for one in report.video.tracks[0].moments
                    if one.probability is not None and one.time_s in spread
                ]
            yield report

    def __bool__(self) -> bool:
        """Whether there was any video."""
        return bool(self._rows)

    def write(self, path: Path) -> None:
        """Write the looks as a table."""
        with path.open("w", encoding="utf-8", newline="") as file:
            table = csv.writer(file)
            table.writerow(("split", "path", "label", "time_s", "probability"))
            table.writerows(self._rows)

    def figures(self, command: str) -> list[Figure]:
        """The AUC of single looks in each split that holds both classes."""
        by_split = defaultdict(list)
        for row in self._rows:
            by_split[row[0]].append(row)
        found = []
        for split, rows in by_split.items():
            truth = np.array([float(row[2]) for row in rows])
            if 0 < truth.sum() < len(truth):
                scores, videos = np.array([row[4] for row in rows]), np.array([row[1] for row in rows])
                draws = np.concatenate([resampling.auc(truth, scores, part) for part in _redrawn(truth, videos)])
                low, high = np.quantile(draws[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
                clips = {row[1]: row[2] for row in rows}
                fakes = sum(label == FAKE for label in clips.values())
                found.append(
                    Figure(
                        name="AUC of single frames",
                        on=f"{split} pooled, {len(rows)} looks; the counts are of videos",
                        value=float(draws[0]),
                        low=float(low),
                        high=float(high),
                        reals=len(clips) - fakes,
                        fakes=fakes,
                        command=command,
                    )
                )
        return found


def _redrawn(truth: Floats, videos: NDArray[np.str_]) -> Iterator[Floats]:
    """How often each look counts: once each in the first row, then as its video was drawn among those of its class.

    Shape (up to R, N), some redraws at a time.
    """
    rng = np.random.default_rng(SEED)
    step = max(1, _CELLS // len(truth))
    yield np.ones((1, len(truth)))
    for start in range(0, RESAMPLES, step):
        counts = np.empty((min(step, RESAMPLES - start), len(truth)))
        for label in (0.0, 1.0):
            names, which = np.unique(videos[truth == label], return_inverse=True)
            drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), len(counts))
            counts[:, truth == label] = drawn[:, which]
        yield counts
