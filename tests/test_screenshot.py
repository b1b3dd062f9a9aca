import numpy as np
from PIL import Image

from unmask.screenshot import screenshot

RED = (200, 30, 30)


def red_box(shot: Image.Image) -> tuple[int, int]:
    """Width and height of the red part."""
    rows, columns = np.nonzero((np.asarray(shot) == RED).all(axis=2))
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1


def test_the_picture_lies_scaled_on_a_page() -> None:
    picture = Image.new("RGB", (120, 90), RED)
    for seed in range(10):
        shot = screenshot(picture, np.random.default_rng(seed))
        factor = np.random.default_rng(seed).uniform(0.6, 1.3)
        width, height = red_box(shot)
        assert (width, height) == (round(120 * factor), round(90 * factor))
        assert shot.width >= width + 16
        assert shot.height >= height + 16 + 48
        corners = [shot.getpixel(place) for place in ((0, 0), (shot.width - 1, shot.height - 1))]
        assert RED not in corners


def test_chance_decides_and_repeats() -> None:
    picture = Image.new("RGB", (120, 90), RED)
    sizes = [screenshot(picture, np.random.default_rng(seed)).size for seed in (0, 0, 1)]
    assert sizes[0] == sizes[1] != sizes[2]
