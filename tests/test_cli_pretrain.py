"""`unmask pretrain` as people type it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.command import Run
from unmask.train import pretrain as work
from unmask.train.pretrained import Pretrained
from unmask.train.recipes import Recipe


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the command asked for, instead of the work."""
    calls: list[dict[str, Any]] = []

    def pretrain(recipe: Recipe, prepared: Path, out: Path, **options: Any) -> Pretrained:
        calls.append({"recipe": recipe, "prepared": prepared, **options})
        return Pretrained(out, options["options"].epochs, 7, 12.3456, 0.1, 0.9)

    monkeypatch.setattr(work, "pretrain", pretrain)
    return calls


def test_its_options_are_passed_on_and_its_figures_told(run: Run, asked: list[dict[str, Any]], tmp_path: Path) -> None:
    words = ["--epochs", "3", "--pictures", "64", "--batch", "16", "--learning-rate", "0.001", "--seed", "5"]
    more = ["--weights", tmp_path, "--leave-out", "lfw", "--leave-out", "sdfd", "--workers", "0"]
    done = run("pretrain", "patchwise", tmp_path / "cuts", tmp_path / "own.safetensors", *words, *more)
    assert (done.code, done.err) == (0, "")
    told = "3 epochs of 7 pictures; loss 12.346, views apart 0.100, spread 0.900\n"
    assert done.out == f"{tmp_path / 'own.safetensors'}: {told}"
    (call,) = asked
    assert call["options"] == work.Pretraining(epochs=3, pictures=64, batch=16, learning_rate=0.001)
    assert (call["recipe"].name, call["recipe"].seed) == ("patchwise", 5)
    assert call["recipe"].data.leave_out == ("lfw", "sdfd")
    assert (call["prepared"], call["weights"], call["workers"]) == (tmp_path / "cuts", tmp_path, 0)


def test_what_is_not_prepared_is_one_sentence(run: Run, tmp_path: Path) -> None:
    done = run("pretrain", "patchwise", tmp_path, tmp_path / "own.safetensors")
    assert (done.code, done.out) == (2, "")
    assert "make the folder with unmask prepare" in done.err


def test_a_batch_of_one_is_wrong_use(run: Run, tmp_path: Path) -> None:
    assert run("pretrain", "patchwise", tmp_path, tmp_path / "own.safetensors", "--batch", "1").code == 2
