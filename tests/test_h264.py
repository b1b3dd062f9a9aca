import numpy as np
import pytest
from PIL import Image

from tests.data.scenes import scene
from unmask import h264
from unmask.errors import UsageError


def test_odd_sides_lose_a_pixel_and_colours_stay() -> None:
    copy = h264.through(scene(0, 161).crop((0, 0, 161, 101)), 18)
    assert (copy.mode, copy.size) == ("RGB", (160, 100))
    before = np.asarray(scene(0, 161).crop((0, 0, 160, 100)), float)
    assert np.abs(np.asarray(copy, float).mean(axis=(0, 1)) - before.mean(axis=(0, 1))).max() < 3


def test_the_same_every_time() -> None:
    first, second = (np.asarray(h264.through(scene(1, 128), 34)) for _ in range(2))
    assert (first == second).all()


def test_a_higher_factor_keeps_less_detail() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    detail = [np.asarray(h264.through(Image.fromarray(noise), crf), float).std() for crf in (18, 51)]
    assert detail[1] < detail[0] / 2


def test_what_is_too_small_is_said() -> None:
    with pytest.raises(UsageError, match=r"1 x 40 px cannot go through H\.264: it is too small"):
        h264.through(Image.new("RGB", (1, 40)), 23)


def test_a_build_without_the_encoder_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    class Absent:
        @staticmethod
        def create(*_: str) -> None:
            raise ValueError("no codec libx264")

    monkeypatch.setattr(h264, "CodecContext", Absent)
    with pytest.raises(UsageError, match=r"40 x 40 px cannot go through H\.264: no codec libx264"):
        h264.through(Image.new("RGB", (40, 40)), 23)
