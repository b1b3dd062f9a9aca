"""Servers for tests: one that lasts for the session, as `unmask serve` starts it, and services beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.server import films, services
from tests.server.running import Served, served
from unmask.server.database import Database
from unmask.server.settings import Settings


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A real PostgreSQL."""
    with services.postgres() as url:
        yield url


@pytest.fixture(scope="session")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Redis."""
    with services.redis(tmp_path_factory.mktemp("redis")) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty store of each kind."""
    if request.param == "sqlite":
        found = Database(f"sqlite:///{tmp_path / 'unmask.db'}")
    else:
        found = Database(request.getfixturevalue("postgres_url"))
        with found.engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    found.upgrade()
    yield found
    found.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a server in a folder of its own."""
    found = Settings(folder=tmp_path / "data", free_bytes=0)
    found.prepare_folder()
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """`unmask serve`, with its worker, ready to judge."""
    with served(Settings(folder=tmp_path_factory.mktemp("serve"), port=0, free_bytes=0)) as found:
        yield found


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are kept for a person to look at: in the folder that pytest keeps of its last runs."""
    return tmp_path_factory.mktemp("screenshots", numbered=False)


@pytest.fixture(scope="session")
def uploads(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> Path:
    """A folder with portrait.jpg, clip.mp4, call.wav and notes.txt."""
    folder = tmp_path_factory.mktemp("uploads")
    astronaut.resize((900, 900)).save(folder / "portrait.jpg", quality=92)
    films.film(folder / "clip.mp4", astronaut)
    films.recording(folder / "call.wav")
    (folder / "notes.txt").write_text("no picture\n")
    return folder
