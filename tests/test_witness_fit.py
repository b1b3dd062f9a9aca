from __future__ import annotations

import numpy as np
import pytest

from unmask.card import Calibration
from unmask.errors import UsageError
from unmask.witness import WitnessCard
from unmask.witness_fit import Examples, fit, grouped_auc, left_out, logits

NAMES = {"good": ("tells", ""), "noise": ("does not", ""), "empty": ("never measured", "")}


def drawn(groups: int = 30, seed: int = 0) -> Examples:
    rng = np.random.default_rng(seed)
    labels = np.tile([0, 1], groups)
    rows = np.column_stack([labels * 2 + rng.normal(0, 1, 2 * groups), rng.normal(5, 3, 2 * groups), labels * np.nan])
    return Examples.of(rows.tolist(), labels.tolist(), [str(n // 2) for n in range(2 * groups)])


def test_the_feature_that_tells_gets_the_weight() -> None:
    features, _ = fit(drawn(), NAMES)
    good, noise, empty = features
    assert good.weight > 4 * abs(noise.weight)
    assert empty.weight == pytest.approx(0, abs=1e-9)
    assert noise.mean == pytest.approx(5, abs=1.5)
    assert noise.scale == pytest.approx(3, abs=1)


def test_many_at_once_are_scored_as_the_card_scores_one() -> None:
    examples = drawn()
    features, bias = fit(examples, NAMES)
    card = WitnessCard(
        name="w",
        version="0",
        summary="",
        features=features,
        bias=bias,
        learned_on="",
        calibration=Calibration(set="", temperature=1, bias=0, reals=1, fakes=1),
        why="",
    )
    ones = [card.logit(dict(zip(NAMES, row, strict=True))) for row in examples.values.tolist()]
    assert logits(examples.values, features, bias) == pytest.approx(ones)


def test_scores_come_from_weights_that_have_not_seen_the_group() -> None:
    rng = np.random.default_rng(0)
    labels = np.tile([0.0, 1.0], 20)
    values = rng.normal(0, 1, (40, 30))  # noise that a fit on all of it would learn by heart
    groups = [str(n // 2) for n in range(40)]
    examples = Examples.of(values.tolist(), labels.astype(int).tolist(), groups)
    names = {str(n): ("", "") for n in range(30)}
    assert grouped_auc(labels, logits(values, *fit(examples, names)), groups).value > 0.85
    assert grouped_auc(labels, left_out(examples, names), groups).value < 0.7


def test_an_example_with_a_part_of_the_group_does_not_teach_either() -> None:
    examples = drawn(6)
    touched = list(examples.touched)
    touched[0] = frozenset({"0", "3"})
    mixed = Examples(examples.values, examples.labels, examples.groups, touched)
    alone, without = left_out(examples, NAMES), left_out(mixed, NAMES)
    changed = np.flatnonzero(np.abs(alone - without) > 1e-9)
    assert changed.tolist() == [6, 7]


def test_whole_groups_are_redrawn() -> None:
    labels = np.tile([0.0, 1.0], 10)
    scores = np.random.default_rng(1).normal(labels, 1)
    pairs = [str(n // 2) for n in range(20)]
    once = grouped_auc(labels, scores, pairs)
    copies = grouped_auc(np.tile(labels, 5), np.tile(scores, 5), pairs * 5)
    assert once.low < once.value < once.high
    assert (copies.low, copies.high) == pytest.approx((once.low, once.high))


def test_one_class_alone_is_refused() -> None:
    examples = drawn(4)
    with pytest.raises(UsageError, match="one of the two is missing"):
        fit(examples.part(examples.labels == 1), NAMES)
