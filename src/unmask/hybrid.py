"""One calibrated model over what networks say of a picture and what its file says of itself: used only where asked for.

A folder with model.onnx, hybrid.json and golden.npz, as a bundle is. The graph takes the terms of hybrid.json as
float32 (N, F) and gives `logit` float32 (N,), above 0 leaning fake. It is pinned to the networks it was learned on,
because others under the same names would make it untrue.

What metadata are worth depends on how often they are honest, stripped or forged where a file comes from, and nobody
knows that of the world. So no hybrid ships, and a verdict keeps the two apart unless the user names one.
"""

from __future__ import annotations

import hashlib
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from unmask.baseline_model import Facts, Term
from unmask.bundles import TOLERANCE
from unmask.card import Calibration, Figure, Thresholds
from unmask.errors import BundleError, UsageError
from unmask.types import Report, Value

FILE: Final = "hybrid.json"
MODEL: Final = "model.onnx"
GOLDEN: Final = "golden.npz"
FAMILIES: Final = ("compression", "metadata")
"""Families of `unmask.traits` that are read. Size, length and format are facts of a collection, and are not."""

JOINT: Final = "networks: all together"
_CLOSEST: Final = 1e-6  # a probability of 0 or 1 has no logit


class Network(Value):
    """A network that the hybrid was learned on: its name, and the sha256 of its graph."""

    name: str
    sha256: str


class HybridCard(Value):
    """What hybrid.json holds.

    Attributes:
        hybrid_version: Grows when a field changes its meaning.
        name: How reports call it.
        version: Of unmask, with which it was learned.
        kind: Logistic regression, or gradient-boosted trees.
        summary: What it reads.
        networks: Those it was learned on.
        rule: How they came to decide there (`unmask.ensemble.rule`).
        terms: Columns of the graph's input, in order.
        learned_on: Which files, and how their metadata were.
        calibration: From the graph's logit to a probability, fitted on files that the graph had not seen.
        thresholds: Likewise.
        metrics: Figures.
        limits: What it cannot do.
        sha256: Of the graph.
    """

    hybrid_version: Literal[1] = 1
    name: str = "hybrid"
    version: str
    kind: Literal["logistic", "trees"]
    summary: str
    networks: tuple[Network, ...] = Field(min_length=1)
    rule: str
    terms: tuple[Term, ...] = Field(min_length=1)
    learned_on: str
    calibration: Calibration
    thresholds: Thresholds
    metrics: tuple[Figure, ...] = ()
    limits: tuple[str, ...] = ()
    sha256: str

    def table(self, files: Sequence[Facts]) -> NDArray[np.float32]:
        """The graph's input for some files: float32 (N, F)."""
        return np.stack([term.column(files) for term in self.terms], axis=1).astype(np.float32)


class Hybrid:
    """A loaded hybrid.

    Args:
        folder: Where it lies.

    Raises:
        UsageError: There is none.
        BundleError: It is damaged, or does not compute here what it was learned to.
    """

    def __init__(self, folder: Path) -> None:
        from unmask.runtime import Session  # here, because naming one must not load onnxruntime

        self.card = read(folder)
        self._session = Session(_graph(folder, self.card), 1)
        self._check(folder)

    def logits(self, files: Sequence[Facts]) -> NDArray[np.float32]:
        """The scores of files, above 0 leaning fake: float32 (N,)."""
        return self._session.run(self.card.table(files))["logit"]

    def demand(self, networks: Mapping[str, str], rule: str) -> None:
        """Go on only with the networks it was learned on, where they decide as they did there.

        Args:
            networks: sha256 of each loaded network, by name.
            rule: How they decide (`unmask.ensemble.rule`).

        Raises:
            UsageError: One is missing, or another one of its name; or they decide otherwise.
        """
        wrong = [one.name for one in self.card.networks if networks.get(one.name) != one.sha256]
        if wrong:
            raise UsageError(
                f"this hybrid was learned on other networks than those loaded ({', '.join(wrong)}): learn one on these "
                "with `unmask hybrid learn`, or load the ones it names"
            )
        if rule != self.card.rule:
            raise UsageError(
                "this hybrid was learned where its networks decided otherwise: others are loaded beside them, their "
                "order differs, or they were calibrated or joined anew; learn one on these with `unmask hybrid learn`, "
                f"or load just {', '.join(one.name for one in self.card.networks)}, as they were"
            )

    def _check(self, folder: Path) -> None:
        try:
            with (folder / GOLDEN).open("rb") as file, np.load(file) as arrays:
                table, expected = arrays["table"], arrays["logit"]
            found = self._session.run(table)["logit"]
            apart = float(np.abs(found - expected).max())
        except Exception as error:  # a damaged archive, missing arrays, or a graph that takes other shapes
            kind = "no archive" if isinstance(error, zipfile.BadZipFile) else str(error)
            raise BundleError(f"the golden file of {folder} cannot be replayed: {kind}") from error
        if not apart <= TOLERANCE:  # so written because NaN must fail
            raise BundleError(f"{folder} does not compute here what it was learned to: logits differ by {apart:.2g}")


def read(folder: Path) -> HybridCard:
    """The card of a hybrid.

    Raises:
        UsageError: There is none.
        BundleError: It is not valid.
    """
    path = folder / FILE
    if not path.is_file():
        raise UsageError(f"{folder} holds no hybrid: there is no {FILE} in it; `unmask hybrid learn` makes one")
    try:
        return HybridCard.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BundleError(f"the hybrid {path} is not valid: {error}") from error


def facts(report: Report, numbers: Mapping[str, Mapping[str, float]]) -> Facts:
    """What a hybrid reads of one file: what the networks say, and what the file says.

    Args:
        report: On that file, by the networks.
        numbers: Its traits by family (`unmask.traits.of_picture`).
    """
    return {**said(report), **told(numbers)}


def told(numbers: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """What a file says of itself, as far as a hybrid reads it."""
    return {f"{family}: {name}": value for family in FAMILIES for name, value in numbers.get(family, {}).items()}


def said(report: Report) -> dict[str, float]:
    """What networks say of a file, as logits: the calibrated one of those that decided, and the raw one of each."""
    verdict = report.verdict
    score = report.scores.get(verdict.detector or "") if verdict else None
    if score is None:
        return {}
    probability = min(max(score.probability, _CLOSEST), 1 - _CLOSEST)
    each = {f"network: {one.name}": report.scores[one.name].logit for one in report.models if one.name in report.scores}
    return {JOINT: math.log(probability / (1 - probability)), **each}


def _graph(folder: Path, card: HybridCard) -> bytes:
    try:
        data = (folder / MODEL).read_bytes()
    except OSError as error:
        raise BundleError(f"the graph of {folder} cannot be read: {error.strerror}") from error
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise BundleError(f"the graph of {folder} is not the one that its {FILE} describes")
    return data
