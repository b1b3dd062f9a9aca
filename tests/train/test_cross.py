"""Train on one source, test on the others: who learns from what, who is tested on what, and the tables of it."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.train.tiny import recipe
from unmask import manifest, metrics
from unmask.card import Card
from unmask.errors import ManifestError, UsageError
from unmask.manifest import FAKE, REAL
from unmask.prepare import MANIFEST
from unmask.scores import read_scores
from unmask.train import loop, run
from unmask.train.cross import Matrix, alone, cells, cross, to_markdown

CHOSEN = recipe(train={"epochs": 1}, data={"made": 0.3})
SOURCES = ["alpha", "gamma", "beta"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def steps() -> list[str]:
    return []


@pytest.fixture(scope="module")
def matrix(runs: Path, steps: list[str], prepared: Path, originals: Path) -> Matrix:
    told = cross(
        (CHOSEN, prepared),
        originals,
        runs,
        SOURCES,
        workers=0,
        progress=lambda what, done, of: steps.append(what.partition(",")[0]),
    )
    return told


def test_the_recipe_is_that_of_one_source_alone() -> None:
    chosen = alone(recipe(data={"leave_out": ["old"], "made": 0.2}), "b", ["c", "b", "a", "b"], epochs=3)
    assert chosen.data.leave_out == ("a", "c")
    assert (chosen.data.made, chosen.train.epochs) == (0.2, 3)


def test_each_network_learns_and_is_calibrated_on_its_source_alone(matrix: Matrix, runs: Path) -> None:
    for source in ("alpha", "beta"):
        described = json.loads((runs / f"tiny-on-{source}" / run.DATA).read_text())
        for split in ("train", "val"):
            assert {one["name"] for one in described[split]} == {f"{source} (real)", f"{source} (fake)"}
        card = Card.read(runs / f"on-{source}" / "tiny" / "card.json")
        assert (card.calibration.set, card.calibration.reals) == (f"val of {source}", 2)


def test_every_network_is_tested_on_every_source(matrix: Matrix, runs: Path) -> None:
    places = [(one.trained_on, one.tested_on, one.against) for one in matrix.cells]
    assert places == [
        (row, column, "all sources" if column == "gamma" else column) for row in ("alpha", "beta") for column in SOURCES
    ], "gamma has no photos: nothing can be learned from it alone, but all can be tested on it"
    cell = matrix.cells[5]
    rows = [one for one in read_scores(runs / "on-beta" / "scores-tiny-test.csv") if one.source == "beta"]
    assert cell.auc.value == pytest.approx(metrics.auc([one.label for one in rows], [one.logit or 0 for one in rows]))
    assert cell.accuracy.value == pytest.approx(
        sum(((one.probability or 0) >= 0.5) == one.label for one in rows) / len(rows)
    )
    assert (cell.reals, cell.fakes, cell.unscored) == (2, 2, 0)
    assert (matrix.cells[1].reals, matrix.cells[1].fakes) == (4, 2)


def test_progress_names_the_source(matrix: Matrix, steps: list[str]) -> None:
    assert list(dict.fromkeys(steps)) == [
        f"{source} alone: {what}"
        for source in ("alpha", "beta")
        for what in ("training", "scanning val", "scanning test")
    ]


def test_the_tables_and_the_command(matrix: Matrix, runs: Path, prepared: Path) -> None:
    assert matrix.command == (
        f"unmask cross tiny={prepared.name} originals.csv --split test --source alpha --source gamma --source beta"
    )
    page = (runs / "cross.md").read_text()
    assert page == to_markdown(matrix)
    assert page.count("| | alpha | gamma | beta |") == 2
    assert "against those of all sources: gamma." in page
    with (runs / "cross.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["trained_on"], row["tested_on"]) for row in rows] == [
        (one.trained_on, one.tested_on) for one in matrix.cells
    ]
    assert float(rows[2]["accuracy_high"]) == matrix.cells[2].accuracy.high


def test_finished_runs_are_used_again(matrix: Matrix, runs: Path, prepared: Path, originals: Path) -> None:
    before = (runs / "tiny-on-alpha" / run.STATE).read_bytes()
    again = cross((CHOSEN, prepared), originals, runs, SOURCES, workers=0)
    assert (runs / "tiny-on-alpha" / run.STATE).read_bytes() == before
    assert again == matrix


def test_files_without_a_score_are_told(matrix: Matrix, runs: Path) -> None:
    rows = read_scores(runs / "on-alpha" / "scores-tiny-test.csv")
    first = next(one for one in rows if one.source == "beta")
    silent = [replace(one, logit=None, probability=None) if one is first else one for one in rows]
    (cell,) = cells({"alpha": silent}, ["beta"])
    assert cell.unscored == 1
    assert "1 of beta (alpha)" in to_markdown(Matrix((cell,), "test", ""))
    reals = [one for one in rows if one.label == REAL]
    with pytest.raises(UsageError, match="trained on alpha scored no reals or no fakes of beta"):
        cells({"alpha": reals}, ["beta"])


def test_what_cannot_work_is_refused_before_anything_is_trained(
    prepared: Path, originals: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "train", lambda *_, **__: pytest.fail("it trains"))
    learn = (CHOSEN, prepared)
    with pytest.raises(UsageError, match="at least two sources"):
        cross(learn, originals, tmp_path, ["alpha", "alpha"])
    with pytest.raises(ManifestError, match="no fake of betta is in test"):
        cross(learn, originals, tmp_path, ["alpha", "betta"])
    items = manifest.read(originals)
    for label, message in ((FAKE, "no fake of beta"), (REAL, "no real photo is in test")):
        left = [item for item in items if item.label != label or (item.source != "beta" and label == FAKE)]
        manifest.write(tmp_path / "less.csv", left)
        with pytest.raises(ManifestError, match=message):
            cross(learn, tmp_path / "less.csv", tmp_path, ["beta", "gamma"])
    fakes = [item for item in manifest.read(prepared / MANIFEST) if item.label == FAKE]
    (tmp_path / "cuts").mkdir()
    manifest.write(tmp_path / "cuts" / MANIFEST, fakes)
    with pytest.raises(ManifestError, match="a network can learn from one source alone only where it has both"):
        cross((CHOSEN, tmp_path / "cuts"), originals, tmp_path, ["alpha", "gamma"])
