from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.make_bundle import (
    expected_logits,
    expected_voice_logits,
    make_bundle,
    make_video_bundle,
    make_voice_bundle,
)
from unmask.bundles import Bundle
from unmask.detectors.onnx import OnnxDetector
from unmask.errors import BundleError, UsageError


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "bundle", constant=0.25)


def pictures(count: int, size: int = 64) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


@pytest.mark.parametrize("threads", [None, 1])
def test_score_gives_one_logit_a_picture(bundle: Bundle, threads: int | None) -> None:
    batch = pictures(5)
    logits = OnnxDetector(bundle, threads).score(batch)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected_logits(batch, constant=0.25), atol=1e-4)


def test_red_leans_fake_and_blue_real(bundle: Bundle) -> None:
    red, blue = np.zeros((2, 64, 64, 3), np.uint8)
    red[..., 0], blue[..., 2] = 255, 255
    assert list(np.sign(OnnxDetector(bundle).score(np.stack([red, blue])))) == [1, -1]


def test_explain_adds_up_to_the_logit_and_shows_where(bundle: Bundle) -> None:
    batch = np.zeros((1, 64, 64, 3), np.uint8)
    batch[0, :16, 16:32, 0] = 255
    logit, activation = OnnxDetector(bundle).explain(batch)
    assert activation.shape == (1, 4, 4)
    np.testing.assert_allclose(activation.mean(axis=(1, 2)) + 0.25, logit, atol=1e-5)
    assert np.unravel_index(activation[0].argmax(), (4, 4)) == (0, 1)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((1, 64, 64, 3), np.float32),
        np.zeros((64, 64, 3), np.uint8),
        np.zeros((1, 32, 32, 3), np.uint8),
        np.zeros((1, 3, 64, 64), np.uint8),
    ],
)
def test_a_batch_of_another_kind_is_wrong_use(bundle: Bundle, batch: Any) -> None:
    with pytest.raises(UsageError, match=r"takes uint8 \(N, 64, 64, 3\)"):
        OnnxDetector(bundle).score(batch)


def test_an_altered_graph_is_not_loaded(bundle: Bundle) -> None:
    bundle.model_path.write_bytes(b"something else")
    with pytest.raises(BundleError, match="is not the one its card describes"):
        OnnxDetector(bundle)


def test_a_graph_that_is_none_is_refused(bundle: Bundle) -> None:
    bundle.model_path.write_bytes(b"something else")
    digest = hashlib.sha256(b"something else").hexdigest()
    with pytest.raises(BundleError, match="cannot load"):
        OnnxDetector(Bundle(bundle.folder, bundle.card.model_copy(update={"sha256": digest})))


def test_a_graph_of_another_size_fails_when_loaded(bundle: Bundle) -> None:
    cut = bundle.card.cut.model_copy(update={"size_px": 96})
    with pytest.raises(BundleError, match="does not fit its card"):
        OnnxDetector(Bundle(bundle.folder, bundle.card.model_copy(update={"cut": cut})))


class TestVideos:
    """Windows of several looks at one person."""

    @pytest.fixture
    def track(self, tmp_path: Path) -> Bundle:
        return make_video_bundle(tmp_path / "track", constant=0.25)

    @pytest.mark.parametrize("looks", [1, 2, 4])
    def test_it_takes_up_to_as_many_looks_as_its_card_says(self, track: Bundle, looks: int) -> None:
        windows = np.random.default_rng(2).integers(0, 256, (3, looks, 64, 64, 3), dtype=np.uint8)
        logit, activation = OnnxDetector(track).explain(windows)
        assert activation.shape == (3, looks)
        np.testing.assert_allclose(activation.mean(axis=1) + 0.25, logit, atol=1e-4)
        np.testing.assert_allclose(logit, expected_logits(windows, constant=0.25), atol=1e-4)

    @pytest.mark.parametrize("shape", [(1, 64, 64, 3), (1, 5, 64, 64, 3), (1, 0, 64, 64, 3), (1, 4, 32, 32, 3)])
    def test_windows_of_another_kind_are_wrong_use(self, track: Bundle, shape: tuple[int, ...]) -> None:
        with pytest.raises(UsageError, match=r"takes uint8 \(N, 1 to 4, 64, 64, 3\)"):
            OnnxDetector(track).score(np.zeros(shape, np.uint8))

    def test_a_detector_of_pictures_takes_no_windows(self, bundle: Bundle) -> None:
        with pytest.raises(UsageError, match=r"takes uint8 \(N, 64, 64, 3\)"):
            OnnxDetector(bundle).score(np.zeros((1, 4, 64, 64, 3), np.uint8))

    @pytest.mark.parametrize("frames", [4, None])
    def test_a_card_of_the_other_kind_fails_when_loaded(
        self, track: Bundle, bundle: Bundle, frames: int | None
    ) -> None:
        one = bundle if frames else track
        cut = one.card.cut.model_copy(update={"frames": frames})
        with pytest.raises(BundleError, match="does not fit its card"):
            OnnxDetector(Bundle(one.folder, one.card.model_copy(update={"cut": cut})))


class TestVoices:
    """Windows of sound."""

    @pytest.fixture
    def voice(self, tmp_path: Path) -> Bundle:
        return make_voice_bundle(tmp_path / "voice", constant=0.25)

    def test_it_says_how_sure_and_which_bands_when(self, voice: Bundle) -> None:
        samples = np.random.default_rng(3).normal(0, 0.05, (3, 32_000)).astype(np.float32)
        samples[0, :24_000] = 0
        logit, activation = OnnxDetector(voice).explain(samples)
        assert activation.shape == (3, 2, 4)
        np.testing.assert_allclose(logit, expected_voice_logits(samples, constant=0.25), atol=1e-4)
        np.testing.assert_allclose(activation.mean(axis=(1, 2)) + 0.25, logit, atol=1e-4)
        assert activation[0, :, :3].max() < activation[0, :, 3].min()
        np.testing.assert_array_equal(OnnxDetector(voice).score(samples), logit)

    @pytest.mark.parametrize(
        "batch",
        [
            np.zeros((1, 16_000), np.float32),
            np.zeros((1, 32_000), np.float64),
            np.zeros((1, 32_000), np.int16),
            np.zeros(32_000, np.float32),
            np.zeros((1, 1, 32_000), np.float32),
        ],
    )
    def test_sound_of_another_kind_is_wrong_use(self, voice: Bundle, batch: Any) -> None:
        with pytest.raises(UsageError, match=r"takes float32 \(N, 32000\), not "):
            OnnxDetector(voice).score(batch)

    def test_a_card_of_another_window_fails_when_loaded(self, voice: Bundle) -> None:
        cut = voice.card.cut.model_copy(update={"window_s": 3.0})
        with pytest.raises(BundleError, match="does not fit its card"):
            OnnxDetector(Bundle(voice.folder, voice.card.model_copy(update={"cut": cut})))
