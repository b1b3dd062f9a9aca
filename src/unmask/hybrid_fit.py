"""How a hybrid is learned: on what networks said of files they had not seen, and judged on what it has not seen.

The networks never saw val, so what they say of it is out of sample. The hybrid learns from val by folds, groups kept
whole, and is calibrated on what it says of the fold that it was learned without (stacking, Wolpert 1992). What is
kept in the end is learned on all of val. Every figure on val is out of fold.

Metadata are weighed only where that is clearly better on files that were set aside; else the hybrid says what the
networks say. Forty weights on metadata that carry nothing would do harm, if a little. That choice is made on val, once,
so where it falls on metadata the figure on val is a little too good; test has no part in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unmask import calibrate, joining, resampling
from unmask.baseline_model import Facts, Term, terms_of
from unmask.bundles import TOLERANCE
from unmask.card import Calibration
from unmask.errors import BundleError, MissingExtraError, UsageError
from unmask.hybrid import FILE, GOLDEN, JOINT, MODEL, HybridCard
from unmask.joining import Said
from unmask.metrics import Floats, Interval

if TYPE_CHECKING:
    from onnx import ModelProto

Kind = Literal["logistic", "trees"]
Reads = Literal["networks", "each network", "metadata", "both"]
"""What a model may read: the networks' joint logit, each network's own, what the file says, or that and the first."""

_STRENGTH: Final = 0.1
"""scikit-learn's C: metadata in a few hundred files teach forty weights little, so they are held near 0."""
_TREES: Final = {"n_estimators": 60, "max_depth": 2, "learning_rate": 0.1, "min_samples_leaf": 10, "subsample": 0.8}
_GOLDEN_FILES: Final = 16


@dataclass(frozen=True, eq=False)
class Examples:
    """What there is to learn from, N files.

    Attributes:
        facts: Of each, as `hybrid.facts` gives them.
        labels: float64 (N,), 0 or 1.
        groups: What each shares with others; its own name where nothing.
    """

    facts: Sequence[Facts]
    labels: Floats
    groups: tuple[str, ...]

    def part(self, chosen: NDArray[np.bool_]) -> Examples:
        """Some of them."""
        places = np.flatnonzero(chosen).tolist()
        return Examples([self.facts[i] for i in places], self.labels[chosen], tuple(self.groups[i] for i in places))

    @property
    def said(self) -> Said:
        """The same for `joining`: the networks' joint logit alone."""
        return Said(self.labels, self.networks[:, None], self.groups)

    @property
    def networks(self) -> Floats:
        """The networks' joint logit of each file: (N,); NaN where they abstained."""
        return np.array([one.get(JOINT, np.nan) for one in self.facts], np.float64)


class Fitted(NamedTuple):
    """A learned model and the terms it reads; without a model it says what the networks say together.

    Where it may not read the networks either, it says nothing of anything: 0.
    """

    model: Any
    terms: tuple[Term, ...]

    def logits(self, facts: Sequence[Facts]) -> Floats:
        """The scores of files, above 0 leaning fake: (N,)."""
        if self.model is None:
            return np.array([one[JOINT] if self.terms else 0.0 for one in facts], np.float64)
        return np.asarray(self.model.decision_function(table(self.terms, facts)), np.float64)


def demand_extras() -> None:
    """Look for what learning needs, before networks are asked about thousands of files.

    Raises:
        MissingExtraError: scikit-learn or skl2onnx is not installed.
    """
    if not all(map(find_spec, ("sklearn", "skl2onnx"))):
        raise MissingExtraError("learning a hybrid", "train")


