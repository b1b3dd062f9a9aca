"""The witnesses learn from drawn clips; looking at files is replaced, because no face network finds drawn faces."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from tests.command import runner
from tests.draw_burst import burst, syllables, voice
from unmask import learn_witnesses, manifest
from unmask.detectors import lighting, lipsync, motion
from unmask.errors import UnreadableError, UsageError
from unmask.faces import FaceFinder
from unmask.limits import Limits
from unmask.manifest import FAKE, REAL, Item
from unmask.witness import WitnessCard
from unmask.witness_clips import Clip

PAIRS = 6


def table(folder: Path, *, paired: bool = True) -> Path:
    items = []
    for number in range(PAIRS):
        split = "train" if number < 4 else "val"
        for label in (REAL, FAKE):
            group = f"g{number}" if paired else f"g{number}-{label}"
            path = folder / f"{number}-{label}.mp4"
            items.append(Item(path, label, "swap" if label else "real", "pairs", split, group))
    items += [Item(folder / "broken.mp4", REAL, source="other", split="train")]
    items += [Item(folder / "9-0.mp4", REAL, source="pairs", split="test", group="t")]
    manifest.write(folder / "clips.csv", items)
    return folder / "clips.csv"


def looked_at(item: Item, finder: FaceFinder, limits: Limits) -> Clip:
    """Fakes tremble and never blink; reals have sound; light tells nothing."""
    if item.path.name == "broken.mp4":
        raise UnreadableError("the file is broken")
    assert item.split != "test", "test clips must not be looked at"
    seed = int(item.path.name[0])
    moving = burst(
        opening=lambda time: syllables(time, seed),
        eyes=lambda time: 0.0 if item.label == REAL and 1 < time < 1.2 else 1.0,
        trembling_px=0.1 + item.label,
        seed=seed,
    )
    rng = np.random.default_rng(2 * seed + item.label)  # nothing to do with the label
    light = {name: float(value) for name, value in zip(lighting.FEATURES, rng.normal(0, 1, 10), strict=True)}
    measured = {"motion": motion.measure(moving), "lighting": light}
    return Clip(item, moving, measured, voice(seed=seed) if item.label == REAL else None)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(learn_witnesses, "looked_at", looked_at)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_cards_and_tables_are_written_with_figures(tmp_path: Path, drawn: None) -> None:
    steps: list[tuple[int, int]] = []
    learned = learn_witnesses.learn(table(tmp_path), tmp_path / "out", progress=lambda *step: steps.append(step))
    assert (learned.clips, len(learned.problems)) == (2 * PAIRS, 1)
    assert "broken" in learned.problems[0]
    assert steps[-1] == (2 * PAIRS + 1, 2 * PAIRS + 1)
    by_name = {card.name: card for card in learned.cards}
    assert {name: WitnessCard.read(tmp_path / "out" / f"{name}.json") for name in by_name} == by_name
    assert by_name["motion"].metrics[0].value == 1.0
    assert by_name["motion"].calibration.fakes == PAIRS
    assert by_name["lighting"].metrics[0].value < 0.9
    assert by_name["lipsync"].metrics[0].value > 0.85
    assert [card.votes for card in learned.cards] == [False] * 3
    assert "95 % interval" in by_name["motion"].why
    assert "1.000" in learned.text
    scores = rows(tmp_path / "out" / "scores.csv")
    assert len(scores) == 2 * PAIRS
    assert all(row["motion"] for row in scores)
    assert [bool(row["lipsync"]) for row in scores] == [row["label"] == "real" for row in scores]
    assert tuple(rows(tmp_path / "out" / "motion.csv")[0])[6:] == tuple(motion.FEATURES)
    sync = rows(tmp_path / "out" / "lipsync.csv")
    assert {row["sound"] for row in sync} == {"own", "shifted", "swapped"}
    assert sum(row["sound"] == "swapped" for row in sync) == PAIRS * (PAIRS - 1)
    assert all(row["sound of"] != row["group"] for row in sync if row["sound"] == "swapped")
    assert set(lipsync.FEATURES) < set(sync[0])


def test_clips_without_a_counterpart_teach_nothing(tmp_path: Path, drawn: None) -> None:
    with pytest.raises(UsageError, match="real clip and a fake of it"):
        learn_witnesses.learn(table(tmp_path, paired=False), tmp_path / "out")


def test_the_command_prints_the_figures_and_what_could_not_be_looked_at(
    tmp_path: Path, drawn: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = runner(capsys, monkeypatch)("witnesses", table(tmp_path), "--out", tmp_path / "out")
    assert done.code == 0, done.err
    assert "lipsync: it informs and does not vote" in done.out
    assert "broken.mp4: the file is broken" in done.err
    assert np.isfinite(WitnessCard.read(tmp_path / "out" / "motion.json").bias)
