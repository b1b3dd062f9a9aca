"""The detectors of photos, asked together: segments of different files share a batch, and graphs are run once.

Several heads may sit on the same frozen networks, in one graph; what that says of a batch is then read by each of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.bundles import Bundle
from unmask.card import Card
from unmask.detectors.onnx import OnnxDetector
from unmask.fuse import Finding, Look
from unmask.types import Segment

BATCH_PX: Final = 2**17
"""Pixels in one batch: two squares of 224 px, eight of 128. Larger batches take more memory and, since features no
longer fit the cache of common processors, more time."""

Said = dict[tuple[int, ...], Mapping[str, NDArray[np.float32]]]
"""What graphs gave, by graph and segments."""

_DECIMALS: Final = 4  # of a logit; the rest varies with the size of the batch that a segment happened to be in


class Panel:
    """Loaded detectors, in the order of their say.

    Args:
        bundles: The detectors. Those that read the same graph load it once.

    Attributes:
        cards: Theirs.

    Raises:
        BundleError: A bundle is damaged or altered.
    """

    def __init__(self, bundles: Sequence[Bundle]) -> None:
        self._detectors: list[OnnxDetector] = []
        for bundle in bundles:
            same = (one for one in self._detectors if one.card.sha256 == bundle.card.sha256)
            self._detectors.append(OnnxDetector(bundle, beside=next(same, None)))
        self.cards: tuple[Card, ...] = tuple(detector.card for detector in self._detectors)

    def looks(self, files: Sequence[Mapping[str, Sequence[Segment]]], *, heat_maps: bool) -> list[list[Look]]:
        """What the detectors make of some files.

        Args:
            files: Of each the segments that a detector shall look at, by its name; those not named are not asked.
            heat_maps: Whether to keep where each logit came from.

        Returns:
            For each file a look of each detector that was asked.
        """
        looks: list[list[Look]] = [[] for _ in files]
        said: Said = {}
        for detector in self._detectors:
            name = detector.card.name
            asked = [(file[name], mine) for file, mine in zip(files, looks, strict=True) if name in file]
            fit = [segment for segments, _ in asked for segment in segments if segment.unfit is None]
            findings = _score(detector, fit, said, heat_maps)
            for segments, mine in asked:
                mine.append(Look(detector.card, tuple(_unfit(s) if s.unfit else next(findings) for s in segments)))
        return looks


def _score(detector: OnnxDetector, segments: Sequence[Segment], said: Said, heat_maps: bool) -> Iterator[Finding]:
    """What is said of segments is kept by the graph that said it, for the next detector that reads it."""
    step = max(1, BATCH_PX // detector.card.cut.size_px**2)
    for start in range(0, len(segments), step):
        part = segments[start : start + step]
        by = (id(detector.session), *(id(segment) for segment in part))
        if by not in said:
            said[by] = detector.run(np.stack([segment.pixels for segment in part]))
        for segment, logit, activation in zip(part, *detector.read(said[by]), strict=True):
            yield _finding(segment, float(logit), activation if heat_maps else None)


def _finding(segment: Segment, logit: float, activation: NDArray[np.float32] | None) -> Finding:
    if not np.isfinite(logit):
        return Finding(segment.region, None, "the detector gave no number")
    rows = None if activation is None else activation.tolist()
    heat_map = tuple(tuple(round(v, _DECIMALS) for v in row) for row in rows) if rows is not None else None
    return Finding(segment.region, round(logit, _DECIMALS), heat_map=heat_map)


def _unfit(segment: Segment) -> Finding:
    return Finding(segment.region, None, segment.unfit)