def fit(examples: Examples, kind: Kind, reads: Reads = "both") -> Fitted:
    """Learn labels from facts, both classes weighing the same. Where all files are alike, it knows nothing.

    Raises:
        UsageError: A class is missing.
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.ensemble import GradientBoostingClassifier
        from sklearn.linear_model import LogisticRegression
    except ImportError as error:
        raise MissingExtraError("learning a hybrid", "train") from error
    if len(set(examples.labels.tolist())) < 2:
        raise UsageError("a hybrid learns from real photos and fakes; one of the two is missing")
    terms = tuple(terms_of([_read(one, reads) for one in examples.facts]))
    if not terms:
        return Fitted(None, ())
    values, fake = table(terms, examples.facts), examples.labels == 1
    weights = np.where(fake, 0.5 / fake.sum(), 0.5 / (~fake).sum()) * len(fake)
    if kind == "logistic":
        model = LogisticRegression(C=_STRENGTH, max_iter=2000)
    else:
        model = GradientBoostingClassifier(**_TREES, random_state=0)
    return Fitted(model.fit(values, examples.labels.astype(int), sample_weight=weights), terms)


NETWORKS: Final = Fitted(None, (Term(fact=JOINT, asks="number", mean=0.0, spread=1.0),))
"""What the networks say together, as it is."""

Learner = Callable[[Examples], Fitted]


class Hybridised(NamedTuple):
    """What came of learning: the model, and what it says of each file by a model that had not seen it: (N,)."""

    fitted: Fitted
    unseen: Floats


def where_it_helps(examples: Examples, kind: Kind) -> Hybridised:
    """A model of both, where it is clearly better than the networks alone on files it was not learned on; else these.

    Clearly: the whole 95 % interval of the log loss it saves lies above 0, both classes weighing the same. Arguments
    and errors as of `fit` and `out_of_fold`.
    """
    unseen = out_of_fold(examples, lambda part: fit(part, kind))
    said = examples.said
    counts = np.concatenate([np.ones((1, len(said.labels))), joining.redraws(said)])
    alone, both = (
        joining.log_loss(said.labels, calibrated(examples, scores, "")[1], counts)
        for scores in (examples.networks, unseen)
    )
    if joining.interval(alone - both).low > 0:
        return Hybridised(fit(examples, kind), unseen)
    return Hybridised(NETWORKS, examples.networks)


def out_of_fold(examples: Examples, learn: Learner) -> Floats:
    """The score of every file by a model that was learned without its fold: (N,).

    Args:
        examples: The files.
        learn: Learns from some of them.

    Raises:
        UsageError: The files are too few to set some aside, or a class is missing.
        MissingExtraError: scikit-learn is not installed.
    """
    dealt = joining.folds(examples.said)
    if dealt is None:
        raise UsageError(
            "a hybrid needs several real photos and fakes that the networks could judge: there are too few"
        )
    scores = np.full(len(examples.labels), np.nan)
    for fold in np.unique(dealt):
        inside = dealt == fold
        scores[inside] = learn(examples.part(~inside)).logits(examples.part(inside).facts)
    return scores


def calibrated(examples: Examples, scores: Floats, set_name: str) -> tuple[Calibration, Floats]:
    """A calibration of scores that the model had not seen, and the probabilities: (N,)."""
    calibration = calibrate.fit(examples.labels, scores, set_name)
    return calibration, np.asarray(1 / (1 + np.exp(-np.clip(joining.applied(calibration, scores), -500, 500))))


class Gain(NamedTuple):
    """The AUC of one ranking, of another, and by how much that is better; groups of files are redrawn together."""

    before: Interval
    after: Interval
    gain: Interval


def gain(examples: Examples, before: Floats, after: Floats) -> Gain:
    """Compare two rankings of the same files by a paired bootstrap."""
    said = examples.said
    counts = np.concatenate([np.ones((1, len(said.labels))), joining.redraws(said)])
    first, second = (resampling.auc(examples.labels, scores, counts) for scores in (before, after))
    return Gain(joining.interval(first), joining.interval(second), joining.interval(second - first))


def table(terms: Sequence[Term], facts: Sequence[Facts]) -> NDArray[np.float32]:
    """The columns of some terms: float32 (N, F), what the graph takes."""
    return np.stack([term.column(facts) for term in terms], axis=1).astype(np.float32)


def write(folder: Path, card: HybridCard, fitted: Fitted, facts: Sequence[Facts]) -> HybridCard:
    """Write graph, card and golden inputs; the graph is made sure to compute what was learned.

    Args:
        folder: Where to; made if missing.
        card: All but the hash of the graph.
        fitted: What was learned.
        facts: Of some files, to be replayed.

    Raises:
        MissingExtraError: skl2onnx is not installed.
        UsageError: Metadata did not help, so there is no model.
        BundleError: The graph computes something else on one of the files.
    """
    if fitted.model is None:
        raise UsageError(
            "metadata were not measured to help the networks on these files, so there is no hybrid: scan without one"
        )
    from unmask.runtime import Session  # here, because naming one must not load onnxruntime

    values = table(fitted.terms, facts[:_GOLDEN_FILES])
    everything = table(fitted.terms, facts)
    data = _graph(fitted.model, values).SerializeToString(deterministic=True)
    apart = float(np.abs(Session(data, 1).run(everything)["logit"] - fitted.logits(facts)).max())
    if not apart <= TOLERANCE:  # so written because NaN must fail
        raise BundleError(f"the graph does not compute what was learned: logits differ by {apart:.2g}")
    card = card.model_copy(update={"sha256": hashlib.sha256(data).hexdigest()})
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MODEL).write_bytes(data)
    np.savez(folder / GOLDEN, table=values, logit=fitted.logits(facts[:_GOLDEN_FILES]).astype(np.float32))
    (folder / FILE).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


def _read(facts: Facts, reads: Reads) -> Facts:
    """Those facts that a model may read."""

    def allowed(name: str) -> bool:
        if name == JOINT:
            return reads in ("networks", "both")
        if name.startswith("network: "):
            return reads == "each network"
        return reads in ("metadata", "both")

    return {name: value for name, value in facts.items() if allowed(name)}


def _graph(model: Any, values: NDArray[np.float32]) -> ModelProto:
    """The model as a graph from `table` (N, F) to `logit` (N,)."""
    try:
        from onnx import TensorProto, helper
        from skl2onnx import to_onnx
    except ImportError as error:
        raise MissingExtraError("exporting a hybrid", "train") from error
    options = {id(model): {"zipmap": False, "raw_scores": True}}
    made: ModelProto = to_onnx(model, values[:1], options=options)
    made.graph.node.append(helper.make_node("Gather", [made.graph.output[1].name, "of_fakes"], ["logit"], axis=1))
    made.graph.initializer.append(helper.make_tensor("of_fakes", TensorProto.INT64, [], [1]))
    del made.graph.output[:]
    made.graph.output.append(helper.make_tensor_value_info("logit", TensorProto.FLOAT, [None]))
    return made
