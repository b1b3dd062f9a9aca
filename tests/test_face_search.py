"""Frames of a video are searched on small copies, and on larger ones only where that shows more."""

from __future__ import annotations

from typing import cast

import numpy as np
from PIL import Image

from unmask.face_search import LARGE_PX, SMALL_PX, FaceSearch
from unmask.faces import Face, FaceFinder

FRAME = Image.new("RGB", (1280, 720))


def face(size_px: float) -> Face:
    return Face(np.array([0, 0, size_px, size_px], np.float32), np.zeros((5, 2), np.float32), 1.0)


class Finder:
    """Shows so many faces on each copy, and notes which were searched."""

    def __init__(self, small: list[Face], large: list[Face]) -> None:
        self.seen: list[int] = []
        self._by_side = {SMALL_PX: small, LARGE_PX: large}

    def find(self, _: Image.Image, limit: int, sides_px: tuple[int]) -> tuple[list[Face], int]:
        self.seen.append(sides_px[0])
        found = self._by_side[sides_px[0]]
        return found[:limit], len(found)


def searched(finder: Finder, frames: int, frame: Image.Image = FRAME) -> list[int]:
    search = FaceSearch(cast(FaceFinder, finder), 40, 32)
    return [len(search.find(frame)) for _ in range(frames)]


def test_where_the_larger_copy_shows_no_more_the_smaller_does() -> None:
    finder = Finder([face(100)], [face(100)])
    assert searched(finder, 33) == [1] * 33
    assert finder.seen.count(LARGE_PX) == 3  # asked again each 16 frames
    assert finder.seen.count(SMALL_PX) == 33


def test_where_it_shows_more_it_is_used() -> None:
    finder = Finder([face(100)], [face(100), face(50)])
    assert searched(finder, 16) == [2] * 16
    assert finder.seen.count(LARGE_PX) == 16


def test_faces_too_small_to_judge_are_no_reason() -> None:
    finder = Finder([face(100)], [face(100), face(20), face(20)])
    assert searched(finder, 16) == [1] * 16
    assert finder.seen.count(LARGE_PX) == 1


def test_where_nobody_is_seen_the_larger_copy_is_asked() -> None:
    finder = Finder([], [face(30)])
    assert searched(finder, 3) == [0, 1, 1]  # too small to count in the first frame, but nobody else is there


def test_small_frames_have_one_copy() -> None:
    finder = Finder([face(100)], [])
    assert searched(finder, 4, Image.new("RGB", (256, 256))) == [1] * 4
    assert finder.seen == [SMALL_PX] * 4
