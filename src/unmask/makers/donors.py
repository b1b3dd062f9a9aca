"""Which face may lend itself to which: the most alike in pose, size and colour, among the faces of one split.

A swap between faces that do not fit is seen by anyone; those that deceive are between faces alike. The index holds
numbers alone, 60 bytes a face; the pixels are read when a face is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask.errors import ManifestError
from unmask.makers.portrait import Points, Portrait
from unmask.manifest import Item
from unmask.types import Pixels

_NEIGHBOURS: Final = 8
"""One of so many is drawn, that a face does not always meet the same one."""

_FARTHEST: Final = 0.8
"""How unlike, in spreads of the collection, a face may be at most: beyond it a turned head would lend itself to one
that looks ahead."""

_SIZE_WEIGHT: Final = 0.25
"""Of a doubling against a spread of pose or colour: a face can be scaled, but not turned."""

Read = Callable[[Item], Sequence[Pixels]]


class Gallery:
    """Faces of one split, to be found by their likeness.

    Args:
        items: Prepared items; those without landmarks lend nothing. Leave out what must not be seen.
        read: The segments of an item: uint8 (S, S, 3) each.

    Raises:
        ManifestError: The items are of several splits; a face lent across would join what a split parts.
    """

    def __init__(self, items: Sequence[Item], read: Read) -> None:
        if len({item.split for item in items}) > 1:
            raise ManifestError("faces are lent within one split, never across")
        self.items = items
        self._read = read
        self._faces = [item for item in items if item.attributes.get("landmarks_px")]
        traits = np.array([_traits(self.portrait(item)) for item in self._faces], np.float32).reshape(-1, 12)
        self._spread = np.maximum(traits.std(axis=0), 1e-6) if len(traits) else np.ones(12, np.float32)
        self._traits = traits
        self._groups = np.array([item.group or str(item.path) for item in self._faces])
        self._labels = np.array([item.label for item in self._faces])
        self._sources = np.array([item.source for item in self._faces])

    def besides(self, item: Item) -> Others:
        """The donors of an item: all but itself and those of its group, who may be the same person."""
        return Others(self, item)

    def portrait(self, item: Item) -> Portrait:
        """An item's face."""
        return Portrait(self._read(item)[0], landmarks(item))

    def draw(self, portrait: Portrait, rng: np.random.Generator, label: int, besides: Item) -> Item | None:
        """One of the faces most like this one, of a source drawn by the square root of its size."""
        if portrait.landmarks is None:
            return None
        wanted = _traits(portrait)
        away = (self._traits - wanted) / self._spread
        far = np.sqrt((away[:, :8] ** 2).mean(axis=1) + (away[:, 8:11] ** 2).mean(axis=1))
        far += _SIZE_WEIGHT * np.abs(self._traits[:, 11] - wanted[11])
        fits = (far < _FARTHEST) & (self._labels == label) & (self._groups != (besides.group or str(besides.path)))
        if not fits.any():
            return None
        sources, counts = np.unique(self._sources[fits], return_counts=True)
        weights = np.sqrt(counts)
        source = sources[int(rng.choice(len(sources), p=weights / weights.sum()))]
        rows = np.flatnonzero(fits & (self._sources == source))
        nearest = rows[np.argsort(far[rows], kind="stable")[:_NEIGHBOURS]]
        return self._faces[int(rng.choice(nearest))]


class Others:
    """The faces that may lend themselves to one item; `taken` is the one that did, None before."""

    def __init__(self, gallery: Gallery, item: Item) -> None:
        self._gallery, self._item = gallery, item
        self.taken: Item | None = None

    def near(self, portrait: Portrait, rng: np.random.Generator, label: int) -> Portrait | None:
        """A similar face of a real photo (label 0) or of a fake (label 1); None if there is none."""
        found = self._gallery.draw(portrait, rng, label, self._item)
        if found is None:
            return None
        self.taken = found
        return self._gallery.portrait(found)


def landmarks(item: Item) -> Points | None:
    """The landmarks that `prepare` noted, (5, 2); None where it saw no face, or cut several segments."""
    text = item.attributes.get("landmarks_px")
    return np.array(text.split(), np.float32).reshape(5, 2) if text else None


def _traits(portrait: Portrait) -> NDArray[np.float32]:
    """Pose (8: the last four landmarks about the mean of all, tilt taken out), colour (3) and log2 of the size (1)."""
    assert portrait.landmarks is not None
    points = portrait.landmarks @ np.array([1, 1j])
    centre = points.mean()
    size = max(float(np.sqrt((np.abs(points - centre) ** 2).mean())), 1.0)
    upright = np.conj(points[3:].mean() - points[:2].mean())
    shape = (points - centre) / size * (upright / abs(upright) if abs(upright) > 0 else 1)
    height, width = portrait.pixels.shape[:2]
    half = 0.8 * size
    left, right = (int(np.clip(centre.real + side, 0, width - 1)) for side in (-half, half))
    top, bottom = (int(np.clip(centre.imag + side, 0, height - 1)) for side in (-half, half))
    colour = portrait.pixels[top : bottom + 1 : 2, left : right + 1 : 2].reshape(-1, 3).mean(axis=0)
    return np.array([*shape[1:].real, *shape[1:].imag, *colour, np.log2(size)], np.float32)
