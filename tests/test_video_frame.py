"""Frames of every kind become upright pictures in 8-bit RGB, and say what was done to them."""

from __future__ import annotations

from typing import Any

import av
import numpy as np
import pytest

from unmask import video_frame

GREY = 0.58
"""A signal of PQ at which standard white is shown, about."""


def high(level: float, transfer: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(np.full((64, 64, 3), round(level * 65535), np.uint16), format="rgb48le")
    frame.color_trc = transfer
    return frame


def level(frame: Any) -> float:
    picture, _ = video_frame.upright(frame)
    return float(np.asarray(picture).mean())


def test_a_plain_frame_stays_as_it_is() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    picture, notes = video_frame.upright(av.VideoFrame.from_ndarray(pixels, format="rgb24"))
    np.testing.assert_array_equal(np.asarray(picture), pixels)
    assert notes == ()


@pytest.mark.parametrize("transfer", [16, 18], ids=["PQ", "HLG"])
def test_high_dynamic_range_is_brought_down_and_told(transfer: int) -> None:
    _, notes = video_frame.upright(high(0.5, transfer))
    assert notes == ("the video has a high dynamic range, which was brought to the standard one",)
    levels = [level(high(signal, transfer)) for signal in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)]
    assert levels[0] == 0
    assert levels == sorted(levels)
    assert levels[-1] > 240


def test_standard_white_comes_out_bright_and_a_face_in_the_middle() -> None:
    assert 215 < level(high(GREY, 16)) < 250  # 203 cd/m2
    assert 215 < level(high(0.75, 18)) < 250
    assert 60 < level(high(0.44, 16)) < 190  # a fifth to a half of it, as skin is


def test_of_an_interlaced_frame_one_field_is_kept() -> None:
    pixels = np.zeros((64, 64, 3), np.uint8)
    pixels[1::2] = 255  # the other field shows another moment
    frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")

    class Interlaced:
        interlaced_frame = True
        rotation = 0
        color_trc = 2

        def to_ndarray(self, format: str) -> Any:
            return frame.to_ndarray(format=format)

    picture, notes = video_frame.upright(Interlaced())  # type: ignore[arg-type]
    assert picture.size == (64, 64)
    assert np.asarray(picture).max() == 0
    assert "interlaced" in notes[0]
