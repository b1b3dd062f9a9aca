"""What errors cost, as the ASVspoof challenges count them: minimum and actual DCF, minimum t-DCF, C_llr.

Where ASVspoof scores speech, higher means bona fide; here higher means fake, as everywhere in this package. A real
recording called fake is its miss, a fake called real its false acceptance. A detection cost weighs the two rates and is
divided by the cost of the better of two detectors that do not listen, one that always says real and one that always
says fake: 0 is perfect, 1 is useless. The minimum is over all thresholds, so it is of the ranking alone; the actual
cost is at the threshold which probabilities that mean what they say would choose.

Costs and priors are those of the challenges: a fake that passes costs ten times a real recording that does not, and
one recording in twenty is a fake. The shares of the two in a test have no influence.

Sources: the minimum and actual DCF of Wang et al. 2024, ASVspoof 5 (arXiv:2408.08739); the t-DCF of Kinnunen et al.
2018 (arXiv:1804.09618), as the plan of ASVspoof 2019 has it, and revised in Kinnunen et al. 2020 (arXiv:2007.05979), as
ASVspoof 2021 has it; C_llr of Brümmer & du Preez 2006. All agree with the evaluation packages of their authors. Their
equal error rate does not interpolate, `metrics.eer` does: where no scores are equal, the two differ by a quarter of a
recording of the smaller class at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unmask import metrics, resampling, scored
from unmask.errors import ManifestError, UsageError
from unmask.metrics import RESAMPLES, Floats, Interval
from unmask.resampling import Counts, Set
from unmask.scores import Row

FAKES: Final = 0.05
"""How many recordings are fakes, as the challenges suppose."""

TARGETS: Final = 0.99
"""How many of the real ones are of the person that they claim to be."""

MISSED: Final = 1.0
"""What it costs to turn away the right person."""

PASSED: Final = 10.0
"""What it costs to let anybody else in: a fake, or another person."""

_EER: Final = "equal error rate"


@dataclass(frozen=True)
class Weights:
    """A cost: `floor` + `real_called_fake` times that rate + `fake_called_real` times that rate.

    Attributes:
        real_called_fake: At least 0.
        fake_called_real: At least 0.
        floor: What a perfect detector leaves: errors of others, behind it.
    """

    real_called_fake: float
    fake_called_real: float
    floor: float = 0.0

    def __post_init__(self) -> None:
        """Refuse weights by which errors are worth making.

        Raises:
            UsageError: One is negative, or even the deaf cost nothing.
        """
        if min(self.real_called_fake, self.fake_called_real, self.floor) < 0 or self.deaf <= 0:
            raise UsageError("a cost needs weights of at least 0, and errors of both kinds must cost something")

    @property
    def deaf(self) -> float:
        """The cost of the better of two detectors that always say the same."""
        return self.floor + min(self.real_called_fake, self.fake_called_real)

    def cost(self, reals_called_fake: Floats, fakes_called_real: Floats) -> Floats:
        """Of these rates, any shape; 1 is as good as deaf."""
        spent = self.floor + self.real_called_fake * reals_called_fake + self.fake_called_real * fakes_called_real
        return np.asarray(spent / self.deaf, np.float64)


DETECTION: Final = Weights(MISSED * (1 - FAKES), PASSED * FAKES)
"""ASVspoof 5, track 1: 0.95 and 0.5."""


@dataclass(frozen=True)
class Verifier:
    """How a system that knows a speaker by voice errs, at one threshold: what waits behind the detector in a t-DCF.

    Attributes:
        targets_refused: Share of the right persons that it turns away.
        others_accepted: Share of the wrong persons that it lets in.
        fakes_accepted: Share of the fakes of the right person that it lets in.
    """

    targets_refused: float
    others_accepted: float
    fakes_accepted: float

    @classmethod
    def at_equal_errors(cls, targets: ArrayLike, others: ArrayLike, fakes: ArrayLike) -> Verifier:
        """At the threshold of its equal error rate, found as the packages of ASVspoof find it.

        That is the score up to which as large a share of the targets lies as of the others above it, or nearly so;
        who scores just that is accepted all the same.

        Args:
            targets: Scores of the right persons, shape (N,); higher means the same person.
            others: Of wrong persons, shape (M,).
            fakes: Of fakes of the right persons, shape (K,).

        Raises:
            UsageError: One of them is empty, or not a finite number.
        """
        right, wrong, faked = (np.asarray(scores, np.float64) for scores in (targets, others, fakes))
        if not all(len(scores) and np.isfinite(scores).all() for scores in (right, wrong, faked)):
            raise UsageError("a verifier needs finite scores of targets, of nontargets and of spoofs")
        both = np.concatenate([right, wrong])
        order = np.argsort(both, kind="stable")
        refused = np.cumsum(order < len(right))
        accepted = len(wrong) - (np.arange(1, len(both) + 1) - refused)
        threshold = both[order][np.argmin(np.abs(refused / len(right) - accepted / len(wrong)))]
        return cls(
            float((right < threshold).mean()), float((wrong >= threshold).mean()), float((faked >= threshold).mean())
        )

    @classmethod
    def read(cls, path: Path) -> Verifier:
        """From scores such as ASVspoof2019.LA.asv.eval.gi.trl.scores.txt, which come with ASVspoof 2019 LA.

        Raises:
            ManifestError: It cannot be read, or a line is not of its form, or one of the three kinds is missing.
        """
        found: dict[str, list[float]] = {"target": [], "nontarget": [], "spoof": []}
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ManifestError(f"the scores {path} cannot be read: {error}") from error
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                _, key, score = line.split()
                found[key].append(float(score))
            except (KeyError, ValueError) as error:
                wanted = 'such as "bonafide target 2.5" or "A07 spoof -1.3"'
                raise ManifestError(f"{path}, line {number} is not {wanted}: {line[:80]}") from error
        try:
            return cls.at_equal_errors(*found.values())
        except UsageError as error:
            raise ManifestError(f"{path}: {error}") from error


def tandem(verifier: Verifier) -> Weights:
    """The t-DCF of ASVspoof 2021 (revised): what detector and verifier together cost, the verifier's errors included.

    Raises:
        UsageError: The verifier is so bad that turning everybody away is cheaper, or lets no fake in.
    """
    floor = _floor(verifier)
    return _tandem(verifier, floor, floor)


def tandem_2019(verifier: Verifier) -> Weights:
    """The t-DCF of ASVspoof 2019: the same, without what the verifier costs even behind a perfect detector.

    Raises:
        UsageError: As for `tandem`.
    """
    return _tandem(verifier, _floor(verifier), 0.0)


def _floor(verifier: Verifier) -> float:
    refused = MISSED * TARGETS * verifier.targets_refused
    return (1 - FAKES) * (refused + PASSED * (1 - TARGETS) * verifier.others_accepted)


def _tandem(verifier: Verifier, spent: float, floor: float) -> Weights:
    saved = MISSED * (1 - FAKES) * TARGETS - spent  # by letting a real recording through to the verifier
    let_in = PASSED * FAKES * verifier.fakes_accepted
    if saved <= 0 or let_in <= 0:
        raise UsageError("no t-DCF: this verifier costs more than turning everybody away, or lets no fake in")
    return Weights(saved, let_in, floor)


def minimum(labels: ArrayLike, scores: ArrayLike, weights: Weights = DETECTION) -> float:
    """The least cost that any threshold on these scores has; at most 1.

    Args:
        labels: 0 (real) or 1 (fake), shape (N,).
        scores: Higher leans fake, shape (N,).
        weights: `DETECTION` for the minimum DCF, or what `tandem` or `tandem_2019` return for the minimum t-DCF.
    """
    truth, ranked = metrics.checked(labels, scores)
    return float(_minimum(*resampling.curve(truth, ranked, np.ones((1, len(truth)))), weights)[0])


def actual(labels: ArrayLike, probabilities: ArrayLike, weights: Weights = DETECTION) -> float:
    """The cost at the threshold which probabilities that mean what they say would choose; may be far above 1.

    Args:
        labels: 0 (real) or 1 (fake), shape (N,).
        probabilities: P(fake) where real and fake are equally likely, as `unmask.calibrate` gives them, shape (N,).
        weights: Of the errors.
    """
    truth, claimed = metrics.checked_probabilities(labels, probabilities)
    return float(_actual(truth, claimed, np.ones((1, len(truth))), weights)[0])


def cllr(labels: ArrayLike, probabilities: ArrayLike) -> float:
    """C_llr in bits: mean surprise at the truth, both classes weighing the same; 1 for always one half.

    Args:
        labels: 0 (real) or 1 (fake), shape (N,).
        probabilities: P(fake) where real and fake are equally likely, shape (N,).
    """
    truth, claimed = metrics.checked_probabilities(labels, probabilities)
    return float(_cllr(truth, claimed, np.ones((1, len(truth))))[0])


@dataclass(frozen=True)
class Costs:
    """All costs of one split of one table of scores.

    Attributes:
        on: The split, and who was asked.
        reals: How many were measured.
        fakes: Likewise.
        unscored: Files without a score, which are not measured.
        measures: By name, with 95 % bootstrap intervals over the files. The verifier is not redrawn.
    """

    on: str
    reals: int
    fakes: int
    unscored: int
    measures: Mapping[str, Interval]


def measure(rows: Sequence[Row], split: str, verifier: Verifier | None = None, *, resamples: int = RESAMPLES) -> Costs:
    """Every cost of the files of a split, as they are: perturbed copies are left out.

    Args:
        rows: A table of scores.
        split: Whose.
        verifier: For the t-DCF; without it there is none.
        resamples: Redraws of the bootstrap.

    Raises:
        ManifestError: The split holds no scored files of one of the classes.
        UsageError: With this verifier there is no t-DCF.
    """
    chosen = [one for one in rows if one.split == split and not one.perturbation]
    if not scored.both_classes(chosen):
        there = ", ".join(sorted({one.split for one in rows} - {""})) or "none"
        raise ManifestError(f'the scores hold no real and fake files of the split "{split}"; its splits: {there}')
    items = scored.measurable(chosen)
    minima = {"minimum DCF of ASVspoof 5": DETECTION}
    if verifier:
        minima["minimum t-DCF of ASVspoof 2019"] = tandem_2019(verifier)
        minima["minimum t-DCF of ASVspoof 2021"] = tandem(verifier)
    found = resampling.intervals(items.truth, lambda counts: _measures(items, counts, minima), resamples=resamples)
    reals, fakes = scored.counts(chosen)
    return Costs(f"{split}, {scored.ranked_by(chosen)}", reals, fakes, len(chosen) - reals - fakes, found)


def _measures(items: Set, counts: Counts, minima: Mapping[str, Weights]) -> dict[str, Floats]:
    fpr, tpr = resampling.curve(items.truth, items.scores, counts)
    return {
        _EER: resampling.measures(items, counts)[_EER],
        **{name: _minimum(fpr, tpr, weights) for name, weights in minima.items()},
        "actual DCF of ASVspoof 5": _actual(items.truth, items.claimed, counts, DETECTION),
        "C_llr": _cllr(items.truth, items.claimed, counts),
    }


def _minimum(fpr: Floats, tpr: Floats, weights: Weights) -> Floats:
    return np.asarray(weights.cost(fpr, 1 - tpr).min(axis=1))


def _actual(truth: Floats, claimed: Floats, counts: Counts, weights: Weights) -> Floats:
    """Fake is called where P(fake) / P(real) exceeds the cost of calling it so over that of not."""
    called = claimed * weights.fake_called_real > (1 - claimed) * weights.real_called_fake
    return weights.cost(_rate(called, truth == 0, counts), _rate(~called, truth == 1, counts))


def _cllr(truth: Floats, claimed: Floats, counts: Counts) -> Floats:
    bits = metrics.surprise(truth, claimed) / np.log(2)
    return (_rate(bits, truth == 0, counts) + _rate(bits, truth == 1, counts)) / 2


def _rate(of: NDArray[Any], members: NDArray[np.bool_], counts: Counts) -> Floats:
    """Mean over the drawn items of a class: shape (R,)."""
    drawn = counts[:, members]
    return np.asarray(drawn @ of[members].astype(np.float64) / drawn.sum(axis=1))
