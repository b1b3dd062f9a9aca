"""A recipe: one experiment, whole, in one TOML file. Unknown options are refused: no typo passes as a default."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from unmask.card import Cut
from unmask.errors import RecipeError

_SHIPPED = (Path(__file__).parent.parent / "recipes", Path(__file__).parents[3] / "recipes")
"""Where the recipes lie that come with the package: in the wheel, and in a source tree."""

Quality = Annotated[int, Field(ge=1, le=100)]


def find(name: str) -> Path:
    """A recipe by its path, or by the name of one that ships.

    Raises:
        RecipeError: Neither; the message lists the names.
    """
    if Path(name).is_file():
        return Path(name)
    shipped = {path.stem: path for folder in _SHIPPED for path in sorted(folder.glob("*.toml"))}
    if name not in shipped:
        raise RecipeError(
            f'there is no recipe file "{name}", and none of that name ships; there are: {", ".join(shipped)}'
        )
    return shipped[name]


class Options(BaseModel):
    """A table of a recipe."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Data(Options):
    """What an epoch draws. Half of it is real, half fake, in every batch.

    Attributes:
        self_blend: Share of the fakes that are made on the spot from real pictures of the train split, each in the
            same batch as its original. The others come from the data set.
        source_power: A source of n items is drawn in proportion to n ** source_power: 1 leaves the sources as they
            are, 0 draws all alike.
        leave_out: Sources that training never sees, fake or real.
        reencode: Source to JPEG quality, for sources whose real and fake files came with different compression;
            `unmask prepare` saves all their files once more with it.
        crop_px: Side of a square cut at random from each segment, for training alone; None learns from whole
            segments. The network scores places and averages them, so it may look at more when it scans: a large
            segment keeps its native detail at the price of a small one.
    """

    self_blend: float = Field(default=0.5, ge=0.0, le=1.0)
    source_power: float = Field(default=0.5, ge=0.0, le=1.0)
    leave_out: tuple[str, ...] = ()
    reencode: dict[str, Quality] = Field(default_factory=dict)
    crop_px: int | None = Field(default=None, ge=32)


class Augment(Options):
    """Probability of each change, and the JPEG qualities it may have, both ends included.

    All are drawn before the label is looked at, so they cannot tell it.
    """

    flip: float = Field(default=0.5, ge=0.0, le=1.0)
    zoom: float = Field(default=0.3, ge=0.0, le=1.0)
    colour: float = Field(default=0.5, ge=0.0, le=1.0)
    resize: float = Field(default=0.3, ge=0.0, le=1.0)
    blur: float = Field(default=0.2, ge=0.0, le=1.0)
    noise: float = Field(default=0.2, ge=0.0, le=1.0)
    jpeg: float = Field(default=0.5, ge=0.0, le=1.0)
    jpeg_quality: tuple[Quality, Quality] = (35, 97)

    @model_validator(mode="after")
    def _least_first(self) -> Self:
        if self.jpeg_quality[0] > self.jpeg_quality[1]:
            raise ValueError("jpeg_quality must be a range, the lower end first")
        return self


class Backbone(Options):
    """A network that gives feature maps.

    Attributes:
        name: A timm network that can return features.
        maps: Which feature maps the head reads, all by timm's stage numbers (-1 is the last) or all by the names of
            layers; deeper ones see more and resolve less.
        weights: A safetensors file with timm's key names, "hub" for timm's own download, or "none". A file is looked
            for in the folder given by `unmask train --weights`.
        mean: Of the three colours, 0 to 1, as the weights were trained; timm's own where not given.
        std: Likewise.
        freeze: Parts of the network, by timm's names, that keep their initial weights and batch-norm statistics;
            "all" keeps all of it.
        options: Passed on to timm.
    """

    name: str
    maps: tuple[int, ...] | tuple[str, ...] = Field(default=(-1,), min_length=1)
    weights: str = "hub"
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    freeze: tuple[str, ...] | Literal["all"] = ()
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)

    def named(self, weights: str) -> Self:
        """The same network from other weights; timm's own come with timm's own normalisation and padding."""
        if weights != "hub":
            return self.model_copy(update={"weights": weights})
        options = {name: value for name, value in self.options.items() if name != "pad_type"}
        return self.model_copy(update={"weights": weights, "mean": None, "std": None, "options": options})


