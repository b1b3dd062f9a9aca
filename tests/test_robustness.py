import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests import pictures
from tests.make_bundle import make_bundle
from unmask import metrics
from unmask.errors import UsageError
from unmask.evaluation import EvaluationManifest
from unmask.figures import figures_from_scores
from unmask.robustness import points, robustness, to_markdown
from unmask.scores import Row


def scores(perturbation: str, noise: float, seed: int = 0) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(60):
        label = number % 2
        logit = float(rng.normal(2 * label - 1, 1) + np.random.default_rng(number).normal(0, noise))
        probability = float(1 / (1 + np.exp(-logit)))
        rows.append(
            Row(
                f"{number}.jpg", label, "", "a", "test", perturbation, "ok", "", "face", logit, probability, "uncertain"
            )
        )
    return rows


ORIGINALS, WORSE, WORST = scores("", 0), scores("jpeg-q70", 1), scores("jpeg-q30", 4)


def test_a_point_for_each_perturbation_in_the_order_of_their_harm() -> None:
    found = points([*WORST, *ORIGINALS, *WORSE, *scores("blur-sigma-2", 2)])
    assert [(one.family, one.strength) for one in found] == [
        ("original", None),
        ("jpeg", 70),
        ("jpeg", 30),
        ("blur", 2),
    ]
    original, _, worst, _ = found
    labels = [one.label for one in ORIGINALS]
    assert original.auc.value == pytest.approx(metrics.auc(labels, [one.logit or 0 for one in ORIGINALS]))
    assert original.auc_lost == (0, 0, 0)
    assert worst.auc.value == pytest.approx(metrics.auc(labels, [one.logit or 0 for one in WORST]))
    assert worst.auc_lost.value == pytest.approx(original.auc.value - worst.auc.value)
    assert worst.accuracy.value == np.mean([((one.probability or 0) >= 0.5) == one.label for one in WORST])
    assert (worst.reals, worst.fakes, worst.unscored) == (30, 30, 0)


def test_the_loss_is_paired_as_in_the_card() -> None:
    found = points([*ORIGINALS, *WORSE])[1].auc_lost
    (figure,) = [one for one in figures_from_scores([*ORIGINALS, *WORSE], "") if one.name == "AUC lost"]
    assert found == pytest.approx((figure.value, figure.low, figure.high))


def test_files_that_are_scored_no_longer_are_counted_and_left_out_on_both_sides() -> None:
    silent = [replace(one, logit=None, probability=None) if int(one.path[:-4]) < 10 else one for one in WORSE]
    point = points([*ORIGINALS, *silent])[1]
    assert (point.reals, point.fakes, point.unscored) == (25, 25, 10)
    kept = [one for one in ORIGINALS if int(one.path[:-4]) >= 10]
    before = metrics.auc([one.label for one in kept], [one.logit or 0 for one in kept])
    assert point.auc_lost.value == pytest.approx(before - point.auc.value)


def test_nothing_scored_has_no_curve() -> None:
    assert points([replace(one, logit=None, probability=None) for one in ORIGINALS]) == []
    silent = [replace(one, logit=None, probability=None) for one in WORSE]
    assert [one.family for one in points([*ORIGINALS, *silent])] == ["original"]


def test_scans_copies_and_writes_the_curves(tmp_path: Path) -> None:
    manifest = pictures.table(tmp_path / "data")
    bundle = make_bundle(tmp_path / "red", name="red", kind="patch")
    seen: list[tuple[int, int]] = []
    found = robustness(
        manifest,
        models=[bundle.folder],
        out=tmp_path / "out",
        families=["brightness", "h264"],
        limit=8,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert seen[-1] == (64, 64)
    assert [(one.family, one.strength) for one in found[1:3]] == [("h264", 18), ("h264", 23)]
    assert [one.perturbation for one in found[-2:]] == ["brightness-1.4", "brightness-0.6"]
    with (tmp_path / "out" / "robustness.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["family"] for row in rows] == [one.family for one in found]
    assert (rows[0]["strength"], rows[1]["strength"]) == ("", "18")
    assert float(rows[1]["auc_lost_high"]) == found[1].auc_lost.high
    assert (rows[1]["reals"], rows[1]["fakes"], rows[1]["unscored"]) == ("4", "4", "0")
    assert (tmp_path / "out" / "robustness.md").read_text() == to_markdown(found)
    pinned = EvaluationManifest.read(tmp_path / "out" / "evaluation.json")
    assert pinned.command == (
        "unmask robustness table.csv --model red --split test --family brightness --family h264 --limit 8"
    )
    assert (pinned.data.items, pinned.data.limit, len(pinned.data.perturbations)) == (8, 8, 7)


def test_a_family_that_is_none_is_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no family of perturbations rain"):
        robustness(tmp_path / "table.csv", out=tmp_path / "out", families=["rain"])
    assert not (tmp_path / "out").exists()
