from __future__ import annotations

import csv
from pathlib import Path

import av
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tests.draw_voice import voice
from unmask import cli_spectral, learn_spectral, manifest
from unmask.detectors import spectral
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities.audio import RATE_HZ, Sound
from unmask.types import Samples
from unmask.witness import WitnessCard

PARTS = {"train": 4, "val": 3, "test": 2}


def wav(path: Path, sound: Sound) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=RATE_HZ, layout="mono")
        whole = np.round(sound.samples * 32767).astype(np.int16)
        piece = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
        piece.sample_rate = RATE_HZ
        container.mux(stream.encode(piece))
        container.mux(stream.encode())
    return path


def table(folder: Path, *, apart: bool = False) -> Path:
    """Two collections, one breathier than the other; in both, fakes have the steadier loudness."""
    items = []
    for source, breath in (("one", 0.002), ("two", 0.008)):
        for split, count in PARTS.items():
            for number in range(count):
                for label in (REAL, FAKE):
                    if apart and (source == "one") != (label == REAL):
                        continue
                    drawn = voice(2.5, breath=breath, shimmer_db=0.2 if label else 1.2, jitter=0.004, seed=number)
                    path = wav(folder / f"{source}-{split}-{number}-{label}.wav", drawn)
                    method = "vocoder" if label else "real"
                    items.append(Item(path, label, method, source, split, attributes={"speaker": f"{split}{number}"}))
    silent = wav(folder / "silent.wav", Sound(np.zeros(RATE_HZ, np.float32)))
    items += [Item(silent, REAL, "real", "one", "train"), Item(folder / "gone.wav", REAL, "real", "one", "train")]
    manifest.write(folder / "voices.csv", items)
    return folder / "voices.csv"


def softer(samples: Samples) -> Samples:
    return (samples / 2).astype(np.float32)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_spectral, "COPIES", {learn_spectral.AS_IT_IS: lambda samples: samples, "softer": softer})


def test_a_card_and_tables_are_written_with_figures(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    learned = learn_spectral.learn(table(tmp_path), tmp_path / "out", progress=lambda *step: steps.append(step))
    assert steps[-1] == (30, 30)
    assert learned.recordings == 28
    assert any("silent.wav" in one and "voiced" in one for one in learned.problems)
    assert any("gone.wav" in one and "cannot be read" in one for one in learned.problems)
    card = WitnessCard.read(tmp_path / "out" / "spectral.json")
    assert card == learned.card
    assert not card.votes
    weights = {one.name: one.weight for one in card.features}
    assert min(weights, key=lambda name: weights[name]) == "shimmer"
    told = {(one.name, one.on): one.value for one in card.metrics}
    assert told["spectral AUC", "val of the voices"] == 1.0
    assert told["spectral AUC", "val of the voices, softer"] == 1.0
    assert told["spectral AUC", "two, left out of learning"] > 0.9
    assert told["AUC of shimmer alone", "val of the voices"] == 1.0
    assert not any("test" in on for _, on in told)
    assert "does not vote" in learned.text
    with (tmp_path / "out" / "spectral.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 28
    assert set(spectral.FEATURES) < set(rows[0])
    usual = (tmp_path / "out" / "usual.csv").read_text(encoding="utf-8")
    assert "shimmer," in usual


def test_the_test_split_is_measured_only_where_that_is_asked_for(tmp_path: Path) -> None:
    learned = learn_spectral.learn(table(tmp_path), tmp_path / "out", test=True)
    first = learned.card.metrics[0]
    assert (first.on, first.reals, first.fakes) == ("test of the voices", 4, 4)
    assert "on test of the voices" in learned.card.why


def test_how_collections_differ_teaches_nothing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="real and fake voices"):
        learn_spectral.learn(table(tmp_path, apart=True), tmp_path / "out")


def test_a_collection_that_is_breathier_as_a_whole_has_no_say() -> None:
    """Most fakes are of the breathy collection; within each, both classes have the same harmonics."""
    rng = np.random.default_rng(0)
    rows = []
    for source, away, reals, fakes in (("one", 0.0, 40, 10), ("two", 20.0, 10, 40)):
        for label, count in ((REAL, reals), (FAKE, fakes)):
            for number in range(count):
                values = dict.fromkeys(spectral.FEATURES, 0.0)
                values["harmonics"] = away + rng.normal(0, 1)
                values["jitter"] = 2.0 * label + rng.normal(0, 1)
                item = Item(Path(f"{source}{label}{number}"), label, source=source, split="train")
                rows.append(learn_spectral.Row(item, learn_spectral.AS_IT_IS, values))
    features, _ = learn_spectral.taught(rows)
    weights = {one.name: one.weight for one in features}
    assert weights["jitter"] > 3 * abs(weights["harmonics"])


def test_the_command_prints_the_figures_and_what_could_not_be_measured(tmp_path: Path) -> None:
    app = typer.Typer()
    cli_spectral.add_to(app)
    done = CliRunner().invoke(app, [str(table(tmp_path)), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "spectral: it informs and does not vote" in done.stdout
    assert "gone.wav: cannot be read" in done.stderr
    assert WitnessCard.read(tmp_path / "out" / "spectral.json").name == "spectral"
