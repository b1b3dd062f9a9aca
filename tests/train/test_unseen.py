"""The figure that counts: what is left out of training, and what it is measured on."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.train.tiny import recipe
from unmask import cli_lab, manifest, metrics
from unmask.card import Figure
from unmask.cli import app
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL
from unmask.scores import read_scores
from unmask.train import loop, unseen
from unmask.train.recipes import Recipe
from unmask.train.unseen import without

CHOSEN = recipe(train={"epochs": 1}, data={"self_blend": 0.3})


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def figures(
    runs: Path, steps: list[tuple[str, int, int]], prepared: Path, originals: Path
) -> dict[tuple[str, str], Figure]:
    found = unseen.unseen(
        CHOSEN, prepared, originals, runs, ["beta", "gamma"], progress=lambda what, n, of: steps.append((what, n, of))
    )
    return {(figure.name, figure.on.split()[2]): figure for figure in found}


def test_one_more_source_is_left_out_and_nothing_else_is_changed() -> None:
    before = recipe(data={"leave_out": ["alpha"], "self_blend": 0.2})
    after = without(before, "beta")
    assert after.data.leave_out == ("alpha", "beta")
    assert after.model_copy(update={"data": before.data}) == before
    assert without(before, "beta", epochs=1).train.epochs == 1
    assert before.data.leave_out == ("alpha",)


def test_the_source_is_not_in_training_neither_its_fakes_nor_its_photos(
    figures: dict[tuple[str, str], Figure], runs: Path
) -> None:
    for source, others in (
        ("beta", {"alpha (real)", "alpha (fake)", "gamma (fake)"}),
        ("gamma", {"alpha (real)", "alpha (fake)", "beta (real)", "beta (fake)"}),
    ):
        folder = runs / f"tiny-without-{source}"
        described = json.loads((folder / loop.DATA).read_text())
        for split in ("train", "val"):
            assert {one["name"] for one in described[split]} == others
        kept, _ = loop.load(folder)
        assert kept == without(CHOSEN, source)


def test_tested_are_its_fakes_against_all_real_photos_of_test(
    figures: dict[tuple[str, str], Figure], runs: Path, originals: Path
) -> None:
    items = [item for item in manifest.read(originals) if item.split == "test"]
    for source in ("beta", "gamma"):
        rows = read_scores(runs / f"tiny-without-{source}" / "scores-test.csv")
        wanted = {str(item.path) for item in items if item.label == REAL or item.source == source}
        assert {row.path for row in rows} == wanted
        assert {(row.source, row.label) for row in rows} == {("alpha", REAL), ("beta", REAL), (source, FAKE)}
        figure = figures["unseen-generator AUC", source]
        logits = [row.logit for row in rows if row.logit is not None]
        assert len(logits) == len(rows) == 6
        assert figure.value == metrics.auc([row.label for row in rows], logits)
        assert (figure.reals, figure.fakes) == (4, 2)


def test_mean_and_worst(figures: dict[tuple[str, str], Figure]) -> None:
    each = [figures["unseen-generator AUC", source].value for source in ("beta", "gamma")]
    by_name = {name: figure for (name, _), figure in figures.items()}
    assert by_name["mean unseen-generator AUC"].value == pytest.approx(sum(each) / 2)
    assert by_name["worst unseen-generator AUC"].value == min(each)
    assert len(figures) == 4


def test_progress_names_what_goes_on(figures: dict[tuple[str, str], Figure], steps: list[tuple[str, int, int]]) -> None:
    assert steps[:2] == [("without beta: training", 1, 2), ("without beta: training", 2, 2)]
    assert steps[2:8] == [("without beta: scanning test", n, 6) for n in range(1, 7)]
    assert steps[8][0] == "without gamma: training"
    assert len(steps) == 16


def test_the_command_in_the_figures_can_be_typed(
    figures: dict[tuple[str, str], Figure], monkeypatch: pytest.MonkeyPatch, prepared: Path, originals: Path
) -> None:
    asked: list[tuple[object, ...]] = []

    def ask(
        chosen: Recipe, cut: Path, table: Path, runs: Path, sources: list[str], *, split: str, **_: object
    ) -> list[Figure]:
        asked.append((cut, table, sources, split))
        return []

    monkeypatch.setattr(cli_lab, "_recipe", lambda name, weights: (CHOSEN, None))
    monkeypatch.setattr(unseen, "unseen", ask)
    (command,) = {figure.command for figure in figures.values()}
    program, *words = shlex.split(command)
    assert program == "unmask"
    assert CliRunner().invoke(app, words).exit_code == 0
    assert asked == [(Path(prepared.name), Path(originals.name), ["beta", "gamma"], "test")]
    assert str(originals.parent) not in command, "it goes into a card"


@pytest.mark.parametrize(
    ("sources", "split", "message"),
    [
        (["gamma", "betta"], "test", "no fake of the source betta is in test"),
        (["gamma"], "tset", 'no item is in the split "tset"'),
    ],
)
def test_a_typo_is_found_before_anything_is_trained(
    prepared: Path,
    originals: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sources: list[str],
    split: str,
    message: str,
) -> None:
    monkeypatch.setattr(loop, "train", lambda *_, **__: pytest.fail("it trains"))
    with pytest.raises(ManifestError, match=message):
        unseen.unseen(CHOSEN, prepared, originals, tmp_path, sources, split=split)


def test_finished_runs_are_not_trained_again(
    figures: dict[tuple[str, str], Figure],
    runs: Path,
    prepared: Path,
    originals: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On val the same networks answer, so a recipe can be chosen without looking at test."""
    before = (runs / "tiny-without-gamma" / loop.STATE).read_bytes()
    again = unseen.unseen(CHOSEN, prepared, originals, runs, ["gamma"], split="val")
    assert (runs / "tiny-without-gamma" / loop.STATE).read_bytes() == before
    assert {row.split for row in read_scores(runs / "tiny-without-gamma" / "scores-val.csv")} == {"val"}
    assert "--split val" in again[0].command
