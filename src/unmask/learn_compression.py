"""From a manifest of pictures to the card of `detectors.compression`, with figures on what it has not learned from.

Three kinds of picture are measured: splices made from the real photos of each split (`splices`), which is what these
measures were invented for; files of all sources saved once more alike (`alike`); and files as they are, but only of
sources whose quality does not tell the label by itself, and only to be measured on, never to learn from.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from unmask import __version__, calibrate, figures, metrics, perturb, splices
from unmask.alike import TREATMENT
from unmask.card import Figure
from unmask.compression import findings
from unmask.compression.features import features
from unmask.compression.measuring import measure
from unmask.detectors import compression
from unmask.errors import MediaError, UsageError
from unmask.faces import Face, FaceFinder
from unmask.limits import DEFAULT_LIMITS
from unmask.manifest import FAKE, REAL, Item, in_split, read
from unmask.metrics import Floats, Interval
from unmask.modalities import image as pictures
from unmask.types import Source
from unmask.witness import Feature, WitnessCard
from unmask.witness_fit import Examples, fit, grouped_auc, logits

COMMAND: Final = "unmask learn-compression MANIFEST"
AS_IT_IS: Final = ", files as they are"
SPLICED: Final = "spliced photos"
SAVED: Final = "photos saved once and twice"
"""1 is twice. Nothing is learned from these; they say how surely an earlier JPEG is found."""
MOST: Final = 250
"""Pictures of each class, source and split that are measured: beyond, the intervals hardly narrow."""
_TOLD: Final = 0.6
"""AUC of a file's quality alone, or of its opposite, from which on a source tells itself."""
_SMALLER: Final = 0.8

_LIMITS: Final = (
    "what is scaled after the last forgery, or saved at a lower quality than before, has lost most of this",
    "an earlier JPEG is found only where its blocks lay as those of the last one do: nothing was cut or scaled since",
    "an earlier JPEG of higher quality than the last leaves hardly a trace",
    "skin is smoother than hair and cloth: noise and ghosts differ between face and background in real photos too",
    "a fake that is drawn or saved as a whole has one history, and shows nothing here",
)


@dataclass(frozen=True)
class Row:
    """One measured picture.

    Attributes:
        kind: What was done to it.
        split: The split it is in.
        label: 1 is fake.
        group: What it shares with others: a person, or the photo both were made from.
        quality: Of its tables, or the nearest; NaN where it has none.
        earlier: Nats that speak for an earlier JPEG; NaN where that could not be measured.
        measured: By the names in `compression.FEATURES`.
        missed: By how much the quality of the earlier JPEG was missed; NaN where there was none, or it is not known.
    """

    kind: str
    split: str
    label: int
    group: str
    quality: float
    earlier: float
    measured: Mapping[str, float]
    missed: float = np.nan


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
    items = [item for split in splits for item in _chosen(in_split(listed, split))]
    out.mkdir(parents=True, exist_ok=True)
    rows = list(_measured(items, FaceFinder(1), progress))
    if not rows:
        raise UsageError(f"{manifest} has no source with real and fake pictures in train and val")
    card = _card(rows)
    card.write(out / f"{compression.NAME}.json")
    _tables(out, rows)
    return Learned(card, len(rows))


def _chosen(items: Sequence[Item]) -> list[Item]:
    """At most `MOST` of each source and class, the same every time; sources with both classes."""
    found = []
    for source in sorted({item.source for item in items}):
        of = [sorted((i for i in items if i.source == source and i.label == label), key=_chance) for label in (0, 1)]
        if all(of):
            found += [item for part in of for item in part[:MOST]]
    return found


def _chance(item: Item) -> bytes:
    return hashlib.sha256(item.path.name.encode("utf-8", "surrogatepass")).digest()


def _measured(items: Sequence[Item], finder: FaceFinder, progress: Callable[[int, int], None] | None) -> Iterator[Row]:
    """Each picture as it is and made alike; and each real photo, with the face of the real photo before it."""
    before: dict[str, tuple[Image.Image, Face]] = {}
    for done, item in enumerate(items, start=1):
        try:
            data, source = pictures.read(item.path)
            picture = pictures.decode(data, source).image
        except MediaError:
            continue
        found, _ = finder.find(picture)
        group = item.group or str(item.path)
        yield Row(item.source + AS_IT_IS, item.split, item.label, group, *_numbers(data, picture, found))
        yield _row(f"{item.source}, made alike", item, group, _alike(picture), finder)
        if item.label == REAL and found:
            if item.split in before:
                rng = np.random.default_rng(np.frombuffer(_chance(item)[:16], np.uint32))
                forged, twin = splices.splice(picture, found[0], *before[item.split], rng)
                yield _row(SPLICED, item, group, forged, finder, FAKE)
                yield _row(SPLICED, item, group, twin, finder, REAL)
            before[item.split] = (picture, found[0])
        if item.label == REAL:
            yield from _saved(item, group, picture)
        if progress:
            progress(done, len(items))


