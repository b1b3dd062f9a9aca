"""The portrait that the makers are tried on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from PIL import Image

from tests.make_generator import make_generator
from tests.makers.faces import SIZE_PX
from unmask.card import Cut
from unmask.faces import FaceFinder
from unmask.makers import Portrait
from unmask.makers.reconstruct import by_generators
from unmask.modalities import image as image_modality
from unmask.modalities.image import Photo
from unmask.types import Source


@pytest.fixture(scope="session")
def portrait(astronaut: Image.Image, finder: FaceFinder) -> Portrait:
    """The portrait's face as a detector sees it, with its landmarks."""
    faces, _ = finder.find(astronaut)
    (segment,) = image_modality.segments(
        Photo(Source(path="portrait"), astronaut), Cut(kind="face", size_px=SIZE_PX), faces
    )
    return Portrait(segment.pixels, segment.landmarks_px)


@pytest.fixture(scope="package", autouse=True)
def _generators(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One that draws mosaics, for the maker that needs one."""
    before = by_generators.generators
    by_generators.generators = (make_generator(tmp_path_factory.mktemp("generators")),)
    yield
    by_generators.generators = before
