from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.data.scenes import scene
from unmask.errors import UsageError
from unmask.modalities import image
from unmask.perturb import PERTURBATIONS, families, write


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_copies_can_be_scanned_and_are_the_same_every_time(name: str, tmp_path: Path) -> None:
    first, second = (write(name, scene(0, 320), tmp_path / stem) for stem in ("a", "b"))
    assert first.read_bytes() == second.read_bytes()
    assert image.load(first).image.mode == "RGB"


def test_does_what_it_says(tmp_path: Path) -> None:
    picture = scene(0, 161)
    with Image.open(write("jpeg-q50", picture, tmp_path / "a")) as copy:
        assert copy.format == "JPEG"
        assert copy.size == (161, 161)
    with Image.open(write("half-size", picture, tmp_path / "b.jpg")) as copy:
        assert copy.format == "PNG"
        assert copy.size == (80, 80)
    before, blurred = np.asarray(grain(), float), pixels("blur-sigma-1", grain(), tmp_path)
    # A Gaussian of sigma 1 leaves 1 / (2 sqrt(pi)) of white noise; Pillow's is made of boxes.
    assert blurred.std() / before.std() == pytest.approx(0.282, abs=0.03)
    assert blurred.mean() == pytest.approx(before.mean(), abs=1)


def test_pictures_of_all_sizes_become_alike_and_none_grows(tmp_path: Path) -> None:
    for side, expected in ((700, 256), (300, 256), (200, 200)):
        picture = scene(0, side).crop((0, 0, side, side // 2))
        with Image.open(write("side-256-q75", picture, tmp_path / str(side))) as copy:
            assert (copy.format, copy.size) == ("JPEG", (expected, expected // 2))


def grain(side: int = 200) -> Image.Image:
    pixels = np.random.default_rng(0).normal(128, 30, (side, side, 3)).clip(0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def pixels(name: str, picture: Image.Image, folder: Path) -> NDArray[np.float64]:
    with Image.open(write(name, picture, folder / name)) as copy:
        return np.asarray(copy.convert("RGB"), float)


@pytest.mark.parametrize(("name", "side"), [("resize-0.75", 120), ("half-size", 80), ("resize-0.25", 40)])
def test_sides_shrink(name: str, side: int, tmp_path: Path) -> None:
    assert pixels(name, scene(0, 161), tmp_path).shape == (side, side, 3)


@pytest.mark.parametrize("sigma", [2, 5, 10])
def test_noise_is_as_strong_as_it_says_and_not_the_same_for_every_picture(sigma: int, tmp_path: Path) -> None:
    name = f"noise-sigma-{sigma}"
    grey = Image.new("RGB", (100, 100), (128, 128, 128))
    noise = pixels(name, grey, tmp_path) - 128
    assert noise.std() == pytest.approx(np.hypot(sigma, 0.289), rel=0.03)  # rounding adds its own
    assert abs(noise.mean()) < sigma / 20
    other = pixels(name, Image.new("RGB", (100, 100), (127, 128, 128)), tmp_path) - (127, 128, 128)
    assert abs(np.corrcoef(noise.ravel(), other.ravel())[0, 1]) < 0.05


def test_brightness_is_multiplied(tmp_path: Path) -> None:
    grey = Image.new("RGB", (80, 80), (100, 50, 200))
    assert pixels("brightness-0.6", grey, tmp_path)[0, 0].tolist() == [60, 30, 120]
    assert pixels("brightness-1.4", grey, tmp_path)[0, 0].tolist() == [140, 70, 255]


@pytest.mark.parametrize("family", ["jpeg", "h264", "blur", "noise"])
def test_each_step_of_a_family_changes_more(family: str, tmp_path: Path) -> None:
    picture = scene(0, 160)
    before = np.asarray(picture, float)
    damage = [np.abs(pixels(name, picture, tmp_path) - before).mean() for name in families([family])[family]]
    assert damage == sorted(damage)
    assert damage[0] < damage[-1]


def test_families_make_curves() -> None:
    found = families()
    assert list(found) == ["jpeg", "resize", "blur", "h264", "noise", "brightness", "screenshot"]
    assert found["jpeg"] == ("jpeg-q90", "jpeg-q70", "jpeg-q50", "jpeg-q30")
    assert found["resize"] == ("resize-0.75", "half-size", "resize-0.25")
    assert found["h264"] == ("h264-crf18", "h264-crf23", "h264-crf28", "h264-crf34", "h264-crf40")
    assert [PERTURBATIONS[name].strength for name in found["blur"]] == [0.5, 1, 2]
    assert list(families(["noise", "jpeg", "noise"])) == ["noise", "jpeg"]
    with pytest.raises(UsageError, match="no family of perturbations rain; there are: jpeg, resize, blur"):
        families(["rain"])


def test_an_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jpeg-q50, half-size, blur-sigma-1"):
        write("sepia", scene(0), tmp_path / "a")
