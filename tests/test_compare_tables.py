"""What comparisons measure, and how their tables say it."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from tests.make_run import make_recipe, make_rows, make_run
from unmask import metrics, resampling
from unmask.compare import Comparison, compare
from unmask.comparison import published, table
from unmask.comparison.measuring import CLUSTERED, PURITY, SHOWN, named
from unmask.comparison.table import Cell, Table
from unmask.metrics import Interval
from unmask.scored import measurable

RESAMPLES = 50


def compared(*folders: Path, **options: object) -> Comparison:
    return compare(folders, resamples=RESAMPLES, **options)  # type: ignore[arg-type]


def test_one_seed_is_measured_as_everywhere_else(tmp_path: Path) -> None:
    found = compared(make_run(tmp_path / "a", whole=False)).measured[0]
    same = resampling.every(measurable(make_rows()), resamples=RESAMPLES)
    assert dict(found.values) == same
    assert set(SHOWN) <= set(found.values)


def test_the_figure_of_several_seeds_is_their_mean_and_each_is_listed(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / str(seed), seed=seed, whole=False) for seed in range(3)]
    found = compared(*folders).measured
    assert len(found) == 1
    single = [metrics.auc(*_labels_and_logits(seed)) for seed in range(3)]
    assert found[0].seeds["AUC"] == pytest.approx(single)
    assert found[0].values["AUC"].value == pytest.approx(np.mean(single))
    assert found[0].values["AUC"].low < min(single) < max(single) < found[0].values["AUC"].high


def test_seeds_are_redrawn_together(tmp_path: Path) -> None:
    """Equal scores under two seeds are no more evidence than once: their interval must not be narrower."""
    rows = make_rows()
    folders = [make_run(tmp_path / str(s), recipe=make_recipe(seed=s), rows=rows, whole=False) for s in range(2)]
    twice, once = compared(*folders).measured[0], compared(folders[0]).measured[0]
    assert twice.values["AUC"] == pytest.approx(once.values["AUC"])


def test_a_source_is_measured_alone_and_one_without_a_class_not_at_all(tmp_path: Path) -> None:
    rows = [*make_rows(), *(one for one in make_rows(sources=("reals",)) if one.label == 0)]
    found = compared(make_run(tmp_path / "a", rows=rows, whole=False), sources=["stylegan", "reals"]).measured
    assert [(one.on, one.reals, one.fakes) for one in found] == [
        ("all sources", 120, 80),
        ("stylegan", 40, 40),
        ("reals", 40, 0),
    ]
    assert not found[2].values


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("accuracy", "accuracy"),
        ("roc_auc", "AUC"),
        ("ROC-AUC", "AUC"),
        ("precision", "precision of fake"),
        ("f1_real", "F1 of real"),
        ("F1 of fake", "F1 of fake"),
        ("macro_f1", "macro F1"),
        ("recall_macro", "balanced accuracy"),
        ("average_precision", "average precision"),
        ("purity", PURITY),
        ("clustering", PURITY),
        ("beauty", None),
    ],
)
def test_recipes_may_call_measures_as_papers_do(name: str, measure: str | None) -> None:
    assert named(name) == measure
    assert measure is None or measure in {**SHOWN, **CLUSTERED}


def test_published_figures_stand_beside_ours_with_both_data(tmp_path: Path) -> None:
    figures = {"accuracy": 0.5, "auc": 0.9999, "beauty": 0.3}
    recipe = make_recipe(published={"data": "140k faces", "source": "a notebook", "figures": figures})
    found = compared(make_run(tmp_path / "a", recipe=recipe)).published
    cells = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
    assert [(one["figure"].text, one["published"].value) for one in cells] == [
        ("accuracy", 0.5),
        ("AUC", 0.9999),
        ("beauty", 0.3),
    ]
    assert [one["ours is"].text for one in cells] == ["above", "below", "not a measure of ours"]
    assert {one["its data"].text for one in cells} == {"140k faces"}
    assert cells[0]["our data"].text == "all sources, test: 80 real, 80 fake"
    assert cells[0]["difference"].value == pytest.approx((cells[0]["ours"].value or 0) - 0.5)
    assert (cells[0]["pictures/s"].text, cells[0]["parameters"].text) == ("100", "2,200,000")
    assert cells[0]["ms a picture"].text == "7.2"


def test_a_recipe_that_publishes_nothing_says_so(tmp_path: Path) -> None:
    found = compared(make_run(tmp_path / "a", recipe=make_recipe(published=None), whole=False)).published
    assert [row[2].text for row in found.rows] == ["none"]


def test_sets_of_items_are_named_where_there_are_several(tmp_path: Path) -> None:
    other = make_run(tmp_path / "b", recipe=make_recipe("other"), rows=make_rows()[2:], whole=False)
    found = compared(make_run(tmp_path / "a", whole=False), other).published
    shown = {row[found.columns.index("our data")].text for row in found.rows}
    assert shown == {
        "all sources, test (items A): 80 real, 80 fake",
        "all sources, test (items B): 79 real, 79 fake",
    }


def test_a_verdict_needs_the_whole_interval() -> None:
    assert published.verdict(0.5, Interval(0.7, 0.6, 0.8)) == "above"
    assert published.verdict(0.9, Interval(0.7, 0.6, 0.8)) == "below"
    assert published.verdict(0.61, Interval(0.7, 0.6, 0.8)) == "within the interval"
    assert published.verdict(0.5, Interval(0.7, 0.6, 0.8), lower_is_better=True) == "above (lower is better)"


def test_the_csv_holds_numbers_in_full_with_their_intervals_and_seeds(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / str(seed), seed=seed) for seed in range(2)]
    found = compared(*folders)
    row = next(csv.DictReader(io.StringIO(table.to_csv(found.table))))
    auc = found.measured[0].values["AUC"]
    assert tuple(float(row[name]) for name in ("AUC", "AUC low", "AUC high")) == auc
    assert [float(value) for value in row["AUC of each seed"].split()] == list(found.measured[0].seeds["AUC"])
    assert (row["seeds"], row["published"]) == ("0, 1", "accuracy 0.7, auc 0.8")
    assert float(row["pictures/s"]) == 100.5


def test_markdown_cannot_be_broken_by_a_name() -> None:
    broken = Table(("a|b",), ((Cell("x|y\nz"),),))
    assert table.to_markdown(broken) == "| a\\|b |\n| --- |\n| x\\|y\\nz |\n"


def test_on_a_terminal_rows_stand_side_by_side_as_far_as_they_fit() -> None:
    rows = tuple((Cell(f"run {number}"), Cell("0.5", 0.5, Interval(0.5, 0.4, 0.6))) for number in range(3))
    text = table.to_text(Table(("name", "AUC"), rows), 52)
    assert text.splitlines() == [
        "name  run 0                 run 1",
        "AUC   0.5 (0.400 to 0.600)  0.5 (0.400 to 0.600)",
        "",
        "name  run 2",
        "AUC   0.5 (0.400 to 0.600)",
    ]


def test_columns_that_nothing_fills_are_left_out(tmp_path: Path) -> None:
    bare = compared(make_run(tmp_path / "a", recipe=make_recipe(published=None), whole=False)).table
    assert not {"pictures/s", "published", "k-means purity"} & set(bare.columns)
    assert {"AUC", "Brier", "not judged"} <= set(bare.columns)


def _labels_and_logits(seed: int) -> tuple[list[int], list[float]]:
    rows = make_rows(seed=seed)
    return [one.label for one in rows], [one.logit or 0.0 for one in rows]