class Model(Options):
    """The network: one or several backbones side by side, and one head over the maps of all.

    Attributes:
        backbones: In the order in which the head reads them.
        head: "places" scores every place of the last map and averages; "statistics" is a small network over the mean
            and the spread of every channel of all maps (`unmask.train.heads`).
        hidden: Width of a head of statistics.
        dropout: On what the head reads.
    """

    backbones: tuple[Backbone, ...] = Field(min_length=1)
    head: Literal["places", "statistics"] = "places"
    hidden: int = Field(default=128, gt=0)
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)

    @model_validator(mode="after")
    def _head_fits_the_maps(self) -> Self:
        if self.head == "places" and (len(self.backbones) > 1 or len(self.backbones[0].maps) > 1):
            raise ValueError('several maps need head = "statistics"; "places" reads one')
        if self.head == "places" and self.frozen:
            raise ValueError('backbones that are frozen whole need head = "statistics"')
        return self

    @property
    def frozen(self) -> bool:
        """Whether nothing but the head learns, so that each picture need be described only once."""
        return all(backbone.freeze == "all" for backbone in self.backbones)

    def initialised(self, weights: str) -> Self:
        """The same network, all its backbones from other weights ("hub" or "none")."""
        return self.model_copy(update={"backbones": tuple(one.named(weights) for one in self.backbones)})


class Training(Options):
    """How it learns: AdamW under a one-cycle schedule; the weights that count are a moving average.

    Attributes:
        views: How many changed forms of each picture a frozen backbone describes; the head learns from these alone.
            Networks that learn whole see a new form each time.
    """

    epochs: int = Field(gt=0)
    pictures_per_epoch: int = Field(default=6000, gt=0)
    batch: int = Field(default=64, gt=1)
    learning_rate: float = Field(default=1e-3, gt=0.0)
    weight_decay: float = Field(default=0.05, ge=0.0)
    label_smoothing: float = Field(default=0.02, ge=0.0, lt=0.5)
    average: float = Field(default=0.98, ge=0.0, lt=1.0)
    views: int = Field(default=8, gt=0)


class CardText(Options):
    """What the card says that no program can know."""

    version: str = "1"
    licence: str = "Apache-2.0"
    limits: tuple[str, ...] = ()


class Recipe(Options):
    """One experiment."""

    name: str
    summary: str
    seed: int = Field(default=0, ge=0)
    pooling: Literal["max", "mean"]
    cut: Cut
    data: Data = Data()
    augment: Augment = Augment()
    model: Model
    train: Training
    card: CardText = CardText()

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        if self.train.batch % 2:
            raise ValueError("train.batch must be even: a batch is made of pairs, one real and one fake")
        if self.data.crop_px and self.data.crop_px > self.cut.size_px:
            raise ValueError("data.crop_px must not be larger than cut.size_px")
        if self.data.crop_px and self.model.frozen:
            raise ValueError("data.crop_px is for networks that learn whole: a frozen one describes whole segments")
        if self.train.pictures_per_epoch < self.train.batch:
            raise ValueError("train.pictures_per_epoch must hold at least one batch")
        return self

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a recipe.

        Raises:
            RecipeError: No such file, no TOML, an unknown option or an impossible value.
        """
        try:
            return cls.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
        except OSError as error:
            raise RecipeError(f"the recipe {path} cannot be read: {error.strerror}") from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise RecipeError(f"the recipe {path} is no TOML: {error}") from error
        except ValidationError as error:
            faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise RecipeError(f"the recipe {path} is not valid: {faults}") from error
