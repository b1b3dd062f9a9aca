"""A run as its folder tells it: scores, and whatever else there is about how they came to be.

Only scores are needed. What else is missing or damaged is noted, for a comparison must not hide it, nor end over it.
"""

from __future__ import annotations

import csv
import hashlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar

from unmask.bundles import Bundle
from unmask.card import Card
from unmask.errors import BundleError, ManifestError, UsageError
from unmask.scores import Row, read_scores

SCORES: Final = "scores.csv"
EVALUATION: Final = "evaluation"
BASELINE: Final = "metadata.json"

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

Thing = TypeVar("Thing")


@dataclass(frozen=True)
class Run:
    """One run, or one plain evaluation.

    Attributes:
        folder: As it was named.
        evaluation: The folder in it, or itself, that holds scores.csv.
        split: The split whose rows are compared.
        rows: The original files of that split, judged or not.
        recipe: recipe.json; empty where there is none.
        cost: Parameters, pictures per second and the like; empty where nothing was noted.
        epochs: metrics.csv: a mapping for each epoch, of the columns that hold numbers.
        pinned: evaluation.json: everything that repeats the evaluation; empty where there is none.
        perturbed: Rows of perturbed copies, and of their originals, of that split.
        attack: attack.json; empty where there is none.
        bundle: The exported network, or None.
        notes: A sentence for each thing that is missing or damaged.
    """

    folder: Path
    evaluation: Path
    split: str
    rows: tuple[Row, ...]
    recipe: Mapping[str, Any] = field(default_factory=dict)
    cost: Mapping[str, Any] = field(default_factory=dict)
    epochs: tuple[Mapping[str, float], ...] = ()
    pinned: Mapping[str, Any] = field(default_factory=dict)
    perturbed: tuple[Row, ...] = ()
    attack: Mapping[str, Any] = field(default_factory=dict)
    bundle: Bundle | None = None
    notes: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The recipe's name, or the folder's."""
        return str(self.recipe.get("name") or self.folder.resolve().name)

    @property
    def seed(self) -> int | None:
        """The recipe's seed, where there is a recipe."""
        seed = self.recipe.get("seed")
        return seed if isinstance(seed, int) else None

    @property
    def network(self) -> str:
        """The backbones; else what the card or the scores name."""
        model = self.recipe.get("model")
        backbones = model.get("backbones", ()) if isinstance(model, Mapping) else ()
        names = [str(one["name"]) for one in backbones if isinstance(one, Mapping) and "name" in one]
        if not names and self.bundle:
            names = [self.bundle.card.training.backbone]
        return " and ".join(names or sorted({one.detector for one in self.rows if one.detector}))

    @property
    def parameters(self) -> int | None:
        """How many numbers the network learned or was given."""
        noted = number(self.cost.get("parameters"))
        if noted is None and self.bundle:
            noted = self.bundle.card.training.parameters
        return None if noted is None else int(noted)

    @property
    def published(self) -> Mapping[str, Any]:
        """What the recipe says was published: data, source, figures; empty where it says nothing."""
        found = self.recipe.get("published")
        return found if isinstance(found, Mapping) else {}

    @property
    def published_figures(self) -> dict[str, float]:
        """The published figures that are numbers, by the names that the recipe gives them."""
        listed = self.published.get("figures")
        values = {str(name): number(value) for name, value in listed.items()} if isinstance(listed, Mapping) else {}
        return {name: value for name, value in values.items() if value is not None}

    @property
    def command(self) -> str:
        """What to type to evaluate again; "" where it was not noted."""
        return str(self.pinned.get("command") or "")

    @property
    def data(self) -> Mapping[str, Any]:
        """What evaluation.json says of the data: manifest, sha256, data_sha256 and more."""
        found = self.pinned.get("data")
        return found if isinstance(found, Mapping) else {}

    @cached_property
    def items(self) -> frozenset[tuple[str, int]]:
        """What it was measured on: paths with their labels."""
        return frozenset((one.path, one.label) for one in self.rows)

    @cached_property
    def items_sha256(self) -> str:
        """The same for every run on the same paths, labels and split, in whatever order they were scanned."""
        lines = sorted(f"{self.split}\t{label}\t{path}\n" for path, label in self.items)
        return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def read(folder: Path, split: str = "test") -> Run:
    """Read a folder that `unmask experiment` or `unmask evaluate` filled.

    Raises:
        UsageError: It is neither, or holds no scores of this split.
        ManifestError: Its scores are damaged.
    """
    evaluation = next((place for place in (folder / EVALUATION, folder) if (place / SCORES).is_file()), None)
    if evaluation is None:
        raise UsageError(
            f"{folder} holds no scores: name a folder that unmask experiment or unmask evaluate filled, "
            f"with {EVALUATION}/{SCORES} or {SCORES} in it"
        )
    table = read_scores(evaluation / SCORES)
    rows = tuple(one for one in table if one.split == split and not one.perturbation)
    if not rows:
        there = ", ".join(sorted({one.split or '""' for one in table})) or "none"
        raise UsageError(f'{evaluation / SCORES} holds no scores of the split "{split}"; there are: {there}')
    if len({one.path for one in rows}) < len(rows):
        raise ManifestError(f"{evaluation / SCORES} holds several scores of one file; evaluate it again")
    notes: list[str] = []
    whole = evaluation != folder  # a plain evaluation was never promised to hold more
    other = folder / BASELINE  # the recipe without a network pins its evaluation there
    pinned = _tried(other, _baseline, _NOTHING, notes) if other.is_file() else {}
    pinned = pinned or _tried(evaluation / "evaluation.json", _object, _NOTHING, notes)
    if not whole:
        return Run(folder, evaluation, split, rows, pinned=pinned, perturbed=_perturbed(table, split), notes=(*notes,))
    return Run(
        folder,
        evaluation,
        split,
        rows,
        recipe=_tried(folder / "recipe.json", _object, _NOTHING, notes),
        cost=_tried(folder / "cost.json", _object, _NOTHING, notes),
        epochs=_tried(folder / "metrics.csv", _epochs, (), notes),
        pinned=pinned,
        perturbed=_perturbed(_tried(folder / "robustness" / SCORES, read_scores, [], notes), split),
        attack=_tried(folder / "attack.json", _object, _NOTHING, notes),
        bundle=_tried(folder / "bundle" / "card.json", _bundle, None, notes),
        notes=tuple(notes),
    )


