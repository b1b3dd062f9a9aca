"""A heat map by covering: where the score comes from, and as large as the score itself."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.make_bundle import make_video_bundle
from unmask import occlusion
from unmask.detectors.onnx import OnnxDetector
from unmask.types import Pixels


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> OnnxDetector:
    return OnnxDetector(make_video_bundle(tmp_path_factory.mktemp("b") / "track", size_px=50, frames=3))


def test_its_mean_is_the_logit(detector: OnnxDetector) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 50, 3), np.uint8)
    found = np.array(occlusion.heat_map(detector, pixels, -1.5))
    assert found.shape == (occlusion.PLACES, occlusion.PLACES)
    assert found.mean() == pytest.approx(-1.5, abs=1e-3)


def test_a_place_that_is_even_adds_nothing_however_it_is_coloured(detector: OnnxDetector, tmp_path: Path) -> None:
    """Covered by its own mean colour, it is what it was; this detector reads nothing but mean colours."""
    pixels = np.zeros((50, 50, 3), np.uint8)
    pixels[:10, :10, 0] = 255
    assert np.ptp(np.array(occlusion.heat_map(detector, pixels, 0.0))) < 1e-3


def test_what_is_lost_by_covering_stands_where_it_was(detector: OnnxDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    def grain(_: OnnxDetector, pixels: Pixels, __: int) -> float:
        return float(pixels.astype(float).std(axis=(0, 1)).mean())

    monkeypatch.setattr(occlusion, "_score", grain)
    pixels = np.full((50, 50, 3), 128, np.uint8)
    pixels[20:30, 40:50] = np.random.default_rng(0).integers(0, 256, (10, 10, 3), np.uint8)
    found = np.array(occlusion.heat_map(detector, pixels, 0.0))
    assert int(found.argmax()) == 2 * occlusion.PLACES + 4
