"""One experiment, whole: every stage once, stopped anywhere it goes on, and its cost is measured."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.train.tiny import recipe
from unmask import bundles, evaluate, manifest
from unmask.cli import app
from unmask.errors import ManifestError, UsageError
from unmask.evaluation import FILE, EvaluationManifest
from unmask.scores import read_scores
from unmask.train import experiment as stages
from unmask.train import loop
from unmask.train import run as runs
from unmask.train.experiment import experiment


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, originals: Path) -> Path:
    folder = tmp_path_factory.mktemp("experiment") / "run"
    assert experiment(recipe(), originals, folder, workers=0) == folder / stages.EVALUATION
    return folder


def test_the_folder_holds_the_run_its_bundle_and_its_figures(done: Path, originals: Path) -> None:
    assert runs.epochs_done(done) == 2
    bundle = bundles.find(str(done / stages.BUNDLE))
    assert bundles.check(bundle) <= bundles.TOLERANCE
    assert bundle.card.calibration.set.startswith("val")
    scored = {Path(row.path).name for row in read_scores(done / stages.EVALUATION / evaluate.SCORES)}
    assert scored == {item.path.name for item in manifest.in_split(manifest.read(originals), "test")}
    pinned = EvaluationManifest.read(done / stages.EVALUATION / FILE)
    assert pinned.models[0].sha256 == bundle.card.sha256


def test_what_it_costs(done: Path) -> None:
    cost = json.loads((done / stages.COST).read_text())
    assert set(cost) == {"parameters", "trained", "pictures_per_s", "ms_per_picture", "machine"}
    assert cost["parameters"] == cost["trained"] > 10_000
    assert cost["pictures_per_s"] > 0
    assert 0 < cost["ms_per_picture"] < 1000
    assert "threads" in cost["machine"]


def test_what_is_done_is_not_done_again(done: Path, originals: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def files() -> dict[Path, int]:
        names = (runs.STATE, "bundle/model.onnx", "bundle/card.json", "evaluation/evaluation.json", stages.COST)
        return {done / name: (done / name).stat().st_mtime_ns for name in names}

    before = files()
    experiment(recipe(), originals, done, workers=0)
    assert files() == before


def test_a_stop_between_stages_repeats_none(
    originals: Path, tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped while val was scanned: the network is there, its bundle has no calibration yet."""

    def stop(what: str, done: int, of: int) -> None:
        if what == "scanning val":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        experiment(recipe(), originals, tmp_path / "run", workers=0, progress=stop)
    assert not (tmp_path / "run" / stages.EVALUATION).exists()
    told: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(loop, "_loader", lambda *_: pytest.fail("it learns again"))
        experiment(recipe(), originals, tmp_path / "run", workers=0, progress=lambda what, n, of: told.append(what))
    assert list(dict.fromkeys(told)) == ["scanning val", "scanning test"]


def test_a_source_alone(originals: Path, tmp_path: Path) -> None:
    cuts = tmp_path / "cuts"
    done = experiment(recipe(), originals, tmp_path / "run", sources=["beta"], prepared=cuts, workers=0)
    assert {row.source for row in read_scores(done / evaluate.SCORES)} == {"beta"}
    assert {item.source for item in manifest.read(cuts / "manifest.csv")} == {"beta"}
    with pytest.raises(ManifestError, match="no item has the source betta"):
        experiment(recipe(), originals, tmp_path / "other", sources=["betta"])


def test_a_table_that_is_not_there_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        experiment(recipe(), tmp_path / "typo.csv", tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_baseline_is_an_experiment_too(originals: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["experiment", "metadata-baseline", str(originals), str(tmp_path / "run"), "--source", "beta"]
    )
    assert done.exit_code == 0, done.output
    assert "alarm" in done.output
    rows = read_scores(tmp_path / "run" / "evaluation" / "scores.csv")
    assert {(row.source, row.detector) for row in rows} == {("beta", "metadata-baseline")}


def test_missing_splits_are_cut_from_train(originals: Path, tmp_path: Path) -> None:
    items = [replace(item, split="train") for item in manifest.read(originals) * 3]
    manifest.write(tmp_path / "all.csv", items)
    table = stages.listed(tmp_path / "all.csv", tmp_path / "run", (), progress=lambda done, of: None)
    assert {item.split for item in manifest.read(table)} == {"train", "val", "test"}
    assert stages.listed(originals, tmp_path / "run", (), progress=lambda done, of: None) == originals


def test_a_folder_of_another_experiment(done: Path, originals: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds a run of another recipe"):
        experiment(recipe(seed=1), originals, done, workers=0)
    with pytest.raises(UsageError, match="holds an experiment on other data"):
        experiment(recipe(), originals, done, sources=["beta"], workers=0)
    items = manifest.read(originals)
    manifest.write(tmp_path / "fewer.csv", items[1:])
    with pytest.raises(UsageError, match="holds an experiment on other data"):
        experiment(recipe(), tmp_path / "fewer.csv", done, workers=0)
