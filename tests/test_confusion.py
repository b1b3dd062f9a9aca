import numpy as np
import pytest
from sklearn import metrics as reference

from unmask.confusion import confusion, weighed
from unmask.errors import UsageError

RNG = np.random.default_rng(0)
LABELS = (RNG.random(400) < 0.3).astype(float)
CLAIMED = np.round(np.clip(RNG.normal(0.35 + 0.25 * LABELS, 0.2), 0, 1), 2)


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_agrees_with_scikit_learn(threshold: float) -> None:
    found = confusion(LABELS, CLAIMED, threshold)
    called = np.greater_equal(CLAIMED, threshold)
    (tn, fp), (fn, tp) = reference.confusion_matrix(LABELS, called)
    counts = (found.reals_called_real, found.reals_called_fake, found.fakes_called_real, found.fakes_called_fake)
    assert counts == (tn, fp, fn, tp)
    assert found.accuracy == pytest.approx(reference.accuracy_score(LABELS, called))
    assert found.balanced_accuracy == pytest.approx(reference.balanced_accuracy_score(LABELS, called))
    each = reference.precision_recall_fscore_support(LABELS, called)
    assert (found.precision_of_real, found.precision_of_fake) == pytest.approx(tuple(each[0]))
    assert (found.recall_of_real, found.recall_of_fake) == pytest.approx(tuple(each[1]))
    assert (found.f1_of_real, found.f1_of_fake) == pytest.approx(tuple(each[2]))
    macro = reference.precision_recall_fscore_support(LABELS, called, average="macro")
    assert (found.macro_precision, found.balanced_accuracy, found.macro_f1) == pytest.approx(macro[:3])


def test_a_detector_that_calls_nothing_fake_has_no_precision() -> None:
    found = confusion([0, 0, 1], [0.1, 0.2, 0.3])
    assert [float(one) for one in (found.precision_of_fake, found.recall_of_fake, found.f1_of_fake)] == [0, 0, 0]
    assert found.accuracy == pytest.approx(2 / 3)


def test_items_that_count_twice_are_as_two() -> None:
    weights = np.array([[1.0, 2.0, 0.0, 3.0], [0.0, 1.0, 1.0, 1.0]])
    found = weighed(np.array([0.0, 0.0, 1.0, 1.0]), np.array([False, True, False, True]), weights)
    assert found.reals_called_fake.tolist() == [2, 1]
    assert found.fakes_called_fake.tolist() == [3, 1]
    assert found.accuracy.tolist() == pytest.approx([4 / 6, 1 / 3])


def test_a_class_must_be_there() -> None:
    with pytest.raises(UsageError, match="2 reals and 0 fakes"):
        confusion([0, 0], [0.1, 0.2])
