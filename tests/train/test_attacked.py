"""Measuring a run under attack: the same items clean and attacked, at the run's own threshold."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from tests.train.tiny import PER_SPLIT, recipe
from unmask import cli_attack, manifest, metrics
from unmask.card import Calibration, Card, Thresholds, Training
from unmask.errors import ManifestError, UsageError
from unmask.prepare import MANIFEST, read_segments
from unmask.train import run as runs
from unmask.train.attacked import TABLE, Table, attacked


@pytest.fixture
def run(finished: Path, tmp_path: Path) -> Path:
    """A finished run of one's own."""
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def calibrate(run: Path, bias: float) -> None:
    card = Card(
        name="tiny",
        version="1",
        modality="image",
        summary="",
        licence="",
        cut=recipe().cut,
        pooling="mean",
        training=Training(
            recipe="", backbone="", initial_weights="", seed=0, epochs=1, parameters=1, made_fakes="", unmask_version=""
        ),
        sources=(),
        calibration=Calibration(set="val of tiny", temperature=2.0, bias=bias, reals=2, fakes=3),
        thresholds=Thresholds(fake_above=0.5, real_below=0.5, chosen=""),
        sha256="",
    )
    (run / "bundle").mkdir()
    card.write(run / "bundle" / "card.json")


def clean_scores(run: Path, prepared: Path, split: str) -> tuple[list[int], list[float]]:
    """Labels, and the mean logit of each item's segments."""
    found, model = runs.load(run)
    items = manifest.in_split(manifest.read(prepared / MANIFEST), split)
    with torch.no_grad():
        scores = [
            float(model(torch.from_numpy(np.stack(read_segments(item, found.cut.size_px))))[0].mean()) for item in items
        ]
    return [item.label for item in items], scores


def quickly(run: Path, prepared: Path, **options: Any) -> Table:
    return attacked(run, prepared, **{"methods": ["fgsm"], "strengths": [8], "steps": 2, **options})


@pytest.mark.parametrize("split", ["test", "val"])
def test_the_clean_row_is_what_the_network_scores_and_attacks_take_from_it(
    run: Path, prepared: Path, split: Any
) -> None:
    found = quickly(run, prepared, split=split, methods=["fgsm", "pgd"], strengths=[4, 16])
    labels, scores = clean_scores(run, prepared, split)
    rows = [(row.method, row.strength, row.steps) for row in found.attacks]
    assert rows == [("none", 0, 0), ("fgsm", 4, 1), ("fgsm", 16, 1), ("pgd", 4, 2), ("pgd", 16, 2)]
    clean, *others = found.attacks
    assert clean.auc.value == pytest.approx(metrics.auc(labels, scores))
    assert clean.accuracy.value == np.mean((np.array(scores) >= 0) == np.array(labels))
    assert (found.reals, found.fakes) == (2 * PER_SPLIT[split], 3 * PER_SPLIT[split])
    assert (found.threshold, found.calibration) == (0.0, "none")
    assert all(row.auc.value < clean.auc.value for row in others)
    assert found.attacks[-1].auc.value <= found.attacks[-2].auc.value
    for row in found.attacks:
        assert row.accuracy.low <= row.accuracy.value <= row.accuracy.high
        assert row.auc.low <= row.auc.value <= row.auc.high


def test_the_table_is_kept_in_the_run_with_all_it_takes_to_repeat_it(run: Path, prepared: Path) -> None:
    found = quickly(run, prepared, methods=["pgd"])
    kept = (run / TABLE).read_text(encoding="utf-8")
    assert json.loads(kept) == found.to_dict()
    assert found.data_sha256 == hashlib.sha256((prepared / MANIFEST).read_bytes()).hexdigest()
    row = json.loads(kept)["attacks"][1]
    assert set(row) == {"method", "strength", "steps", "accuracy", "auc"}
    assert set(row["auc"]) == {"value", "low", "high"}
    assert quickly(run, prepared, methods=["pgd"]) == found
    assert (run / TABLE).read_text(encoding="utf-8") == kept


