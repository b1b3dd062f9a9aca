"""What training makes small: the cross-entropy, and what a recipe's [train] adds to it or puts in its place.

The further objectives look at the embedding, the numbers that the last layer of a head reads. Whatever they learn by
themselves (a direction, a head for the sources, the weights of groups) is part of a run's state and of no bundle.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional

from unmask.errors import RecipeError
from unmask.manifest import REAL, Item
from unmask.train.facts import Facts, source_names
from unmask.train.heads import Places
from unmask.train.models import Detector
from unmask.train.recipes import Recipe
from unmask.train.regime import Contrastive, DomainAdversary, GroupDRO, OneClass, Teaching, Training

_ADVERSARY_WIDTH: Final = 64
_KINDS: Final = 3
"""Of groups in a source: real photos, fakes, fakes made on the spot."""
_LEAST_LENGTH: Final = 1e-4  # of an embedding that is scaled to 1


class Objective(nn.Module):
    """The loss of a batch, with what it has learned of its own.

    Args:
        options: The recipe's [train].
        width: Numbers in an embedding.
        sources: How many sources there are to learn from.
    """

    shares: Tensor
    """Of the groups: what each counts, (3 x sources,)."""

    def __init__(self, options: Training, width: int, sources: int) -> None:
        super().__init__()
        self._options = options
        if options.one_class:
            self.direction = nn.Parameter(torch.randn(width))
        if options.domain_adversary:
            self.sources = nn.Sequential(
                nn.Linear(width, _ADVERSARY_WIDTH), nn.ReLU(), nn.Linear(_ADVERSARY_WIDTH, sources)
            )
        if options.group_dro:
            self.register_buffer("shares", torch.full((_KINDS * sources,), 1 / (_KINDS * sources)))

    def forward(
        self, logits: Tensor, embedding: Tensor, labels: Tensor, costs: Tensor, facts: Facts, done: float
    ) -> Tensor:
        """The loss.

        Args:
            logits: (N,).
            embedding: (N, width).
            labels: (N,), 1 is fake; in between where pictures were mixed.
            costs: (N,), what each picture weighs.
            facts: Of each picture.
            done: The share of the training that is over, 0 to 1.

        Returns:
            One number, ().
        """
        options = self._options
        target = labels * (1 - 2 * options.label_smoothing) + options.label_smoothing
        losses = functional.binary_cross_entropy_with_logits(logits, target, costs, reduction="none")
        if options.teacher:
            losses = taught(losses, logits, facts.taught, options.teacher)
        loss = (
            worst_groups(losses, groups(facts), self.shares, options.group_dro) if options.group_dro else losses.mean()
        )
        if options.contrastive:
            loss = loss + options.contrastive.weight * contrastive(embedding, facts.labels, options.contrastive)
        if options.one_class:
            loss = loss + options.one_class.weight * one_class(
                embedding, self.direction, facts.labels, options.one_class
            )
        if options.domain_adversary:
            told: Tensor = self.sources(reversed_gradient(embedding, options.domain_adversary.weight * ramp(done)))
            loss = loss + source_loss(told, facts, options.domain_adversary)
        return loss


class Lesson(nn.Module):
    """A network as it learns: its logits, and the embeddings that they are read from."""

    def __init__(self, model: Detector) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Logits (N,) and embeddings (N, width) of pixels (N, S, S, 3)."""
        return self.model.head.learn(self.model.maps(pixels))

    def described(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """The same, of what a `Describer` gave: (N, D)."""
        assert not isinstance(self.model.head, Places)  # the recipe sees to it
        return self.model.head.learn_described(rows)


def wanted(recipe: Recipe, model: Detector, learn: Sequence[Item]) -> Objective:
    """The objective of a recipe for a network, on the items it learns from.

    Raises:
        RecipeError: Sources are to be unlearned, and there is but one to tell.
    """
    adversary = recipe.train.domain_adversary
    if adversary:
        asked = {item.source for item in learn if adversary.among == "all" or item.label == REAL}
        if len(asked) < 2:
            what = "real photos of" if adversary.among == "real" else "items of"
            raise RecipeError(f"train.domain_adversary needs {what} at least two sources to learn from")
    return Objective(recipe.train, model.head.width, len(source_names(learn)))


def taught(losses: Tensor, logits: Tensor, teacher: Tensor, options: Teaching) -> Tensor:
    """Losses (N,), of which a part is the cross-entropy with what a teacher says (Hinton et al. 2015).

    Args:
        losses: (N,), by the labels.
        logits: (N,).
        teacher: Logits (N,), NaN where the teacher has seen nothing; there the label is all there is.
        options: The recipe's.
    """
    known = ~teacher.isnan()
    soft = torch.sigmoid(teacher.nan_to_num() / options.temperature)
    heard = functional.binary_cross_entropy_with_logits(logits / options.temperature, soft, reduction="none")
    # Gradients of soft targets shrink with the temperature squared.
    mixed = (1 - options.weight) * losses + options.weight * options.temperature**2 * heard
    return torch.where(known, mixed, losses)


def groups(facts: Facts) -> Tensor:
    """The group of each picture, its source and label, made fakes apart: int64 (N,)."""
    return (_KINDS * facts.sources + facts.labels + facts.made).long()


def worst_groups(losses: Tensor, groups: Tensor, shares: Tensor, options: GroupDRO) -> Tensor:
    """The groups' mean losses, weighed by their shares, which move to the larger (Sagawa et al. 2020, algorithm 1).

    Only the groups of this batch are weighed against each other, so that a batch that lacks some counts no less.

    Args:
        losses: (N,).
        groups: int64 (N,).
        shares: (G,), sum 1; changed in place.
        options: The recipe's.
    """
    counts = groups.bincount(minlength=len(shares))
    means = torch.zeros_like(shares).index_add(0, groups, losses) / counts.clamp(min=1)
    with torch.no_grad():
        shares *= torch.exp(options.rate * means)  # by 1 where the batch has none
        shares /= shares.sum()
        mine = shares * (counts > 0)
    return (mine / mine.sum() * means).sum()


def contrastive(embedding: Tensor, labels: Tensor, options: Contrastive) -> Tensor:
    """How far pictures of one label lie from each other, against all others (Khosla et al. 2020, L_out): ().

    Args:
        embedding: (N, D).
        labels: (N,); one that is alone with its label is passed over.
        options: The recipe's.
    """
    points = functional.normalize(embedding, dim=1, eps=_LEAST_LENGTH)
    itself = torch.eye(len(points), dtype=torch.bool, device=points.device)
    near = (points @ points.T / options.temperature).masked_fill(itself, -math.inf)
    alike = (labels[:, None] == labels[None]) & ~itself
    partners = alike.sum(dim=1)
    chances = functional.log_softmax(near, dim=1).masked_fill(~alike, 0.0)
    each = -chances.sum(dim=1) / partners.clamp(min=1)
    return each.sum() / (partners > 0).sum().clamp(min=1)


def one_class(embedding: Tensor, direction: Tensor, labels: Tensor, options: OneClass) -> Tensor:
    """How far real photos lie from a direction, and how near fakes: OC-Softmax (Zhang et al. 2021), ().

    Args:
        embedding: (N, D).
        direction: (D,), of any length.
        labels: (N,), 1 is fake.
        options: The recipe's.
    """
    points = functional.normalize(embedding, dim=1, eps=_LEAST_LENGTH)
    cosine = points @ functional.normalize(direction, dim=0, eps=_LEAST_LENGTH)
    missed = torch.where(labels == REAL, options.real - cosine, cosine - options.fake)
    return functional.softplus(options.scale * missed).mean()


def reversed_gradient(values: Tensor, weight: float) -> Tensor:
    """The same values, whose gradient comes back times -weight (Ganin et al. 2016)."""
    return (1 + weight) * values.detach() - weight * values


def ramp(done: float) -> float:
    """How much of the adversary's weight counts, from 0 at the start to 1 at the end (Ganin et al. 2016, 5.2.2)."""
    return 2 / (1 + math.exp(-10 * done)) - 1


def source_loss(told: Tensor, facts: Facts, options: DomainAdversary) -> Tensor:
    """The cross-entropy of the sources of the pictures that are asked for: (), 0 where none is.

    Args:
        told: Logits (N, sources).
        facts: Of each picture.
        options: The recipe's.
    """
    losses = functional.cross_entropy(told, facts.sources.long(), reduction="none")
    asked = (facts.labels == REAL).float() if options.among == "real" else torch.ones_like(losses)
    return (losses * asked).sum() / asked.sum().clamp(min=1)