def _row(kind: str, item: Item, group: str, data: bytes, finder: FaceFinder, label: int | None = None) -> Row:
    picture = _decoded(data)
    found, _ = finder.find(picture)
    return Row(kind, item.split, item.label if label is None else label, group, *_numbers(data, picture, found))


def _saved(item: Item, group: str, picture: Image.Image) -> Iterator[Row]:
    """A smaller copy of a photo, for that has no earlier JPEG on its own grid: saved once, and twice."""
    rng = np.random.default_rng(np.frombuffer(_chance(item)[16:32], np.uint32))
    last = int(rng.integers(75, 97))
    first = int(rng.integers(50, last - 4))
    size = (round(picture.width * _SMALLER), round(picture.height * _SMALLER))
    small = picture.resize(size, Image.Resampling.BICUBIC)
    for label, one in ((REAL, small), (FAKE, _decoded(splices.saved(small, first)))):
        data = splices.saved(one, last)
        seen = measure(pictures.open_header(data, DEFAULT_LIMITS), _decoded(data), ())
        if seen.earlier:
            missed = float(abs(seen.earlier.quality - first)) if label == FAKE else np.nan
            yield Row(SAVED, item.split, label, group, last, seen.earlier.nats, seen.numbers, missed)


def _decoded(data: bytes) -> Image.Image:
    return pictures.decode(data, Source(path="")).image


def _numbers(data: bytes, picture: Image.Image, found: Sequence[Face]) -> tuple[float, float, Mapping[str, float]]:
    header = pictures.open_header(data, DEFAULT_LIMITS)
    seen = measure(header, picture, found)
    return features(header).get("quality", np.nan), seen.earlier.nats if seen.earlier else np.nan, seen.numbers


def _alike(picture: Image.Image) -> bytes:
    treatment = perturb.PERTURBATIONS[TREATMENT]
    file = io.BytesIO()
    treatment.change(picture).save(file, "JPEG", quality=treatment.quality)
    return file.getvalue()


def _card(rows: Sequence[Row]) -> WitnessCard:
    taught = [row for row in rows if row.split == "train" and _teaches(row)]
    weights, bias = fit(_examples(taught), compression.FEATURES)
    val = [row for row in rows if row.split == "val" and _teaches(row)]
    measured: list[Figure] = []
    for split in ("test", "val"):
        for kind in dict.fromkeys(row.kind for row in rows if row.split == split):
            part = [row for row in rows if (row.kind, row.split) == (kind, split)]
            if kind == SAVED:
                measured += _twice(f"{kind}, {split}", part, split)
            elif not _tells_itself(part):
                measured += _figures(f"{kind}, {split}", part, weights, bias, split)
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
        metrics=tuple(measured),
        limits=_LIMITS,
        why=_why(measured),
    )


def _tells_itself(rows: Sequence[Row]) -> bool:
    """Whether the quality that the files were saved at tells the label: then a figure would be about nothing else."""
    quality = np.nan_to_num(np.array([row.quality for row in rows]))
    told = metrics.auc(_labels(rows), quality)
    return max(told, 1 - told) >= _TOLD


def _teaches(row: Row) -> bool:
    return not row.kind.endswith(AS_IT_IS) and row.kind != SAVED


def _twice(on: str, rows: Sequence[Row], split: str) -> Iterator[Figure]:
    """How surely an earlier JPEG is found, and its quality named."""
    scores = np.array([row.earlier for row in rows])
    found = grouped_auc(_labels(rows), scores, [row.group for row in rows], resamples=500)
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
        return _made(name, on, grouped_auc(labels, scores, groups, resamples=500), labels, split)

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
    real = _values([row for row in rows if row.label == REAL and row.split == "train" and _teaches(row)])
    with (out / "usual.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("feature", "5 of 100 below", "5 of 100 above"))
        for name, column in zip(names, real.T, strict=True):
            known = column[~np.isnan(column)]
            if len(known):
                writer.writerow((name, *np.percentile(known, [5, 95]).round(3).tolist()))
