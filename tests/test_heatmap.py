"""Heat maps: the numbers they stand for, where they lie, and whether everybody can tell the two colours apart."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from unmask import heatmap
from unmask.types import Evidence, Region

# Machado, Oliveira & Fernandes 2009, severity 1.0, on linear RGB.
COLOUR_VISION = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def evidence(heat_map: tuple[tuple[float, ...], ...] | None, logit: float | None = 1.5) -> Evidence:
    return Evidence(detector="face", region=Region(), logit=logit, votes=True, sentence="s", heat_map=heat_map)


def rgba(png: bytes) -> NDArray[np.uint8]:
    with Image.open(io.BytesIO(png)) as image:
        return np.asarray(image.convert("RGBA"))


def linear(rgb: tuple[int, int, int]) -> NDArray[np.float64]:
    value = np.array(rgb) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    lms = np.cbrt(
        np.array([[0.41222, 0.53633, 0.05145], [0.21190, 0.68070, 0.10740], [0.08830, 0.28172, 0.62998]]) @ rgb.clip(0)
    )
    lab = np.array([[0.21045, 0.79362, -0.00407], [1.97800, -2.42859, 0.45060], [0.02590, 0.78277, -0.80868]]) @ lms
    return np.asarray(lab, np.float64)


def test_local_logits_average_to_the_logit() -> None:
    logits = heatmap.local_logits(evidence(((0.0, 1.0), (2.0, 5.0))))
    assert logits is not None
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, [[-0.5, 0.5], [1.5, 4.5]], rtol=1e-6)


@pytest.mark.parametrize("silent", [evidence(None), evidence((), 1.0), evidence(((1.0,),), None)])
def test_no_map_without_a_score_or_an_activation(silent: Evidence) -> None:
    assert heatmap.local_logits(silent) is None


def test_scale_is_shared_and_weak_maps_stay_pale() -> None:
    weak, strong = np.full((2, 2), 0.1, np.float32), np.array([[-6.0, 1.0]], np.float32)
    assert heatmap.common_scale([weak]) == 2.0
    assert heatmap.common_scale([weak, strong]) == 6.0


def test_overlay_is_clear_at_zero_and_coloured_by_side() -> None:
    assert rgba(heatmap.overlay(np.zeros((4, 4), np.float32), 2.0))[..., 3].max() <= 1
    top_fake = np.array([[4.0, 4.0], [-4.0, -4.0]], np.float32)
    drawn = rgba(heatmap.overlay(top_fake, 4.0))
    assert tuple(drawn[0, 0, :3]) == heatmap.FAKE_RGB
    assert tuple(drawn[-1, 0, :3]) == heatmap.REAL_RGB
    assert 200 < drawn[0, 0, 3] < 255, "strong, but the crop still shows through"


def test_more_logits_are_never_paler() -> None:
    ramp = np.linspace(0, 3, 16, dtype=np.float32)[None].repeat(16, axis=0)
    alphas = rgba(heatmap.overlay(ramp, 3.0))[24, 3:-3, 3].astype(int)
    assert (np.diff(alphas) >= 0).all()
    assert alphas[-1] - alphas[0] > 150


def test_broken_activations_still_draw() -> None:
    logits = heatmap.local_logits(evidence(((float("nan"), 1.0), (0.0, 1.0))))
    assert logits is not None
    assert np.isfinite(logits).all()


def test_legend_runs_from_real_to_fake() -> None:
    row = rgba(heatmap.legend())[0].astype(int)
    assert row.shape == (256, 4)
    assert row[0, 2] > row[0, 0], "blue end first"
    assert row[-1, 0] > row[-1, 2]
    assert np.abs(row[127, :3] - 128).max() <= 2


@pytest.mark.parametrize("vision", COLOUR_VISION)
def test_the_two_sides_differ_for_every_kind_of_colour_vision(vision: str) -> None:
    matrix = np.array(COLOUR_VISION[vision])
    real, fake = (oklab(matrix @ linear(rgb)) for rgb in (heatmap.REAL_RGB, heatmap.FAKE_RGB))
    assert float(np.linalg.norm(real - fake)) > 0.15
