import csv
from dataclasses import replace
from pathlib import Path

import pytest

from tests.test_figures import table
from unmask import measures
from unmask.figures import figures_from_scores
from unmask.measures import Measure, to_markdown
from unmask.scores import Row


def made(rows: list[Row], method: str) -> list[Row]:
    return [replace(one, method=method) for one in rows]


ROWS = [
    *made(table(0, [0.1, 0.2, 0.4, 0.9]), "real"),
    *made(table(1, [0.5, 0.85]), "gan-1"),
    *made(table(1, [0.45, 0.99]), "gan-2"),
    *made(table(0, [0.05, 0.1], source="b"), "real"),
    *made(table(1, [0.6], source="c"), "diffusion"),
]
FOUND = measures.measures(ROWS)


def find(part: str, of: str, name: str, found: list[Measure] = FOUND) -> Measure:
    (one,) = [one for one in found if (one.part, one.of, one.name) == (part, of, name)]
    return one


def test_everything_is_measured_of_all_and_of_each_source_and_generator() -> None:
    parts = dict.fromkeys((one.part, one.of) for one in FOUND)
    generators = [("generator", name) for name in ("diffusion", "gan-1", "gan-2")]
    assert list(parts) == [("all", ""), ("source", "a"), ("source", "c"), *generators]
    assert find("all", "", "accuracy").value == 9 / 11
    assert find("all", "", "reals called fake").value == 1
    assert find("source", "a", "AUC").value == (3 + 3 + 3 + 4) / 16


def test_the_auc_is_that_of_the_card_with_its_interval() -> None:
    figures = figures_from_scores(ROWS, "unmask evaluate")
    (auc,) = [one for one in figures if one.name == "AUC" and one.on.startswith("test pooled")]
    one = find("all", "", "AUC")
    assert (one.value, one.low, one.high) == pytest.approx((auc.value, auc.low, auc.high))


def test_fakes_meet_the_reals_of_their_own_source_or_of_all() -> None:
    own = find("generator", "gan-1", "AUC")
    assert (own.reals, own.fakes, own.value) == (4, 2, (3 + 3) / 8)
    assert own.on == "gan-1 test, against the real photos of a, unbalanced, 33% fakes, by logit of face"
    alone = find("generator", "diffusion", "AUC")
    assert (alone.reals, alone.fakes) == (6, 1)
    assert "against the real photos of all sources" in alone.on
    assert find("source", "c", "AUC").reals == 6


def test_balanced_and_unbalanced_tests_are_told_apart() -> None:
    even = find("source", "a", "accuracy")
    assert even.balanced
    assert even.on == "a test, 50% fakes, by logit of face"
    assert not [one for one in FOUND if (one.of, one.name) == ("a", "balanced accuracy")]
    uneven = find("source", "c", "balanced accuracy")
    assert not uneven.balanced
    assert uneven.value == pytest.approx((5 / 6 + 1) / 2)
    assert "unbalanced, 14% fakes" in uneven.on
    assert measures.balanced(3, 2)
    assert not measures.balanced(62, 38)


def test_groups_splits_and_copies() -> None:
    people = [replace(one, attributes={"gender": "female", "race": "asian"}) for one in ROWS[:8]]
    val = [replace(one, split="val") for one in ROWS]
    copies = [replace(one, perturbation="blur-sigma-1", probability=0.5) for one in ROWS]
    found = measures.measures([*people, *ROWS[8:], *val, *copies])
    assert [one.split for one in found if (one.part, one.name) == ("all", "AUC")] == ["test", "val"]
    group = find("group", "female asian", "AUC", found)
    assert (group.split, group.reals, group.fakes) == ("test", 4, 4)
    assert find("all", "", "AUC", [one for one in found if one.split == "test"]) == find("all", "", "AUC")


def test_a_test_of_one_class_has_no_measures() -> None:
    assert measures.measures(table(0, [0.1, 0.2])) == []
    assert to_markdown([]) == ""


def test_another_threshold() -> None:
    assert find("all", "", "recall of fake", measures.measures(ROWS, threshold=0.8)).value == 2 / 5


def test_the_table_holds_every_number_in_full(tmp_path: Path) -> None:
    measures.write(tmp_path / "measures.csv", FOUND)
    with (tmp_path / "measures.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(FOUND)
    for row, one in zip(rows, FOUND, strict=True):
        assert (row["measure"], row["part"], row["of"]) == (one.name, one.part, one.of)
        assert (float(row["value"]), float(row["low"]), float(row["high"])) == (one.value, one.low, one.high)
        assert row["balance"] == ("balanced" if one.balanced else "unbalanced")


def test_the_page_shows_all_of_the_whole_and_the_foremost_of_its_parts() -> None:
    page = to_markdown(FOUND)
    for name in dict.fromkeys(one.name for one in FOUND if one.part == "all"):
        assert f"\n| {name} | " in page
    assert "| reals called fake | 1 | 0 to 3 |" in page
    assert "## By source, test" in page
    assert "## By generator, test" in page
    assert "## By group" not in page
    (line,) = [line for line in page.splitlines() if line.startswith("| gan-1 test")]
    one = find("generator", "gan-1", "macro F1")
    assert f"{one.value:.3f} ({one.low:.3f} to {one.high:.3f})" in line
