from __future__ import annotations

import numpy as np
import pytest
import torch

from unmask.errors import RecipeError
from unmask.train.discriminant import Discriminant, Table, solve, solve_apart


def table(rows: np.ndarray, labels: list[int], groups: list[int]) -> Table:
    count = len(labels)
    return Table(rows.astype(np.float32), np.array(labels), np.ones(count), np.array(groups))


def drawn(count: int = 400) -> Table:
    """Two sources that differ in the first number, and labels that differ a little in the second.

    Fakes are mostly of source 1, so the first number tells the label better than the second, as long as nobody asks
    what tells it within a source.
    """
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    sources = np.where(rng.random(count) < 0.9, labels, 1 - labels)
    rows = rng.normal(size=(count, 2)) * [0.3, 1.0] + np.stack([3.0 * sources, 1.0 * labels], axis=1)
    return Table(rows.astype(np.float32), labels, np.ones(count), 2 * sources + labels)


def test_what_tells_sources_apart_counts_as_scatter() -> None:
    learned = drawn()
    within, _ = solve(learned, 0.01)
    across, _ = solve(Table(learned.rows, learned.labels, learned.weights, learned.labels), 0.01)
    blind, _ = solve(Table(learned.rows, learned.labels, learned.weights, np.zeros(400, int)), 0.01)
    assert within[1] > 0.5
    assert abs(across[0]) < abs(within[0])  # grouped by label alone, sources are scatter
    assert abs(blind[0]) < abs(within[0])


def test_the_logit_of_two_normal_classes_is_their_likelihood_ratio() -> None:
    rng = np.random.default_rng(1)
    labels = np.arange(20000) % 2
    rows = rng.normal(size=(20000, 3)) + np.outer(labels, [2.0, 0.0, 0.0])
    weight, constant = solve(Table(rows.astype(np.float32), labels, np.ones(20000), labels), 1e-6)
    assert weight == pytest.approx([2.0, 0.0, 0.0], abs=0.06)
    assert constant == pytest.approx(-2.0, abs=0.08)


def test_weights_count_and_both_labels_count_the_same() -> None:
    rows = np.array([[0.0], [0.2], [1.0], [1.2], [9.0]])
    few = Table(
        rows.astype(np.float32), np.array([0, 0, 1, 1, 1]), np.array([1, 1, 1, 1, 0.0]), np.array([0, 0, 1, 1, 1])
    )
    weight, constant = solve(few, 0.1)
    assert -constant / weight[0] == pytest.approx(0.6, abs=1e-3)
    more = Table(few.rows, few.labels, np.array([1, 1, 50, 50, 0.0]), few.groups)
    assert solve(more, 0.1)[0] == pytest.approx(weight, rel=1e-4)


def test_more_statistics_than_pictures_are_no_hindrance() -> None:
    rows = np.random.default_rng(2).normal(size=(20, 50))
    weight, constant = solve(table(rows, [0, 1] * 10, [0, 1] * 10), 0.3)
    assert np.isfinite(weight).all()
    assert np.isfinite(constant)


def test_several_discriminants_decide_by_their_mean() -> None:
    rng = np.random.default_rng(4)
    labels = np.arange(60) % 2
    rows = rng.normal(size=(60, 4)) + np.outer(labels, [1.0, 0.5, 0.0, -1.0])
    learned = table(rows, labels.tolist(), labels.tolist())
    parts = [np.array([0, 1]), np.array([3, 1, 2])]
    weight, constant = solve_apart(learned, 0.3, parts)
    apart = [solve(table(rows[:, part], labels.tolist(), labels.tolist()), 0.3) for part in parts]
    logits = [rows[:, part] @ one + its_constant for part, (one, its_constant) in zip(parts, apart, strict=True)]
    assert rows @ weight + constant == pytest.approx(np.mean(logits, axis=0))
    whole, its_constant = solve_apart(learned, 0.3, [np.arange(4)])
    at_once, constant_at_once = solve(learned, 0.3)
    assert whole == pytest.approx(at_once)
    assert its_constant == pytest.approx(constant_at_once)
    assert weight != pytest.approx(whole)


def test_what_is_weighed_together_is_counted_in_maps() -> None:
    head = Discriminant([1, 2, 1], ["centre", "surround"], [[0, 2], [1]])
    assert [part.tolist() for part in head.parts] == [[0, 1, 2, 3, 12, 13, 14, 15], list(range(4, 12))]
    assert [part.tolist() for part in Discriminant([1, 2], ["all"]).parts] == [list(range(6))]


def test_one_label_or_odd_numbers_are_refused() -> None:
    rows = np.random.default_rng(3).normal(size=(4, 2))
    with pytest.raises(RecipeError, match="both labels"):
        solve(table(rows, [1, 1, 1, 1], [0, 0, 0, 0]), 0.3)
    rows[0, 0] = np.inf
    with pytest.raises(RecipeError, match="not finite"):
        solve(table(rows, [0, 1, 0, 1], [0, 1, 0, 1]), 0.3)


@pytest.mark.parametrize("regions", [("all",), ("centre", "surround")])
def test_the_map_adds_up_to_the_logit(regions: tuple[str, ...]) -> None:
    torch.manual_seed(0)
    head = Discriminant([3, 4], regions)  # type: ignore[arg-type]
    logit, activation = head([torch.rand(2, 3, 8, 8), torch.rand(2, 4, 4, 4)])
    assert activation.shape == (2, 4, 4)
    assert torch.allclose(activation.mean(dim=(1, 2)), logit, atol=1e-5)


def test_a_region_is_blind_to_the_others() -> None:
    maps = torch.zeros(1, 1, 32, 32)
    bright = maps.clone()
    bright[..., 12:20, 12:20] = 1.0
    head = Discriminant([1], ["centre", "surround"])
    centre, _, surround, _ = (head.describe([bright]) - head.describe([maps]))[0]
    assert centre > 0.1
    assert surround < 1e-3


def test_the_map_shows_where_the_evidence_is() -> None:
    head = Discriminant([1], ["all"])
    head.take(np.array([1.0, 0.0]), 0.0)
    picture = torch.zeros(1, 1, 8, 8)
    picture[..., 2, 5] = 1.0
    _, activation = head([picture])
    assert divmod(int(activation[0].argmax()), 8) == (2, 5)
