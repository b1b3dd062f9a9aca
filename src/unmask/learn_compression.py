"""From a manifest of pictures to the card of `detectors.compression`, with figures on what it has not learned from.

Three kinds of picture are measured: splices made from the real photos of each split (`splices`), which is what these
measures were invented for; files of all sources saved once more alike (`alike`); and files as they are, but only of
sources whose quality does not tell the label by itself, and only to be measured on, never to learn from.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from unmask import __version__, calibrate, figures, metrics
from unmask.card import Figure
from unmask.compression import findings
from unmask.compression_rows import SAVED, Row, chosen, measured
from unmask.detectors import compression
from unmask.errors import UsageError
from unmask.faces import FaceFinder
from unmask.manifest import FAKE, REAL, in_split, read
from unmask.metrics import Floats, Interval
from unmask.witness import Feature, WitnessCard
from unmask.witness_fit import Examples, fit, grouped_auc, logits, write_usual

COMMAND: Final = "unmask learn-compression MANIFEST"
RESAMPLES: Final = 500
"""Redraws of an interval."""
_TOLD: Final = 0.6
"""AUC of a file's quality alone, or of its opposite, from which on a source tells itself."""

_LIMITS: Final = (
    "what is scaled after the last forgery, or saved at a lower quality than before, has lost most of this",
    "an earlier JPEG is found only where its blocks lay as those of the last one do: nothing was cut or scaled since",
    "an earlier JPEG of higher quality than the last leaves hardly a trace",
    "skin is smoother than hair and cloth: noise and ghosts differ between face and background in real photos too",
    "a fake that is drawn or saved as a whole has one history, and shows nothing here",
)


@dataclass(frozen=True)
class Learned:
    """What came of it: the card, and how many pictures were measured."""

    card: WitnessCard
    pictures: int

    @property
    def text(self) -> str:
        """The figures as a table, and the witness in a sentence."""
        told = [f"{self.pictures:,} pictures measured", figures.to_markdown(self.card.metrics)]
        return "\n".join([*told, f"{self.card.name}: {self.card.why}"])


def learn(
    manifest: Path, out: Path, progress: Callable[[int, int], None] | None = None, *, test: bool = False
) -> Learned:
    """Measure pictures of train and val, learn, and write the card and tables.

    Args:
        manifest: Pictures with splits and sources; sources that hold one class alone are passed over.
        out: Folder for compression.json, for compression.csv with what was measured, and for usual.csv with the range
            of real photos, which `compression.findings` repeats.
        progress: Is told pictures done and pictures in all.
        test: Also measure the finished card on the split "test". Once: whoever chooses by that figure spoils it.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: There is nothing to learn from.
        MissingExtraError: scikit-learn is not installed.
    """
    listed = read(manifest)
    splits = ("train", "val", *(["test"] if test else []))
    items = [item for split in splits for item in chosen(in_split(listed, split))]
    out.mkdir(parents=True, exist_ok=True)
    rows = list(measured(items, FaceFinder(1), progress))
    if not rows:
        raise UsageError(f"{manifest} has no source with real and fake pictures in train and val")
    card = _card(rows)
    card.write(out / f"{compression.NAME}.json")
    _tables(out, rows)
    return Learned(card, len(rows))


def _card(rows: Sequence[Row]) -> WitnessCard:
    taught = [row for row in rows if row.split == "train" and row.teaches]
    weights, bias = fit(_examples(taught), compression.FEATURES)
    val = [row for row in rows if row.split == "val" and row.teaches]
    told: list[Figure] = []
    for split in ("test", "val"):
        for kind in dict.fromkeys(row.kind for row in rows if row.split == split):
            part = [row for row in rows if (row.kind, row.split) == (kind, split)]
            if kind == SAVED:
                told += _twice(f"{kind}, {split}", part, split)
            elif not _tells_itself(part):
                told += _figures(f"{kind}, {split}", part, weights, bias, split)
    scores = logits(_values(val), weights, bias)
    kinds = list(dict.fromkeys(row.kind for row in taught))
    return WitnessCard(
        name=compression.NAME,
        version=__version__,
        summary="quantisation tables, an earlier JPEG, a second grid of blocks and uneven noise in a picture",
        features=weights,
        bias=bias,
        learned_on=f"{len(taught):,} pictures of the train split: {'; '.join(kinds)}",
        calibration=calibrate.fit(_labels(val), scores, "val of the same kinds of picture"),
        metrics=tuple(told),
        limits=_LIMITS,
        why=_why(told),
    )


