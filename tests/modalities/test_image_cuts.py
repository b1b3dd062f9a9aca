"""What detectors look at: native patches, and squares around faces that invent no pixel."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.data.make import (
    picture,
)
from unmask.card import Cut
from unmask.faces import Face, FaceFinder
from unmask.modalities import image
from unmask.modalities.image import Photo
from unmask.types import Source

FACE = Cut(kind="face", size_px=96)
PATCH = Cut(kind="patch", size_px=64)


def photo_of(picture: Image.Image) -> Photo:
    return Photo(Source(path="drawn"), picture)


def a_face(x1: float, y1: float, x2: float, y2: float) -> Face:
    box = np.array([x1, y1, x2, y2], np.float32)
    unit = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
    return Face(box, unit * (box[2:] - box[:2]) + box[:2], 0.9)


@pytest.mark.parametrize("size", [(64, 64), (65, 64), (100, 300), (640, 480), (1000, 70)])
def test_patches_are_native_pixels_from_border_to_border(size: tuple[int, int]) -> None:
    drawn = picture(*size)
    pixels = np.asarray(drawn)
    cuts = image.segments(photo_of(drawn), PATCH)
    assert 1 <= len(cuts) <= PATCH.patches
    boxes = [segment.region.box_px for segment in cuts]
    assert len(set(boxes)) == len(boxes)
    for segment, box in zip(cuts, boxes, strict=True):
        assert box is not None
        x1, y1, x2, y2 = box
        assert segment.pixels.dtype == np.uint8
        assert segment.pixels.shape == (64, 64, 3)
        assert (segment.pixels == pixels[y1:y2, x1:x2]).all()
        assert segment.cut == "patch"
        assert segment.unfit is None
    if min(size) >= 2 * PATCH.size_px:
        assert min(box[0] for box in boxes if box) == 0
        assert max(box[2] for box in boxes if box) == size[0]


class TestOnePatch:
    """A single patch lies around the main face, or in the middle."""

    ONE = Cut(kind="patch", size_px=64, patches=1)

    def box(self, picture: Image.Image, *faces: Face) -> tuple[int, int, int, int]:
        (segment,) = image.segments(photo_of(picture), self.ONE, faces)
        box = segment.region.box_px
        assert box is not None
        assert (segment.pixels == np.asarray(picture.crop(box))).all(), "native pixels"
        return box

    @pytest.mark.parametrize("size", [(64, 64), (65, 64), (100, 300), (641, 480)])
    def test_without_a_face_it_lies_in_the_middle(self, size: tuple[int, int]) -> None:
        left, top, right, bottom = self.box(picture(*size))
        assert (right - left, bottom - top) == (64, 64)
        assert abs(left - (size[0] - right)) <= 1
        assert abs(top - (size[1] - bottom)) <= 1

    @pytest.mark.parametrize(
        ("face", "box"),
        [
            ((100, 60, 140, 100), (88, 48, 152, 112)),  # around its middle, though it is smaller
            ((0, 0, 20, 20), (0, 0, 64, 64)),  # moved, not padded
            ((280, 190, 300, 200), (236, 136, 300, 200)),
            ((50, 20, 250, 180), (118, 68, 182, 132)),  # the middle of one that is larger
        ],
    )
    def test_it_lies_around_the_face_and_stays_inside(
        self, face: tuple[int, int, int, int], box: tuple[int, int, int, int]
    ) -> None:
        assert self.box(picture(300, 200), a_face(*face)) == box

    def test_of_several_the_main_face_counts_in_whatever_order_they_come(self) -> None:
        large, small = a_face(20, 20, 100, 100), a_face(200, 120, 220, 140)
        drawn = picture(300, 200)
        assert self.box(drawn, large, small) == self.box(drawn, small, large) == (28, 28, 92, 92)

    def test_a_picture_that_is_too_small_has_none(self) -> None:
        assert image.segments(photo_of(picture(300, 63)), self.ONE, [a_face(0, 0, 40, 40)]) == []

    def test_it_carries_the_landmarks_of_a_face_that_lies_in_it_whole(self) -> None:
        face = a_face(100, 60, 140, 100)
        (segment,) = image.segments(photo_of(picture(300, 200)), self.ONE, [face])
        assert segment.landmarks_px is not None
        np.testing.assert_allclose(segment.landmarks_px, face.landmarks - (88, 48))
        (segment,) = image.segments(photo_of(picture(300, 200)), self.ONE, [a_face(50, 20, 250, 180)])
        assert segment.landmarks_px is None, "part of them lies outside"
        (segment,) = image.segments(photo_of(picture(300, 200)), self.ONE)
        assert segment.landmarks_px is None


def test_several_patches_lie_where_they_lie_without_faces_and_one_has_the_landmarks() -> None:
    face = a_face(10, 10, 50, 50)
    with_face = image.segments(photo_of(picture(300, 200)), PATCH, [face])
    without = image.segments(photo_of(picture(300, 200)), PATCH)
    assert [segment.region for segment in with_face] == [segment.region for segment in without]
    marked = [segment for segment in with_face if segment.landmarks_px is not None]
    assert [segment.region.box_px for segment in marked] == [(0, 0, 64, 64)]
    assert marked[0].landmarks_px is not None
    np.testing.assert_allclose(marked[0].landmarks_px, face.landmarks)


def test_a_picture_smaller_than_a_patch_has_none() -> None:
    assert image.segments(photo_of(picture(300, 63)), PATCH) == []


def test_without_a_face_there_is_no_face_cut(upright: Image.Image) -> None:
    assert image.segments(photo_of(upright), FACE) == []


@settings(max_examples=200, derandomize=True, database=None)
@given(
    size=st.tuples(st.integers(64, 400), st.integers(64, 400)),
    corner=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    extent=st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)),
    margin=st.floats(1.0, 3.0),
)
def test_a_face_cut_lies_inside_the_picture_and_is_never_padded(
    size: tuple[int, int], corner: tuple[float, float], extent: tuple[float, float], margin: float
) -> None:
    width, height = size
    x1, y1 = corner[0] * width * 0.99, corner[1] * height * 0.99
    face = a_face(x1, y1, x1 + (width - x1) * extent[0], y1 + (height - y1) * extent[1])
    flat = Image.new("RGB", size, (200, 100, 50))
    (segment,) = image.segments(photo_of(flat), Cut(kind="face", size_px=32, margin=margin), [face])
    assert segment.pixels.shape == (32, 32, 3)
    assert (segment.pixels == [200, 100, 50]).all()  # one invented pixel would show
    assert segment.region.box_px is not None
    left, top, right, bottom = segment.region.box_px
    assert 0 <= left <= right <= width
    assert 0 <= top <= bottom <= height


def test_a_face_cut_shows_what_its_box_holds() -> None:
    drawn = picture(300, 200)
    (segment,) = image.segments(photo_of(drawn), Cut(kind="face", size_px=60, margin=1.5), [a_face(100, 60, 140, 100)])
    assert segment.region.box_px == (90, 50, 150, 110)
    assert (segment.pixels == np.asarray(drawn.crop((90, 50, 150, 110)))).all()  # 60 px in, 60 px out
    assert segment.landmarks_px is not None
    assert segment.landmarks_px[0] == pytest.approx([100 + 12 - 90, 60 + 16 - 50])


def test_landmarks_map_into_the_cut(astronaut: Image.Image, finder: FaceFinder) -> None:
    faces, _ = finder.find(astronaut)
    (segment,) = image.segments(photo_of(astronaut), FACE, faces)
    marks, box = segment.landmarks_px, segment.region.box_px
    assert marks is not None
    assert box is not None
    assert marks.shape == (5, 2)
    assert ((marks > 0) & (marks < FACE.size_px)).all()
    back = marks * (box[2] - box[0]) / FACE.size_px + np.array(box[:2])
    assert back == pytest.approx(faces[0].landmarks, abs=1.0)


@pytest.mark.parametrize(("side", "words"), [(30, "30 px; at least 40 px"), (80, "too blurred")])
def test_an_unfit_face_says_why(side: int, words: str) -> None:
    cut = Cut(kind="face", size_px=64, least_px=40, least_sharpness=2.0)
    flat = Image.new("RGB", (200, 200), "grey")
    (segment,) = image.segments(photo_of(flat), cut, [a_face(60, 60, 60 + side, 60 + side)])
    assert segment.unfit is not None
    assert words in segment.unfit


class TestWholePicture:
    """The largest square in the middle, scaled; nothing is stretched and no face is needed."""

    @pytest.mark.parametrize(
        ("size", "box"),
        [((128, 128), (0, 0, 128, 128)), ((200, 100), (50, 0, 150, 100)), ((90, 301), (0, 105, 90, 195))],
    )
    def test_it_is_square_and_in_the_middle(self, size: tuple[int, int], box: tuple[int, int, int, int]) -> None:
        (segment,) = image.segments(photo_of(picture(*size)), Cut(kind="whole", size_px=96))
        assert segment.region.box_px == box
        assert segment.pixels.shape == (96, 96, 3)
        assert (segment.cut, segment.unfit) == ("whole", None)

    def test_at_its_own_size_no_pixel_changes(self) -> None:
        drawn = picture(128, 128)
        (segment,) = image.segments(photo_of(drawn), Cut(kind="whole", size_px=128))
        assert (segment.pixels == np.asarray(drawn)).all()

    def test_a_small_picture_says_why_it_is_not_judged(self) -> None:
        (segment,) = image.segments(photo_of(picture(80, 70)), Cut(kind="whole", size_px=64, least_px=75))
        assert segment.unfit == "the picture is 70 px; at least 75 px are needed"


class TestFacesThatAreNotEnlarged:
    """Their square grows until it holds as many of the picture's own pixels as the network sees."""

    NATIVE = Cut(kind="face", size_px=96, margin=1.2, enlarge=False)

    @pytest.mark.parametrize("corner", [(0.0, 0.0), (80.4, 61.7), (250.0, 190.0)])
    def test_a_small_one_keeps_its_own_pixels(self, corner: tuple[float, float]) -> None:
        drawn = picture(300, 240)
        x, y = corner
        (segment,) = image.segments(photo_of(drawn), self.NATIVE, [a_face(x, y, x + 50, y + 50)])
        assert segment.unfit is None
        assert segment.region.box_px is not None
        x1, y1, x2, y2 = segment.region.box_px
        assert (x2 - x1, y2 - y1) == (96, 96)
        assert np.array_equal(segment.pixels, np.asarray(drawn)[y1:y2, x1:x2])

    def test_a_large_one_is_scaled_down(self) -> None:
        (segment,) = image.segments(photo_of(picture(300, 240)), self.NATIVE, [a_face(50, 50, 200, 200)])
        assert segment.region.box_px == (35, 35, 215, 215)
        assert segment.pixels.shape == (96, 96, 3)
        assert segment.unfit is None

    def test_in_a_picture_without_the_pixels_it_abstains(self) -> None:
        (segment,) = image.segments(photo_of(picture(90, 120)), self.NATIVE, [a_face(20, 20, 70, 70)])
        assert segment.unfit == "the picture has 90 px around the face; 96 px are needed, for none are invented"
