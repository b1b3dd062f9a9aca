"""A data set in which metadata are honest, stripped or forged in stated proportions, and nothing else differs.

Every picture, real or fake, is written once more in one way, as `alike` does; then it gets metadata. Honest: those of
a camera on real photos, of a generator or an editor on fakes. Stripped: none. Forged: the other class's. So how much
metadata are worth is known beforehand, and what learns from them can be held to it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final, Self

import numpy as np

from unmask import alike, attire, journal, manifest, perturb
from unmask.attire import Attire
from unmask.errors import MediaError, UsageError
from unmask.journal import Note, Progress, Written
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import image as pictures

COLUMN: Final = "metadata"
_COMPOSITES: Final = ("swap", "blend", "splice", "composite")
"""What is in the name of a method that replaces a part of a photo."""


class Wear(StrEnum):
    """What a picture's metadata are."""

    HONEST = "honest"
    STRIPPED = "stripped"
    FORGED = "forged"


@dataclass(frozen=True)
class Shares:
    """How many of each class are honest, stripped and forged; they add up to 1."""

    honest: float
    stripped: float
    forged: float

    @classmethod
    def checked(cls, honest: float, stripped: float, forged: float) -> Self:
        """The same, after a look at them.

        Raises:
            UsageError: One is negative, or they do not add up to 1.
        """
        if min(honest, stripped, forged) < 0 or abs(honest + stripped + forged - 1) > 1e-6:
            raise UsageError(
                f"shares of {honest:g} honest, {stripped:g} stripped and {forged:g} forged must add up to 1"
            )
        return cls(honest, stripped, forged)

    def dealt(self, count: int) -> list[Wear]:
        """That many of each, rounded so that they add up to `count`."""
        honest = round(self.honest * count)
        forged = min(round(self.forged * count), count - honest)
        return [Wear.HONEST] * honest + [Wear.FORGED] * forged + [Wear.STRIPPED] * (count - honest - forged)


def write(
    table: Path,
    out: Path,
    shares: Shares,
    *,
    seed: int = 0,
    treatment: str = alike.TREATMENT,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> Written:
    """Write every picture of a manifest once more, alike, and with metadata of a known kind.

    Labels, splits and all else stay; the column `original` names the file a copy is of, `metadata` what it wears. The
    proportions hold within each split and class. The same arguments give the same bytes; of other shares and seeds the
    pixels are the same, so what networks make of one such set holds for all.

    Args:
        table: The manifest.
        out: Folder for the copies and their manifest; made if missing.
        shares: How many are honest, stripped and forged.
        seed: Of who is which, and of all that is made up.
        treatment: A name of `perturb.PERTURBATIONS` that ends in a JPEG.
        jobs: Processes; all usable cores when None.
        progress: Called with pictures done and pictures in all.

    Raises:
        ManifestError: The manifest cannot be used.
        UsageError: There is no such treatment, it gives no JPEG, or `out` holds copies of another one.
        UnmaskError: The disk is full. What was done stays.
    """
    perturb.check([treatment])
    if perturb.PERTURBATIONS[treatment].quality is None:
        jpegs = ", ".join(name for name, one in perturb.PERTURBATIONS.items() if one.quality is not None)
        raise UsageError(f"{treatment} gives PNG files; metadata are put on JPEG: take one of {jpegs}")
    items = manifest.read(table)
    worn = assigned(items, shares, seed)
    fakes = [item for item in items if item.label == FAKE]
    plan = {
        journal.key(item.path): (wear, _attire(item, wear, fakes, seed)) for item, wear in zip(items, worn, strict=True)
    }
    setting = (
        f"{treatment}, {shares.honest:g} honest, {shares.stripped:g} stripped, {shares.forged:g} forged, seed {seed}"
    )
    copy = partial(_copy, out=out, treatment=treatment, plan=plan, seed=seed)
    return alike.copies(table, out, setting, copy, jobs=jobs, progress=progress)


def assigned(items: list[Item], shares: Shares, seed: int) -> list[Wear]:
    """What each wears. The proportions hold in every class of every split, whatever the order of the items."""
    worn: dict[int, Wear] = {}
    for part in sorted({(item.split, item.label) for item in items}):
        mine = [place for place, item in enumerate(items) if (item.split, item.label) == part]
        mine.sort(key=lambda place: _digest(items[place].path, seed))
        worn.update(zip(mine, shares.dealt(len(mine)), strict=True))
    return [worn[place] for place in range(len(items))]


def clothes(kind: str, rng: np.random.Generator) -> Attire:
    """The metadata of a kind: "camera", "generator" or "composite"."""
    return attire.of_camera(rng) if kind == "camera" else attire.of_generator(rng, composite=kind == "composite")


def _attire(item: Item, wear: Wear, fakes: Sequence[Item], seed: int) -> str:
    """Whose metadata it gets; "" for none.

    A photo with forged ones gets those of some fake of its own source, or of any where that has none: as often swaps
    and as often whole drawings as there are, or the kind of generator would tell the two apart.
    """
    if wear is Wear.STRIPPED:
        return ""
    if (item.label == REAL) == (wear is Wear.HONEST):
        return "camera"
    kin = [one for one in fakes if one.source == item.source] or fakes
    if item.label == REAL and kin:
        item = kin[int.from_bytes(_digest(item.path, seed)[:8]) % len(kin)]
    return "composite" if any(word in item.method.lower() for word in _COMPOSITES) else "generator"


def _copy(path: Path, out: Path, treatment: str, plan: dict[str, tuple[Wear, str]], seed: int) -> Note:
    wear, kind = plan[journal.key(path)]
    note: Note = {"path": journal.key(path), "file": None, "reason": None, COLUMN: wear.value}
    way = perturb.PERTURBATIONS[treatment]
    target = alike.stem(path, out).with_suffix(".jpg")
    try:
        picture = way.change(pictures.load(path).image)
    except MediaError as error:
        return {**note, "reason": str(error)}
    picture.info = {}
    options = {}
    if kind:
        worn = clothes(kind, np.random.default_rng(np.frombuffer(_digest(path, seed), np.uint32)))
        options = {"exif": worn.exif} | ({"xmp": worn.xmp} if worn.xmp else {})
    picture.save(target, "JPEG", quality=way.quality, **options)
    return {**note, "file": target.relative_to(out).as_posix()}


def _digest(path: Path, seed: int) -> bytes:
    """By name and not by place, so that another folder gives the same set."""
    return hashlib.sha256(f"{seed}\n{path.parent.name}/{path.name}".encode("utf-8", "surrogateescape")).digest()
