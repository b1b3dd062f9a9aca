"""The network of a recipe: its [model] table."""

from __future__ import annotations

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from unmask.types import Value

Sees = Literal["pixels", "residual", "learned-residual", "neighbours", "spectrum", "dct", "bands", "ycbcr"]
"""What a backbone can be shown of a picture; `unmask.train.sights` says what each is."""

Hears = Literal["waveform", "lfcc", "log-mel", "spectrogram"]
"""What it can be given of a voice; `unmask.train.hearing` says what each is."""

Region = Literal["all", "centre", "surround"]
"""Parts of a picture over which a head takes statistics. Where a face is cut with a margin of about 1.8, it fills the
centre, and what it was pasted into surrounds it."""

TEMPORAL: Final = ("recurrent", "attentive", "alone")
"""Heads that read several looks at one person of a video."""

MOST_POSITIONS: Final = 32
"""Looks that an attentive head can tell apart by their place in the order of time."""


class Backbone(Value):
    """A network that gives feature maps.

    Attributes:
        name: Any timm network, or one of `unmask.train.networks.OWN`.
        maps: Which feature maps the head reads, all by timm's stage numbers (-1 is the last) or all by the names of
            layers; deeper ones see more and resolve less.
        weights: A safetensors file with the network's own key names, "hub" for timm's own download, or "none". A file
            is looked for in the folder given by `unmask train --weights`.
        sees: What it is shown instead of the pixels (`unmask.train.sights`); "pixels" are shown as they are.
        hears: What it is given of a voice instead (`unmask.train.hearing`), where the recipe is about voices.
        mean: Of the three colours, 0 to 1, as the weights were trained; the network's own where not given.
        std: Likewise.
        freeze: Parts of the network, by its own names, that keep their initial weights and batch-norm statistics;
            "all" keeps all of it.
        learn: What of the rest learns: "all", or "norm", the weights of its normalisation layers alone. Few numbers
            that reach every layer change a large network enough, and leave it what it knows (Frankle et al. 2021,
            arXiv:2003.00152; for deepfakes Yermakov et al. 2025, arXiv:2508.06248).
        thaw: Part of `freeze` to the epoch (from 1) from which on it learns all the same: gradual unfreezing (Howard &
            Ruder 2018, arXiv:1801.06146).
        options: Passed on to the network's constructor.
    """

    name: str
    maps: tuple[int, ...] | tuple[str, ...] = Field(default=(-1,), min_length=1)
    weights: str = "hub"
    sees: Sees = "pixels"
    hears: Hears | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    freeze: tuple[str, ...] | Literal["all"] = ()
    learn: Literal["all", "norm"] = "all"
    thaw: dict[str, int] = Field(default_factory=dict)
    options: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _only_what_is_frozen_thaws(self) -> Self:
        if self.freeze == "all" and self.thaw:
            raise ValueError('freeze = "all" cannot thaw: name the parts to freeze')
        unknown = [part for part in self.thaw if part not in self.freeze]
        if unknown:
            raise ValueError(f"thaw names {', '.join(unknown)}, which freeze does not")
        inside = [part for part in self.thaw for other in self.freeze if part.startswith(f"{other}.")]
        if inside:
            raise ValueError(f"thaw names {', '.join(inside)}, which lies in a part that stays frozen")
        if any(epoch < 2 for epoch in self.thaw.values()):
            raise ValueError("thaw needs epochs from 2 on: what learns from the first epoch need not be frozen")
        return self

    @model_validator(mode="after")
    def _sees_or_hears(self) -> Self:
        if self.hears and self.sees != "pixels":
            raise ValueError("a backbone sees or hears: give one of the two")
        return self

    @model_validator(mode="after")
    def _what_shall_learn_can(self) -> Self:
        if self.freeze == "all" and self.learn == "norm":
            raise ValueError('freeze = "all" leaves nothing to learn = "norm": give one of the two')
        if self.freeze == "all" and self.sees == "learned-residual":
            raise ValueError('a "learned-residual" learns with its backbone: give sees = "residual", or freeze less')
        return self

    @property
    def label(self) -> str:
        """Its name, and what it sees where that is not the pixels: two of one name may see different things."""
        return self.name if self.sees == "pixels" else f"{self.name} ({self.sees})"

    def held(self, epoch: int) -> tuple[str, ...] | Literal["all"]:
        """The parts that do not learn in an epoch, counted from 1."""
        if self.freeze == "all":
            return "all"
        return tuple(part for part in self.freeze if epoch < self.thaw.get(part, epoch + 1))

    def named(self, weights: str) -> Self:
        """The same network from other weights; timm's own come with timm's own normalisation and padding.

        What begins at random has no weights to download: it is of our own, or the recipe wants it so.
        """
        if weights == self.weights or (weights == "hub" and self.weights == "none"):
            return self
        if weights != "hub":
            return self.model_copy(update={"weights": weights})
        options = {name: value for name, value in self.options.items() if name != "pad_type"}
        return self.model_copy(update={"weights": weights, "mean": None, "std": None, "options": options})


