"""A data set and a recipe small enough to train in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from PIL import Image

from tests.data.scenes import scene
from unmask import manifest
from unmask.manifest import FAKE, REAL, Item
from unmask.train.recipes import Recipe

PER_SPLIT: Final = {"train": 4, "val": 2, "test": 2}
SOURCES: Final = {"alpha": (REAL, FAKE), "beta": (REAL, FAKE), "gamma": (FAKE,)}
"""gamma is a generator without photos of its own."""

BACKBONE: Final = "test_efficientnet"
WEIGHTS: Final = "own.safetensors"
"""The name of the file that the fixture `weights` makes, in its folder."""

_RECIPE: Final[dict[str, Any]] = {
    "name": "tiny",
    "summary": "A recipe for tests",
    "pooling": "mean",
    "cut": {"kind": "patch", "size_px": 64, "patches": 4},
    "model": {"backbones": [{"name": BACKBONE, "weights": "none"}]},
    "train": {"epochs": 2, "pictures_per_epoch": 16, "batch": 8},
}


def recipe(**tables: Any) -> Recipe:
    """The tiny recipe, with other values: `recipe(train={"epochs": 1}, seed=3)`."""
    return Recipe.model_validate(values(**tables))


def backbone(**options: Any) -> dict[str, Any]:
    """The tiny recipe's backbone, with other options."""
    return {"name": BACKBONE, "weights": "none", **options}


def frozen(**tables: Any) -> Recipe:
    """The tiny recipe with a head of statistics over two maps of a backbone that does not learn."""
    eye = backbone(weights=WEIGHTS, freeze="all", maps=[1, -1])
    model = {"backbones": [eye], "head": "statistics", "hidden": 8, "dropout": 0.1}
    train = {"views": 2, "learning_rate": 0.01} | tables.pop("train", {})
    return recipe(model=model, train=train, **tables)


def values(**tables: Any) -> dict[str, Any]:
    """The same as plain values, as a TOML file holds them."""
    merged = {name: ({**_RECIPE.get(name, {}), **v} if isinstance(v, dict) else v) for name, v in tables.items()}
    return {**_RECIPE, **merged}


def draw(folder: Path) -> Path:
    """Draw the pictures of `SOURCES` in three splits; what is fake has stripes. Returns the manifest."""
    items: list[Item] = []
    for split, count in PER_SPLIT.items():
        for source, labels in SOURCES.items():
            for label in labels:
                for _ in range(count):
                    number = len(items)
                    pixels = np.asarray(scene(number), np.int16).copy()
                    if label == FAKE:
                        pixels[:, ::2] += 24
                    path = folder / f"{number:02}.png"
                    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
                    method = "stripes" if label == FAKE else "real"
                    items.append(Item(path, label, method=method, source=source, split=split, licence="CC0"))
    manifest.write(folder / "originals.csv", items)
    return folder / "originals.csv"
