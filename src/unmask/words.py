"""The words that all else is said in, as small frozen values; beside them `unmask.types` has those of a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Pixels = NDArray[np.uint8]
"""A picture: uint8, (H, W, 3), RGB, upright."""

RATE_HZ: Final = 16_000
"""Samples a second of all sound that is judged, whatever the file has."""

Samples = NDArray[np.float32]
"""Sound: float32, (T,), mono, in [-1, 1], `RATE_HZ` a second."""

Box = tuple[int, int, int, int]
"""x1, y1, x2, y2 in pixels of the upright frame; x2 and y2 are exclusive."""

Progress = Callable[[str, float], None]
"""Told what is being done with a file, in words, and which share of that is done."""


class Label(StrEnum):
    """What a verdict says."""

    REAL = "real"
    FAKE = "fake"
    UNCERTAIN = "uncertain"


class Status(StrEnum):
    """Whether a file could be judged at all."""

    OK = "ok"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    NOTHING_TO_JUDGE = "nothing_to_judge"


class Value(BaseModel):
    """A frozen record that refuses unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Region(Value):
    """Where in the media something was seen."""

    start_s: float | None = None
    end_s: float | None = None
    box_px: Box | None = None
    track: int | None = None


@dataclass(frozen=True, eq=False)
class Segment:
    """What a detector looks at.

    Attributes:
        pixels: uint8 (H, W, 3) RGB; H and W are the cut's size.
        region: Where it was cut from.
        cut: The name of the cut that made it ("face", "patch" or "whole").
        unfit: Why it must not be judged (too small, too blurred), or None.
        landmarks_px: Faces only: float32 (5, 2), x and y of eyes, nose and mouth corners in `pixels`, or None.
    """

    pixels: Pixels
    region: Region
    cut: str
    unfit: str | None = None
    landmarks_px: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Passage:
    """What a detector of voices listens to.

    Attributes:
        samples: float32 (T,), mono, in [-1, 1], on the grid of 16 bit; T is the cut's window.
        region: When it was heard: start_s and end_s of what is there. Where that is shorter than the window, it is
            repeated until the window is full.
        unfit: Why it must not be judged, or None.
    """

    samples: Samples
    region: Region
    unfit: str | None = None


class Map(Value):
    """Numbers over a grid, as a page draws them: what was measured in each place, whichever way it leans.

    Attributes:
        name: What: "noise".
        unit: Of the values: "grey levels"; empty for a plain number.
        values: Rows, top to bottom; None where nothing could be measured. They cover the region of the evidence, or
            are a table of their own where it has no box.
    """

    name: str
    unit: str = ""
    values: tuple[tuple[float | None, ...], ...]


class Evidence(Value):
    """One detector's raw finding on one region.

    Attributes:
        detector: Name of the detector.
        region: Where it looked.
        logit: Raw score, above 0 leans fake; None where the detector abstained.
        probability: Calibrated probability of fake for this region alone; None where it abstained.
        votes: Whether this finding took part in the verdict, or is information only.
        sentence: The finding in words.
        heat_map: Rows of logits over the region's box, top to bottom; their mean plus the graph's constant
            is `logit`. None unless evidence was asked for.
        map: What a detector without a heat map measured in each place.
    """

    detector: str
    region: Region
    logit: float | None
    probability: float | None = Field(default=None, ge=0.0, le=1.0)
    votes: bool
    sentence: str
    heat_map: tuple[tuple[float, ...], ...] | None = None
    map: Map | None = None


class Score(Value):
    """One detector's pooled finding on the whole file: the raw logit and the calibrated probability of fake."""

    logit: float
    probability: float = Field(ge=0.0, le=1.0)


class Extent(StrEnum):
    """How much of a file a declaration says that a model made."""

    WHOLE = "whole"
    PART = "part"


class Backing(StrEnum):
    """What stands behind a declaration."""

    TRUSTED_SIGNER = "trusted_signer"
    UNKNOWN_SIGNER = "unknown_signer"
    UNSIGNED = "unsigned"


class Declaration(Value):
    """Words of a file that say that a model made it. They are no measurement, and have no probability.

    Attributes:
        extent: Whether they are about all of it.
        by: Who or what says so: a signer, or a program.
        backing: Whether a signature binds them to this file, and whose; without one, anybody may have written them.
        where: Where in the file they were read.
        words: As they stand there, bounded, invisible characters written out.
    """

    extent: Extent
    by: str
    backing: Backing
    where: str
    words: str


class Verdict(Value):
    """The final answer on one file.

    Attributes:
        label: real, fake or uncertain.
        probability: Calibrated probability of fake; None where nothing was scored, and where other grounds decided.
        reason: Which threshold decided, or why the verdict abstains, or who declares what.
        detector: The detector whose pooled score decided, or the ensemble ("face+picture"); "provenance" where a
            declaration did; None where nothing could be scored.
        region: The region that decided, if a single one did; of an ensemble, its most suspicious face.
        declared: What the file itself says of who made it, where it says that a model did.
        known: What the user's list of known files says of this one, where it decided; it is no measurement either.
    """

    label: Label
    probability: float | None = Field(default=None, ge=0.0, le=1.0)
    reason: str
    detector: str | None = None
    region: Region | None = None
    declared: Declaration | None = None
    known: str | None = None

    @model_validator(mode="after")
    def _no_label_without_grounds(self) -> Self:
        if self.declared is not None and self.label is Label.REAL:
            raise ValueError("a verdict on a file that declares to be made by a model is never real")
        grounds = (self.probability, self.declared, self.known)
        if self.label is not Label.UNCERTAIN and all(one is None for one in grounds):
            raise ValueError("a verdict without a probability, a declaration or a list can only be uncertain")
        return self
