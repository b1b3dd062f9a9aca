"""How a recipe learns: its [train] table."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from unmask.types import Value


class Adversary(Value):
    """Pictures that are attacked before the network learns from them (Madry et al. 2017, arXiv:1706.06083).

    Attributes:
        method: "fgsm" takes one step, "pgd" several.
        strength: Largest change of a value, in units of 1 out of 255.
        steps: Of "pgd".
        share: Of the pictures of each batch.
    """

    method: Literal["fgsm", "pgd"] = "pgd"
    strength: float = Field(default=2.0, ge=1.0, le=255.0)
    steps: int = Field(default=3, gt=0)
    share: float = Field(default=0.5, gt=0.0, le=1.0)


class Training(Value):
    """How it learns. The weights that count are a moving average of those that learn.

    Attributes:
        epochs: Passes of `pictures_per_epoch` pictures, drawn anew each time.
        pictures_per_epoch: Likewise.
        batch: Pictures a step, on all devices together.
        optimizer: As PyTorch has it; "sgd" has a momentum of 0.9.
        learning_rate: Its peak, for the head.
        schedule: "one-cycle" rises for a tenth of the steps and falls along a cosine, "cosine" only falls, "constant"
            does neither.
        backbone_rate: Learning rate of the backbones in units of the head's: discriminative rates, as in
            `layer_decay`.
        layer_decay: Each layer of a backbone learns at this part of the rate of the layer after it; 1 is all alike.
        weight_decay: Of all weights but biases and normalisation.
        clip: Largest norm of a step's gradient; 0 leaves gradients alone.
        label_smoothing: How far the targets lie inside 0 and 1.
        mixup: Pictures and labels are mixed in pairs by a share drawn from Beta(mixup, mixup) (Zhang et al. 2018,
            arXiv:1710.09412); 0 mixes none.
        average: How much of the moving average of the weights (EMA) stays at each step; 0 averages nothing.
        patience: Stop early once the AUC on val has not risen for so many epochs. The last epoch is the result all the
            same, but its length was then chosen on val, and the calibration on val is a little too sure of itself.
        adversary: Attacks to learn from; none where not given.
        precision: "auto" is bfloat16 where the machine multiplies in it, and 32 bit elsewhere.
        views: How many changed forms of each picture a frozen backbone describes; the head learns from these alone.
            Networks that learn whole see a new form each time.
    """

    epochs: int = Field(gt=0)
    pictures_per_epoch: int = Field(default=6000, gt=0)
    batch: int = Field(default=64, gt=1)
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: float = Field(default=1e-3, gt=0.0)
    schedule: Literal["one-cycle", "cosine", "constant"] = "one-cycle"
    backbone_rate: float = Field(default=1.0, gt=0.0, le=1.0)
    layer_decay: float = Field(default=1.0, gt=0.0, le=1.0)
    weight_decay: float = Field(default=0.05, ge=0.0)
    clip: float = Field(default=1.0, ge=0.0)
    label_smoothing: float = Field(default=0.02, ge=0.0, lt=0.5)
    mixup: float = Field(default=0.0, ge=0.0)
    average: float = Field(default=0.98, ge=0.0, lt=1.0)
    patience: int | None = Field(default=None, gt=0)
    adversary: Adversary | None = None
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    views: int = Field(default=8, gt=0)
