"""Self-blended fakes: where they differ from their original, where they must not, and that no landmarks break them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from unmask import blend
from unmask.blend import Points, face_mask, self_blend
from unmask.card import Cut
from unmask.faces import FaceFinder
from unmask.modalities import image as image_modality
from unmask.modalities.image import Photo
from unmask.types import Pixels, Segment, Source

SIZE_PX = 128
PROFILE = np.array([[60, 50], [61, 50], [80, 66], [64, 90], [65, 90]], np.float32)


@pytest.fixture(scope="module")
def crop(astronaut: Image.Image, finder: FaceFinder) -> Segment:
    """The portrait's face as a detector sees it, with its landmarks."""
    faces, _ = finder.find(astronaut)
    (segment,) = image_modality.segments(
        Photo(Source(path="portrait"), astronaut), Cut(kind="face", size_px=SIZE_PX), faces
    )
    return segment


@pytest.fixture(scope="module")
def marks(crop: Segment) -> Points:
    assert crop.landmarks_px is not None
    return crop.landmarks_px


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_the_same_state_gives_the_same_fake_and_another_gives_another(crop: Segment, marks: Points) -> None:
    before = crop.pixels.copy()
    fakes = [self_blend(crop.pixels, marks, generator(seed)) for seed in range(20)]
    assert all(fake.dtype == np.uint8 and fake.shape == (SIZE_PX, SIZE_PX, 3) for fake in fakes)
    for seed, fake in enumerate(fakes):
        np.testing.assert_array_equal(fake, self_blend(crop.pixels, marks, generator(seed)))
    assert len({fake.tobytes() for fake in fakes}) == len(fakes)
    np.testing.assert_array_equal(crop.pixels, before)


@dataclass
class Watched:
    """What a blend drew on its way: the changed copy and the mask."""

    changed: list[Pixels] = field(default_factory=list)
    masks: list[NDArray[np.float32]] = field(default_factory=list)


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    seen = Watched()
    change, draw = blend._change, blend.face_mask

    def watched_change(picture: Image.Image, rng: np.random.Generator) -> Image.Image:
        changed = change(picture, rng)
        seen.changed.append(np.asarray(changed))
        return changed

    def watched_draw(size: tuple[int, int], landmarks: Points, rng: np.random.Generator) -> NDArray[np.float32]:
        seen.masks.append(draw(size, landmarks, rng))
        return seen.masks[-1]

    monkeypatch.setattr(blend, "_change", watched_change)
    monkeypatch.setattr(blend, "face_mask", watched_draw)
    return seen


def test_outside_the_mask_a_fake_is_one_of_its_two_copies_untouched(
    crop: Segment, marks: Points, watched: Watched
) -> None:
    outer_is_the_original = []
    for seed in range(60):
        fake = self_blend(crop.pixels, marks, generator(seed))
        outside = watched.masks[-1] == 0
        assert outside.mean() > 0.1
        original = np.array_equal(fake[outside], crop.pixels[outside])
        assert original or np.array_equal(fake[outside], watched.changed[-1][outside])
        outer_is_the_original.append(original)
        assert not np.array_equal(fake[~outside], crop.pixels[~outside])
    assert 15 < sum(outer_is_the_original) < 45, "either copy may be the inner one"


def test_the_mask_is_soft_and_lies_over_the_face(marks: Points) -> None:
    eyes, mouth = marks[:2].mean(axis=0), marks[3:].mean(axis=0)
    reach = float(np.hypot(*(marks[1] - marks[0])))
    shares = []
    for seed in range(200):
        mask = face_mask((SIZE_PX, SIZE_PX), marks, generator(seed))
        assert mask.dtype == np.float32
        assert mask.shape == (SIZE_PX, SIZE_PX)
        assert mask.min() >= 0
        assert 0.9 < mask.max() <= 1
        assert ((mask > 0.05) & (mask < 0.95)).any()
        y, x = np.mgrid[0:SIZE_PX, 0:SIZE_PX]
        centre = np.array([(mask * x).sum(), (mask * y).sum()]) / mask.sum()
        assert eyes[1] - 0.6 * reach < centre[1] < mouth[1] + 0.6 * reach
        assert abs(centre[0] - (eyes[0] + mouth[0]) / 2) < 0.5 * reach
        shares.append(mask.mean())
    assert min(shares) < 0.1 < 0.25 < max(shares), "parts of the face and the whole of it are drawn"


@pytest.mark.parametrize("size", [(128, 128), (96, 160), (64, 64), (17, 300)], ids=str)
def test_any_size_and_side_of_a_crop(size: tuple[int, int]) -> None:
    width, height = size
    pixels = generator(1).integers(0, 256, (height, width, 3), np.uint8)
    usual = np.array([[0.32, 0.4], [0.68, 0.4], [0.5, 0.58], [0.36, 0.76], [0.64, 0.76]], np.float32)
    for seed in range(10):
        assert self_blend(pixels, usual * np.array(size, np.float32), generator(seed)).shape == (height, width, 3)


@pytest.mark.parametrize(
    "marks",
    [
        PROFILE,
        PROFILE[[1, 0, 2, 4, 3]],  # the other way round
        np.full((5, 2), 64, np.float32),
        PROFILE + 500,
        PROFILE - 5000,
        PROFILE * 100,
    ],
    ids=["profile", "mirrored", "one point", "outside", "far outside", "larger than the crop"],
)
def test_odd_landmarks_are_survived(crop: Segment, marks: Points) -> None:
    for seed in range(20):
        fake = self_blend(crop.pixels, marks, generator(seed))
        assert fake.shape == crop.pixels.shape
        mask = face_mask((SIZE_PX, SIZE_PX), marks, generator(seed))
        assert 0 <= mask.min() <= mask.max() <= 1


def test_a_face_in_profile_gets_a_mask_as_tall_as_the_face() -> None:
    for seed in range(50):
        mask = face_mask((SIZE_PX, SIZE_PX), PROFILE, generator(seed))
        rows = np.flatnonzero(mask.max(axis=1) > 0.5)
        assert rows[-1] - rows[0] > 15, "the eyes coincide, but the face is no speck"


@given(
    st.lists(st.floats(-1e4, 1e4, width=32), min_size=10, max_size=10),
    st.integers(0, 2**32 - 1),
)
def test_no_landmarks_break_the_mask(values: list[float], seed: int) -> None:
    mask = face_mask((48, 32), np.array(values, np.float32).reshape(5, 2), generator(seed))
    assert mask.shape == (32, 48)
    assert 0 <= mask.min() <= mask.max() <= 1
