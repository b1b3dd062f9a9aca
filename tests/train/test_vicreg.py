"""The loss without labels: what it punishes, by hand, and that it can be learned."""

from __future__ import annotations

import torch
from torch import Tensor

from tests.train.tiny import backbone
from unmask.train.design import Model
from unmask.train.models import Eye, build
from unmask.train.vicreg import Student, vicreg


def apart(scale: float = 1.0) -> Tensor:
    """Eight rows whose four numbers have a mean of 0, the standard deviation `scale` and no covariance."""
    signs = torch.tensor([[1.0, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]])
    rows = torch.cat([signs, -signs])
    return scale * rows / rows.std(dim=0)


def test_views_that_agree_on_pictures_that_differ_cost_nothing() -> None:
    terms = vicreg(apart(2.0), apart(2.0))
    assert abs(float(terms.loss)) < 1e-5
    torch.testing.assert_close(terms.spread, torch.tensor(2.0), atol=1e-3, rtol=0)


def test_views_that_disagree_cost_by_their_distance() -> None:
    terms = vicreg(apart(2.0), apart(2.0) + 0.5)
    torch.testing.assert_close(terms.apart, torch.tensor(0.25))
    torch.testing.assert_close(terms.loss, torch.tensor(25 * 0.25), atol=1e-4, rtol=0)


def test_saying_the_same_of_all_costs_most_of_what_spread_can() -> None:
    terms = vicreg(torch.ones(8, 4), torch.ones(8, 4))
    torch.testing.assert_close(terms.spread, torch.tensor(0.01))
    torch.testing.assert_close(terms.loss, torch.tensor(25 * 0.99))


def test_numbers_that_say_the_same_cost_their_covariance() -> None:
    one = apart(2.0)[:, :1].expand(-1, 2)
    terms = vicreg(one, one)
    torch.testing.assert_close(terms.overlap, torch.tensor(2 * 2 * 16.0 / 2))
    torch.testing.assert_close(terms.loss, terms.overlap)


def test_a_student_learns_to_say_alike_of_two_views() -> None:
    torch.manual_seed(0)
    eye = build(Model.model_validate({"backbone": backbone(maps=[1])})).eyes[0]
    assert isinstance(eye, Eye)
    student = Student(eye, 24, 16).train()
    pictures = torch.randint(0, 256, (8, 32, 32, 3)).float()
    views = [(pictures + torch.randn_like(pictures) * 8).clamp(0, 255).to(torch.uint8) for _ in range(2)]
    stepper = torch.optim.AdamW(student.parameters(), lr=3e-3)
    losses = []
    for _ in range(12):
        terms = vicreg(student(views[0]), student(views[1]))
        terms.loss.backward()  # type: ignore[no-untyped-call]
        stepper.step()
        stepper.zero_grad()
        losses.append(float(terms.loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
