"""The verbs about data sets, as a user meets them: list, show, table, frames, and preparing one by its name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import Run
from tests.draw_video import draw
from unmask import manifest, plugins
from unmask.manifest import FAKE, REAL


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """A tree like that of 140k, of ten noisy pictures a class and split."""
    for number in range(60):
        split, label = ("train", "valid", "test")[number % 3], ("real", "fake")[number // 3 % 2]
        path = tmp_path / "140k/real_vs_fake/real-vs-fake" / split / label / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(number).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    return tmp_path / "140k"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A part of DFDC: two originals, each with a fake."""
    root = tmp_path / "dfdc"
    facts: dict[str, dict[str, str]] = {}
    for name in ("a", "b"):
        draw(root / "dfdc_train_part_0" / f"{name}.mp4", 3)
        draw(root / "dfdc_train_part_0" / f"{name}x.mp4", 3)
        facts |= {f"{name}.mp4": {"label": "REAL", "split": "train"}}
        facts |= {f"{name}x.mp4": {"label": "FAKE", "split": "train", "original": f"{name}.mp4"}}
    (root / "dfdc_train_part_0" / "metadata.json").write_text(json.dumps(facts))
    return root


def test_every_data_set_is_listed_and_shown(run: Run) -> None:
    listed = run("datasets", "list")
    assert listed.code == 0
    for name in plugins.names("datasets"):
        assert name in listed.out
        about = plugins.load("datasets", name).ABOUT
        shown = run("datasets", "show", name)
        assert shown.code == 0
        for words in (about.name, about.licence, about.how_to_get, about.labels, *about.traps):
            assert words in shown.out


def test_an_unknown_data_set_lists_those_there_are(run: Run, tmp_path: Path) -> None:
    for words in (("datasets", "show", "cats"), ("prepare", tmp_path, tmp_path / "out", "--dataset", "cats")):
        done = run(*words)
        assert done.code == 2
        assert 'there is no "cats" among the datasets; there are: asvspoof2019' in done.err


def test_a_data_set_becomes_a_table(run: Run, faces: Path, tmp_path: Path) -> None:
    done = run("datasets", "table", "faces140k", faces, tmp_path / "new" / "faces.csv")
    assert (done.code, done.out) == (0, f"60 items: {tmp_path / 'new' / 'faces.csv'}\n")
    items = manifest.read(tmp_path / "new" / "faces.csv")
    assert [sum(item.label == label for item in items) for label in (REAL, FAKE)] == [30, 30]
    assert {item.path.exists() for item in items} == {True}
    done = run("datasets", "table", "faces140k", faces, tmp_path / "faces.parquet")
    assert done.code == 2
    assert "must end in .csv" in done.err


def test_a_missing_data_set_is_answered_with_what_to_do(run: Run, tmp_path: Path) -> None:
    for words in (("datasets", "table", "faceforensics", tmp_path, tmp_path / "x.csv"),
                  ("prepare", tmp_path, tmp_path / "out", "--dataset", "faceforensics")):  # fmt: skip
        done = run(*words)
        assert done.code == 1
        assert "ask for the download script on its page" in done.err
    assert not (tmp_path / "out").exists()


def test_a_data_set_is_prepared_by_its_name(run: Run, faces: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("prepare", faces, out, "--dataset", "faces140k", "--recipe", "picture", "--jobs", "1")
    assert done.code == 0, done.err
    listed = manifest.read(out / "originals.csv")
    assert [sum(item.split == name for item in listed) for name in ("train", "val", "test")] == [20, 20, 20]
    assert done.out == f"0 items: {out / 'manifest.csv'}\n"
    assert done.err == "left out 60: smaller than one patch\n"


def test_videos_go_through_frames(run: Run, clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("prepare", clips, out, "--dataset", "dfdc")
    assert done.code == 2
    assert "4 of 4 items are videos" in done.err
    assert run("datasets", "table", "dfdc", clips, tmp_path / "videos.csv").code == 0
    done = run("prepare", tmp_path / "videos.csv", out)
    assert done.code == 2
    assert "unmask frames" in done.err
    (clips / "dfdc_train_part_0" / "bx.mp4").write_bytes(b"")
    done = run("frames", tmp_path / "videos.csv", tmp_path / "stills", "--per-video", "2", "--jobs", "1")
    assert (done.code, done.out) == (0, f"6 items: {tmp_path / 'stills' / 'manifest.csv'}\n")
    assert done.err == "left out 1: the file is empty\n"
    stills = manifest.read(tmp_path / "stills" / "manifest.csv")
    assert [(item.group, item.split) for item in stills] == [("a", "train")] * 4 + [("b", "train")] * 2


def test_a_number_of_frames_is_needed(run: Run, tmp_path: Path) -> None:
    done = run("frames", tmp_path / "videos.csv", tmp_path / "stills", "--per-video", "0")
    assert done.code == 2
