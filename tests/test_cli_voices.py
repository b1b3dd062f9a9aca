"""The verb that makes fake voices, on its own."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.vocoders.speaking import draw, voice
from unmask import cli_voices, manifest
from unmask.errors import UsageError
from unmask.manifest import REAL, Item


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()
    cli_voices.add_to(app)
    return app


@pytest.fixture
def table(tmp_path: Path) -> Path:
    draw(tmp_path / "one.flac", voice(0.8))
    (tmp_path / "broken.flac").write_bytes(b"fLaC")
    items = [Item(tmp_path / name, REAL, "real", split="train") for name in ("one.flac", "broken.flac")]
    manifest.write(tmp_path / "table.csv", items)
    return tmp_path / "table.csv"


def test_the_verb_writes_fakes_and_says_how_many(app: typer.Typer, table: Path, tmp_path: Path) -> None:
    words = ["--vocoder", "lpc", "--vocoder", "phase-noise", "--per-item", "1", "--seed", "3", "--jobs", "1"]
    done = CliRunner().invoke(app, [str(table), str(tmp_path / "out"), *words])
    assert done.exit_code == 0
    assert done.stdout == f"1 items: {tmp_path / 'out' / 'manifest.csv'}\n"
    assert done.stderr == "left out 1: no sound can be read\n"
    assert (tmp_path / "out" / "seed.txt").read_text() == "3\n"
    (item,) = manifest.read(tmp_path / "out" / "manifest.csv")
    assert item.attributes["made"] in ("lpc", "phase-noise")


def test_an_unknown_vocoder_is_refused(app: typer.Typer, table: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [str(table), str(tmp_path / "out"), "--vocoder", "wavenet"])
    assert isinstance(done.exception, UsageError)
