"""Generator files: which there are, whether a detector may learn from them, and whether they are what they say.

A generator is NAME.onnx with NAME.json beside it, made by `unmask generator train`. The graph takes pixels uint8
(N, H, W, 3), both sides multiples of `STRIDE_PX`, and gives the same pictures drawn again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from unmask.card import DataSource
from unmask.errors import BundleError, UsageError
from unmask.runtime import Session
from unmask.types import Value

FOLDER: Final = "generators"
"""Where they lie, in the folder of weights."""

STRIDE_PX: Final = 16
"""The sides of what a generator draws are multiples of this; it has at most four halvings."""


class GeneratorCard(Value):
    """What is known of a generator.

    Attributes:
        name: Also the method of the fakes made with it.
        summary: One sentence.
        held_out: No detector may learn from it: its fakes stand for a generator that nobody has seen.
        upsampler: How its decoder doubles the sides.
        depth: How often its encoder halves them.
        losses: What it was punished for, each with its weight.
        steps: How long it learned.
        seed: Of all chance.
        sources: The photos that it learned from.
        psnr_db: How near to the photos of val it draws, by source; "all" is the mean over all photos.
        sha256: Of the graph.
        unmask_version: What made it.
    """

    name: str
    summary: str
    held_out: bool
    upsampler: str
    depth: int = Field(gt=0)
    losses: Mapping[str, float]
    steps: int = Field(gt=0)
    seed: int
    sources: tuple[DataSource, ...]
    psnr_db: Mapping[str, float]
    sha256: str
    unmask_version: str


@dataclass(frozen=True)
class Generator:
    """One generator on disk, with its card read and nothing else."""

    graph: Path
    card: GeneratorCard

    def session(self) -> Session:
        """The graph, loaded once in each process; one thread, for many are drawn side by side.

        Raises:
            BundleError: It cannot be read, or is not the one that its card describes.
        """
        return _session(self.graph, self.card.sha256)


def inside(folder: Path, *, held_out: bool | None = False) -> tuple[Generator, ...]:
    """The generators of a folder, sorted by name.

    Args:
        folder: Where they lie.
        held_out: False for those that detectors may learn from, True for the others, None for all.

    Raises:
        UsageError: There are none.
        BundleError: A card is damaged.
    """
    found = [_open(card) for card in sorted(folder.glob("*.json"))]
    chosen = tuple(one for one in found if held_out is None or one.card.held_out == held_out)
    if not chosen:
        kind = {None: "", True: "held-out ", False: "training "}[held_out]
        raise UsageError(f"{folder} holds no {kind}generator: make one with unmask generator train")
    return chosen


def pin(generators: Sequence[Generator]) -> str:
    """A hash of which generators these are: what was made with others must be made anew."""
    return hashlib.sha256(json.dumps(sorted(one.card.sha256 for one in generators)).encode()).hexdigest()


def _open(card: Path) -> Generator:
    try:
        return Generator(card.with_suffix(".onnx"), GeneratorCard.model_validate_json(card.read_bytes()))
    except (OSError, ValidationError) as error:
        raise BundleError(f"{card} is no card of a generator: make it anew with unmask generator train") from error


@lru_cache(maxsize=32)
def _session(graph: Path, sha256: str) -> Session:
    try:
        data = graph.read_bytes()
    except OSError as error:
        raise BundleError(f"the generator {graph} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != sha256:
        raise BundleError(f"the generator {graph} is not the one its card describes: make it anew")
    return Session(data, threads=1)
