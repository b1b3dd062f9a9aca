"""Where somebody speaks: a voice is found wherever it begins, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.draw_speech import speech
from unmask import voice_activity
from unmask.errors import BundleError
from unmask.voice_activity import STEP, STEP_S, VoiceActivity
from unmask.words import RATE_HZ, Samples

SECONDS = 8.0
TIMES_S = np.arange(round(SECONDS * RATE_HZ)) / RATE_HZ


def noise(seconds: float = SECONDS) -> NDArray[np.float64]:
    return 0.2 * np.random.default_rng(0).standard_normal(round(seconds * RATE_HZ))


def chord() -> NDArray[np.float64]:
    notes = (np.sin(2 * np.pi * f * TIMES_S) + 0.3 * np.sin(4 * np.pi * f * TIMES_S) for f in (220, 277, 330))
    return np.asarray(0.1 * sum(notes))


def melody() -> NDArray[np.float64]:
    """Plucked notes of eight harmonics, four a second."""
    rng, sound = np.random.default_rng(1), np.zeros(len(TIMES_S) + RATE_HZ)
    since = np.arange(round(0.4 * RATE_HZ)) / RATE_HZ
    for start in range(0, len(TIMES_S), RATE_HZ // 4):
        hz = 220 * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
        note = sum(np.sin(2 * np.pi * hz * k * since) / k for k in range(1, 9)) * np.exp(-6 * since)
        sound[start : start + len(note)] += 0.15 * note
    return sound[: len(TIMES_S)]


def hum() -> NDArray[np.float64]:
    return np.asarray(sum(0.2 / k * np.sin(2 * np.pi * 50 * k * TIMES_S) for k in range(1, 8)))


def applause() -> NDArray[np.float64]:
    rng, sound = np.random.default_rng(2), np.zeros(len(TIMES_S) + 400)
    for start in rng.integers(0, len(TIMES_S), 1200):
        sound[start : start + 400] += 0.2 * rng.random() * rng.standard_normal(400) * np.exp(-np.arange(400) / 60)
    return sound[: len(TIMES_S)]


def siren() -> NDArray[np.float64]:
    return 0.4 * np.sin(2 * np.pi * np.cumsum(800 + 400 * np.sin(np.pi * TIMES_S)) / RATE_HZ)


OTHERS: dict[str, Callable[[], NDArray[np.float64]]] = {
    "silence": lambda: np.zeros(len(TIMES_S)),
    "an offset": lambda: np.full(len(TIMES_S), 0.5),
    "noise": noise,
    "noise that rises and falls": lambda: noise() * (0.5 + 0.5 * np.sin(8 * np.pi * TIMES_S)),
    "a chord": chord,
    "a melody": melody,
    "hum": hum,
    "applause": applause,
    "a siren": siren,
}


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_no_voice_is_not_taken_for_one(what: str) -> None:
    speaks = VoiceActivity().speaks(OTHERS[what]().astype(np.float32))
    assert len(speaks) == len(TIMES_S) // STEP
    assert speaks.sum() * STEP_S < 0.25


@pytest.mark.parametrize(
    "heard",
    [
        lambda x: x,
        lambda x: 0.05 * x,
        lambda x: 0.5 * x + 0.3,
        lambda x: np.clip(10 * x, -1, 1),
        lambda x: x + 0.1 * noise(6.0),
    ],
    ids=["as is", "quiet", "with an offset", "clipped", "with noise"],
)
def test_a_voice_is_found(heard: Callable[[Samples], Samples]) -> None:
    assert VoiceActivity().speaks(heard(speech(6.0)).astype(np.float32)).mean() > 0.6


def test_it_is_found_where_it_is() -> None:
    sound = np.concatenate([0.01 * noise(3.0), speech(3.0, seed=1), 0.01 * noise(3.0)]).astype(np.float32)
    steps = np.flatnonzero(VoiceActivity().speaks(sound)) * STEP_S
    assert steps.min() == pytest.approx(3.0, abs=0.1)
    assert steps.max() == pytest.approx(6.0, abs=0.3)


@pytest.mark.parametrize("size", [1000, 5000, 16_000 * 30])
def test_the_answer_does_not_depend_on_the_blocks(size: int) -> None:
    sound = np.tile(np.concatenate([speech(5.0), np.zeros(8_000, np.float32)]), 6)[: -(STEP // 2)]
    gate = VoiceActivity()
    parts = [gate.speaks(sound[start : start + size]) for start in range(0, len(sound), size)]
    found = np.concatenate([*parts, gate.rest()])
    other = VoiceActivity()
    assert (found == np.concatenate([other.speaks(sound), other.rest()])).all()
    assert len(found) == -(-len(sound) // STEP)
    assert gate.rest().size == 0


def test_nothing_that_came_before_makes_it_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = VoiceActivity()
    gate.speaks(np.tile(melody(), 6).astype(np.float32))
    gate._hidden, gate._cell = np.full((2, 1, 1, 128), 40.0, np.float32)  # where a network may end up
    assert gate.speaks(np.tile(speech(6.0), 7))[-500:].mean() > 0.85


def test_it_begins_high_and_ends_low(monkeypatch: pytest.MonkeyPatch) -> None:
    told = np.array([0.4, 0.6, 0.4, 0.36, 0.34, 0.45, 0.5], np.float32)
    monkeypatch.setattr(VoiceActivity, "probabilities", lambda self, samples: told)
    assert list(VoiceActivity().speaks(np.zeros(0, np.float32))) == [False, True, True, True, False, False, True]


def test_another_network_is_not_loaded(tmp_path: Path) -> None:
    other = tmp_path / "silero_vad.onnx"
    with pytest.raises(BundleError, match="cannot be read"):
        voice_activity._graph(other)
    other.write_bytes(b"another")
    with pytest.raises(BundleError, match="not the one that shipped"):
        voice_activity._graph(other)


def test_its_licence_lies_beside_it() -> None:
    licence = (voice_activity._MODEL.parent / "LICENSE").read_text()
    assert "MIT License" in licence
    assert "Silero Team" in licence
