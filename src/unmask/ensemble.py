"""Several detectors that decide together: one file, `ensemble.json`, beside the folders of their bundles.

Each detector's pooled logit is calibrated on its own; the mean over the detectors is the ensemble's logit, weighted
where that was measured to be better, which has a calibration and thresholds of its own: two witnesses who agree are
surer than either, and by how much is measured. A specialist that finds none of what it knows says nothing about what it
does not know, so there may be a least that a member counts. It applies where every member could judge, or just those
of one of its parts, whose calibration was measured likewise. The members are pinned by their hashes, because another
network under the same name would make the thresholds untrue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final, Literal, Self

from pydantic import Field, ValidationError, model_validator

from unmask.bundles import Bundle
from unmask.card import Calibration, Figure, Thresholds
from unmask.errors import BundleError
from unmask.types import Value

FILE: Final = "ensemble.json"


class Member(Value):
    """One detector: its name, the sha256 of its graph, and the calibration that the ensemble's own was fitted on.

    The calibration is kept here too, because the card's may be fitted anew on other data, and because an ensemble with
    leasts has another: it takes the mean of real photos for its bias and their standard deviation for its temperature.
    """

    name: str
    sha256: str
    calibration: Calibration


class Part(Value):
    """Some members of three or more that decide together where the others could not judge.

    Attributes:
        members: Their names.
        calibration: Of the mean of their calibrated logits, by the ensemble's weights among them.
        thresholds: Likewise.
    """

    members: tuple[str, ...] = Field(min_length=2)
    calibration: Calibration
    thresholds: Thresholds


class Ensemble(Value):
    """What `ensemble.json` holds.

    Attributes:
        members: In the order of their say.
        weights: One for each member, adding up to 1; empty where all weigh the same.
        leasts: The least that each member's calibrated logit counts, in standard deviations above the mean of real
            photos; None where all that it says counts. Empty where there is none.
        weighing: How the weights were chosen, in a sentence.
        calibration: Of the mean of the members' calibrated logits.
        thresholds: Likewise.
        parts: Which members decide together where not all could judge.
        metrics: Figures of the ensemble as a whole.
    """

    ensemble_version: Literal[1] = 1
    members: tuple[Member, ...] = Field(min_length=2)
    weights: tuple[float, ...] = ()
    leasts: tuple[float | None, ...] = ()
    weighing: str = ""
    calibration: Calibration
    thresholds: Thresholds
    parts: tuple[Part, ...] = ()
    metrics: tuple[Figure, ...] = ()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.weights:
            if len(self.weights) != len(self.members):
                raise ValueError(f"{len(self.members)} members have {len(self.weights)} weights")
            if min(self.weights) < 0 or abs(sum(self.weights) - 1) > 1e-6:
                raise ValueError("the weights must not be negative, and must add up to 1")
        if self.leasts and len(self.leasts) != len(self.members):
            raise ValueError(f"{len(self.members)} members have {len(self.leasts)} leasts")
        names = [member.name for member in self.members]
        for part in self.parts:
            if list(part.members) != [name for name in names if name in part.members] or len(part.members) == len(
                names
            ):
                raise ValueError(f"{'+'.join(part.members)} is no part of {'+'.join(names)}, in its order")
        return self

    @property
    def name(self) -> str:
        """The members' names, joined: "face+picture"."""
        return "+".join(member.name for member in self.members)

    @property
    def sha256(self) -> str:
        """Of everything that decides, so that a report can be repeated; figures do not decide."""
        decides = self.model_copy(update={"metrics": ()})
        return hashlib.sha256(decides.model_dump_json(exclude={"weighing"} | self._unused).encode()).hexdigest()

    @property
    def version(self) -> str:
        """There is no version but the hash; this is its beginning."""
        return self.sha256[:8]

    def fits(self, bundles: Sequence[Bundle]) -> bool:
        """Whether all members are among some bundles."""
        there = {(bundle.card.name, bundle.card.sha256) for bundle in bundles}
        return all((member.name, member.sha256) in there for member in self.members)

    def among(self, able: Collection[str]) -> Ensemble | None:
        """Those of its members that are able to judge, as an ensemble: itself, a part of it, or None.

        Args:
            able: Names of detectors, its members or not.
        """
        names = tuple(member.name for member in self.members if member.name in able)
        if len(names) == len(self.members):
            return self
        part = next((part for part in self.parts if part.members == names), None)
        if part is None:
            return None
        return Ensemble(
            members=tuple(member for member in self.members if member.name in names),
            weights=self.weights_among(names),
            leasts=self.leasts_among(names),
            calibration=part.calibration,
            thresholds=part.thresholds,
        )

    def weights_among(self, names: Collection[str]) -> tuple[float, ...]:
        """The weights of some members alone, adding up to 1; empty where all weigh the same."""
        pairs = zip(self.members, self.weights, strict=True) if self.weights else ()
        kept = [weight for member, weight in pairs if member.name in names]
        return tuple(weight / sum(kept) for weight in kept) if sum(kept) else ()

    def leasts_among(self, names: Collection[str]) -> tuple[float | None, ...]:
        """The leasts of some members alone; empty where there is none."""
        pairs = zip(self.members, self.leasts, strict=True) if self.leasts else ()
        return tuple(least for member, least in pairs if member.name in names)

    def write(self, folder: Path) -> None:
        """Write it beside the bundles' folders, indented, for people and diffs."""
        (folder / FILE).write_text(self.model_dump_json(indent=2, exclude=self._unused) + "\n", encoding="utf-8")

    @property
    def _unused(self) -> set[str]:
        """What is not written where it says nothing, so that files and hashes from before stay as they are."""
        return {name for name in ("weights", "leasts", "weighing", "parts") if not getattr(self, name)}


def read(folder: Path) -> Ensemble | None:
    """The ensemble of a folder of bundles, or None where there is none.

    Raises:
        BundleError: The file cannot be read, or is not valid.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Ensemble.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BundleError(f"the ensemble {path} is not valid, remove it to go on without: {error}") from error


def of(bundles: Sequence[Bundle]) -> Ensemble | None:
    """The ensemble that lies beside some bundles and whose members are all among them, or None.

    Raises:
        BundleError: A file that should hold one is not valid.
    """
    for folder in dict.fromkeys(bundle.folder.resolve().parent for bundle in bundles):
        found = read(folder)
        if found is not None and found.fits(bundles):
            return found
    return None


def rule(bundles: Sequence[Bundle]) -> str:
    """A hash of all by which detectors come to decide on a picture.

    Who they are, in the order of their say, how they cut, pool and are calibrated, and the ensemble beside them.

    Raises:
        BundleError: As of `of`.
    """
    joint = of(bundles)
    cards = [one.card for one in bundles if one.card.modality == "image"]
    told = [card.model_dump_json(include={"name", "sha256", "cut", "pooling", "calibration"}) for card in cards]
    return hashlib.sha256("\n".join([*told, joint.sha256 if joint else ""]).encode()).hexdigest()
