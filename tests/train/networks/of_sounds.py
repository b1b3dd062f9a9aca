"""What is asked of every network of sounds, with what it is to listen to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from unmask.card import Cut
from unmask.runtime import Session
from unmask.train.graph import write_graph
from unmask.train.heads import Places
from unmask.train.hearing import HEARINGS
from unmask.train.networks.stages import Stages
from unmask.types import RATE_HZ

CUT = Cut(kind="speech", window_s=1.0)


class Listener(nn.Module):
    """Samples to logits, as a detector does it."""

    def __init__(self, network: Stages, hears: str) -> None:
        super().__init__()
        self.hearing = HEARINGS[hears]()
        self.network = network
        self.head = Places(network.channels, dropout=0.0)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        logit, activation = self.head(self.network(self.hearing(samples)))
        return logit, activation


def sounds(count: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A second of hiss each, every second one with a tone at 3 kHz: (N, 16000), and which have it, (N,)."""
    rng = np.random.default_rng(seed)
    made = np.arange(count) % 2
    tone = np.sin(2 * np.pi * 3000 * np.arange(RATE_HZ) / RATE_HZ)
    samples = 0.01 * (rng.standard_normal((count, RATE_HZ)) + 3 * made[:, None] * tone)
    return torch.from_numpy(samples.astype(np.float32)), torch.from_numpy(made.astype(np.float32))


def maps_as_told(network: Stages, hears: str) -> list[Tensor]:
    """Its maps of two sounds and of silence, whose channels are those it tells."""
    samples = torch.cat([sounds(2)[0], torch.zeros(1, RATE_HZ)])
    with torch.no_grad():
        maps: list[Tensor] = network.eval()(HEARINGS[hears]()(samples))
    assert [one.shape[:2] for one in maps] == [(3, channels) for channels in network.channels]
    assert all(torch.isfinite(one).all() for one in maps)
    return maps


def contract_holds(network: Stages) -> None:
    """How to normalise, and parts that can be held, all of which learn."""
    assert len(network.mean) == len(network.std) == 1
    owners = {key.split(".")[0] for key in network.state_dict()}
    assert owners <= {part for part, _ in network.named_children()}
    assert sum(one.numel() for one in network.parameters()) < 2_000_000


def every_weight_learns(network: Stages, hears: str) -> None:
    network.train()
    network(HEARINGS[hears]()(sounds(4)[0]))[-1].square().sum().backward()
    assert [key for key, one in network.named_parameters() if one.grad is None] == []


def graph_computes_the_same(network: Stages, hears: str, folder: Path) -> None:
    """For another batch than it was written with, loud, quiet and silent; its activation's mean is the logit."""
    torch.manual_seed(0)
    model = Listener(network, hears)
    model.train()
    for seed in range(3):  # so that batch norms have seen something
        model(sounds(4, seed)[0])
    write_graph(model.eval(), ["logit", "activation"], CUT, folder / "model.onnx")
    loud = sounds(3, seed=9)[0]
    batch = torch.cat([loud, loud[:1] / 10, torch.zeros(1, RATE_HZ)])
    with torch.no_grad():
        logit, activation = (one.numpy() for one in model(batch))
    found = Session(folder / "model.onnx").run(batch.numpy())
    assert np.abs(found["logit"] - logit).max() < 1e-3
    assert np.abs(found["activation"] - activation).max() < 1e-3
    assert np.ptp(logit) > 1e-3
    assert abs(logit[3] - logit[0]) < 1e-3, "gain says nothing"
    assert np.abs(activation.mean(axis=(1, 2)) + model.head.constant.item() - logit).max() < 1e-4


def loss_falls(network: Stages, hears: str, steps: int = 12, rate: float = 3e-3) -> None:
    """To less than half of where it began, on sounds with and without a tone."""
    torch.manual_seed(0)
    model = Listener(network, hears).train()
    samples, made = sounds(8)
    taught = torch.optim.Adam(model.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        loss = nn.functional.binary_cross_entropy_with_logits(model(samples)[0], made)
        taught.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        taught.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < losses[0] / 2
