from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import numpy as np
import pytest
from PIL import Image

from unmask.burst import LEAST_FRAMES, PLACES, align, gather, similarity, smooth
from unmask.faces import Face, FaceFinder

SIZE = (320, 240)


class BrightFinder:
    """Finds a bright rectangle as if it were a face; marks lie at fixed shares of it."""

    def __init__(self) -> None:
        self.searched: list[tuple[int, int]] = []

    def find(self, picture: Image.Image, limit: int = 32) -> tuple[list[Face], int]:
        self.searched.append(picture.size)
        grey = np.asarray(picture.convert("L"))
        rows, columns = np.nonzero(grey > 128)
        if len(rows) < 20:
            return [], 0
        box = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)
        shares = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]], np.float32)
        return [Face(box, box[:2] + shares * (box[2:] - box[:2]), 0.9)], 1


def frames(
    count: int, *, hidden: tuple[int, ...] = (), speed: float = 1.0, rate: float = 25.0
) -> Iterator[tuple[float, Image.Image]]:
    for number in range(count):
        pixels = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
        if number not in hidden:
            left = round(60 + speed * number)
            pixels[80:160, left : left + 60] = 200
        yield number / rate, Image.fromarray(pixels)


def finder() -> FaceFinder:
    return cast(FaceFinder, BrightFinder())


START = (60.0, 80.0, 120.0, 160.0)


def test_a_moving_face_is_followed_and_gaps_are_bridged() -> None:
    burst = gather(frames(30, hidden=(10, 11)), finder(), START)
    assert burst is not None
    assert burst.found.sum() == 28
    assert not burst.found[10:12].any()
    assert burst.times_s[-1] == pytest.approx(29 / 25)
    assert burst.rate_hz == pytest.approx(25)
    assert burst.boxes[:, 0] == pytest.approx(60 + np.arange(30), abs=2.0)
    assert burst.faces.shape == (30, 112, 112, 3)
    assert burst.frame_size_px == SIZE
    assert burst.eyes_px == pytest.approx(24, abs=2)
    assert burst.box_px[2] - burst.box_px[0] == pytest.approx(89, abs=4)


def test_only_a_crop_around_the_face_is_searched() -> None:
    own = BrightFinder()
    gather(frames(20), cast(FaceFinder, own), START)
    assert all(max(size) <= 128 for size in own.searched)


def test_no_more_frames_than_asked_for_are_read() -> None:
    source = frames(100)
    burst = gather(source, finder(), START, most=20)
    assert burst is not None
    assert len(burst.times_s) == 20
    assert next(source)[0] == pytest.approx(20 / 25)


def test_every_second_frame_of_a_fast_video_is_taken() -> None:
    burst = gather(frames(60, rate=50.0), finder(), START)
    assert burst is not None
    assert burst.rate_hz == pytest.approx(25)


def test_a_burst_ends_where_the_face_is_lost_or_the_picture_is_cut() -> None:
    lost = gather(frames(80, hidden=tuple(range(20, 60))), finder(), START)
    assert lost is not None
    assert lost.end_s == pytest.approx(19 / 25)

    def cut() -> Iterator[tuple[float, Image.Image]]:
        yield from frames(20)
        for time, image in list(frames(40))[20:]:
            yield time, Image.fromarray(np.maximum(np.asarray(image), 120))

    shot = gather(cut(), finder(), START)
    assert shot is not None
    assert shot.end_s == pytest.approx(19 / 25)


def test_a_face_that_is_hardly_seen_gives_nothing() -> None:
    assert gather(frames(LEAST_FRAMES - 1), finder(), START) is None
    assert gather(frames(30), finder(), (250.0, 10.0, 300.0, 60.0)) is None
    assert gather(iter(()), finder(), START) is None


@pytest.mark.parametrize("scale", [0.5, 1.0, 3.7])
def test_eyes_and_mouth_come_to_their_places(scale: float) -> None:
    turned = PLACES @ np.array([[0.94, 0.34], [-0.34, 0.94]]) * scale + 60 * scale
    pixels = np.zeros((round(220 * scale), round(220 * scale), 3), np.uint8)
    for x, y in turned[[0, 1, 3, 4]]:
        reach = max(1.0, 2 * scale)
        ys, xs = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
        pixels[np.hypot(xs + 0.5 - x, ys + 0.5 - y) < reach] = 255
    out = align(Image.fromarray(pixels), turned)
    for x, y in PLACES[[0, 1, 3, 4]]:
        near = out[int(y) - 5 : int(y) + 6, int(x) - 5 : int(x) + 6, 0].astype(float)
        ys, xs = np.mgrid[int(y) - 5 : int(y) + 6, int(x) - 5 : int(x) + 6] + 0.5
        assert near.max() > 100
        assert (near * xs).sum() / near.sum() == pytest.approx(x, abs=0.6)
        assert (near * ys).sum() / near.sum() == pytest.approx(y, abs=0.6)


def test_the_similarity_is_found_and_smoothing_keeps_what_is_steady() -> None:
    turn, shift = similarity(PLACES, PLACES * 2 + 5)
    assert turn == pytest.approx(2)
    assert shift == pytest.approx(5 + 5j)
    values = np.random.default_rng(0).normal(3, 1, (200, 2)).astype(np.float32)
    assert smooth(values).shape == values.shape
    assert smooth(values).std() < 0.6 * values.std()
    assert smooth(np.full(9, 4, np.float32)) == pytest.approx(4)