def test_calls_are_made_where_the_calibrated_probability_is_one_half(run: Path, prepared: Path) -> None:
    labels, scores = clean_scores(run, prepared, "test")
    bias = float(np.median(scores))
    calibrate(run, bias)
    found = quickly(run, prepared)
    assert (found.threshold, found.calibration) == (bias, "val of tiny")
    assert found.attacks[0].accuracy.value == np.mean((np.array(scores) >= bias) == np.array(labels))


def test_a_limit_takes_half_of_it_from_each_class(run: Path, prepared: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    found = quickly(run, prepared, limit=4, progress=lambda what, done, of: seen.append((what, done, of)))
    assert (found.reals, found.fakes) == (2, 2)
    assert seen == [("clean pictures", 4, 8), ("fgsm, strength 8", 8, 8)]
    whole = quickly(run, prepared, limit=1000)
    assert (whole.reals, whole.fakes) == (4, 6)


def test_a_source_left_out_of_training_is_left_out_here(run: Path, prepared: Path) -> None:
    (run / "recipe.json").write_text(recipe(data={"leave_out": ["gamma"]}).model_dump_json())
    assert quickly(run, prepared).fakes == 4


class TestRefused:
    @pytest.mark.parametrize("split", ["train", "fairness"])
    def test_a_split_that_was_learned_from(self, run: Path, prepared: Path, split: Any) -> None:
        with pytest.raises(UsageError, match=f"on test or val, never on {split}"):
            quickly(run, prepared, split=split)

    def test_an_attack_that_does_not_exist_before_any_work(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="not at 0"):
            quickly(tmp_path, tmp_path, strengths=[1, 0])

    def test_a_folder_that_is_no_run(self, tmp_path: Path, prepared: Path) -> None:
        with pytest.raises(UsageError, match="run unmask train first"):
            quickly(tmp_path, prepared)

    def test_data_of_another_cut(self, run: Path, prepared: Path, tmp_path: Path) -> None:
        shutil.copytree(prepared, tmp_path / "other")
        cut = json.loads((prepared / "cut.json").read_text())
        (tmp_path / "other" / "cut.json").write_text(json.dumps({**cut, "size_px": 128}))
        with pytest.raises(UsageError, match="another cut than the run's"):
            quickly(run, tmp_path / "other")

    def test_a_split_of_one_class(self, run: Path, prepared: Path, tmp_path: Path) -> None:
        shutil.copytree(prepared, tmp_path / "other")
        items = manifest.read(tmp_path / "other" / MANIFEST)
        manifest.write(tmp_path / "other" / MANIFEST, [one for one in items if one.split != "test" or one.label])
        with pytest.raises(ManifestError, match=r"the split test of .* needs both real and fake items"):
            quickly(run, tmp_path / "other")


def test_the_verb_prints_the_table(run: Path, prepared: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    cli_attack.add_to(app)
    words = [
        "attack",
        str(run),
        str(prepared),
        "--method",
        "fgsm",
        "--strength",
        "2",
        "--strength",
        "4",
        "--limit",
        "4",
    ]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    title, heads, *rows = done.stdout.splitlines()
    assert title == "tiny, test: 2 real and 2 fake items, fake from logit 0.000 on (calibration: none)"
    assert heads.split() == ["attack", "strength", "steps", "accuracy", "AUC"]
    assert [row.split()[:3] for row in rows] == [["none", "0", "0"], ["fgsm", "2", "1"], ["fgsm", "4", "1"]]
    assert (run / TABLE).is_file()


def test_the_verb_knows_no_other_attack(run: Path, prepared: Path) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    cli_attack.add_to(app)
    assert CliRunner().invoke(app, ["attack", str(run), str(prepared), "--method", "deepfool"]).exit_code == 2
