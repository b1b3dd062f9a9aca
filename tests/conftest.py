"""Fixtures that every test may ask for. Files last for the session: treat what they give as read-only."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings
from PIL import Image

from tests import command
from tests.command import Run
from tests.data.make import make, picture
from unmask.faces import FaceFinder

settings.register_profile("unmask", deadline=None)  # a busy machine is no defect
settings.load_profile("unmask")


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with everything that tests/data/make.py draws: formats/ orientation/ modes/ hostile/."""
    folder = tmp_path_factory.mktemp("media")
    make(folder)
    return folder


@pytest.fixture(scope="session")
def upright() -> Image.Image:
    """The picture that the files in `media` hold, upright: RGB, 160 x 120 px, one colour per corner."""
    return picture()


@pytest.fixture(scope="session")
def astronaut_path() -> Path:
    """A public-domain portrait (NASA, Eileen Collins, 512 x 512 PNG) that scikit-image's wheel carries."""
    spec = find_spec("skimage")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data" / "astronaut.png"


@pytest.fixture(scope="session")
def astronaut(astronaut_path: Path) -> Image.Image:
    """The portrait, decoded to RGB. It shows one face."""
    with Image.open(astronaut_path) as image:
        return image.convert("RGB")


@pytest.fixture(scope="session")
def finder() -> FaceFinder:
    """The face network, loaded once."""
    return FaceFinder()


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in this process."""
    return command.runner(capsys, monkeypatch)
