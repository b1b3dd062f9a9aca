"""How a recipe learns: its [train] table."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

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


class Contrastive(Value):
    """A loss that draws pictures of one label together and those of two apart (Khosla et al. 2020, arXiv:2004.11362).

    Attributes:
        weight: What it counts beside the cross-entropy.
        temperature: The smaller, the more the nearest neighbours count.
    """

    weight: float = Field(default=0.1, gt=0.0)
    temperature: float = Field(default=0.1, gt=0.0)


class OneClass(Value):
    """A loss that wants real photos close to one direction, and fakes anywhere but there.

    OC-Softmax (Zhang et al. 2021, arXiv:2010.13995): fakes need not resemble each other.

    Attributes:
        weight: What it counts beside the cross-entropy.
        real: Least cosine that a real photo should have with the direction, which is learned.
        fake: Largest cosine that a fake should have.
        scale: The larger, the less counts what is well within its margin.
    """

    weight: float = Field(default=0.1, gt=0.0)
    real: float = Field(default=0.9, gt=-1.0, lt=1.0)
    fake: float = Field(default=0.2, gt=-1.0, lt=1.0)
    scale: float = Field(default=20.0, gt=0.0)

    @model_validator(mode="after")
    def _reals_closer(self) -> Self:
        if self.fake >= self.real:
            raise ValueError("real must be larger than fake: real photos are the ones that lie close together")
        return self


class DomainAdversary(Value):
    """A second head learns to tell the sources apart, and the network to give it nothing to tell them by.

    Gradients are reversed between the two (DANN, Ganin et al. 2016, arXiv:1505.07818), with a weight that grows from 0
    as it does there.

    Attributes:
        weight: Of the reversed gradient, once training is over.
        among: "real" asks for the sources of real photos alone; "all" asks for those of fakes too. Where a source holds
            fakes only, its name tells the label, and unlearning the one would unlearn the other.
    """

    weight: float = Field(default=0.1, gt=0.0)
    among: Literal["real", "all"] = "real"


class GroupDRO(Value):
    """The groups that are learned worst count most (Sagawa et al. 2020, arXiv:1911.08731).

    A group is a label of a source; the fakes made on the spot from a source are a group of their own.

    Attributes:
        rate: How fast weight moves to the groups with the larger loss.
    """

    rate: float = Field(default=0.01, gt=0.0)


class Teaching(Value):
    """Detectors to learn from, beside the labels: knowledge distillation (Hinton et al. 2015, arXiv:1503.02531).

    Attributes:
        bundles: Shipped names or folders of bundles with the recipe's own cut; together they say the mean of their
            calibrated logits. "{left_out}" stands for the sources that the recipe leaves out, joined by "-".
        weight: What they count against the labels; 1 hears the labels only of what they did not judge: made fakes.
        temperature: Divides the logits of both sides, so that more of what lies between 0 and 1 is learned.
    """

    bundles: tuple[str, ...] = Field(min_length=1)
    weight: float = Field(default=0.5, gt=0.0, le=1.0)
    temperature: float = Field(default=2.0, gt=0.0)


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
        average_epochs: Average the weights of all steps of the last so many epochs alike, instead of the moving average
            (after Izmailov et al. 2018, arXiv:1803.05407; batch-norm statistics are averaged too).
        patience: Stop early once the AUC on val has not risen for so many epochs. The last epoch is the result all the
            same, but its length was then chosen on val, and the calibration on val is a little too sure of itself.
        adversary: Attacks to learn from; none where not given.
        contrastive: Draw labels apart in the embedding; not where not given. As all that follow up to the teacher.
        one_class: Draw real photos together.
        domain_adversary: Unlearn the sources.
        group_dro: Learn most from the groups that are learned worst.
        teacher: Detectors to learn from.
        precision: "auto" is bfloat16 where the machine multiplies in it, and 32 bit elsewhere.
        views: How many changed forms of each picture a frozen backbone describes; the head learns from these alone.
            Networks that learn whole see a new form each time.
        plain_views: How many of these show the pictures, made fakes too, as they are. The finest traces survive no
            change at all.
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
    average_epochs: int | None = Field(default=None, gt=0)
    patience: int | None = Field(default=None, gt=0)
    adversary: Adversary | None = None
    contrastive: Contrastive | None = None
    one_class: OneClass | None = None
    domain_adversary: DomainAdversary | None = None
    group_dro: GroupDRO | None = None
    teacher: Teaching | None = None
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    views: int = Field(default=8, gt=0)
    plain_views: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _options_fit_together(self) -> Self:
        if self.plain_views > self.views:
            raise ValueError("plain_views are some of the views: there cannot be more of them")
        if self.mixup and self.beside:
            what = "a picture that was mixed of two has no one label, source or teacher"
            raise ValueError(f"{what}: leave out mixup, or {' and '.join(self.beside)}")
        if self.average_epochs and self.patience:
            raise ValueError("average_epochs must know which epochs are the last: leave out patience")
        return self

    @property
    def beside(self) -> tuple[str, ...]:
        """The options given that look at more of a picture than its logit and its label."""
        names = ("contrastive", "one_class", "domain_adversary", "group_dro", "teacher")
        return tuple(name for name in names if getattr(self, name) is not None)
