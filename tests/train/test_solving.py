"""A head that is solved: one epoch, no steps, and the same run, bundle and protocols as any other."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.train.tiny import WEIGHTS, backbone, frozen, recipe
from unmask.errors import RecipeError
from unmask.manifest import FAKE, REAL
from unmask.train import export, loop
from unmask.train import run as runs
from unmask.train.data import read_split
from unmask.train.discriminant import Discriminant
from unmask.train.models import build
from unmask.train.recipes import Recipe
from unmask.train.run import find_weights
from unmask.train.views import Described


def solvable(**tables: Any) -> Recipe:
    """The tiny recipe with a discriminant over two regions of two maps."""
    eye = backbone(weights=WEIGHTS, freeze="all", maps=[1, -1])
    model = {"backbones": [eye], "head": "discriminant", "regions": ["centre", "surround"]}
    train = {"views": 2, "epochs": 1} | tables.pop("train", {})
    return recipe(model=model, train=train, **tables)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Path:
    copy = tmp_path_factory.mktemp("solving") / "prepared"
    shutil.copytree(prepared, copy)
    return copy


def feed(options: Recipe, folder: Path, weights: Path) -> Described:
    files = find_weights(options, weights)
    return Described(build(options.model, files), options, folder, weights=files)


def test_a_run_is_solved_kept_and_exported(folder: Path, weights: Path, tmp_path: Path) -> None:
    done = loop.train(solvable(), folder, tmp_path / "run", weights=weights, workers=0)
    assert done.last["loss"] < 0.1, "there are more statistics than pictures, so these are told apart"
    assert 0 <= done.last["auc"] <= 1
    written = runs.lines(tmp_path / "run")
    assert written == [pytest.approx(done.last)]
    before = (tmp_path / "run" / runs.STATE).stat().st_mtime_ns
    again = loop.train(solvable(), folder, tmp_path / "run", weights=weights, workers=0)
    assert again.last == pytest.approx(done.last)
    assert (tmp_path / "run" / runs.STATE).stat().st_mtime_ns == before, "what is solved is not solved again"
    bundle = export.export(tmp_path / "run", tmp_path / "bundle")
    assert bundle.card.name == solvable().name


def test_every_form_is_weighed_as_an_epoch_would_draw_it(folder: Path, weights: Path) -> None:
    options = solvable(data={"made": 0.4})
    learn = read_split(folder, "train", ())
    table = feed(options, folder, weights).table(learn)
    reals, fakes = (sum(item.label == label for item in learn) for label in (REAL, FAKE))
    assert len(table.rows) == 2 * (2 * reals + fakes), "two forms of each, and two fakes made of each real photo"
    assert table.weights[table.labels == REAL].sum() == pytest.approx(1)
    assert table.weights[table.labels == FAKE].sum() == pytest.approx(1)
    made = [group for group in set(table.groups) if (table.groups == group).sum() and _made(table, group, learn)]
    assert sum(table.weights[table.groups == group].sum() for group in made) == pytest.approx(0.4)


def _made(table: Any, group: int, learn: Any) -> bool:
    """Whether a group is one of made fakes: it comes after all collected ones."""
    collected = 2 * len(learn)
    return bool(np.flatnonzero(table.groups == group)[0] >= collected)


def test_a_source_that_is_left_out_is_nowhere_in_it(folder: Path, weights: Path) -> None:
    options = solvable(data={"made": 0.5, "makers": {"swap": 1.0}})
    source = read_split(folder, "train", ())[0].source
    learn = read_split(folder, "train", (source,))
    everything = feed(options, folder, weights)
    table = everything.table(learn)
    left = everything.table([*read_split(folder, "train", ())])
    assert len(table.rows) < len(left.rows)
    assert table.weights[table.labels == REAL].sum() == pytest.approx(1)


def test_another_seed_looks_at_other_forms(folder: Path, weights: Path) -> None:
    learn = read_split(folder, "train", ())
    first = feed(solvable(), folder, weights).table(learn)
    second = feed(solvable(seed=1), folder, weights).table(learn)
    assert first.rows.shape == second.rows.shape
    assert not np.array_equal(first.rows, second.rows)


def test_heads_that_read_the_same_share_their_descriptions(folder: Path, weights: Path) -> None:
    feed(solvable(), folder, weights)
    before = sorted((folder / "views").iterdir())
    options = frozen()
    other = options.model_copy(
        update={
            "model": options.model.model_copy(update={"regions": ("centre", "surround")}),
            "augment": solvable().augment,
        }
    )
    feed(other, folder, weights)
    assert sorted((folder / "views").iterdir()) == before


@pytest.mark.parametrize(
    "train", [{"epochs": 2}, {"contrastive": {"weight": 0.1}}], ids=["several epochs", "another objective"]
)
def test_what_is_solved_has_no_steps(train: dict[str, Any]) -> None:
    with pytest.raises((RecipeError, ValueError), match="solved at once"):
        solvable(train=train)


def test_only_what_is_frozen_can_be_solved() -> None:
    with pytest.raises((RecipeError, ValueError), match='freeze = "all"'):
        recipe(model={"backbones": [backbone(weights=WEIGHTS, maps=[1, -1])], "head": "discriminant"})


def test_eyes_are_asked_apart(folder: Path, weights: Path) -> None:
    model = solvable().model.model_dump(mode="json")
    model["backbones"] = [*model["backbones"], model["backbones"][0] | {"sees": "neighbours", "maps": [1]}]
    options = solvable().model_dump(mode="json")
    apart = Recipe.model_validate(options | {"model": model | {"together": [[0], [0, 1]]}})
    detector = build(apart.model, find_weights(apart, weights))
    assert isinstance(detector.head, Discriminant)
    everybody = set(range(detector.head.width))
    alone, both = (set(part.tolist()) for part in detector.head.parts)
    assert both == everybody
    assert alone < everybody
    assert alone == set(range(len(alone))), "the first backbone's numbers stand first"


@pytest.mark.parametrize(
    ("together", "says"),
    [
        ([[1]], "name each backbone, from 0 to 0"),
        ([[0], []], "numbers of backbones"),
        ([[0, 0]], "none twice"),
    ],
)
def test_each_eye_is_asked(together: list[list[int]], says: str) -> None:
    with pytest.raises((RecipeError, ValueError), match=says):
        Recipe.model_validate(
            solvable().model_dump() | {"model": solvable().model.model_dump() | {"together": together}}
        )


def test_only_a_discriminant_asks_apart() -> None:
    with pytest.raises((RecipeError, ValueError), match="together is for"):
        Recipe.model_validate(frozen().model_dump() | {"model": frozen().model.model_dump() | {"together": [[0]]}})
