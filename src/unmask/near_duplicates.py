"""Find pictures that are the same to the eye: recompressed, resized, or slightly retouched copies.

A 64-bit perceptual hash (the signs of an 8 x 8 corner of the cosine transform; Zauner 2010, pHash) proposes pairs, and
the correlation of 32 x 32 grey copies confirms them. Either alone would not do: among 8,500 face pictures, hundreds of
pairs of different people agree in all but 8 bits, because faces are alike, while the correlation of real copies is
above 0.98 and of everything else the hash proposes below 0.95.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE_PX: Final = 32
MOST_BITS: Final = 10
LEAST_CORRELATION: Final = 0.97
_CORNER: Final = 8
_BLOCK: Final = 1024
_PIECE: Final = 4096
_ONES: Final = np.array([value.bit_count() for value in range(256)], np.uint8)

Thumbnail = NDArray[np.uint8]
"""uint8 (32, 32): the luma of a picture, squeezed to a square."""


def thumbnail(picture: Image.Image) -> Thumbnail:
    """The small grey copy from which all else is computed; a kilobyte, so that ten thousand stay in memory."""
    small = picture.resize((SIDE_PX, SIDE_PX), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(small.convert("L"), np.uint8)


def hashes(thumbnails: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Perceptual hashes, bool (N, 64), of thumbnails, uint8 (N, 32, 32)."""
    n = np.arange(SIDE_PX)
    cosines = np.cos(np.pi * (2 * n + 1) * n[:_CORNER, None] / (2 * SIDE_PX)).astype(np.float32)
    corner = (cosines @ thumbnails.astype(np.float32) @ cosines.T).reshape(-1, _CORNER**2)
    # The first coefficient is the brightness of the whole and would drag the median.
    return np.asarray(corner > np.median(corner[:, 1:], axis=1, keepdims=True), np.bool_)


def pairs(thumbnails: Sequence[Thumbnail]) -> list[tuple[int, int]]:
    """Indices (i, j), i < j, of all pairs that are near duplicates.

    Every pair is compared, as products of sign matrices: 10,000 pictures take about two seconds, and no bucket can
    miss a pair. Pictures without any contrast match nothing.
    """
    if len(thumbnails) < 2:
        return []
    grey = np.stack(thumbnails)
    signs = np.where(hashes(grey), np.float32(1), np.float32(-1))
    flat = grey.reshape(len(grey), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)
    agreement = signs.shape[1] - 2 * MOST_BITS
    found: list[tuple[int, int]] = []
    for start in range(0, len(grey), _BLOCK):
        rows, columns = np.nonzero(signs[start : start + _BLOCK] @ signs[start:].T >= agreement)
        rows, columns = rows[columns > rows] + start, columns[columns > rows] + start
        for i in range(0, len(rows), _PIECE):  # in pieces: a folder of one face may propose millions
            left, right = rows[i : i + _PIECE], columns[i : i + _PIECE]
            alike = np.einsum("np,np->n", flat[left], flat[right]) >= LEAST_CORRELATION
            found += zip(left[alike].tolist(), right[alike].tolist(), strict=True)
    return found


class Index:
    """Thumbnails that come one after the other, and which of those before a new one is near to.

    A million of them take a gigabyte, and looking one up among them some milliseconds.
    """

    def __init__(self) -> None:
        self._thumbnails: list[Thumbnail] = []
        self._bits = np.empty((64, 8), np.uint8)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._thumbnails)

    def add(self, small: Thumbnail) -> None:
        """Put one behind all others."""
        count = len(self._thumbnails)
        if count == len(self._bits):
            self._bits = np.concatenate([self._bits, np.empty_like(self._bits)])
        self._bits[count] = _packed(small)
        self._thumbnails.append(small)

    def near(self, small: Thumbnail) -> list[int]:
        """Places of all that are near duplicates of this one, in the order in which they were added."""
        apart = _ONES[self._bits[: len(self._thumbnails)] ^ _packed(small)].sum(axis=1)
        return [i for i in np.flatnonzero(apart <= MOST_BITS).tolist() if _alike(small, self._thumbnails[i])]


def _packed(small: Thumbnail) -> NDArray[np.uint8]:
    return np.packbits(hashes(small[None])[0])


def _alike(one: Thumbnail, other: Thumbnail) -> bool:
    flat = [small.astype(np.float32).ravel() for small in (one, other)]
    flat = [(values - values.mean()) / max(float(np.linalg.norm(values - values.mean())), 1e-6) for values in flat]
    return float(flat[0] @ flat[1]) >= LEAST_CORRELATION


def clusters(size: int, links: Iterable[tuple[int, int]]) -> list[int]:
    """For each of `size` items, the smallest index among all that are linked to it, directly or through others."""
    parent = list(range(size))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for a, b in links:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return [root(i) for i in range(size)]
