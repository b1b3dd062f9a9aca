"""What a network makes of pictures before it judges them: the graph's output "embedding", for a sample of the items.

Cutting is done by the code that scans, so these are the vectors behind the scores. They are kept beside the scores and
made again only when the network, its cut or the sample has changed.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from unmask import bundles
from unmask.bundles import Bundle
from unmask.card import Card
from unmask.errors import MediaError
from unmask.faces import FaceFinder, main_face
from unmask.manifest import FAKE, REAL
from unmask.modalities import image as pictures
from unmask.runtime import Session
from unmask.scores import Row
from unmask.types import Pixels

OUTPUT: Final = "embedding"
FILE: Final = "embedding.npz"
MOST: Final = 600

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Embedding:
    """One vector a picture.

    Attributes:
        rows: The pictures.
        vectors: float32 (N, D).
        unread: Pictures of the sample that could not be read or held nothing to look at.
    """

    rows: tuple[Row, ...]
    vectors: NDArray[np.float32]
    unread: int


def sample(rows: Iterable[Row], most: int = MOST) -> list[Row]:
    """As many reals as fakes, `most` in all, chosen by the hash of their paths: the same for every run."""
    hashed = sorted(rows, key=lambda one: hashlib.sha256(one.path.encode("utf-8", "surrogateescape")).digest())
    reals, fakes = ([one for one in hashed if one.label == label] for label in (REAL, FAKE))
    each = min(most // 2, len(reals), len(fakes))
    return [*reals[:each], *fakes[:each]]


def of(bundle: Bundle, rows: Sequence[Row], cache: Path, progress: Progress | None = None) -> Embedding | None:
    """The embedding of pictures, from the cache where it fits.

    Args:
        bundle: The network.
        rows: The pictures; their paths are read.
        cache: Folder for embedding.npz; nothing is kept where it cannot be written.
        progress: Called with pictures done and pictures in all.

    Returns:
        The vectors; None where the graph has no such output, as older bundles.

    Raises:
        BundleError: The graph is damaged or not the one its card describes.
    """
    vectors = _kept(cache / FILE, bundle.card, rows)
    if vectors is None:
        vectors = _made(bundle, rows, progress)
        if vectors is None:
            return None
        _keep(cache / FILE, bundle.card, rows, vectors)
    read = np.asarray(np.isfinite(vectors).all(axis=1))
    chosen = tuple(one for one, there in zip(rows, read, strict=True) if there)
    return Embedding(chosen, vectors[read], int((~read).sum()))


def _made(bundle: Bundle, rows: Sequence[Row], progress: Progress | None) -> NDArray[np.float32] | None:
    """float32 (N, D), with NaN for a picture that holds nothing to look at."""
    session = Session(bundles.model(bundle))
    cut = bundle.card.cut
    out = session.run(np.zeros((1, cut.size_px, cut.size_px, 3), np.uint8))
    if OUTPUT not in out:
        return None
    vectors = np.full((len(rows), out[OUTPUT].shape[1]), np.nan, np.float32)
    finder = FaceFinder() if cut.kind == "face" or (cut.kind == "patch" and cut.patches == 1) else None
    for index, one in enumerate(rows):
        batch = _segments(Path(one.path), bundle.card, finder)
        if len(batch):
            vectors[index] = session.run(batch)[OUTPUT].mean(axis=0)
        if progress:
            progress(index + 1, len(rows))
    return vectors


def _segments(path: Path, card: Card, finder: FaceFinder | None) -> Pixels:
    """uint8 (M, S, S, 3): the main face, or all patches; none where the file holds nothing that may be judged."""
    nothing: Pixels = np.zeros((0, card.cut.size_px, card.cut.size_px, 3), np.uint8)
    try:
        photo = pictures.load(path)
    except MediaError:
        return nothing
    faces = finder.find(photo.image)[0] if finder else []
    if card.cut.kind == "face":
        main = main_face(faces, *photo.image.size)
        faces = [main] if main else []
    fit = [one.pixels for one in pictures.segments(photo, card.cut, faces) if one.unfit is None]
    return np.stack(fit) if fit else nothing


def _kept(path: Path, card: Card, rows: Sequence[Row]) -> NDArray[np.float32] | None:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as kept:
            same = str(kept["made_of"]) == _made_of(card, rows)
            vectors: NDArray[Any] = kept["vectors"]
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
    fits = same and vectors.ndim == 2 and len(vectors) == len(rows) and vectors.dtype == np.float32
    return vectors if fits else None


def _keep(path: Path, card: Card, rows: Sequence[Row], vectors: NDArray[np.float32]) -> None:
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("wb") as file:
            np.savez(file, made_of=np.array(_made_of(card, rows)), vectors=vectors)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)  # a folder that may only be read is no reason not to look


def _made_of(card: Card, rows: Sequence[Row]) -> str:
    """By hash: the network, its cut, and the pictures in their order."""
    parts = [card.sha256, card.cut.model_dump_json(), *(one.path for one in rows)]
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()
