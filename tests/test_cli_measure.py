"""The verbs that measure, as people type them; `evaluate` and `unseen` are in test_laboratory.py too."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests import pictures
from tests.command import Run
from tests.make_bundle import make_bundle
from tests.test_laboratory import RECIPE
from unmask import manifest
from unmask.metrics import Interval
from unmask.train.recipes import Recipe


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table, a bundle called red, and room for more."""
    folder = tmp_path_factory.mktemp("measure")
    pictures.table(folder / "data")
    make_bundle(folder / "red", name="red", kind="patch")
    return folder


class TestEvaluate:
    @pytest.fixture
    def file(self, run: Run, done: Path, tmp_path: Path) -> Path:
        argv = ("evaluate", done / "data" / "table.csv", "--model", done / "red", "--out", tmp_path, "--limit", "8")
        first = run(*argv)
        assert (first.code, first.err) == (0, "")
        assert "## All measures, test" in first.out
        assert "## By generator, test" in first.out
        assert {path.name for path in tmp_path.iterdir()} == {
            "evaluation.json",
            "figures.md",
            "items.csv",
            "measures.csv",
            "scores.csv",
        }
        return tmp_path / "evaluation.json"

    def test_a_repetition_is_equal(self, run: Run, file: Path) -> None:
        again = run("evaluate", "--manifest", file)
        assert (again.code, again.err) == (0, "")
        assert again.out.startswith("equal to the last digit: 8 scores, ")

    def test_differences_are_listed_with_what_could_explain_them(self, run: Run, file: Path) -> None:
        content = json.loads(file.read_text())
        for figure in content["measures"]:
            figure["low"] -= 1
        content["machine"]["threads"] = 99
        file.write_text(json.dumps(content))
        again = run("evaluate", "--manifest", file)
        assert again.code == 1
        lines = again.out.splitlines()
        assert lines[0] == f"not equal: {len(content['measures'])} differences"
        assert lines[21] == f"and {len(content['measures']) - 20} more"
        assert lines[22].startswith("what could explain it: 99 threads were used, now ")
        assert len(lines) == 23

    def test_changed_inputs_are_told_in_a_sentence(self, run: Run, file: Path, tmp_path: Path) -> None:
        (file.parent / "scores.csv").unlink()
        again = run("evaluate", "--manifest", file)
        assert (again.code, again.out) == (1, "")
        assert again.err.startswith(f"unmask: {file} cannot be repeated: its scores, ")

    def test_a_repetition_takes_no_options(self, run: Run, done: Path) -> None:
        for more in (("table.csv",), ("--split", "val"), ("--limit", "3"), ("--out", "there")):
            again = run("evaluate", *more, "--manifest", "evaluation.json")
            assert (again.code, again.out) == (2, "")
            assert "leave out all other options" in again.err
        assert "name a MANIFEST" in run("evaluate").err


class TestRobustness:
    def test_the_curves_are_printed(self, run: Run, done: Path, tmp_path: Path) -> None:
        argv = ("robustness", done / "data" / "table.csv", "--model", done / "red", "--out", tmp_path / "out")
        found = run(*argv, "--family", "blur", "--limit", "8", "--split", "val")
        assert (found.code, found.err) == (0, "")
        assert [line.split("|")[1:3] for line in found.out.splitlines()[2:6]] == [
            [" original ", "  "],
            [" blur ", " 0.5 "],
            [" blur ", " 1 "],
            [" blur ", " 2 "],
        ]
        assert (tmp_path / "out" / "robustness.csv").is_file()

    def test_an_unknown_family(self, run: Run, done: Path) -> None:
        found = run("robustness", done / "data" / "table.csv", "--family", "rain")
        assert (found.code, found.out) == (2, "")
        assert "no family of perturbations rain; there are: jpeg" in found.err


class TestFairness:
    @pytest.fixture
    def table(self, done: Path, tmp_path: Path) -> Path:
        shutil.copytree(done / "data", tmp_path / "people")
        path = tmp_path / "people" / "table.csv"
        items = manifest.read(path)
        changed = (replace(item, split="fairness", attributes={"hair": "grey"}) for item in items)
        manifest.write(path, changed)
        return path

    def test_rates_are_printed(self, run: Run, done: Path, table: Path, tmp_path: Path) -> None:
        argv = ("fairness", table, "--model", done / "red", "--out", tmp_path / "out", "--by", "hair")
        found = run(*argv, "--least", "12")
        assert (found.code, found.err) == (0, "")
        assert "| real photos called fake | the shipped thresholds | hair | grey |" in found.out
        assert (tmp_path / "out" / "fairness.csv").is_file()
        assert "fewer than 30 files of a class: grey (hair)." in run(*argv).out

    def test_an_unknown_column(self, run: Run, done: Path, table: Path) -> None:
        found = run("fairness", table, "--model", done / "red", "--by", "eyes")
        assert (found.code, found.out) == (2, "")
        assert "no file states eyes; the columns are: hair" in found.err


class TestCross:
    def test_the_matrix_is_printed(self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from unmask.train import cross

        asked: dict[str, Any] = {}
        half = Interval(0.5, 0.4, 0.6)

        def stand_in(learn: tuple[Recipe, Path], *places: Any, **options: Any) -> cross.Matrix:
            asked.update(options, learn=learn, places=places)
            cells = [cross.Cell("a", place, place, half, half, 3, 3, 0) for place in "ab"]
            return cross.Matrix(tuple(cells), "val", "unmask cross")

        monkeypatch.setattr(cross, "cross", stand_in)
        recipe = tmp_path / "tiny.toml"
        recipe.write_text(RECIPE, encoding="utf-8")
        argv = ("cross", f"{recipe}=cuts", "table.csv", "--source", "a", "--source", "b", "--runs", "there")
        found = run(*argv, "--split", "val", "--epochs", "2", "--seed", "3", "--workers", "0")
        assert (found.code, found.err) == (0, "")
        assert "| a | 0.500 (0.400 to 0.600) | 0.500 (0.400 to 0.600) |" in found.out
        assert asked["learn"] == (Recipe.read(recipe).model_copy(update={"seed": 3}), Path("cuts"))
        assert asked["places"] == (Path("table.csv"), Path("there"), ["a", "b"])
        assert (asked["split"], asked["epochs"], asked["workers"], asked["weights"]) == ("val", 2, 0, None)