def _tells_itself(rows: Sequence[Row]) -> bool:
    """Whether the quality that the files were saved at tells the label: then a figure would be about nothing else."""
    quality = np.nan_to_num(np.array([row.quality for row in rows]))
    told = metrics.auc(_labels(rows), quality)
    return max(told, 1 - told) >= _TOLD


def _twice(on: str, rows: Sequence[Row], split: str) -> Iterator[Figure]:
    """How surely an earlier JPEG is found, and its quality named."""
    scores = np.array([row.earlier for row in rows])
    found = grouped_auc(_labels(rows), scores, [row.group for row in rows], resamples=RESAMPLES)
    twice = [row for row in rows if row.label == FAKE and row.earlier >= findings.EARLIER]
    once = [row for row in rows if row.label == REAL]
    named = metrics.share(sum(row.missed <= 1 for row in twice), max(len(twice), 1))
    alarms = metrics.share(sum(row.earlier >= findings.EARLIER for row in once), max(len(once), 1))
    share = metrics.share(len(twice), max(len(rows) - len(once), 1))
    for name, one in (
        ("AUC of earlier", found),
        ("saved twice and found", share),
        ("of those found, quality right within 1", named),
        ("saved once and called saved before", alarms),
    ):
        yield _made(name, on, one, _labels(rows), split)


def _made(name: str, on: str, one: Interval, labels: Floats, split: str) -> Figure:
    counts = {"reals": int((labels == REAL).sum()), "fakes": int((labels == FAKE).sum())}
    command = f"{COMMAND} --test" if split == "test" else COMMAND
    return Figure(name=name, on=on, value=one.value, low=one.low, high=one.high, command=command, **counts)


def _figures(on: str, rows: Sequence[Row], weights: Sequence[Feature], bias: float, split: str) -> Iterator[Figure]:
    values, labels, groups = _values(rows), _labels(rows), [row.group for row in rows]

    def figure(name: str, scores: Floats) -> Figure:
        return _made(name, on, grouped_auc(labels, scores, groups, resamples=RESAMPLES), labels, split)

    yield figure("compression AUC", logits(values, weights, bias))
    for place, feature in enumerate(weights):
        alone = feature.model_copy(update={"weight": abs(feature.weight) or 1.0})
        yield figure(f"AUC of {feature.name} alone", logits(values[:, place : place + 1], [alone], 0.0))


def _why(measured: Sequence[Figure]) -> str:
    """The joint figures, on whatever was measured last: test where it was asked for."""
    on = "test" if any(one.on.endswith("test") for one in measured) else "val"
    joint = [one for one in measured if one.name == "compression AUC" and one.on.endswith(on)]
    told = "; ".join(f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f}) on {one.on}" for one in joint)
    return (
        f"it informs and does not vote: its AUC is {told}. It finds what was pasted; of fakes that were saved as a "
        "whole it knows next to nothing, and it was not shown to help a verdict"
    )


def _examples(rows: Sequence[Row]) -> Examples:
    return Examples.of(_values(rows).tolist(), [row.label for row in rows], [row.group for row in rows])


def _values(rows: Sequence[Row]) -> Floats:
    return np.array([[row.measured[name] for name in compression.FEATURES] for row in rows], np.float64)


def _labels(rows: Sequence[Row]) -> Floats:
    return np.array([row.label for row in rows], np.float64)


def _tables(out: Path, rows: Sequence[Row]) -> None:
    names = list(compression.FEATURES)
    with (out / f"{compression.NAME}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("kind", "split", "label", "group", *names))
        for row in rows:
            writer.writerow((row.kind, row.split, row.label, row.group, *(row.measured[name] for name in names)))
    real = _values([row for row in rows if row.label == REAL and row.split == "train" and row.teaches])
    write_usual(out / "usual.csv", names, real)
