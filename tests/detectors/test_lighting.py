from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.draw_burst import face
from unmask.burst import PLACES
from unmask.detectors import lighting
from unmask.faces import Face


def frame(side: float = 0.0, tint: tuple[float, float, float] = (1, 1, 1)) -> tuple[Image.Image, list[Face]]:
    """A face 96 px between its eyes that fills the frame; `tint` colours its middle."""
    pixels = face(side=side).astype(float)
    pixels[30:95, 36:77] *= tint
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).resize((336, 336), Image.Resampling.BICUBIC)
    marks = (PLACES * 3).astype(np.float32)
    return image, [Face(np.array([60, 50, 280, 320], np.float32), marks, 0.9)]


def test_light_from_one_side_is_found() -> None:
    even, right, left = (lighting.look(*frame(side=side)) for side in (0.0, 1.2, -1.2))
    assert right["_right"] > 0.3
    assert left["_right"] == pytest.approx(-right["_right"], rel=0.1)
    assert even["side light"] < 0.1 < right["side light"]
    assert "from one side" in lighting.sentence(lighting.measure([frame(side=1.2)]), 1)
    assert "evenly" in lighting.sentence(lighting.measure([frame()] * 2), 2)


def test_the_direction_of_a_drawn_light_is_recovered() -> None:
    normals = lighting._NORMALS
    lamp = np.array([0.6, 0.5, 0.624])
    pixels = np.repeat((0.1 + 0.5 * np.maximum(normals @ lamp, 0))[..., None], 3, axis=2)
    found = lighting.light_on(pixels)
    assert found.direction @ lamp > 0.97
    assert found.unexplained < 0.05


def test_another_colour_in_the_middle_is_found() -> None:
    plain, red = lighting.measure([frame()]), lighting.measure([frame(tint=(1.25, 1, 1))])
    assert plain["colour gap"] < 0.02
    assert red["colour gap"] == pytest.approx(2.2 * np.log(1.25), rel=0.15)
    assert "different colour" in lighting.sentence(red, 1)


def test_light_that_jumps_wanders_more_than_light_that_stays() -> None:
    steady = lighting.measure([frame(side=1.0)] * 4)
    jumping = lighting.measure([frame(side=side) for side in (1.0, -1.0, 1.0, -1.0)])
    assert steady["wandering"] == pytest.approx(0, abs=1e-9)
    assert jumping["wandering"] > 0.5


def test_faces_of_one_frame_are_compared() -> None:
    one, other = frame(side=1.2), frame(side=-1.2)
    both = Image.fromarray(np.concatenate([np.asarray(one[0]), np.asarray(other[0])], axis=1))
    moved = Face(other[1][0].box, other[1][0].landmarks + np.array([336, 0], np.float32), 0.9)
    apart = lighting.measure([(both, [*one[1], moved])])
    same = lighting.measure([(Image.fromarray(np.tile(np.asarray(one[0]), (1, 2, 1))), [*one[1], moved])])
    assert same["other faces"] == pytest.approx(0, abs=0.05)
    assert apart["other faces"] > 0.5
    assert "on the other faces" in lighting.sentence(apart, 1)


def with_highlights(left_px: int, right_px: int) -> tuple[Image.Image, list[Face]]:
    image, faces = frame()
    pixels = np.asarray(image).copy()
    for (x, y), shift in zip(PLACES[:2] * 3, (left_px, right_px), strict=True):
        pixels[int(y) - 3 : int(y) + 1, int(x) + shift - 2 : int(x) + shift + 2] = 255
    return Image.fromarray(pixels), faces


def test_highlights_that_lie_differently_are_told_from_those_that_lie_alike() -> None:
    alike = lighting.highlights_apart(*unpack(with_highlights(3, 3)))
    apart = lighting.highlights_apart(*unpack(with_highlights(-5, 5)))
    assert alike < 0.05 < 0.1 < apart


def unpack(seen: tuple[Image.Image, list[Face]]) -> tuple[Image.Image, Face]:
    return seen[0], seen[1][0]


def test_small_eyes_and_missing_faces_are_not_judged() -> None:
    image, faces = with_highlights(3, 3)
    small = image.resize((120, 120))
    few = Face(faces[0].box, (PLACES * 120 / 112).astype(np.float32), 0.9)
    assert np.isnan(lighting.highlights_apart(small, few))
    nothing = lighting.measure([(image, [])])
    assert set(nothing) == set(lighting.FEATURES)
    assert np.isnan(list(nothing.values())).all()
    assert "not judged" in lighting.sentence(nothing, 0)


def test_every_feature_has_its_name() -> None:
    assert set(lighting.measure([frame()] * 2)) == set(lighting.FEATURES)
