"""The model card: everything a reader needs to trust, repeat or dispute a bundle, in one JSON file beside its graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field, SerializerFunctionWrapHandler, ValidationError, model_serializer, model_validator

from unmask.errors import BundleError
from unmask.types import RATE_HZ, Value

Pooling = Literal["max", "mean", "top"]
"""What counts of many looks: the highest, their mean, or the mean of the highest quarter."""

CARD_VERSION: Final = 1
"""Grows when a field changes its meaning or goes away; a card of another version is refused."""


class Cut(Value):
    """How segments are cut for this detector; the same values cut for training, evaluation and scanning.

    Attributes:
        kind: "face": a square around each face, scaled to `size_px`. "patch": squares of `size_px` at native
            resolution, never scaled, because scaling erases the traces they are read for. "whole": the largest square
            in the middle of the picture, scaled to `size_px`, as published systems mostly look at pictures. "speech":
            windows of sound in which somebody speaks.
        size_px: Pictures only: side of the square that the graph sees.
        margin: Faces only: side of the square in units of the longer side of the face box.
        enlarge: Faces only: whether a small face is scaled up to `size_px`. If not, its square grows until it holds as
            many of the picture's own pixels, and no detail is invented; in smaller pictures the face abstains. Larger
            faces are scaled down all the same.
        patches: Patches only: most patches taken from one picture, spread evenly over it; a single one lies around
            the main face, or in the middle where there is none.
        least_px: Faces and whole pictures shorter than this abstain; pictures too small for a patch are not judged.
        least_sharpness: Faces only: below this `faces.sharpness` a face is too blurred to judge.
        frames: Faces only: how many looks at one person of a video the graph sees together, in the order of time; None
            for a detector of pictures.
        window_s: Speech only: how long a window of sound the graph listens to.
        step_s: Speech only: from the start of a window to that of the next.
        least_speech_s: Speech only: windows in which somebody speaks for a shorter time are not judged.
    """

    kind: Literal["face", "patch", "whole", "speech"]
    size_px: int = Field(default=0, ge=0)
    margin: float = Field(default=1.4, ge=1.0)
    enlarge: bool = True
    patches: int = Field(default=9, gt=0)
    least_px: int = Field(default=40, gt=0)
    least_sharpness: float = Field(default=0.0, ge=0.0)
    frames: int | None = Field(default=None, ge=2)
    window_s: float = Field(default=0.0, ge=0.0)
    step_s: float = Field(default=2.0, gt=0.0)
    least_speech_s: float = Field(default=1.0, gt=0.0)

    @model_validator(mode="after")
    def _has_its_size(self) -> Cut:
        if self.kind == "speech" and not (self.window_s > 0 and self.size_px == 0 and self.frames is None):
            raise ValueError('a cut of "speech" needs window_s, and has neither size_px nor frames')
        if self.kind != "speech" and not (self.size_px > 0 and self.window_s == 0):
            raise ValueError(f'a cut of "{self.kind}" needs size_px, and has no window_s')
        return self

    @property
    def input_name(self) -> str:
        """What the graph calls what it takes."""
        return "samples" if self.kind == "speech" else "pixels"

    @property
    def input_type(self) -> np.dtype[Any]:
        """Of the numbers that it takes."""
        return np.dtype(np.float32 if self.kind == "speech" else np.uint8)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one thing that the graph judges: a picture (S, S, 3), looks at a person (F, S, S, 3), sound (T,)."""
        if self.kind == "speech":
            return (round(self.window_s * RATE_HZ),)
        looks = () if self.frames is None else (self.frames,)
        return (*looks, self.size_px, self.size_px, 3)

    @property
    def least_side_px(self) -> int:
        """Faces only: how large a square must at least be in the picture's own pixels."""
        return 0 if self.enlarge else self.size_px


class DataSource(Value):
    """One source of training data: what it is, under which licence, and how many items were used."""

    name: str
    licence: str
    items: int = Field(ge=0)


class Training(Value):
    """What was done to get these weights."""

    recipe: str
    backbone: str
    initial_weights: str
    seed: int
    epochs: int
    parameters: int
    made_fakes: str
    unmask_version: str


class Calibration(Value):
    """probability = sigmoid((logit - bias) / temperature), fitted on `set` and on nothing else."""

    set: str
    temperature: float = Field(gt=0.0)
    bias: float
    reals: int = Field(ge=0)
    fakes: int = Field(ge=0)


class Thresholds(Value):
    """At or above `fake_above` is fake, at or below `real_below` is real, between them is uncertain.

    The two shares are what each threshold costs on the calibration set; None where nothing was measured.
    """

    fake_above: float = Field(ge=0.0, le=1.0)
    real_below: float = Field(ge=0.0, le=1.0)
    chosen: str
    reals_called_fake: float | None = Field(default=None, ge=0.0, le=1.0)
    fakes_called_real: float | None = Field(default=None, ge=0.0, le=1.0)

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if self.real_below > self.fake_above:
            raise ValueError(f"real_below {self.real_below} lies over fake_above {self.fake_above}")
        return self


class Figure(Value):
    """One measured number: what, on what, with its 95 % bootstrap interval where one makes sense."""

    name: str
    on: str
    value: float
    low: float | None = None
    high: float | None = None
    reals: int | None = None
    fakes: int | None = None
    command: str


class Card(Value):
    """The model card, as `card.json` in a bundle holds it.

    Attributes:
        graph: The folder beside the bundle's own whose graph it reads, where several heads sit on the same frozen
            networks and one graph computes them all; its outputs then begin with the bundle's name, "traces.logit".
            Empty where it has a graph of its own.
        sha256: Of the graph.
    """

    card_version: Literal[1] = CARD_VERSION
    name: str
    version: str
    modality: Literal["image", "video", "audio"]
    summary: str
    licence: str
    cut: Cut
    pooling: Pooling
    training: Training
    sources: tuple[DataSource, ...]
    calibration: Calibration
    thresholds: Thresholds
    metrics: tuple[Figure, ...] = ()
    limits: tuple[str, ...] = ()
    graph: str = Field(default="", pattern=r"^[\w-]*$")
    sha256: str

    @model_serializer(mode="wrap")
    def _without_what_says_nothing(self, written: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """So that cards from before stay as they are."""
        found: dict[str, Any] = written(self)
        return found if self.graph else {name: value for name, value in found.items() if name != "graph"}

    def output(self, name: str) -> str:
        """What the graph calls one of this detector's outputs: "logit", "activation" or "embedding"."""
        return f"{self.name}.{name}" if self.graph else name

    @classmethod
    def read(cls, path: Path) -> Card:
        """Read a card.

        Raises:
            BundleError: The file is missing, is no JSON, or lacks a field.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise BundleError(f"the model card {path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise BundleError(f"the model card {path} is not valid: {error}") from error

    def write(self, path: Path) -> None:
        """Write the card, indented, for people and diffs."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")
