"""Changed copies of files of any kind: each goes where its kind goes, and what cannot be is refused before the work."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.data import clips
from tests.data.scenes import scene
from tests.data.voices import utterance, write_wav
from unmask import copies, kinds, perturb, perturb_sound, perturb_video
from unmask.errors import MediaError, UsageError
from unmask.limits import DEFAULT_LIMITS
from unmask.manifest import FAKE, REAL, Item


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("files")
    scene(0).save(folder / "a.png")
    return {
        "picture": folder / "a.png",
        "video": clips.draw(folder / "a.mp4", clips.staying(scene(1, 64)), seconds=0.5),
        "sound": write_wav(folder / "a.wav", utterance(0)),
    }


def items(*paths: Path) -> list[Item]:
    return [Item(path, (REAL, FAKE)[number % 2], split="test") for number, path in enumerate(paths)]


def test_each_kind_gets_a_copy_of_its_kind(files: dict[str, Path], tmp_path: Path) -> None:
    picture = copies.write("blur-sigma-1", files["picture"], tmp_path / "picture")
    with Image.open(picture) as one:
        assert one.size == scene(0).size
    video = copies.write(perturb_video.NAMES[0], files["video"], tmp_path / "video")
    assert kinds.is_video(video, DEFAULT_LIMITS)
    sound = copies.write("mp3-64k", files["sound"], tmp_path / "sound")
    assert sound.suffix == ".mp3"
    assert kinds.is_sound(sound, DEFAULT_LIMITS)
    for copy, kind in ((picture, "picture"), (video, "video"), (sound, "sound")):
        assert copy.stem == kind
        assert copy.read_bytes() != files[kind].read_bytes()


def test_a_change_of_another_kind_is_a_usage_error(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a picture knows no perturbation mp3-64k; there are: jpeg-q50"):
        copies.write("mp3-64k", files["picture"], tmp_path / "x")
    with pytest.raises(UsageError, match="a recording knows no perturbation blur-sigma-1"):
        copies.write("blur-sigma-1", files["sound"], tmp_path / "x")
    with pytest.raises(UsageError):
        copies.write("mp3-64k", files["video"], tmp_path / "x")
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    with pytest.raises(MediaError):
        copies.write("blur-sigma-1", tmp_path / "a.png", tmp_path / "x")
    with pytest.raises(MediaError):
        copies.write("blur-sigma-1", tmp_path / "missing.png", tmp_path / "x")


def test_names_are_checked_before_and_with_the_items(files: dict[str, Path]) -> None:
    copies.check([])
    copies.check([], items(*files.values()))
    for name, kind in (("blur-sigma-1", "picture"), (perturb_video.NAMES[0], "video"), ("mp3-64k", "sound")):
        copies.check([name])
        copies.check([name], items(files[kind]))
    copies.check(["mp3-64k", "telephone-8k"], items(files["sound"]))
    with pytest.raises(UsageError, match="no perturbation sepia"):
        copies.check(["sepia"])
    with pytest.raises(UsageError, match="no perturbation sepia"):
        copies.check(["mp3-64k", "sepia"])


def test_what_some_items_cannot_go_through_is_refused(files: dict[str, Path]) -> None:
    mixed = items(files["sound"], files["picture"])
    with pytest.raises(UsageError, match=r"mp3-64k can be done to recordings only, and 1 of 2"):
        copies.check(["mp3-64k"], mixed)
    with pytest.raises(UsageError, match=r"blur-sigma-1 cannot be done to recordings, and 1 of 2"):
        copies.check(["blur-sigma-1"], mixed)
    with pytest.raises(UsageError, match="cannot be done to recordings"):
        copies.check(["blur-sigma-1", "mp3-64k"], items(files["sound"]))


def test_no_name_is_that_of_two_kinds() -> None:
    assert not set(perturb_sound.NAMES) & (set(perturb.PERTURBATIONS) | set(perturb_video.NAMES))
