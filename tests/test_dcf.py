"""Costs of errors: by hand, at their limits, against the definition, and what must not move them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unmask import dcf, metrics
from unmask.dcf import DETECTION, Verifier, Weights
from unmask.errors import ManifestError, UsageError
from unmask.scores import Row

Arrays = tuple[NDArray[np.float64], NDArray[np.float64]]

LABELS = [0] * 4 + [1] * 5
SCORES = [0, 1, 2, 3, 1.5, 2.5, 4, 5, 6]

VERIFIER = Verifier(targets_refused=0.1, others_accepted=0.2, fakes_accepted=0.5)


@st.composite
def labelled(draw: st.DrawFn, *, distinct: bool = False) -> Arrays:
    """Both classes, on an exact grid; with many ties unless they must be distinct."""
    count = draw(st.integers(2, 30))
    labels = draw(st.lists(st.integers(0, 1), min_size=count, max_size=count).filter(lambda x: 0 < sum(x) < len(x)))
    grid = st.integers(-200, 200) if distinct else st.integers(-6, 6)
    scores = draw(st.lists(grid, min_size=count, max_size=count, unique=distinct))
    return np.array(labels, float), np.array(scores, float) / 16


def asked_of_each(labels: Sequence[float], scores: Sequence[float], weights: Weights) -> float:
    """The definition, threshold by threshold: who reaches it is called fake."""
    reals = [score for label, score in zip(labels, scores, strict=True) if label == 0]
    fakes = [score for label, score in zip(labels, scores, strict=True) if label == 1]
    costs = []
    for threshold in (*scores, math.inf):
        called = sum(score >= threshold for score in reals) / len(reals)
        missed = sum(score < threshold for score in fakes) / len(fakes)
        costs.append(weights.floor + weights.real_called_fake * called + weights.fake_called_real * missed)
    return min(costs) / (weights.floor + min(weights.real_called_fake, weights.fake_called_real))


class TestByHand:
    def test_minimum_dcf(self) -> None:
        # From 4 on no real recording is called fake, and 2 of 5 fakes are missed: (0.5 * 2/5) / 0.5 = 2/5.
        # From 2.5 on it is 1 of 4 and 1 of 5: (0.95/4 + 0.5/5) / 0.5 = 27/40. From 1.5 on, 0.95/2 / 0.5 = 19/20.
        assert dcf.minimum(LABELS, SCORES) == pytest.approx(2 / 5)
        # 1 of 20 real recordings scores above all fakes, the rest below: (0.95 / 20) / 0.5 = 19/200.
        assert dcf.minimum([0] * 20 + [1] * 3, [*range(19), 99, 50, 51, 52]) == pytest.approx(19 / 200)

    def test_actual_dcf(self) -> None:
        # Fake is called where p / (1 - p) > 0.95 / 0.5, so from 19/29 = 0.6552 on: one of 4 real recordings, 0.7, and
        # 3 of 5 fakes. (0.95/4 + 0.5 * 2/5) / 0.5 = 7/8.
        assert dcf.actual(LABELS, [0.1, 0.6, 0.7, 0.2, 0.66, 0.65, 0.9, 0.99, 0.3]) == pytest.approx(7 / 8)
        # One half speaks for neither where both errors cost the same, and is then called real.
        assert dcf.actual([0, 1], [0.5, 0.5], Weights(1, 1)) == pytest.approx(1)

    def test_cllr(self) -> None:
        # P(real) = 3/4 of the real one, P(fake) = 1/2 of the fake: (log2(4/3) + log2(2)) / 2, whatever their number.
        assert dcf.cllr([0, 0, 1], [0.25, 0.25, 0.5]) == pytest.approx((math.log2(4 / 3) + 1) / 2)

    def test_a_verifier_at_its_equal_error_rate(self) -> None:
        # In order: -1, 0, 1 of others, 2 of a target, 3 of another, 5, 6, 7 of targets. Up to 2, 1/4 of the targets
        # lie, and above it 1/4 of the others: 2 is the threshold, and the target that scores it is accepted.
        found = Verifier.at_equal_errors([7, 2, 5, 6], [0, 3, 1, -1], [2, 1.9, 8, -3])
        assert found == Verifier(targets_refused=0.0, others_accepted=1 / 4, fakes_accepted=2 / 4)

    def test_t_dcf(self) -> None:
        # P(target) = 0.95 * 0.99 = 0.9405, P(nontarget) = 0.95 * 0.01 = 0.0095.
        # C0 = 0.9405 * 1/10 + 10 * 0.0095 * 1/5 = 0.11305; C1 = 0.9405 - C0 = 0.82745; C2 = 10 * 0.05 * 1/2 = 0.25.
        revised, of_2019 = dcf.tandem(VERIFIER), dcf.tandem_2019(VERIFIER)
        assert (revised.floor, revised.real_called_fake, revised.fake_called_real) == pytest.approx(
            (0.11305, 0.82745, 0.25)
        )
        assert (of_2019.floor, of_2019.real_called_fake, of_2019.fake_called_real) == pytest.approx((0, 0.82745, 0.25))
        # 1 of 20 real recordings above all fakes: 0.82745 / 20 = 0.0413725, by 0.25; with C0 above and below, revised.
        labels, scores = [0] * 20 + [1] * 3, [*range(19), 99, 50, 51, 52]
        assert dcf.minimum(labels, scores, of_2019) == pytest.approx(0.0413725 / 0.25)
        assert dcf.minimum(labels, scores, revised) == pytest.approx((0.11305 + 0.0413725) / (0.11305 + 0.25))


class TestLimits:
    @pytest.mark.parametrize("weights", [DETECTION, dcf.tandem_2019(VERIFIER)])
    def test_perfect_is_nothing_and_useless_is_one(self, weights: Weights) -> None:
        assert dcf.minimum([0, 0, 1], [1, 2, 3], weights) == 0
        assert dcf.minimum([0, 0, 1], [5, 5, 5], weights) == 1
        assert dcf.minimum([0, 0, 1], [2, 3, 1], weights) == 1
        assert dcf.actual([0, 0, 1], [0, 0.1, 1], weights) == 0

    def test_behind_a_perfect_detector_the_verifier_still_errs(self) -> None:
        weights = dcf.tandem(VERIFIER)
        assert dcf.minimum([0, 1], [0, 1], weights) == pytest.approx(0.11305 / 0.36305)
        assert dcf.minimum([0, 1], [0, 0], weights) == 1

    def test_probabilities_that_claim_too_much_cost_more_than_silence(self) -> None:
        assert dcf.actual([0, 1], [0.99, 0.99]) == pytest.approx(0.95 / 0.5)
        assert dcf.actual([0, 1], [0.01, 0.01]) == 1
        assert dcf.cllr([0, 1], [0.99, 0.99]) > 1

    def test_always_one_half_is_one_bit(self) -> None:
        assert dcf.cllr([0, 1, 1], [0.5] * 3) == pytest.approx(1)

    @pytest.mark.parametrize("weights", [(0, 1), (1, 0), (-1, 2), (1, 1, -0.1)])
    def test_weights_that_make_errors_free_are_refused(self, weights: tuple[float, ...]) -> None:
        with pytest.raises(UsageError, match="must cost something"):
            Weights(*weights)

    def test_a_hopeless_verifier_is_refused(self) -> None:
        for verifier in (Verifier(1.0, 0.0, 0.5), Verifier(0.0, 0.0, 0.0)):
            for of in (dcf.tandem, dcf.tandem_2019):
                with pytest.raises(UsageError, match="no t-DCF: this verifier costs more"):
                    of(verifier)

    @pytest.mark.parametrize("scores", [([], [1], [1]), ([1], [1], []), ([1], [math.nan], [1])])
    def test_a_verifier_needs_all_its_scores(self, scores: tuple[list[float], ...]) -> None:
        with pytest.raises(UsageError, match="finite scores of targets, of nontargets and of spoofs"):
            Verifier.at_equal_errors(*scores)


class TestProperties:
    @given(labelled(), st.sampled_from([DETECTION, dcf.tandem(VERIFIER), dcf.tandem_2019(VERIFIER), Weights(1, 3)]))
    def test_it_is_the_definition(self, drawn: Arrays, weights: Weights) -> None:
        labels, scores = drawn
        found = dcf.minimum(labels, scores, weights)
        assert found == pytest.approx(asked_of_each(labels.tolist(), scores.tolist(), weights))
        assert 0 <= found <= 1

    @given(labelled())
    def test_only_the_order_counts(self, drawn: Arrays) -> None:
        labels, scores = drawn
        assert dcf.minimum(labels, np.exp(3 * scores) - 7) == dcf.minimum(labels, scores)

    @given(labelled(), st.integers(2, 5))
    def test_how_many_of_each_class_there_are_does_not(self, drawn: Arrays, times: int) -> None:
        labels, scores = drawn
        claimed = 1 / (1 + np.exp(-scores))
        more = np.where(labels == 0, times, 1)
        for of, values in ((dcf.minimum, scores), (dcf.actual, claimed), (dcf.cllr, claimed)):
            assert of(np.repeat(labels, more), np.repeat(values, more)) == pytest.approx(of(labels, values))

    @given(labelled())
    def test_no_threshold_costs_less_than_the_minimum(self, drawn: Arrays) -> None:
        labels, scores = drawn
        claimed = 1 / (1 + np.exp(-scores))
        for weights in (DETECTION, dcf.tandem(VERIFIER), Weights(2, 1)):
            assert dcf.actual(labels, claimed, weights) >= dcf.minimum(labels, claimed, weights) - 1e-12

    @given(labelled())
    def test_the_revised_t_dcf_is_the_higher(self, drawn: Arrays) -> None:
        labels, scores = drawn
        assert dcf.minimum(labels, scores, dcf.tandem(VERIFIER)) >= dcf.minimum(
            labels, scores, dcf.tandem_2019(VERIFIER)
        )

    @given(labelled(distinct=True))
    def test_equal_error_rates_of_asvspoof_are_near_ours(self, drawn: Arrays) -> None:
        labels, scores = drawn
        reals, fakes = scores[labels == 0], scores[labels == 1]
        rates = [((reals >= t).mean(), (fakes < t).mean()) for t in (*scores, math.inf)]
        theirs = np.mean(min(rates, key=lambda pair: abs(pair[0] - pair[1])))
        assert abs(theirs - metrics.eer(labels, scores)) <= 1 / (4 * min(len(reals), len(fakes))) + 1e-12


class TestRead:
    def test_the_file_of_2019(self, tmp_path: Path) -> None:
        path = tmp_path / "asv.txt"
        path.write_text(
            "bonafide target 7\nbonafide target 2\nbonafide target 5\nbonafide target 6\n"
            "bonafide nontarget 0\nbonafide nontarget 3\nbonafide nontarget 1\nbonafide nontarget -1e0\n\n"
            "A07 spoof 2\nA07 spoof 1.9\nA19 spoof 8\nA19 spoof -3\n"
        )
        assert Verifier.read(path) == Verifier(0.0, 1 / 4, 2 / 4)

    @pytest.mark.parametrize("line", ["LA_0001 bonafide target 2.5", "bonafide genuine 2.5", "A07 spoof high", "2.5"])
    def test_another_form_is_refused_with_its_line(self, tmp_path: Path, line: str) -> None:
        path = tmp_path / "asv.txt"
        path.write_text(f"bonafide target 1\n{line}\n")
        with pytest.raises(ManifestError, match=r'line 2 is not such as "bonafide target 2\.5"'):
            Verifier.read(path)

    def test_what_lacks_a_kind_or_is_not_there_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "asv.txt"
        path.write_text("bonafide target 1\nbonafide nontarget 0\n")
        with pytest.raises(ManifestError, match=r"asv\.txt: a verifier needs finite scores"):
            Verifier.read(path)
        with pytest.raises(ManifestError, match="cannot be read"):
            Verifier.read(tmp_path / "none.txt")


def table(split: str = "test", each: int = 40, seed: int = 0) -> list[Row]:
    """Rows with probabilities that mean what they say, where real and fake are equally likely."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(2 * each):
        label = number % 2
        logit = float(rng.normal(1.5 * (2 * label - 1), np.sqrt(3)))
        p = 1 / (1 + math.exp(-logit))
        rows.append(Row(f"{number}.flac", label, split=split, detector="voice", logit=logit, probability=p))
    return rows