def number(value: object) -> float | None:
    """A finite number from a file that others wrote, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


def _tried(path: Path, reader: Callable[[Path], Thing], otherwise: Thing, notes: list[str]) -> Thing:
    """What a file says; else a note, and what stands for nothing."""
    shown = Path(*path.parts[-2:]) if path.parent.name in (EVALUATION, "robustness", "bundle") else Path(path.name)
    if not path.is_file():
        notes.append(f"there is no {shown}")
        return otherwise
    try:
        return reader(path)
    except (OSError, ValueError, csv.Error, ManifestError, BundleError) as error:
        notes.append(f"{shown} is damaged and was left out: {' '.join(str(error).split())[:160]}")
        return otherwise


def _object(path: Path) -> Mapping[str, Any]:
    found = json.loads(path.read_bytes())
    if not isinstance(found, dict):
        raise ValueError("it holds no JSON object")
    return found


def _baseline(path: Path) -> Mapping[str, Any]:
    found = _object(path)
    data = {"manifest": found.get("manifest"), "sha256": found.get("manifest_sha256")}
    return {"command": found.get("command"), "data": data}


def _epochs(path: Path) -> tuple[Mapping[str, float], ...]:
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    epochs = tuple({name: value for name, cell in line.items() if (value := _cell(cell)) is not None} for line in lines)
    if not epochs or not all("epoch" in one for one in epochs):
        raise ValueError("it holds no epochs")
    return epochs


def _cell(text: str | None) -> float | None:
    try:
        return number(float(text or ""))
    except (TypeError, ValueError):
        return None


def _bundle(path: Path) -> Bundle:
    return Bundle(path.parent, Card.read(path))


def _perturbed(table: Sequence[Row], split: str) -> tuple[Row, ...]:
    rows = tuple(one for one in table if one.split == split)
    return rows if any(one.perturbation for one in rows) else ()
