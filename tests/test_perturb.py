from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.scenes import scene
from unmask.errors import UsageError
from unmask.modalities import image
from unmask.perturb import PERTURBATIONS, write


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_copies_can_be_scanned_and_are_the_same_every_time(name: str, tmp_path: Path) -> None:
    first, second = (write(name, scene(0, 160), tmp_path / stem) for stem in ("a", "b"))
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
    grain = np.random.default_rng(0).normal(128, 30, (200, 200, 3)).clip(0, 255).astype(np.uint8)
    with Image.open(write("blur-sigma-1", Image.fromarray(grain), tmp_path / "c")) as copy:
        blurred = np.asarray(copy, float)
    # A Gaussian of sigma 1 leaves 1 / (2 sqrt(pi)) of white noise; Pillow's is made of boxes.
    assert blurred.std() / grain.std() == pytest.approx(0.282, abs=0.03)
    assert blurred.mean() == pytest.approx(grain.mean(), abs=1)


def test_pictures_of_all_sizes_become_alike_and_none_grows(tmp_path: Path) -> None:
    for side, expected in ((700, 256), (300, 256), (200, 200)):
        picture = scene(0, side).crop((0, 0, side, side // 2))
        with Image.open(write("side-256-q75", picture, tmp_path / str(side))) as copy:
            assert (copy.format, copy.size) == ("JPEG", (expected, expected // 2))


def test_an_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="jpeg-q50, half-size, blur-sigma-1"):
        write("sepia", scene(0), tmp_path / "a")
