"""The verbs about generators, as a user meets them: train one, and have it draw a data set."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

from tests.command import Run
from tests.data.scenes import scene
from tests.make_generator import make_generator
from unmask import manifest
from unmask.manifest import REAL, Item

RECIPE = """
name = "small"
summary = "For a test"
held_out = false
losses = { l1 = 1.0 }
network = { upsampler = "nearest", depth = 2, width = 4, latent = 4 }
train = { steps = 2, batch = 2, crop_px = 32 }
"""


def draw(folder: Path) -> Path:
    """A prepared folder of two photos; its manifest."""
    folder.mkdir()
    (folder / "cut.json").write_text('{"kind": "patch", "size_px": 64}')
    items: list[Item] = []
    for split in ("train", "val"):
        scene(len(items), 64).save(folder / f"{split}.png")
        items.append(Item(folder / f"{split}.png", REAL, method="real", source="here", split=split))
    manifest.write(folder / "manifest.csv", items)
    return folder / "manifest.csv"


def test_a_generator_is_trained_and_draws(run: Run, tmp_path: Path) -> None:
    table = draw(tmp_path / "prepared")
    (tmp_path / "small.toml").write_text(RECIPE)
    trained = run("generator", "train", tmp_path / "small.toml", table.parent, tmp_path / "out")
    assert trained.code == 0, trained.err
    assert "dB on the photos of val" in trained.out
    done = run(
        *("generator", "fakes", tmp_path / "out", table, tmp_path / "fakes"),
        *("--name", "small", "--split", "val", "--jobs", "1"),
    )
    assert done.code == 0, done.err
    assert done.out.startswith("1 items: ")
    (fake,) = manifest.read(tmp_path / "fakes" / "manifest.csv")
    assert (fake.method, fake.split) == ("small", "val")
    with Image.open(fake.path) as picture:
        assert picture.size == (64, 64)


def test_by_default_those_draw_that_are_held_out(run: Run, tmp_path: Path) -> None:
    table = draw(tmp_path / "prepared")
    make_generator(tmp_path / "generators", "seen")
    make_generator(tmp_path / "generators", "unseen", held_out=True)
    done = run("generator", "fakes", tmp_path / "generators", table, tmp_path / "fakes", "--jobs", "1")
    assert done.code == 0, done.err
    assert {item.method for item in manifest.read(tmp_path / "fakes" / "manifest.csv")} == {"unseen"}


def test_an_unknown_generator_lists_those_there_are(run: Run, tmp_path: Path) -> None:
    make_generator(tmp_path, "seen")
    done = run("generator", "fakes", tmp_path, tmp_path / "none.csv", tmp_path / "fakes", "--name", "other")
    assert done.code == 2
    assert "holds no generator other; there are: seen" in done.err
