"""What a witness has learned, as one JSON file beside its module: a logistic regression on a few measured features.

A witness looks at one thing that a person understands, such as blinking, and says how unusual it is. What it says is
information, unless it was measured to help the verdict; its card holds the figure either way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from unmask.card import Calibration, Figure
from unmask.errors import BundleError
from unmask.types import Value

_FOLDER: Final = Path(__file__).parent / "detectors"
_FARTHEST: Final = 3.0
"""Standard deviations: one strange measurement must not outweigh all others."""


class Feature(Value):
    """One measured number and what it says.

    Attributes:
        name: Its name in the code.
        meaning: What it measures.
        source: The paper that it follows, if there is one.
        mean: Over the clips it was learned on.
        scale: Their standard deviation.
        weight: What it adds to the logit for each `scale` above the mean; above 0 leans fake.
    """

    name: str
    meaning: str
    source: str = ""
    mean: float
    scale: float = Field(gt=0.0)
    weight: float


class WitnessCard(Value):
    """What a witness is, what it has learned, and how far it may be trusted.

    Attributes:
        card_version: Grows when a field changes its meaning.
        name: Of the detector.
        version: Of what it learned.
        summary: What it looks at.
        features: What it measures and how that is weighed.
        bias: The logit of a clip at all means.
        learned_on: Which clips its weights come from.
        calibration: From logit to probability.
        metrics: How good it is.
        limits: What it cannot do.
        votes: Whether it takes part in verdicts.
        why: Why it does or does not, with the figure.
    """

    card_version: Literal[1] = 1
    name: str
    version: str
    summary: str
    features: tuple[Feature, ...]
    bias: float
    learned_on: str
    calibration: Calibration
    metrics: tuple[Figure, ...] = ()
    limits: tuple[str, ...] = ()
    votes: bool = False
    why: str

    def logit(self, measured: Mapping[str, float]) -> float:
        """The raw score of some features, above 0 leaning fake; what could not be measured counts as ordinary."""
        return self.bias + sum(self.said(measured).values())

    def said(self, measured: Mapping[str, float]) -> dict[str, float]:
        """What each feature adds to the logit."""
        found = {}
        for feature in self.features:
            away = (measured.get(feature.name, math.nan) - feature.mean) / feature.scale
            found[feature.name] = 0.0 if math.isnan(away) else feature.weight * min(max(away, -_FARTHEST), _FARTHEST)
        return found

    def probability(self, logit: float) -> float:
        """Of fake, calibrated on `calibration.set`."""
        return 1 / (1 + math.exp(-(logit - self.calibration.bias) / self.calibration.temperature))

    @classmethod
    def read(cls, path: Path) -> WitnessCard:
        """Read a card.

        Raises:
            BundleError: The file is missing, is no JSON, or lacks a field.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleError(f"the witness card {path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise BundleError(f"the witness card {path} is not valid: {error}") from error

    @classmethod
    def shipped(cls, name: str) -> WitnessCard:
        """The card that lies beside a detector's module.

        Raises:
            BundleError: As for `read`.
        """
        return cls.read(_FOLDER / f"{name}.json")

    def write(self, path: Path) -> None:
        """Write the card, indented, for people and diffs."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
