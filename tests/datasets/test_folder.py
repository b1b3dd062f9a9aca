from pathlib import Path

import pytest

from unmask import plugins
from unmask.about import About
from unmask.datasets import folder
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")


@pytest.mark.parametrize("name", plugins.names("datasets"))
def test_every_dataset_states_its_facts(name: str) -> None:
    module = plugins.load("datasets", name)
    assert isinstance(module.ABOUT, About)
    assert all([module.ABOUT.name, module.ABOUT.licence, module.ABOUT.how_to_get, module.ABOUT.labels])
    assert callable(module.items)


def test_reads_two_folders(tmp_path: Path) -> None:
    touch(tmp_path / "mine", "real/b.jpg", "real/a.jpg", "fake/c.png", "fake/.hidden", "notes.txt", "other/d.jpg")
    items = list(folder.items(tmp_path / "mine"))
    assert [(item.path.name, item.label) for item in items] == [("c.png", FAKE), ("a.jpg", REAL), ("b.jpg", REAL)]
    assert [(item.method, item.source, item.split) for item in items] == [
        ("fake", "mine", ""),
        ("real", "mine", ""),
        ("real", "mine", ""),
    ]


def test_reads_splits_above_and_generators_below(tmp_path: Path) -> None:
    touch(tmp_path, "train/real/a.jpg", "Valid/Fake/stylegan/deep/b.jpg", "test/fake/c.jpg", "test/real/people/d.jpg")
    found = {item.path.name: (item.label, item.split, item.method) for item in folder.items(tmp_path)}
    assert found == {
        "a.jpg": (REAL, "train", "real"),
        "b.jpg": (FAKE, "val", "stylegan"),
        "c.jpg": (FAKE, "test", "fake"),
        "d.jpg": (REAL, "test", "real"),
    }


def test_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="not a folder"):
        folder.items(tmp_path / "absent")
    touch(tmp_path, "pictures/a.jpg")
    with pytest.raises(ManifestError, match="put pictures, videos or recordings in real/ and fake/"):
        folder.items(tmp_path)
    touch(tmp_path, "real/a.jpg")
    with pytest.raises(ManifestError, match="holds no fake file"):
        folder.items(tmp_path)


def test_links_that_go_round_end(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg", "fake/b.jpg")
    (tmp_path / "real" / "again").symlink_to(tmp_path)
    assert [item.path.name for item in folder.items(tmp_path)] == ["b.jpg", "a.jpg"]


def test_recordings_and_videos_are_taken_as_pictures_are(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.flac", "real/b.mp3", "fake/vits/c.wav", "fake/vits/d.mp4")
    found = {item.path.name: (item.label, item.method) for item in folder.items(tmp_path)}
    assert found == {
        "a.flac": (REAL, "real"),
        "b.mp3": (REAL, "real"),
        "c.wav": (FAKE, "vits"),
        "d.mp4": (FAKE, "vits"),
    }
