"""A generator's recipe: one TOML file in recipes/generators/. Unknown options are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from unmask import recipe_file
from unmask.types import Value

Upsampler = Literal["nearest", "bilinear", "transposed", "shuffle"]
Loss = Literal["l1", "l2", "ssim", "features", "adversarial"]


class Network(Value):
    """The autoencoder.

    Attributes:
        upsampler: How its decoder doubles the sides.
        depth: How often its encoder halves them.
        width: Channels after the first halving; deeper places have more.
        latent: Numbers that remain for each place of the smallest map.
    """

    upsampler: Upsampler
    depth: int = Field(ge=2, le=4)
    width: int = Field(default=16, ge=4, le=64, multiple_of=2)
    latent: int = Field(gt=0, le=128)


class Learning(Value):
    """How it learns. The weights that count are a moving average of those that learn.

    Attributes:
        steps: Batches in all. Many small ones teach more than a few large ones of the same cost.
        batch: Crops in each.
        crop_px: Their side.
        learning_rate: Its peak: it rises for a tenth of the steps and falls along a cosine.
        average: How much of the moving average stays at each step.
        clip: Largest norm of a step's gradient.
        critic_after: Share of the steps after which the critic of an adversarial loss joins; before, there is nothing
            but blur for it to see.
        keep_every: Steps after which the state is written, for a run that may be stopped.
    """

    steps: int = Field(gt=0)
    batch: int = Field(default=8, gt=0)
    crop_px: int = Field(default=64, ge=32)
    learning_rate: float = Field(default=4e-3, gt=0.0)
    average: float = Field(default=0.995, ge=0.0, lt=1.0)
    clip: float = Field(default=1.0, gt=0.0)
    critic_after: float = Field(default=0.3, ge=0.0, lt=1.0)
    keep_every: int = Field(default=500, gt=0)


class GeneratorRecipe(Value):
    """One generator.

    Attributes:
        name: Also the name of its file, and the method of the fakes made with it.
        summary: One sentence.
        held_out: No detector learns from it: its fakes stand for a generator that nobody has seen.
        sources: It learns from photos of these alone; from all where none is named. A source that a protocol leaves
            out must not be among them, or its photos would come back in the generator's.
        network: The autoencoder.
        losses: What it is punished for, each with its weight.
        train: How it learns.
        seed: Of all chance.
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    summary: str
    held_out: bool
    sources: tuple[str, ...] = ()
    network: Network
    losses: dict[Loss, Annotated[float, Field(gt=0.0)]] = Field(min_length=1)
    train: Learning
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.train.crop_px % 2**self.network.depth:
            raise ValueError(
                f"train.crop_px must be a multiple of {2**self.network.depth} at depth {self.network.depth}"
            )
        if not {"l1", "l2", "ssim"} & set(self.losses):
            raise ValueError("losses needs one that compares pixels: l1, l2 or ssim")
        return self

    @classmethod
    def read(cls, path: Path) -> GeneratorRecipe:
        """Read a recipe.

        Raises:
            RecipeError: No such file, no TOML, an unknown option or an impossible value.
        """
        return recipe_file.validated(cls, recipe_file.values(path), path)


def find(name: str) -> Path:
    """A generator's recipe by its path, or by the name of one that ships.

    Raises:
        RecipeError: Neither; the message lists the names.
    """
    return recipe_file.find(name, "generators")
