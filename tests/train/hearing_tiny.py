"""A data set of drawn voices and a recipe small enough to learn in seconds: what is fake has a tone at 5 kHz."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np

from tests.data.voices import utterance
from unmask import manifest
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import CUT, MANIFEST
from unmask.prepare_speech import write_windows
from unmask.train.recipes import Recipe
from unmask.types import RATE_HZ, Samples

PER_SPLIT: Final = {"train": 6, "val": 4}
SOURCES: Final = ("alpha", "beta")

_RECIPE: Final[dict[str, Any]] = {
    "name": "tiny-voice",
    "summary": "A recipe of voices for tests",
    "pooling": "mean",
    "cut": {"kind": "speech", "window_s": 1.0, "step_s": 0.5, "least_speech_s": 0.3},
    "data": {"made": 0.5},
    "sound": {"codec": 0.0, "reverb": 0.0},
    "model": {
        "head": "places",
        "backbone": {"name": "lcnn", "hears": "lfcc", "weights": "none", "options": {"width": 0.25}},
    },
    "train": {"epochs": 2, "pictures_per_epoch": 16, "batch": 8, "learning_rate": 0.003},
}


def listening(**tables: Any) -> Recipe:
    """The tiny recipe of voices, with other values: `listening(train={"epochs": 1}, seed=3)`."""
    merged = {name: ({**_RECIPE.get(name, {}), **v} if isinstance(v, dict) else v) for name, v in tables.items()}
    return Recipe.model_validate({**_RECIPE, **merged})


def solvable(**tables: Any) -> Recipe:
    """The same, whose head is solved on what a frozen backbone says, which starts from nothing."""
    eye = {**_RECIPE["model"]["backbone"], "freeze": "all", "maps": [1, -1]}
    model = {"head": "discriminant", "shrinkage": 1.0, "backbone": eye}
    train = {"epochs": 1, "views": 2, "plain_views": 1} | tables.pop("train", {})
    return listening(model=model, train=train, **tables)


def prepared(folder: Path) -> Path:
    """A prepared folder: in each split of each source as many real and fake voices, and fakes made of the real ones."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / CUT).write_text(listening().cut.model_dump_json(), encoding="utf-8")
    items: list[Item] = []
    for split, count in PER_SPLIT.items():
        for source in SOURCES:
            for _ in range(count):
                number = len(items)
                said = utterance(number, 3.0)
                voice = {"kind": "synthesis"}
                own = {"original": f"/somewhere/{source}/{number}.wav"}
                made = {"kind": "made", "made": ("world", "lpc")[number // 3 % 2]}
                group = f"{source}/{number}.wav"
                items += [
                    _item(folder, number, said, REAL, "real", source, split, "", own),
                    _item(folder, number + 1, utterance(number + 1, 2.0), FAKE, "vits", source, split, "", voice),
                    _item(folder, number + 2, said, FAKE, f"made-{made['made']}", source, split, group, made),
                ]
    manifest.write(folder / MANIFEST, items)
    return folder


def windows_of(number: int, said: Samples | np.ndarray[Any, Any], label: int) -> list[Samples]:
    """One to three windows of what was said."""
    tone = 0.03 * np.sin(2 * np.pi * 5000 * np.arange(len(said)) / RATE_HZ) if label == FAKE else 0.0
    whole = np.asarray(said + tone, np.float32)
    return [whole[start : start + RATE_HZ] for start in range(0, len(whole) - RATE_HZ + 1, RATE_HZ)][: 1 + number % 3]


def _item(
    folder: Path,
    number: int,
    said: np.ndarray[Any, Any],
    label: int,
    method: str,
    source: str,
    split: str,
    group: str,
    attributes: dict[str, str],
) -> Item:
    path = folder / f"{number:03}.wav"
    write_windows(path, windows_of(number, said, label))
    return Item(path, label, method, source, split, group, "CC0", attributes)
