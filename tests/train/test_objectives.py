"""Objectives: each does what its paper says, and a run with it learns, goes on after a stop, and exports."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from tests.make_bundle import make_bundle
from tests.train.conftest import FrozenRun
from tests.train.tiny import backbone, frozen, recipe
from unmask import bundles
from unmask.errors import RecipeError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.train import run as runs
from unmask.train.export import export
from unmask.train.facts import Facts
from unmask.train.loop import train
from unmask.train.models import build, parameters
from unmask.train.objectives import (
    Objective,
    contrastive,
    groups,
    one_class,
    ramp,
    reversed_gradient,
    source_loss,
    taught,
    wanted,
    worst_groups,
)
from unmask.train.regime import Contrastive, DomainAdversary, GroupDRO, OneClass, Teaching, Training

LABELS = torch.tensor([0.0, 1.0, 0.0, 1.0])


def facts(sources: list[int], made: list[int] | None = None, said: list[float] | None = None) -> Facts:
    count = len(sources)
    return Facts(
        LABELS[:count],
        torch.tensor([float(one) for one in sources]),
        torch.tensor([float(one) for one in made or [0] * count]),
        torch.tensor(said or [math.nan] * count),
    )


class TestPlain:
    def test_it_is_the_weighed_cross_entropy_with_smoothed_labels(self) -> None:
        objective = Objective(Training(epochs=1, label_smoothing=0.1), width=3, sources=2)
        assert not list(objective.state_dict())
        logits, costs = torch.tensor([0.3, -1.0, 2.0, 0.1]), torch.tensor([0.5, 2.0, 0.5, 2.0])
        found = objective(logits, torch.zeros(4, 3), LABELS, costs, facts([0, 0, 1, 1]), 0.5)
        target = torch.tensor([0.1, 0.9, 0.1, 0.9])
        torch.testing.assert_close(found, functional.binary_cross_entropy_with_logits(logits, target, costs))

    def test_each_option_adds_its_weight(self) -> None:
        torch.manual_seed(0)
        embedding, logits = torch.randn(4, 3), torch.zeros(4)
        given = facts([0, 0, 1, 1])
        options = Training(epochs=1, contrastive=Contrastive(weight=0.5), one_class=OneClass(weight=2.0))
        objective = Objective(options, width=3, sources=2)
        assert options.contrastive
        assert options.one_class
        expected = math.log(2) + 0.5 * contrastive(embedding, LABELS, options.contrastive)
        expected += 2.0 * one_class(embedding, objective.direction, LABELS, options.one_class)
        found = objective(logits, embedding, LABELS, torch.ones(4), given, 0.0)
        torch.testing.assert_close(found, expected)


class TestContrastive:
    def test_labels_apart_cost_less_than_labels_mixed(self) -> None:
        apart = torch.tensor([[1.0, 0.1], [0.1, 1.0], [1.0, 0.0], [0.0, 1.0]])
        mixed = apart[[0, 2, 1, 3]]
        options = Contrastive()
        assert contrastive(apart, LABELS, options) < 0.01 < 1 < contrastive(mixed, LABELS, options)
        torch.testing.assert_close(contrastive(5 * apart, LABELS, options), contrastive(apart, LABELS, options))

    def test_by_hand(self) -> None:
        points = functional.normalize(torch.randn(4, 5, generator=torch.Generator().manual_seed(1)))
        expected = 0.0
        for one, label in enumerate(LABELS):
            others = [other for other in range(4) if other != one]
            near = {other: math.exp(float(points[one] @ points[other]) / 0.5) for other in others}
            alike = [other for other in others if LABELS[other] == label]
            expected -= sum(math.log(near[other] / sum(near.values())) for other in alike) / len(alike) / 4
        assert float(contrastive(points, LABELS, Contrastive(temperature=0.5))) == pytest.approx(expected, rel=1e-5)

    def test_who_is_alone_is_passed_over_and_gradients_are_numbers(self) -> None:
        embedding = torch.zeros(3, 2, requires_grad=True)
        loss = contrastive(embedding, torch.tensor([0.0, 1.0, 1.0]), Contrastive())
        assert loss.item() == pytest.approx(math.log(2))
        (gradient,) = torch.autograd.grad(loss, embedding)
        assert gradient.isfinite().all()
        assert float(contrastive(torch.randn(2, 2), torch.tensor([0.0, 1.0]), Contrastive())) == 0


class TestOneClass:
    def test_reals_are_wanted_near_and_fakes_anywhere_else(self) -> None:
        direction = torch.tensor([3.0, 0.0])
        east, north, west = torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]).unbind()

        def loss(point: Tensor, label: float) -> float:
            return float(one_class(point[None], direction, torch.tensor([label]), OneClass()))

        assert loss(east, REAL) < 0.2 < 10 < loss(north, REAL) < loss(west, REAL)
        assert loss(north, FAKE) < 0.2 < 10 < loss(east, FAKE)
        assert loss(west, FAKE) < 0.1, "a fake need not resemble another"

    def test_the_margins_are_the_papers(self) -> None:
        points = torch.tensor([[0.9, math.sqrt(1 - 0.81)], [0.2, math.sqrt(1 - 0.04)]])
        found = one_class(points, torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]), OneClass())
        assert float(found) == pytest.approx(math.log(2), abs=1e-4)

    def test_a_margin_for_reals_below_that_for_fakes_is_refused(self) -> None:
        with pytest.raises(ValidationError, match="real must be larger than fake"):
            OneClass(real=0.1, fake=0.3)


class TestDomainAdversary:
    def test_the_values_stay_and_the_gradient_turns(self) -> None:
        values = torch.randn(4, 3, requires_grad=True)
        turned = reversed_gradient(values, 0.3)
        torch.testing.assert_close(turned, values)
        (gradient,) = torch.autograd.grad((turned * torch.arange(12.0).view(4, 3)).sum(), values)
        torch.testing.assert_close(gradient, -0.3 * torch.arange(12.0).view(4, 3))

    def test_it_grows_from_nothing(self) -> None:
        assert ramp(0.0) == 0
        assert 0 < ramp(0.1) < ramp(0.5) < ramp(1.0) == pytest.approx(1, abs=1e-3)

    def test_only_real_photos_are_asked_unless_all_are(self) -> None:
        told = torch.tensor([[5.0, 0.0], [0.0, 5.0], [5.0, 0.0], [0.0, 5.0]])
        given = facts([0, 0, 0, 0])
        low, high = math.log(1 + math.exp(-5)), math.log(1 + math.exp(5))
        assert float(source_loss(told, given, DomainAdversary())) == pytest.approx(low, abs=1e-4)
        assert float(source_loss(told, given, DomainAdversary(among="all"))) == pytest.approx((low + high) / 2)
        none = given._replace(labels=torch.ones(4))
        assert float(source_loss(told, none, DomainAdversary())) == 0

    def test_the_head_learns_what_the_network_unlearns(self) -> None:
        """One step along the gradient: the head tells better, and the network gives it less to tell by."""
        torch.manual_seed(0)
        objective = Objective(
            Training(epochs=1, domain_adversary=DomainAdversary(weight=1.0, among="all"), label_smoothing=0.0), 3, 2
        )
        embedding = torch.randn(4, 3, requires_grad=True)
        given = facts([0, 1, 0, 1])

        def loss(at: Tensor) -> Tensor:
            return source_loss(objective.sources(at), given, DomainAdversary(among="all"))

        before = loss(embedding).item()
        whole = objective(torch.zeros(4), embedding, LABELS, torch.ones(4), given, 1.0)
        assert whole.item() == pytest.approx(math.log(2) + before)
        whole.backward()
        assert embedding.grad is not None
        assert loss(embedding - 0.1 * embedding.grad).item() > before
        with torch.no_grad():
            for parameter in objective.parameters():
                assert parameter.grad is not None
                parameter.sub_(parameter.grad, alpha=0.1)
        assert loss(embedding).item() < before

    def test_one_source_cannot_be_unlearned(self) -> None:
        chosen = recipe(train={"domain_adversary": {}})
        model = build(chosen.model)
        items = [Item(Path("a"), REAL, source="alpha"), Item(Path("b"), FAKE, source="beta")]
        with pytest.raises(RecipeError, match="needs real photos of at least two sources"):
            wanted(chosen, model, items)
        assert wanted(recipe(train={"domain_adversary": {"among": "all"}}), model, items).sources is not None


class TestGroupDRO:
    def test_groups_are_source_and_label_with_made_fakes_apart(self) -> None:
        assert groups(facts([0, 0, 1, 1], made=[0, 1, 0, 0])).tolist() == [0, 2, 3, 4]

    def test_weight_moves_to_the_worse_group(self) -> None:
        shares = torch.full((4,), 0.25)
        losses, which = torch.tensor([0.1, 0.1, 2.0]), torch.tensor([0, 0, 1])
        first = worst_groups(losses, which, shares, GroupDRO(rate=0.5))
        assert shares[1] > shares[0] > shares[2] == shares[3]
        assert float(shares.sum()) == pytest.approx(1)
        assert float(first) > (0.1 + 2.0) / 2, "groups of two and of one count alike at first, and the worse then more"
        for _ in range(20):
            last = worst_groups(losses, which, shares, GroupDRO(rate=0.5))
        assert float(last) == pytest.approx(2.0, abs=0.01), "in the end the worst is all that counts"

    def test_groups_that_a_batch_lacks_take_nothing_from_it(self) -> None:
        shares = torch.tensor([0.01, 0.99])
        assert float(worst_groups(torch.tensor([0.7]), torch.tensor([0]), shares, GroupDRO())) == pytest.approx(0.7)


class TestTaught:
    def test_a_teacher_is_heard_where_it_spoke(self) -> None:
        logits = torch.tensor([0.5, -0.5], requires_grad=True)
        said = torch.tensor([3.0, math.nan])
        plain = torch.tensor([1.0, 1.0])
        found = taught(plain, logits, said, Teaching(bundles=("x",), weight=0.25, temperature=2.0))
        soft = 1 / (1 + math.exp(-1.5))
        heard = -(soft * math.log(1 / (1 + math.exp(-0.25))) + (1 - soft) * math.log(1 - 1 / (1 + math.exp(-0.25))))
        torch.testing.assert_close(found, torch.tensor([0.75 + 0.25 * 4 * heard, 1.0]))
        (gradient,) = torch.autograd.grad(found.sum(), logits)
        assert gradient[0] < 0, "the teacher says more"
        assert gradient[1] == 0

    def test_who_agrees_is_left_alone(self) -> None:
        logits = torch.tensor([1.3], requires_grad=True)
        found = taught(torch.zeros(1), logits, torch.tensor([1.3]), Teaching(bundles=("x",), weight=1.0))
        (gradient,) = torch.autograd.grad(found.sum(), logits)
        assert gradient.item() == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    "option", [{"contrastive": {}}, {"one_class": {}}, {"domain_adversary": {}}, {"group_dro": {}}]
)
def test_what_looks_at_one_label_cannot_be_mixed_nor_shared_among_devices(
    option: dict[str, Any], prepared: Path, tmp_path: Path
) -> None:
    (name,) = option
    with pytest.raises(ValidationError, match=f"leave out mixup, or {name}"):
        recipe(train={**option, "mixup": 0.2})
    with pytest.raises(UsageError, match=rf"train\.{name} looks at whole batches"):
        train(recipe(train=option), prepared, tmp_path / "run", devices=2)


class Stopped(Exception):
    """Stands for an interruption."""


OPTIONS: dict[str, dict[str, Any]] = {
    "contrastive": {"contrastive": {"weight": 0.5}},
    "one_class": {"one_class": {"weight": 0.5}},
    "domain_adversary": {"domain_adversary": {"weight": 0.5}},
    "group_dro": {"group_dro": {"rate": 0.5}},
    "average_epochs": {"average_epochs": 1},
    "teacher": {"teacher": {"bundles": ["TEACHER"], "weight": 0.7}},
}


@pytest.fixture(scope="module")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_bundle(tmp_path_factory.mktemp("teacher") / "red", name="red", kind="patch").folder


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, prepared: Path) -> Path:
    """The prepared folder again, for answers of teachers to be kept in."""
    return Path(shutil.copytree(prepared, tmp_path_factory.mktemp("own") / "prepared"))


def filled(options: dict[str, Any], teacher: Path) -> dict[str, Any]:
    given = {name: dict(one) if isinstance(one, dict) else one for name, one in options.items()}
    if "teacher" in given:
        given["teacher"]["bundles"] = [str(teacher)]
    return given


def states(one: Path, other: Path) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    return load_file(one / runs.STATE), load_file(other / runs.STATE)


class TestRuns:
    """Both kinds of training, with each option: it changes what is learned, and a stop changes nothing."""

    @pytest.mark.parametrize("name", OPTIONS)
    @pytest.mark.parametrize("kind", ["whole", "frozen"])
    def test_it_learns_and_resumes(
        self,
        kind: str,
        name: str,
        own: Path,
        finished: Path,
        frozen_run: FrozenRun,
        weights: Path,
        teacher: Path,
        tmp_path: Path,
    ) -> None:
        options = filled(OPTIONS[name], teacher)
        chosen, data, plain = (
            (recipe(train=options), own, finished)
            if kind == "whole"
            else (frozen(train=options), frozen_run.prepared, frozen_run.folder)
        )

        def stop(what: str, done: int, of: int) -> None:
            if what.startswith("training") and done == 3:
                raise Stopped

        done = train(chosen, data, tmp_path / "whole", weights=weights, workers=0)
        assert np.isfinite(done.last["loss"])
        with pytest.raises(Stopped):
            train(chosen, data, tmp_path / "stopped", weights=weights, workers=0, progress=stop)
        train(chosen, data, tmp_path / "stopped", weights=weights, workers=0)
        mine, again = states(tmp_path / "whole", tmp_path / "stopped")
        assert mine.keys() == again.keys()
        assert all(torch.equal(mine[one], again[one]) for one in mine)
        before = load_file(plain / runs.STATE)
        learned = [one for one in before if one.startswith("average.") and before[one].dtype.is_floating_point]
        assert any(not torch.equal(mine[one], before[one]) for one in learned), "the option does something"
        remembers = name in ("one_class", "domain_adversary", "group_dro")
        assert any(one.startswith("objective.") for one in mine) == remembers

    def test_all_at_once_export_no_more_than_the_network(self, own: Path, teacher: Path, tmp_path: Path) -> None:
        given: dict[str, Any] = {"epochs": 1}
        for one in OPTIONS.values():
            given |= filled(one, teacher)
        train(recipe(train=given), own, tmp_path / "run", workers=0)
        bundle = export(tmp_path / "run", tmp_path / "bundle")
        assert bundles.check(bundle) <= bundles.TOLERANCE
        assert bundle.card.training.parameters == parameters(runs.load(tmp_path / "run")[1])


def test_a_dense_head_learns_with_an_embedding_too(prepared: Path, tmp_path: Path) -> None:
    model = {"backbones": [backbone()], "head": "dense", "hidden": 8}
    chosen = recipe(model=model, train={"epochs": 1, "contrastive": {}, "one_class": {}})
    train(chosen, prepared, tmp_path, workers=0)
    assert load_file(tmp_path / runs.STATE)["objective.direction"].shape == (8,)
