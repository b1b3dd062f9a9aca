"""How good calls are, once a threshold has made real or fake of each score: the confusion matrix and its figures.

A share of nothing is 0: a detector that calls nothing fake has a precision of 0 for fakes, as in scikit-learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask.metrics import checked

HALF: Final = 0.5
"""The threshold on a calibrated probability that treats both errors alike, for classes of one size."""

Count = NDArray[np.float64]
"""One count, shape (), or the counts of R resamples, shape (R,)."""


@dataclass(frozen=True, eq=False)
class Confusion:
    """How often each class was called what; every figure has the shape of the counts.

    Attributes:
        reals_called_real: True negatives.
        reals_called_fake: False positives.
        fakes_called_real: False negatives.
        fakes_called_fake: True positives.
    """

    reals_called_real: Count
    reals_called_fake: Count
    fakes_called_real: Count
    fakes_called_fake: Count

    @property
    def accuracy(self) -> Count:
        """Share of right calls. On unequal classes, always calling the larger one already does well."""
        right = self.reals_called_real + self.fakes_called_fake
        return _share(right, right + self.reals_called_fake + self.fakes_called_real)

    @property
    def recall_of_real(self) -> Count:
        """Share of the reals that were called real."""
        return _share(self.reals_called_real, self.reals_called_real + self.reals_called_fake)

    @property
    def recall_of_fake(self) -> Count:
        """Share of the fakes that were called fake."""
        return _share(self.fakes_called_fake, self.fakes_called_fake + self.fakes_called_real)

    @property
    def precision_of_real(self) -> Count:
        """Share of the calls "real" that were right."""
        return _share(self.reals_called_real, self.reals_called_real + self.fakes_called_real)

    @property
    def precision_of_fake(self) -> Count:
        """Share of the calls "fake" that were right."""
        return _share(self.fakes_called_fake, self.fakes_called_fake + self.reals_called_fake)

    @property
    def f1_of_real(self) -> Count:
        """Harmonic mean of precision and recall of real."""
        return _share(2 * self.reals_called_real, 2 * self.reals_called_real + self._wrong)

    @property
    def f1_of_fake(self) -> Count:
        """Harmonic mean of precision and recall of fake."""
        return _share(2 * self.fakes_called_fake, 2 * self.fakes_called_fake + self._wrong)

    @property
    def balanced_accuracy(self) -> Count:
        """Mean recall of both classes, or macro recall; chance is 0.5, whatever the sizes of the classes."""
        return (self.recall_of_real + self.recall_of_fake) / 2

    @property
    def macro_precision(self) -> Count:
        """Mean precision of both classes."""
        return (self.precision_of_real + self.precision_of_fake) / 2

    @property
    def macro_f1(self) -> Count:
        """Mean F1 of both classes."""
        return (self.f1_of_real + self.f1_of_fake) / 2

    @property
    def _wrong(self) -> Count:
        return self.reals_called_fake + self.fakes_called_real


def confusion(labels: ArrayLike, scores: ArrayLike, threshold: float = HALF) -> Confusion:
    """The confusion matrix at a threshold; scores at or above it are called fake.

    Raises:
        UsageError: As for the functions of `metrics`.
    """
    truth, values = checked(labels, scores)
    return weighed(truth, values >= threshold, np.ones_like(truth))


def weighed(truth: NDArray[np.float64], called_fake: NDArray[np.bool_], weights: NDArray[Any]) -> Confusion:
    """Confusion matrices of items that count several times.

    Args:
        truth: 0 or 1, shape (N,).
        called_fake: Shape (N,).
        weights: How often each item counts, shape (N,), or (R, N) for R resamples.
    """
    counts = [
        np.asarray(weights @ ((truth == label) & (called_fake == call)).astype(weights.dtype), np.float64)
        for label in (0, 1)
        for call in (False, True)
    ]
    return Confusion(*counts)


def _share(count: Count, of: Count) -> Count:
    return np.divide(count, of, out=np.zeros_like(np.asarray(count, np.float64)), where=np.asarray(of) > 0)
