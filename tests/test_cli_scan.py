"""What `unmask scan` makes of its options for videos; tests/test_cli.py has the rest of the verb."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import some_video
from tests.command import Run
from unmask.types import Report, Source


class FakeScanner:
    """Says of every file that it is the video of two persons; remembers how it was made."""

    asked: dict[str, Any]

    def __init__(self, models: Sequence[str], **asked: Any) -> None:
        FakeScanner.asked = asked

    def scan(self, path: Path) -> Report:
        return some_video.judged(source=Source(path=str(path), sha256="ef" * 32))

    def scan_many(self, paths: Iterator[Path]) -> Iterator[Report]:
        return (self.scan(path) for path in paths)


@pytest.fixture(autouse=True)
def _fake(monkeypatch: pytest.MonkeyPatch) -> None:
    import unmask.scan  # noqa: F401  # the name in the package is the function

    monkeypatch.setattr(sys.modules["unmask.scan"], "Scanner", FakeScanner)


def test_the_scanner_is_told_how_much_of_a_video_to_look_at(run: Run) -> None:
    assert run("scan", "a.mp4", "--frames", "8", "--max-seconds", "2.5").code == 0
    assert (FakeScanner.asked["frames"], FakeScanner.asked["max_seconds"]) == (8, 2.5)
    run("scan", "a.mp4")
    assert (FakeScanner.asked["frames"], FakeScanner.asked["max_seconds"]) == (32, None)


@pytest.mark.parametrize("words", [("--frames", "0"), ("--max-seconds", "-1"), ("--frames", "many")])
def test_no_frames_are_wrong_use(run: Run, words: tuple[str, str]) -> None:
    assert run("scan", "a.mp4", *words).code == 2


def test_lines_are_of_who_decided_or_of_everybody(run: Run) -> None:
    alone = run("scan", "a.mp4").out.splitlines()
    assert [line.split()[:2] for line in alone] == [["fake", "0.93"], ["person", "1"]]
    everybody = run("scan", "a.mp4", "--tracks").out.splitlines()
    assert everybody[:2] == alone
    assert everybody[2].split()[:2] == ["person", "2"]


def test_a_page_is_written_of_videos_too(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run("scan", "a.mp4", "b.mp4", "--html", page).code == 0
    assert page.read_text("utf-8").count("Persons over time") == 2


def test_help_speaks_of_photos_videos_and_recordings(run: Run) -> None:
    shown = " ".join(run("scan", "--help").out.split())
    for told in ("Judge photos, videos and recordings", "--frames N", "--max-seconds S", "--tracks"):
        assert told in shown, told
