"""A recipe: one experiment, whole, in one TOML file. Unknown options are refused: no typo passes as a default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from unmask import recipe_file
from unmask.card import Cut, Pooling
from unmask.errors import RecipeError
from unmask.makers import MAKERS
from unmask.train.design import MOST_POSITIONS, Model
from unmask.train.regime import Training
from unmask.train.sound_augment import SoundAugment
from unmask.types import Value

Quality = Annotated[int, Field(ge=1, le=100)]
Weight = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


def find(name: str) -> Path:
    """A recipe by its path, or by the name of one that ships.

    Raises:
        RecipeError: Neither; the message lists the names.
    """
    return recipe_file.find(name)


class Data(Value):
    """What an epoch draws.

    Attributes:
        balance: "pairs" makes half of every batch real and half fake; "sampler" draws real or fake with equal chance;
            "weights" draws the data as they are and weighs each class by its rarity in the loss; "none" draws them as
            they are and leaves it at that.
        made: Share of the fakes that are made on the spot from real pictures of the train split, each in the same
            batch as its original. The others come from the data set. Needs pairs. Of videos: share of the pairs, real
            and fake, that are drawn from the clips that `unmask films` made.
            Of voices: share of the fakes that `unmask voices` made, each beside the recording that it was made of.
        makers: How they are made: names of `unmask.makers.MAKERS`, each with its weight.
        source_power: A source of n items is drawn in proportion to n ** source_power: 1 leaves the sources as they
            are, 0 draws all alike.
        leave_out: Sources that training never sees, fake or real; "method:NAME" leaves out the fakes of a generator.
        reencode: Source to JPEG quality, for sources whose real and fake files came with different compression;
            `unmask prepare` saves all their files once more with it.
        crop_px: Side of a square cut at random from each segment, for training alone; None learns from whole
            segments. The network scores places and averages them, so it may look at more when it scans: a large
            segment keeps its native detail at the price of a small one.
        drop_looks: Videos only: the chance of each look at a person to be dropped while training; the look before it
            takes its place. So the rhythm in which looks were sampled tells nothing.
        looks: Videos only: how many looks of a window, drawn by chance, are shown at a time to a network that learns
            whole; all when None.
    """

    balance: Literal["pairs", "sampler", "weights", "none"] = "pairs"
    made: float = Field(default=0.5, ge=0.0, le=1.0)
    makers: dict[str, Weight] = Field(default_factory=lambda: {"self_blend": 1.0}, min_length=1)
    source_power: float = Field(default=0.5, ge=0.0, le=1.0)
    leave_out: tuple[str, ...] = ()
    reencode: dict[str, Quality] = Field(default_factory=dict)
    crop_px: int | None = Field(default=None, ge=32)
    drop_looks: float = Field(default=0.0, ge=0.0, lt=1.0)
    looks: int | None = Field(default=None, ge=1)

    @field_validator("makers")
    @classmethod
    def _makers_exist(cls, makers: dict[str, float]) -> dict[str, float]:
        unknown = sorted(makers.keys() - MAKERS.keys())
        if unknown:
            raise ValueError(f"there is no maker {', '.join(unknown)}; there are: {', '.join(MAKERS)}")
        return makers


class Augment(Value):
    """Probability of each change, and the JPEG qualities it may have, both ends included.

    All are drawn before the label is looked at, so they cannot tell it. `amplitude` changes how much there is
    of each low frequency (`unmask.train.augment.mix_amplitudes`).
    """

    flip: float = Field(default=0.5, ge=0.0, le=1.0)
    zoom: float = Field(default=0.3, ge=0.0, le=1.0)
    colour: float = Field(default=0.5, ge=0.0, le=1.0)
    resize: float = Field(default=0.3, ge=0.0, le=1.0)
    blur: float = Field(default=0.2, ge=0.0, le=1.0)
    noise: float = Field(default=0.2, ge=0.0, le=1.0)
    amplitude: float = Field(default=0.0, ge=0.0, le=1.0)
    jpeg: float = Field(default=0.5, ge=0.0, le=1.0)
    jpeg_quality: tuple[Quality, Quality] = (35, 97)

    @model_validator(mode="after")
    def _least_first(self) -> Self:
        if self.jpeg_quality[0] > self.jpeg_quality[1]:
            raise ValueError("jpeg_quality must be a range, the lower end first")
        return self

    @classmethod
    def nothing(cls) -> Self:
        """Pictures stay as they are."""
        return cls(**{name: 0.0 for name in cls.model_fields if name != "jpeg_quality"})


class CardText(Value):
    """What the card says that no program can know."""

    version: str = "1"
    licence: str = "Apache-2.0"
    limits: tuple[str, ...] = ()


class Published(Value):
    """What the system that a recipe follows was reported to reach, and on what.

    Attributes:
        data: What it was measured on.
        figures: By the names of `unmask.measures`: accuracy, f1, auc and so on.
        source: Where it was reported, in words.
    """

    data: str
    figures: dict[str, float] = Field(default_factory=dict)
    source: str = ""


class Recipe(Value):
    """One experiment. `augment` changes pictures, `sound` voices."""

    name: str
    summary: str
    seed: int = Field(default=0, ge=0)
    pooling: Pooling
    cut: Cut
    data: Data = Data()
    augment: Augment = Augment()
    sound: SoundAugment = SoundAugment()
    model: Model
    train: Training
    card: CardText = CardText()
    published: Published | None = None

    @model_validator(mode="after")
    def _looks_are_for_videos(self) -> Self:
        if self.cut.frames is None:
            if self.model.temporal:
                raise ValueError(
                    f'head = "{self.model.head}" reads several looks at a person: say how many, cut.frames'
                )
            if self.data.drop_looks or self.data.looks:
                raise ValueError("data.drop_looks and data.looks are about videos: leave them out, or give cut.frames")
            return self
        if not self.model.temporal:
            raise ValueError(f'cut.frames needs head = "recurrent", "attentive" or "alone", not "{self.model.head}"')
        if self.cut.kind != "face":
            raise ValueError('cut.frames needs cut.kind = "face": what is followed through a video is a person')
        if self.model.head == "attentive" and self.cut.frames > MOST_POSITIONS:
            raise ValueError(f'head = "attentive" tells {MOST_POSITIONS} looks apart: cut.frames must not be larger')
        if self.data.looks and (self.model.frozen or self.data.looks > self.cut.frames):
            raise ValueError("data.looks, at most cut.frames, is for networks that learn whole")
        if self.data.drop_looks and not self.model.frozen:
            raise ValueError("data.drop_looks is for frozen networks: of one that learns whole, data.looks shows some")
        if self.data.crop_px:
            raise ValueError("data.crop_px would move the face in its square: leave it out with cut.frames")
        if self.train.teacher:
            raise ValueError("train.teacher looks at pictures: leave it out with cut.frames")
        if self.augment.amplitude:
            raise ValueError("augment.amplitude mixes two pictures: leave it out with cut.frames")
        return self

    @model_validator(mode="after")
    def _listens_to_speech(self) -> Self:
        if self.model.hears != (self.cut.kind == "speech"):
            raise ValueError('cut.kind = "speech" needs backbones that say what they hear, and these need such a cut')
        if self.model.hears and (self.train.teacher or self.train.adversary or self.data.balance != "pairs"):
            raise ValueError("voices are learned in pairs, and without a teacher or an adversary, which see pictures")
        return self

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        if self.data.balance == "pairs" and self.train.batch % 2:
            raise ValueError("train.batch must be even: a batch is made of pairs, one real and one fake")
        if self.data.balance != "pairs" and self.data.made:
            raise ValueError('data.made needs data.balance = "pairs": a made fake goes beside its original')
        if self.model.solved and (self.train.epochs > 1 or self.train.beside or self.data.balance != "pairs"):
            raise ValueError(
                "a discriminant is solved at once: epochs = 1, pairs, and nothing beside its own objective"
            )
        if self.model.frozen and (self.train.adversary or self.train.backbone_rate < 1 or self.train.layer_decay < 1):
            raise ValueError("a network that is frozen whole has no use for an adversary or for rates of its layers")
        if self.data.crop_px and self.data.crop_px > self.cut.size_px:
            raise ValueError("data.crop_px must not be larger than cut.size_px")
        if self.data.crop_px and self.model.frozen:
            raise ValueError("data.crop_px is for networks that learn whole: a frozen one describes whole segments")
        if self.train.pictures_per_epoch < self.train.batch:
            raise ValueError("train.pictures_per_epoch must hold at least one batch")
        return self

    def shortened(self, epochs: int | None = None, pictures_per_epoch: int | None = None) -> Recipe:
        """The same experiment of another length, where time is short; None keeps the recipe's own.

        Raises:
            RecipeError: An epoch would not hold one batch.
        """
        given = {"epochs": epochs, "pictures_per_epoch": pictures_per_epoch}
        train = self.train.model_dump() | {name: value for name, value in given.items() if value is not None}
        try:
            return Recipe.model_validate(self.model_dump() | {"train": train})
        except ValidationError as error:
            raise RecipeError(f"the recipe {self.name} cannot be so short: {error.errors()[0]['msg']}") from error

    @classmethod
    def read(cls, path: Path) -> Recipe:
        """Read a recipe.

        Raises:
            RecipeError: No such file, no TOML, an unknown option or an impossible value.
        """
        values = recipe_file.values(path)
        if "metadata" in values:
            raise RecipeError(f"the recipe {path} is not one of a network: unmask baseline runs it")
        return recipe_file.validated(cls, values, path)
