"""The table of an ablation, from scores to Markdown."""

from __future__ import annotations

from typing import Any

import pytest

from tests.test_left_out import trials
from unmask.ablation_page import Ablation, ablation, to_markdown
from unmask.left_out import areas

COMMAND = "unmask ablation base=cuts --leave-out alpha"


def made(*, seeds: int = 3, command: str = COMMAND) -> Ablation:
    found = areas([*trials("base", range(seeds)), *trials("more | fakes", range(seeds), shift=0.6)], resamples=50)
    recipes: dict[str, dict[str, Any]] = {"base": {"seed": 0}, "more | fakes": {"seed": 0, "data": {"made": 0.5}}}
    return ablation(found, recipes, command, split="val", seeds=range(seeds))


@pytest.fixture(scope="module")
def found() -> Ablation:
    return made()


def test_the_first_variant_is_what_the_others_are_compared_to(found: Ablation) -> None:
    base, other = found.lines
    assert (base.variant, base.gains) == ("base", {})
    assert other.gains["mean"].value == pytest.approx(other.auc["mean"].value - base.auc["mean"].value)
    assert other.recipe == {"seed": 0, "data": {"made": 0.5}}
    assert (base.worst_source, other.worst_source) == ("beta", "beta")
    assert (found.seeds, found.reals, found.fakes) == ((0, 1, 2), 40, {"alpha": 30, "beta": 20})


def test_it_reads_back_the_same(found: Ablation) -> None:
    assert Ablation.model_validate_json(found.model_dump_json()) == found


def test_the_page_has_a_row_for_each_variant_with_interval_and_seeds(found: Ablation) -> None:
    page = to_markdown(found)
    rows = [line for line in page.splitlines() if line.startswith("|")]
    assert rows[0] == "| AUC | without alpha | without beta | mean | worst | within |"
    assert rows[4] == "| gain over base | without alpha | without beta | mean | worst | within |"
    assert {row.count("|") for row in rows} == {7}
    base = found.lines[0].auc["worst"]
    seeds = f"{min(base.seeds):.3f} to {max(base.seeds):.3f}"
    assert f"| {base.value:.3f} ({base.low:.3f} to {base.high:.3f}; seeds {seeds}), beta |" in rows[2]
    assert rows[3].startswith("| more / fakes | ")
    assert rows[6].startswith("| more / fakes | +0.")
    assert f"`{COMMAND}`" in page
    assert "40 real photos there (30 fakes of alpha, 20 fakes of beta)" in page
    assert "could score" not in page


def test_one_seed_says_so_and_shows_no_spread() -> None:
    page = to_markdown(made(seeds=1, command=""))
    assert "One seed" in page
    assert "; seeds" not in page
    assert "`" not in page


def test_dropped_pictures_are_told(found: Ablation) -> None:
    assert "3 pictures that only some variants could score" in to_markdown(found.model_copy(update={"dropped": 3}))


def test_a_base_alone_has_no_gains(found: Ablation) -> None:
    page = to_markdown(found.model_copy(update={"lines": found.lines[:1]}))
    assert "gain over" not in page
