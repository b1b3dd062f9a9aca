"""The pictures that the witness of compression learns from and is measured on, and what is measured of them.

Splices made from the real photos of each split (`splices`), which is what these measures were invented for; files of
all sources saved once more alike (`alike`); files as they are; and photos saved once and twice.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image

from unmask import perturb, splices
from unmask.alike import TREATMENT
from unmask.compression.features import features
from unmask.compression.measuring import measure
from unmask.errors import MediaError
from unmask.faces import Face, FaceFinder
from unmask.limits import DEFAULT_LIMITS
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import image as pictures
from unmask.types import Source

AS_IT_IS: Final = ", files as they are"
SPLICED: Final = "spliced photos"
SAVED: Final = "photos saved once and twice"
"""1 is twice. Nothing is learned from these; they say how surely an earlier JPEG is found."""
MOST: Final = 250
"""Pictures of each class, source and split that are measured: beyond, the intervals hardly narrow."""
_SMALLER: Final = 0.8


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

    @property
    def teaches(self) -> bool:
        """Whether the witness learns from it."""
        return not self.kind.endswith(AS_IT_IS) and self.kind != SAVED


def chosen(items: Sequence[Item]) -> list[Item]:
    """At most `MOST` of each source and class, the same every time; sources with both classes."""
    found = []
    for source in sorted({item.source for item in items}):
        of = [sorted((i for i in items if i.source == source and i.label == label), key=_chance) for label in (0, 1)]
        if all(of):
            found += [item for part in of for item in part[:MOST]]
    return found


def measured(items: Sequence[Item], finder: FaceFinder, progress: Callable[[int, int], None] | None) -> Iterator[Row]:
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


def _chance(item: Item) -> bytes:
    return hashlib.sha256(item.path.name.encode("utf-8", "surrogatepass")).digest()
