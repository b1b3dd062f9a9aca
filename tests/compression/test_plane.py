from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from tests.compression.drawn import cut, face, saved, textured
from unmask.compression.plane import SIDE_PX, plane
from unmask.compression.tables import coding
from unmask.modalities.image import turned


def test_a_large_picture_costs_no_more_than_a_middling_one() -> None:
    picture = textured(0, 1500, 1300)
    found = cut(picture, face(1300, 200, 1400, 300))
    assert found.luma.shape == (SIDE_PX, SIDE_PX)
    left, top, right, bottom = found.box_px
    assert left % 16 == top % 16 == 0
    assert left <= 1300
    assert right >= 1400
    assert (right - left, bottom - top) == (SIDE_PX, SIDE_PX)
    assert found.face_px is not None
    assert found.face_px[0] == 1300 - left


@pytest.mark.parametrize("orientation", range(1, 9))
def test_blocks_begin_at_the_planes_corner_however_the_picture_was_turned(orientation: int) -> None:
    stored = saved(textured(1, 203, 150), 40)
    upright = turned(stored.convert("RGB"), orientation)
    found = plane(upright, coding(stored), orientation, ())
    assert found is not None
    steps = [np.abs(np.diff(luma, axis=1)).mean(axis=0) for luma in (found.luma, found.luma.T)]
    for step in steps:
        borders = [step[phase::8].mean() for phase in range(8)]
        assert int(np.argmax(borders)) == 7, "the step into the next block is the largest"


def test_tables_turn_with_the_picture() -> None:
    stored = saved(textured(1, 96, 64), 50)
    coded = coding(stored)
    assert coded is not None
    straight, sideways = (plane(stored.convert("RGB"), coded, orientation, ()) for orientation in (1, 6))
    assert straight is not None
    assert straight.table is not None
    assert sideways is not None
    assert sideways.table is not None
    assert (sideways.table == straight.table.T).all()


def test_face_and_background_leave_out_what_lies_between() -> None:
    found = cut(textured(2, 256, 256), face(64, 64, 192, 192)).inside(16)
    assert found is not None
    within, beside = found
    assert within.sum() == 64
    assert not (within & beside).any()
    assert not beside[3:13, 3:13].any(), "a seam lies around the face"


def test_without_a_face_or_room_there_is_nothing_to_compare() -> None:
    assert cut(textured(2, 256, 256)).inside(16) is None
    assert cut(textured(2, 256, 256), face(0, 0, 256, 256)).inside(16) is None
    assert cut(textured(2, 256, 256), face(5, 5, 20, 20)).inside(16) is None
    assert plane(Image.new("RGB", (15, 300)), None, 1, ()) is None
