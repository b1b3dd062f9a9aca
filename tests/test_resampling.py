import time
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unmask import metrics, resampling
from unmask.confusion import confusion
from unmask.errors import UsageError
from unmask.metrics import Metric
from unmask.resampling import Set, every


def noisy(count: int = 300, seed: int = 0) -> Set:
    rng = np.random.default_rng(seed)
    labels = (rng.random(count) < 0.4).astype(float)
    scores = np.round(rng.normal(labels, 1.0), 1)  # with many ties
    return Set.of(labels, scores, 1 / (1 + np.exp(-scores)))


BY_RANK: dict[str, Metric] = {
    "AUC": metrics.auc,
    "average precision": metrics.average_precision,
    "equal error rate": metrics.eer,
    "TPR at 0.1 % FPR": lambda labels, scores: metrics.tpr_at_fpr(labels, scores, 0.001),
    "TPR at 1 % FPR": metrics.tpr_at_fpr,
    "TPR at 5 % FPR": lambda labels, scores: metrics.tpr_at_fpr(labels, scores, 0.05),
}
BY_CLAIM: dict[str, Metric] = {
    "log loss": metrics.log_loss,
    "expected calibration error, 15 bins": metrics.calibration_error,
    "Brier score": metrics.brier,
    "accuracy": lambda labels, claimed: float(confusion(labels, claimed).accuracy),
    "precision of fake": lambda labels, claimed: float(confusion(labels, claimed).precision_of_fake),
    "F1 of real": lambda labels, claimed: float(confusion(labels, claimed).f1_of_real),
    "macro F1": lambda labels, claimed: float(confusion(labels, claimed).macro_f1),
    "fakes called real": lambda labels, claimed: float(confusion(labels, claimed).fakes_called_real),
}


@pytest.mark.parametrize("name", [*BY_RANK, *BY_CLAIM])
def test_intervals_are_those_of_the_loop(name: str) -> None:
    items = noisy()
    found = every(items, resamples=60, seed=3)[name]
    values = items.scores if name in BY_RANK else items.claimed
    slow = metrics.bootstrap((BY_RANK | BY_CLAIM)[name], items.truth, values, resamples=60, seed=3)
    assert found == pytest.approx(slow, abs=1e-12)
    assert found.low <= found.value <= found.high


@given(
    st.lists(st.tuples(st.integers(0, 1), st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0, np.inf])), min_size=2).filter(
        lambda rows: len({label for label, _ in rows}) == 2
    )
)
def test_ties_and_infinite_scores(rows: list[tuple[int, float]]) -> None:
    labels, scores = (np.array(column, float) for column in zip(*rows, strict=True))
    found = every(Set.of(labels, scores, np.full(len(rows), 0.5)), resamples=1)
    for name, metric in BY_RANK.items():
        assert found[name].value == pytest.approx(metric(labels, scores)), name


def test_a_large_set_is_worked_on_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = every(noisy(), resamples=50)
    monkeypatch.setattr(resampling, "_CELLS", 7 * 300)
    parts = list(resampling.redraws(noisy().truth, 50))
    assert [len(part) for part in parts] == [7] * 7 + [1]
    in_parts = every(noisy(), resamples=50)
    for name, interval in whole.items():
        assert in_parts[name] == pytest.approx(interval), name


def test_classes_are_redrawn_separately() -> None:
    truth = noisy().truth
    (counts,) = resampling.redraws(truth, 20)
    assert set(counts[:, truth == 1].sum(axis=1)) == {truth.sum()}
    assert set(counts.sum(axis=1)) == {len(truth)}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: every(noisy(), resamples=0), "at least one resample"),
        (lambda: every(noisy(), level=1.0), "a level between 0 and 1"),
        (lambda: Set.of([0, 1], [1, 2], [0.5, 1.5]), "outside of 0 to 1"),
        (lambda: Set.of([0, 0], [1, 2], [0.5, 0.5]), "2 reals and 0 fakes"),
    ],
)
def test_refuses_what_cannot_be_measured(call: Callable[[], object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        call()


def test_all_measures_of_a_thousand_items_take_a_moment() -> None:
    start = time.process_time()
    every(noisy(1000), resamples=1000)
    assert time.process_time() - start < 4  # takes 0.2 s on one idle core
