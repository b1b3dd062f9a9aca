"""Risk against coverage: by hand, against the plain definition, and from tables of scores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from unmask import risk
from unmask.errors import ManifestError
from unmask.resampling import Set
from unmask.scores import Row


def items(labels: Sequence[int], chances: Sequence[float]) -> Set:
    return Set.of(labels, chances, chances)


def once(found: Set) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    return np.ones((1, len(found.truth)))


def table(each: int = 40, split: str = "test", seed: int = 0) -> list[Row]:
    """Probabilities that mean what they say, with the verdicts of a band from 0.3 to 0.8."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(2 * each):
        label = number % 2
        p = float(1 / (1 + np.exp(-rng.normal(1.5 * (2 * label - 1), np.sqrt(3)))))
        verdict = "fake" if p >= 0.8 else "real" if p <= 0.3 else "uncertain"
        rows.append(
            Row(f"{split}-{number}.jpg", label, split=split, detector="face", logit=p, probability=p, verdict=verdict)
        )
    return rows


HAND = items([1, 0, 1, 0], [0.9, 0.2, 0.3, 0.4])
"""The surest first: right, right, wrong, right."""


class TestCurve:
    def test_by_hand(self) -> None:
        found = risk.at(HAND, once(HAND), np.array([0.25, 0.5, 0.75, 1.0]))
        assert found[0] == pytest.approx([0, 0, 1 / 3, 1 / 4])
        assert risk.area(HAND, once(HAND))[0] == pytest.approx((0 + 0 + 1 / 3 + 1 / 4) / 4)

    def test_of_equally_sure_files_none_comes_first(self) -> None:
        same = items([1, 0, 1, 0], [0.8, 0.8, 0.2, 0.2])  # each call is as sure, half of them are wrong
        turned = items([0, 1, 0, 1], [0.8, 0.8, 0.2, 0.2])
        for one in (same, turned):
            assert risk.at(one, once(one), np.array([0.25, 0.5, 1.0]))[0] == pytest.approx([0.5] * 3)
            assert risk.area(one, once(one))[0] == pytest.approx(0.5)

    def test_it_is_the_plain_definition(self) -> None:
        rng = np.random.default_rng(1)
        labels, chances = rng.integers(0, 2, 200), rng.random(200)
        found = items(labels.tolist(), chances.tolist())
        order = np.argsort(-np.abs(chances - 0.5))
        errors = ((chances >= 0.5) != (labels == 1))[order]
        risks = [errors[:k].mean() for k in range(1, 201)]
        assert risk.area(found, once(found))[0] == pytest.approx(np.mean(risks))
        assert risk.at(found, once(found), np.array([0.5]))[0, 0] == pytest.approx(risks[99])

    def test_a_file_drawn_twice_counts_twice(self) -> None:
        counts = np.array([[1.0, 0.0, 2.0, 1.0]])
        twice = items([1, 1, 1, 0], [0.9, 0.3, 0.3, 0.4])
        assert risk.area(HAND, counts) == pytest.approx(risk.area(twice, once(twice)))


class TestMeasure:
    def test_the_table_adds_up(self) -> None:
        rows = table()
        found = risk.measure(rows, "test", resamples=100)
        wrong = np.array([((one.probability or 0) >= 0.5) != (one.label == 1) for one in rows])
        assert found.error == pytest.approx(wrong.mean())
        assert found.rests[0].kept == 80
        assert found.rests[0].reals_called_fake + found.rests[0].fakes_called_real == wrong.sum()
        for one in found.rests:
            errors = one.reals_called_fake + one.fakes_called_real
            assert one.risk.value == pytest.approx(errors / one.kept)
            assert one.risk.low <= one.risk.value <= one.risk.high
        assert [one.least_sure for one in found.rests] == sorted(one.least_sure for one in found.rests)
        assert found.rests[-1].risk.value < found.rests[0].risk.value
        assert found.area.low <= found.area.value <= found.area.high
        assert 0 < found.best < found.area.value
        assert found.curve.shape == (3, len(risk.GRID))
        assert found.curve[0, -1] == pytest.approx(found.error)
        assert found.on == "test, by calibrated probability of face"

    def test_the_best_area_is_that_of_errors_at_the_end(self) -> None:
        rng = np.random.default_rng(2)
        wrong = np.arange(50) >= 41
        chances = np.linspace(0.99, 0.51, 50)
        labels = np.where(wrong, 0, 1)
        labels[rng.integers(0, 40, 5)] = 1
        found = items(labels.tolist(), chances.tolist())
        rows = [
            Row(str(n), int(y), split="test", detector="d", logit=p, probability=p)
            for n, (y, p) in enumerate(zip(labels, chances, strict=True))
        ]
        assert risk.measure(rows, "test", resamples=2).best == pytest.approx(risk.area(found, once(found))[0])

    def test_thresholds_in_use(self) -> None:
        rows = table()
        (shipped,) = risk.measure(rows, "test", resamples=2).rules
        given = [one for one in rows if one.verdict != "uncertain"]
        assert shipped.coverage.value == pytest.approx(len(given) / len(rows))
        wrong = [(one.label, one.verdict) for one in given if (one.verdict == "fake") != (one.label == 1)]
        assert (shipped.reals_called_fake, shipped.fakes_called_real) == (
            wrong.count((0, "fake")),
            wrong.count((1, "real")),
        )
        assert shipped.risk is not None
        assert shipped.risk.value == pytest.approx(len(wrong) / len(given))

    def test_thresholds_are_chosen_on_val_alone(self) -> None:
        val = table(split="val", seed=3)
        found = [risk.measure([*val, *table(seed=seed)], "test", 0.05, resamples=2).rules[1] for seed in (0, 1)]
        assert found[0].name == found[1].name
        assert found[0].name.startswith("chosen on val for at most 5.0% errors: fake from 0.")
        on_val = risk.measure(val, "val", 0.05, resamples=2).rules[1]
        assert on_val.risk is not None
        assert on_val.risk.value <= 0.05
        with pytest.raises(ManifestError, match='no real photos and fakes of the split "val"'):
            risk.measure(table(), "test", 0.05, resamples=2)

    def test_nothing_called_is_no_risk(self) -> None:
        silent = [replace(one, verdict="uncertain") for one in table()]
        (rule,) = risk.measure(silent, "test", resamples=2).rules
        assert (rule.coverage.value, rule.risk) == (0.0, None)

    def test_other_splits_copies_and_what_has_no_score_stay_out(self) -> None:
        rows = table()
        copies = [replace(one, perturbation="jpeg-q50", probability=0.5) for one in rows]
        lost = [Row("lost.jpg", 1, split="test", status="unreadable")]
        plain = risk.measure(rows, "test", resamples=2)
        more = risk.measure([*rows, *copies, *table(split="val"), *lost], "test", resamples=2)
        assert more.rests == plain.rests
        assert (plain.unscored, more.unscored) == (0, 1)
        with pytest.raises(ManifestError, match='the split "train"; its splits: test'):
            risk.measure(rows, "train")
