"""Labels in doubt: those that were turned are found, and nobody is judged by what was learned from it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.command import Run
from tests.train.conftest import FrozenRun
from tests.train.tiny import frozen, recipe
from unmask import manifest
from unmask.errors import RecipeError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.train.mislabelled import DOUBT, FAKENESS, mislabelled, out_of_fold, parts, suspects, write

TURNED = (3, 40, 77, 110)


def items(count: int) -> list[Item]:
    return [Item(Path(f"{number}.png"), number % 2, source="alpha") for number in range(count)]


def described(labels: NDArray[np.int64]) -> NDArray[np.float32]:
    """Two numbers of eight tell the labels apart, with some noise."""
    rng = np.random.default_rng(0)
    table = rng.normal(size=(len(labels), 8))
    table[:, :2] += 2.5 * (2 * labels[:, None] - 1)
    return table.astype(np.float32)


def test_turned_labels_come_first() -> None:
    truth = np.arange(120) % 2
    table = described(truth)
    given = [replace(item, label=1 - item.label) if row in TURNED else item for row, item in enumerate(items(120))]
    labels = np.array([item.label for item in given])
    steps: list[tuple[int, int]] = []
    found = suspects(given, out_of_fold(table, labels, parts(given, 4, 0), lambda *step: steps.append(step)))
    assert steps == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert {one.item.path.stem for one in found[:4]} == {str(row) for row in TURNED}
    assert len(found) < 10
    assert [one.doubt for one in found] == sorted((one.doubt for one in found), reverse=True)
    for one in found[:4]:
        assert one.doubt == pytest.approx(abs(2 * one.fake - 1))
        assert (one.fake > 0.5) == (one.item.label == REAL)


def test_the_off_diagonal_of_the_confident_joint_by_hand() -> None:
    """The usual probability is .65 of a real for the reals and .7 of a fake for the fakes: one of three is wrong."""
    labels = [REAL, REAL, REAL, FAKE, FAKE, FAKE]
    fake = np.array([0.1, 0.2, 0.75, 0.9, 0.8, 0.4])
    given = [Item(Path(str(row)), label) for row, label in enumerate(labels)]
    found = suspects(given, fake)
    assert [(one.item.path.name, one.fake) for one in found] == [("2", 0.75)], ".6 of a real is under the usual"
    assert suspects(given, np.array([0.1, 0.2, 0.3, 0.9, 0.8, 0.7])) == []


def test_nobody_is_judged_by_relatives() -> None:
    related = [replace(item, group=str(row // 4 * 2 + row % 2)) for row, item in enumerate(items(80))]
    found = parts(related, 5, 1)
    by_group: dict[str, set[int]] = {}
    for item, part in zip(related, found, strict=True):
        by_group.setdefault(item.group, set()).add(int(part))
    assert all(len(of) == 1 for of in by_group.values())
    for part in range(5):
        inside = [item.label for item, of in zip(related, found, strict=True) if of == part]
        assert inside.count(REAL) == inside.count(FAKE) == 8
    assert found.tolist() == parts(related, 5, 1).tolist() != parts(related, 5, 2).tolist()


def test_what_tells_nothing_doubts_nobody_much() -> None:
    table = np.random.default_rng(3).normal(size=(200, 4)).astype(np.float32)
    labels = np.arange(200) % 2
    found = out_of_fold(table, labels, parts(items(200), 5, 0))
    assert abs(found.mean() - 0.5) < 0.02
    assert found.std() < 0.1


def test_too_few_groups_for_so_many_parts() -> None:
    with pytest.raises(UsageError, match=r"5 parts cannot be: .*the smaller class has 3 groups"):
        parts(items(6), 5, 0)


def test_from_a_prepared_folder_to_a_manifest(frozen_run: FrozenRun, weights: Path, tmp_path: Path) -> None:
    told: set[str] = set()
    found = mislabelled(
        frozen(), frozen_run.prepared, weights=weights, folds=2, progress=lambda what, done, of: told.add(what)
    )
    assert told == {"fitting without each part"}, "the pictures are described already"
    train = {item.path: item for item in manifest.read(frozen_run.prepared / "manifest.csv") if item.split == "train"}
    assert all(train[one.item.path] == one.item for one in found)
    write(tmp_path / "doubted.csv", found)
    again = manifest.read(tmp_path / "doubted.csv")
    assert [item.path.name for item in again] == [one.item.path.name for one in found]
    for item, one in zip(again, found, strict=True):
        assert float(item.attributes[FAKENESS]) == pytest.approx(one.fake, abs=1e-6)
        assert float(item.attributes[DOUBT]) == pytest.approx(one.doubt, abs=1e-6)


def test_what_it_cannot_be_asked_of(prepared: Path) -> None:
    with pytest.raises(RecipeError, match=r"the backbones of tiny learn: take a recipe with freeze = \"all\""):
        mislabelled(recipe(), prepared)
    with pytest.raises(RecipeError, match="another cut than the recipe's"):
        mislabelled(frozen(cut={"patches": 9}), prepared)


RECIPE = """
name = "tiny"
summary = "A recipe for tests"
pooling = "mean"
cut = { kind = "patch", size_px = 64, patches = 4 }
[model]
head = "statistics"
hidden = 8
dropout = 0.1
backbone = { name = "test_efficientnet", weights = "own.safetensors", freeze = "all", maps = [1, -1] }
[train]
epochs = 2
views = 2
"""


def test_the_verb(run: Run, frozen_run: FrozenRun, weights: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(RECIPE)
    words = ("mislabelled", tmp_path / "tiny.toml", frozen_run.prepared)
    done = run(*words, tmp_path / "doubted.csv", "--weights", weights, "--folds", "2")
    assert (done.code, done.err) == (0, "")
    found = mislabelled(frozen(), frozen_run.prepared, weights=weights, folds=2)
    assert f"{len(found)} train items are in doubt" in done.out
    assert len(manifest.read(tmp_path / "doubted.csv")) == len(found)
    for source in {one.item.source for one in found}:
        assert f"{source}, labelled" in done.out
    wrong = run(*words, tmp_path / "missing" / "doubted.csv")
    assert wrong.code == 2
    assert "no file can be written there" in wrong.err
