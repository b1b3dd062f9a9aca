"""What is known of each picture goes with it, and is true of it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import torch

from tests.train.conftest import FrozenRun
from tests.train.tiny import WEIGHTS, frozen, recipe
from unmask.manifest import FAKE, REAL
from unmask.train.data import Draw, Pictures, draw_epoch, read_split
from unmask.train.facts import Drawn, Facts, Known, source_names
from unmask.train.models import build
from unmask.train.recipes import Data
from unmask.train.views import Described


def check(pictures: Drawn, prepared: Path, said: dict[Path, float]) -> None:
    items = read_split(prepared, "train", ())
    names = source_names(items)
    assert names == ["alpha", "beta", "gamma"]
    known = Known(pictures, names, said)
    assert len(known) == len(pictures) == 16
    facts = Facts.of(torch.stack([known[index][1] for index in range(16)]))
    labels, sources, made, taught = (column.tolist() for column in facts)
    assert sum(labels) == 8
    assert sum(made) > 0
    for index, draw in enumerate(pictures.draws):
        inputs, label = pictures[index]
        assert torch.equal(known[index][0], inputs)
        assert labels[index] == label == draw.label
        assert names[int(sources[index])] == draw.item.source
        assert made[index] == (draw.label != draw.item.label)
        expected = math.nan if made[index] else said.get(draw.item.path, math.nan)
        np.testing.assert_allclose(taught[index], expected)


def test_of_pictures(prepared: Path) -> None:
    items = read_split(prepared, "train", ())
    chosen = recipe()
    check(Pictures(chosen, items).epoch(items, 0), prepared, {items[0].path: 0.25, items[-1].path: -1.5})


def test_of_descriptions(frozen_run: FrozenRun, weights: Path) -> None:
    items = read_split(frozen_run.prepared, "train", ())
    chosen, file = frozen(), weights / WEIGHTS
    torch.manual_seed(0)
    described = Described(build(chosen.model, [file]), chosen, frozen_run.prepared, weights=[file])
    check(described.epoch(items, 0), frozen_run.prepared, {item.path: 1.0 for item in items})


def test_sources_drawn_alike_balance_the_groups(prepared: Path) -> None:
    """source_power = 0 with pairs is group-balanced sampling: of each label every source comes as often."""
    items = [item for item in read_split(prepared, "train", ()) if item.source != "gamma" or item.label == FAKE]
    many = items + [item for item in items if item.source == "alpha"] * 9
    draws = draw_epoch(many, Data(source_power=0.0, made=0.0), 6000, np.random.default_rng(0))
    for label, sources in ((REAL, ("alpha", "beta")), (FAKE, ("alpha", "beta", "gamma"))):
        for source in sources:
            count = sum(isinstance(one, Draw) and one.label == label and one.item.source == source for one in draws)
            assert abs(count / 3000 - 1 / len(sources)) < 0.04