class TestMeasure:
    def test_every_cost_of_a_split(self) -> None:
        rows = table()
        copies = [Row("x.flac", 1, split="test", perturbation="noise", detector="voice", logit=-9.0, probability=0.1)]
        lost = [Row("y.flac", 1, split="test", status="unreadable")]
        found = dcf.measure([*rows, *copies, *lost, *table("val", seed=1)], "test", VERIFIER, resamples=50)
        assert (found.on, found.reals, found.fakes, found.unscored) == ("test, by logit of voice", 40, 40, 1)
        labels = [one.label for one in rows]
        logits = [one.logit or 0.0 for one in rows]
        claimed = [one.probability or 0.0 for one in rows]
        assert {name: one.value for name, one in found.measures.items()} == pytest.approx(
            {
                "equal error rate": metrics.eer(labels, logits),
                "minimum DCF of ASVspoof 5": dcf.minimum(labels, logits),
                "minimum t-DCF of ASVspoof 2019": dcf.minimum(labels, logits, dcf.tandem_2019(VERIFIER)),
                "minimum t-DCF of ASVspoof 2021": dcf.minimum(labels, logits, dcf.tandem(VERIFIER)),
                "actual DCF of ASVspoof 5": dcf.actual(labels, claimed),
                "C_llr": dcf.cllr(labels, claimed),
            }
        )
        assert all(one.low <= one.value <= one.high and one.low < one.high for one in found.measures.values())

    def test_intervals_are_those_of_the_plain_bootstrap(self) -> None:
        rows = table(each=20)
        found = dcf.measure(rows, "test", resamples=40).measures
        labels, logits = [one.label for one in rows], [one.logit or 0.0 for one in rows]
        claimed = [one.probability or 0.0 for one in rows]
        for name, of, values in (
            ("minimum DCF of ASVspoof 5", dcf.minimum, logits),
            ("actual DCF of ASVspoof 5", dcf.actual, claimed),
            ("C_llr", dcf.cllr, claimed),
        ):
            assert found[name] == pytest.approx(metrics.bootstrap(of, labels, values, resamples=40))

    def test_without_a_verifier_there_is_no_t_dcf(self) -> None:
        assert not any("t-DCF" in name for name in dcf.measure(table(), "test", resamples=2).measures)

    def test_a_split_that_is_not_there_is_named_with_those_that_are(self) -> None:
        with pytest.raises(ManifestError, match='of the split "train"; its splits: test'):
            dcf.measure(table(), "train")