class Model(Value):
    """The network: one or several backbones side by side, and one head over the maps of all.

    Attributes:
        backbones: In the order in which the head reads them. A recipe with one may write `backbone = "name"`, or its
            table as [model.backbone].
        head: "places" scores every place of the last map and averages; "dense" averages the last map over all places
            and puts two layers on it; "statistics" is a small network over the mean and the spread of every channel of
            all maps in each of `regions` (`unmask.train.texture`); "discriminant" weighs the same statistics, and is
            solved at once instead of learned step by step (`unmask.train.discriminant`). For videos, over the same
            statistics of several looks at one person (`unmask.train.temporal`): "recurrent" relates the looks in the
            order of time, "attentive" lets each attend to the others, "alone" judges each by itself, as a baseline.
        hidden: Width of a head of two layers; for videos, how many numbers a look is projected to.
        dropout: On what the head reads.
        batch_norm: Whether a dense head normalises its hidden layer over the batch.
        regions: Over what statistics are taken.
        shrinkage: Of a discriminant's scatter towards the identity, in units of the mean variance.
        together: Numbers of the backbones whose statistics a discriminant weighs together, a list for each of several
            discriminants, whose mean decides: eyes that see different things are asked one by one. One over all when
            empty.
    """

    backbones: tuple[Backbone, ...] = Field(min_length=1)
    head: Literal["places", "dense", "statistics", "discriminant", "recurrent", "attentive", "alone"] = "places"
    hidden: int = Field(default=128, gt=0)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    batch_norm: bool = False
    regions: tuple[Region, ...] = Field(default=("all",), min_length=1)
    shrinkage: float = Field(default=0.3, gt=0.0)
    together: tuple[tuple[int, ...], ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _a_single_backbone(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "backbone" not in values:
            return values
        if "backbones" in values:
            raise ValueError("give backbone or backbones, not both")
        one = values["backbone"]
        rest = {name: value for name, value in values.items() if name != "backbone"}
        return {**rest, "backbones": [{"name": one} if isinstance(one, str) else one]}

    @model_validator(mode="after")
    def _head_fits_the_maps(self) -> Self:
        if len({backbone.hears is None for backbone in self.backbones}) > 1:
            raise ValueError("all backbones are given voices, or none is")
        if self.solved and not self.frozen:
            raise ValueError('head = "discriminant" needs backbones with freeze = "all": it is solved, not learned')
        if self.temporal and self.hidden % 4:
            raise ValueError(f'head = "{self.head}" needs hidden to be a multiple of 4: it is divided among its parts')
        several = len(self.backbones) > 1 or len(self.backbones[0].maps) > 1
        if self.head in ("places", "dense") and several:
            raise ValueError(f'several maps need head = "statistics" or "discriminant"; "{self.head}" reads one')
        if self.head == "places" and self.frozen:
            raise ValueError('backbones that are frozen whole need head = "statistics", "discriminant" or "dense"')
        if self.batch_norm and self.head != "dense":
            raise ValueError('batch_norm is for head = "dense"')
        return self

    @model_validator(mode="after")
    def _all_are_asked(self) -> Self:
        if not self.together:
            return self
        if not self.solved:
            raise ValueError('together is for head = "discriminant"')
        if any(len(set(numbers)) < len(numbers) for numbers in self.together) or () in self.together:
            raise ValueError("together lists numbers of backbones, in each list one or several, none twice")
        if {number for numbers in self.together for number in numbers} != set(range(len(self.backbones))):
            raise ValueError(
                f"together must name each backbone, from 0 to {len(self.backbones) - 1}, in one list or more"
            )
        return self

    @property
    def frozen(self) -> bool:
        """Whether nothing but the head learns, so that each picture need be described only once."""
        return all(backbone.freeze == "all" for backbone in self.backbones)

    @property
    def hears(self) -> bool:
        """Whether it is about voices."""
        return self.backbones[0].hears is not None

    @property
    def solved(self) -> bool:
        """Whether the head is found at once, from all descriptions together, and not step by step."""
        return self.head == "discriminant"

    @property
    def temporal(self) -> bool:
        """Whether the head reads several looks at one person of a video."""
        return self.head in TEMPORAL

    def initialised(self, weights: str) -> Self:
        """The same network, all its backbones from other weights ("hub" or "none")."""
        return self.model_copy(update={"backbones": tuple(one.named(weights) for one in self.backbones)})
