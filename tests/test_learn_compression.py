"""The witness of compression learns from splices, is measured beside them, and says why it does not vote."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.command import Run
from tests.compression.drawn import face, textured
from unmask import compression_rows, learn_compression, manifest
from unmask.compression_rows import AS_IT_IS, SAVED, SPLICED
from unmask.detectors import compression
from unmask.errors import UsageError
from unmask.faces import Face
from unmask.manifest import FAKE, REAL, Item
from unmask.witness import WitnessCard

PARTS = {"train": 6, "val": 4, "test": 3}


class Everywhere:
    """Finds a face in the middle of every picture."""

    def __init__(self, threads: int | None = None) -> None:
        pass

    def find(self, picture: Image.Image) -> tuple[list[Face], int]:
        width, height = picture.size
        return [face(width // 4, height // 4, 3 * width // 4, 3 * height // 4)], 1


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learn_compression, "FaceFinder", Everywhere)
        patch.setattr(learn_compression, "RESAMPLES", 20)
        yield


def table(folder: Path, *, apart: bool = False) -> Path:
    """One source whose quality tells the label, and one whose quality does not."""
    items: list[Item] = []
    for source in ("same", "apart"):
        for split, count in PARTS.items():
            for number in range(count):
                for label in (REAL, FAKE):
                    if apart and (source == "same") != (label == REAL):
                        continue
                    path = folder / f"{source}-{split}-{number}-{label}.jpg"
                    textured(len(items), 160, 160).save(path, quality=90 if source == "same" else 70 + 20 * label)
                    items.append(Item(path, label, ("real", "gan")[label], source, split))
    items.append(Item(folder / "gone.jpg", REAL, "real", "same", "train"))
    manifest.write(folder / "faces.csv", items)
    return folder / "faces.csv"


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("learned")
    learn_compression.learn(table(folder), folder / "out", test=True)
    return folder / "out"


def test_the_card_holds_every_measure_and_figure(learned: Path) -> None:
    card = WitnessCard.read(learned / "compression.json")
    assert tuple(one.name for one in card.features) == tuple(compression.FEATURES)
    assert not card.votes
    assert card.why.startswith("it informs and does not vote: its AUC is ")
    on = {one.on for one in card.metrics}
    for split in ("val", "test"):
        assert f"{SPLICED}, {split}" in on
        assert f"{SAVED}, {split}" in on
        assert f"same{AS_IT_IS}, {split}" in on
        assert f"apart, made alike, {split}" in on
        assert f"apart{AS_IT_IS}, {split}" not in on, "its quality tells the label: no figure is about anything else"


def test_splices_are_found_and_earlier_savings_as_well(learned: Path) -> None:
    card = WitnessCard.read(learned / "compression.json")
    figures = {(one.name, one.on): one.value for one in card.metrics}
    assert figures["compression AUC", f"{SPLICED}, val"] > 0.8
    assert figures["AUC of earlier", f"{SAVED}, val"] > 0.9
    assert figures["saved once and called saved before", f"{SAVED}, val"] == 0.0


def test_tables_hold_what_was_measured_and_what_is_usual(learned: Path) -> None:
    with (learned / "compression.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["split"] for row in rows} == set(PARTS)
    assert set(compression.FEATURES) <= set(rows[0])
    with (learned / "usual.csv").open(encoding="utf-8") as file:
        usual = {row["feature"]: row for row in csv.DictReader(file)}
    assert set(usual) == set(compression.FEATURES)
    assert all(float(row["5 %"]) <= float(row["95 %"]) for row in usual.values())


def test_without_a_source_of_both_classes_there_is_nothing_to_learn_from(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has no source with real and fake pictures"):
        learn_compression.learn(table(tmp_path, apart=True), tmp_path / "out")


def test_no_more_than_the_limit_of_a_class_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression_rows, "MOST", 2)
    items = manifest.in_split(manifest.read(table(tmp_path)), "train")
    chosen = compression_rows.chosen(items)
    assert len(chosen) == 8
    assert compression_rows.chosen(items[::-1]) == chosen


def test_the_verb(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compression_rows, "MOST", 3)
    done = run("learn-compression", str(table(tmp_path)), "--out", str(tmp_path / "out"))
    assert done.code == 0
    assert "compression: it informs and does not vote" in done.out
    assert (tmp_path / "out" / "compression.json").is_file()
