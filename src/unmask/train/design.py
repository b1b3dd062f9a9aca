"""The network of a recipe: its [model] table."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from unmask.types import Value


class Backbone(Value):
    """A network that gives feature maps.

    Attributes:
        name: Any timm network, or one of `unmask.train.networks.OWN`.
        maps: Which feature maps the head reads, all by timm's stage numbers (-1 is the last) or all by the names of
            layers; deeper ones see more and resolve less.
        weights: A safetensors file with the network's own key names, "hub" for timm's own download, or "none". A file
            is looked for in the folder given by `unmask train --weights`.
        mean: Of the three colours, 0 to 1, as the weights were trained; the network's own where not given.
        std: Likewise.
        freeze: Parts of the network, by its own names, that keep their initial weights and batch-norm statistics;
            "all" keeps all of it.
        thaw: Part of `freeze` to the epoch (from 1) from which on it learns all the same: gradual unfreezing (Howard &
            Ruder 2018, arXiv:1801.06146).
        options: Passed on to the network's constructor.
    """

    name: str
    maps: tuple[int, ...] | tuple[str, ...] = Field(default=(-1,), min_length=1)
    weights: str = "hub"
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    freeze: tuple[str, ...] | Literal["all"] = ()
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
            all maps (`unmask.train.heads`).
        hidden: Width of a head of two layers.
        dropout: On what the head reads.
        batch_norm: Whether a dense head normalises its hidden layer over the batch.
    """

    backbones: tuple[Backbone, ...] = Field(min_length=1)
    head: Literal["places", "dense", "statistics"] = "places"
    hidden: int = Field(default=128, gt=0)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)
    batch_norm: bool = False

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
        if self.head != "statistics" and (len(self.backbones) > 1 or len(self.backbones[0].maps) > 1):
            raise ValueError(f'several maps need head = "statistics"; "{self.head}" reads one')
        if self.head == "places" and self.frozen:
            raise ValueError('backbones that are frozen whole need head = "statistics" or "dense"')
        if self.batch_norm and self.head != "dense":
            raise ValueError('batch_norm is for head = "dense"')
        return self

    @property
    def frozen(self) -> bool:
        """Whether nothing but the head learns, so that each picture need be described only once."""
        return all(backbone.freeze == "all" for backbone in self.backbones)

    def initialised(self, weights: str) -> Self:
        """The same network, all its backbones from other weights ("hub" or "none")."""
        return self.model_copy(update={"backbones": tuple(one.named(weights) for one in self.backbones)})
