"""Joining detectors: nothing is fitted on what it is measured on, groups stay whole, and weights are no gamble."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from unmask import calibrate, joining, metrics
from unmask.errors import UsageError
from unmask.joining import Said

Floats = NDArray[np.float64]


def drawn(each: int = 120, strength: tuple[float, ...] = (1.5, 1.0), seed: int = 0, noise: float = 1.0) -> Said:
    """Detectors of different strength, whose errors have nothing to do with each other."""
    rng = np.random.default_rng(seed)
    labels = np.repeat([0.0, 1.0], each)
    logits = np.outer(2 * labels - 1, strength) + rng.normal(0, noise, (2 * each, len(strength)))
    return Said(labels, logits, tuple(f"{number}.jpg" for number in range(2 * each)))


class TestFolds:
    def test_classes_are_spread_evenly_and_order_does_not_matter(self) -> None:
        said = drawn(each=50)
        dealt = joining.folds(said)
        assert dealt is not None
        counts = [np.bincount(dealt[said.labels == label]).tolist() for label in (0, 1)]
        assert counts == [[10] * 5] * 2
        turned = Said(said.labels[::-1], said.logits[::-1], said.groups[::-1])
        again = joining.folds(turned)
        assert again is not None
        assert (again[::-1] == dealt).all()

    def test_groups_stay_whole(self) -> None:
        said = drawn(each=50)
        people = tuple(f"person {number % 12}" for number in range(100))
        dealt = joining.folds(Said(said.labels, said.logits, people))
        assert dealt is not None
        assert len(set(zip(people, dealt.tolist(), strict=True))) == 12
        assert set(dealt.tolist()) == set(range(5))

    @pytest.mark.parametrize(("groups", "parts"), [(3, 3), (2, 2), (1, None)])
    def test_few_groups_make_few_folds(self, groups: int, parts: int | None) -> None:
        said = drawn(each=6)
        names = tuple(f"{label} {number % groups}" for number, label in enumerate(said.labels))
        dealt = joining.folds(Said(said.labels, said.logits, names))
        assert (None if dealt is None else int(dealt.max()) + 1) == parts


class TestFit:
    def test_members_are_fitted_on_all_and_the_joint_out_of_fold(self) -> None:
        said = drawn()
        joint = joining.fit(said, "val", joining.equal)
        for column, own in zip(said.logits.T, joint.calibrations, strict=True):
            assert own == calibrate.fit(said.labels, column, "val")
        assert joint.weights.tolist() == [0.5, 0.5]
        assert joint.folds == joining.FOLDS
        dealt = joining.folds(said)
        assert dealt is not None
        expected = np.full(len(dealt), np.nan)
        for number in range(5):
            inside, outside = dealt == number, dealt != number
            without = [calibrate.fit(said.labels[outside], column[outside], "val") for column in said.logits.T]
            parts = [joining.applied(one, column[inside]) for one, column in zip(without, said.logits.T, strict=True)]
            expected[inside] = np.mean(parts, axis=0)
        assert joint.calibration == pytest.approx(calibrate.fit(said.labels, expected, "val"))

    def test_no_fold_hears_of_its_own_labels(self) -> None:
        """Detectors that say nothing, on few files: fitted on themselves they seem to know something."""
        seeming, honest = [], []
        for seed in range(5):
            said = drawn(each=12, strength=(0.0, 0.0, 0.0), seed=seed)
            joint = joining.fit(said, "val", joining.learned)
            seeming.append(metrics.log_loss(said.labels, joint.probabilities(said.logits)))
            found = joining.contest(said, "val")
            assert found is not None
            honest.append(found.measures["log loss"][1].value)
        assert np.mean(seeming) < np.log(2) < np.mean(honest)

    def test_files_that_one_cannot_judge_calibrate_the_others(self) -> None:
        said = drawn(each=30)
        logits = said.logits.copy()
        logits[:5, 1] = np.nan
        joint = joining.fit(Said(said.labels, logits, said.groups), "val", joining.equal)
        assert [one.reals for one in joint.calibrations] == [30, 25]
        assert joint.calibration.reals == 25

    def test_too_few_to_set_any_aside(self) -> None:
        said = drawn(each=3)
        lone = Said(said.labels, said.logits, ("a", "a", "a", "b", "b", "b"))
        joint = joining.fit(lone, "val", joining.equal)
        assert joint.folds == 0
        assert joining.contest(lone, "val") is None

    def test_a_class_must_be_there(self) -> None:
        said = drawn(each=5)
        with pytest.raises(UsageError, match="both are needed"):
            joining.fit(said.only(said.labels == 1), "val", joining.equal)


class TestLeasts:
    def test_members_are_measured_by_how_real_photos_lie(self) -> None:
        said = drawn()
        joint = joining.fit(said, "val", joining.equal, (None, 0.5))
        for column, own in zip(said.logits.T, joint.calibrations, strict=True):
            assert own == calibrate.against_reals(said.labels, column, "val")

    def test_a_specialist_is_heard_where_it_finds_something_and_not_where_it_finds_nothing(self) -> None:
        said = drawn()
        joint = joining.fit(said, "val", joining.equal, (None, 0.5))
        at = joint.calibrations[1].bias + 0.5 * joint.calibrations[1].temperature
        nothing, little, much = joint.probabilities(np.array([[0.0, at - 9.0], [0.0, at], [0.0, at + 2.0]]))
        assert nothing == little < much
        without = joining.fit(said, "val", joining.equal)
        assert without.probabilities(np.array([[0.0, -9.0]])) < without.probabilities(np.array([[0.0, -1.0]]))

    def test_one_that_the_set_hardly_needs_still_counts(self) -> None:
        """It alone tells a few fakes, and these without doubt; on the scale of probabilities that says little."""
        said = drawn(each=200, strength=(1.0, 0.0))
        logits = said.logits.copy()
        logits[-10:] = (-1.0, 8.0)
        rare = Said(said.labels, logits, said.groups)
        silent, heard = (
            joining.fit(rare, "val", joining.equal, leasts).probabilities(logits[-1:]).item()
            for leasts in ((), (None, 0.5))
        )
        assert silent < 0.5 < 0.99 < heard

    def test_the_contest_and_who_cannot_judge_go_by_the_same_rule(self) -> None:
        said = drawn()
        logits = said.logits.copy()
        logits[:5, 1] = np.nan
        partly = Said(said.labels, logits, said.groups)
        assert joining.fit(partly, "val", joining.equal, (None, 0.5)).calibration.reals == 115
        with_leasts, without = (joining.contest(partly, "val", leasts) for leasts in ((None, 0.5), ()))
        assert with_leasts is not None
        assert without is not None
        assert with_leasts.measures["AUC"][0] != without.measures["AUC"][0]


class TestLearned:
    def test_nothing_near_it_is_better(self) -> None:
        """The loss is convex, so a point without a better neighbour is the best."""
        said = drawn(each=40, strength=(1.5, 0.7, -0.4))
        target, weight = calibrate.soft_targets(said.labels)
        design = np.column_stack([said.logits, np.ones(80)])
        ridge = np.zeros((4, 4))
        ridge[:3, :3] = (np.eye(3) - 1 / 3) / (80 * joining.WEIGHT_SPREAD**2)

        def loss(line: Floats) -> float:
            z = design @ line
            spread = ((line[:3] - line[:3].mean()) ** 2).sum() / (2 * 80 * joining.WEIGHT_SPREAD**2)
            return float(weight @ (np.logaddexp(0, z) - target * z) + spread)

        found = calibrate.logistic(design, target, weight, ridge, range(3))
        assert found[2] == 0 < found[1] < found[0]
        assert joining.learned(said.labels, said.logits) == pytest.approx(found[:3] / found[:3].sum())
        for size in (1e-3, 1e-1):
            for step in np.random.default_rng(0).normal(0, size, (200, 4)):
                near = found + step
                near[:3] = np.maximum(near[:3], 0)
                assert loss(near) >= loss(found)

    def test_the_stronger_weighs_more_and_none_is_negative(self) -> None:
        said = drawn(each=200, strength=(2.0, 0.5, -1.0))
        strong, weak, backwards = joining.learned(said.labels, said.logits)
        assert strong > weak > backwards == 0
        assert strong + weak == pytest.approx(1)

    def test_few_files_leave_weights_nearly_equal(self) -> None:
        few = joining.learned(*_two(drawn(each=5, strength=(2.0, 0.5))))
        many = joining.learned(*_two(drawn(each=500, strength=(2.0, 0.5))))
        assert 0.5 < few[0] < many[0]
        assert few[0] < 0.65

    def test_where_all_rank_backwards_all_weigh_the_same(self) -> None:
        said = drawn(strength=(-2.0, -2.0))
        assert joining.learned(said.labels, said.logits).tolist() == [0.5, 0.5]


class TestContest:
    def test_learned_weights_win_where_one_member_knows_nothing(self) -> None:
        found = joining.contest(drawn(each=150, strength=(2.0, 0.3, 0.0, 0.0)), "val")
        assert found is not None
        assert found.learned_win
        equal, learned = found.measures["log loss"]
        assert found.saved.value == pytest.approx(equal.value - learned.value)
        assert found.saved.low <= found.saved.value <= found.saved.high

    def test_equal_weights_are_kept_among_equals(self) -> None:
        found = joining.contest(drawn(each=60, strength=(1.0, 1.0, 1.0)), "val")
        assert found is not None
        assert not found.learned_win
        assert found.measures["AUC"][0].value > 0.9

    def test_whole_groups_are_redrawn(self) -> None:
        said = drawn(each=60, strength=(0.6, 0.6))
        rows = np.repeat(np.arange(120), 2)
        files = tuple(f"{number}.jpg" for number in range(240))
        people = tuple(f"person {number}" for number in rows)
        found = [
            joining.contest(Said(said.labels[rows], said.logits[rows], groups), "val") for groups in (files, people)
        ]
        assert all(found)
        widths = [one.measures["AUC"][0].high - one.measures["AUC"][0].low for one in found if one]
        assert widths[1] > 1.25 * widths[0], "each picture twice says no more than once"


def test_lists_must_belong_together() -> None:
    said = joining.checked([0, 1], [[0.5, None], [1.0, 2.0]], ["a", "b"])
    assert said.by_all.tolist() == [False, True]
    with pytest.raises(UsageError, match="do not belong together"):
        joining.checked([0, 1], [[0.5, None]], ["a", "b"])


def _two(said: Said) -> tuple[Floats, Floats]:
    return said.labels, said.logits
