"""The process that opens files may be lost at any time: only the file at fault ends with it."""

from __future__ import annotations

import io
import sys
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.server.running import kill, until_gone
from unmask.limits import DEFAULT_LIMITS
from unmask.server import drawing
from unmask.server.errands import Failed, Gone
from unmask.server.judging import Judging
from unmask.server.media import NOTES
from unmask.server.settings import Settings
from unmask.types import Report

FAKE = (sys.executable, str(Path(__file__).with_name("fake_child.py")))


@pytest.fixture
def judging(settings: Settings) -> Iterator[Judging]:
    found = Judging(replace(settings, photo_s=1.0), command=FAKE)
    assert found.wait_ready(20)
    yield found
    found.close()


def name_of(judging: Judging, name: str) -> str:
    return str(judging.judge(Path(name), evidence=False).result(20)["path"])


def test_answers_find_their_questions(judging: Judging) -> None:
    asked = {name: judging.judge(Path(name), evidence=False) for name in ["slow", *map(str, range(40))]}
    assert {name: future.result(20)["path"] for name, future in asked.items()} == {name: name for name in asked}
    assert judging.waiting == 0


def test_progress_is_told(judging: Judging) -> None:
    told: list[tuple[str, float]] = []
    judging.judge(Path("a"), evidence=True, progress=lambda *what: told.append(what)).result(20)
    assert told == [("looking", 0.5)]


def test_a_file_that_kills_ends_alone_and_all_others_are_judged(judging: Judging) -> None:
    names = ["a", "slow 1", "kill", "slow 2", *map(str, range(30))]
    asked = {name: judging.judge(Path(name), evidence=False) for name in names}
    with pytest.raises(Failed, match="ended the process"):
        asked.pop("kill").result(30)
    assert {name: future.result(30)["path"] for name, future in asked.items()} == {name: name for name in asked}
    assert judging.restarts >= 1


def test_of_two_that_kill_both_are_found(judging: Judging) -> None:
    asked = [judging.judge(Path(name), evidence=False) for name in ("kill 1", "slow", "kill 2")]
    for number in (0, 2):
        with pytest.raises(Failed):
            asked[number].result(30)
    assert asked[1].result(30)["path"] == "slow"


def test_a_file_that_takes_too_long_ends_alone(judging: Judging) -> None:
    asked = [judging.judge(Path(name), evidence=False) for name in ("hang", "a", "b")]
    with pytest.raises(Failed, match="longer than 1 s"):
        asked[0].result(30)
    assert [future.result(30)["path"] for future in asked[1:]] == ["a", "b"]
    assert name_of(judging, "after") == "after"


def test_a_file_for_which_memory_was_short_is_asked_again_alone_and_then_in_a_fresh_process(judging: Judging) -> None:
    names = ["slow", "greedy", "a", "greedy too", "b"]
    asked = [judging.judge(Path(name), evidence=False) for name in names]
    assert [future.result(20)["path"] for future in asked] == names
    with pytest.raises(Failed, match="it needs more memory"):
        name_of(judging, "hopeless and greedy")
    assert judging.restarts == 1
    assert name_of(judging, "after") == "after"


def test_a_film_that_waits_for_another_is_given_the_time(judging: Judging) -> None:
    """A photo may take 1 s here; this file is told apart as one, and then waits for longer."""
    assert name_of(judging, "waits") == "waits"
    assert judging.restarts == 0


def test_what_is_not_begun_when_the_process_ends_is_asked_again(judging: Judging) -> None:
    waiting = judging.judge(Path("unbegun hang"), evidence=False)
    time.sleep(0.2)
    killed = judging.judge(Path("kill"), evidence=False)
    with pytest.raises(Failed):
        killed.result(30)
    assert not waiting.done()
    judging.abandon()
    with pytest.raises(Gone):
        waiting.result(30)


def test_what_the_process_says_is_not_trusted(judging: Judging) -> None:
    with pytest.raises(Failed, match="cannot be read"):
        name_of(judging, "lies")
    with pytest.raises(Failed, match="it is broken"):
        name_of(judging, "fails")
    for name in ("babble", "strange list", "strange"):
        with pytest.raises(Failed):
            name_of(judging, name)
    assert name_of(judging, "after") == "after"


def test_abandoned_work_is_told_and_the_next_is_done(judging: Judging) -> None:
    asked = [judging.judge(Path(f"hang {number}"), evidence=False) for number in range(30)]
    judging.abandon()
    for future in asked:
        with pytest.raises(Gone):
            future.result(20)
    assert name_of(judging, "after") == "after"


def test_models_that_cannot_be_loaded_are_told(settings: Settings) -> None:
    found = Judging(replace(settings, models=("damaged",)), command=FAKE)
    assert not found.wait_ready(20)
    assert found.unfit == "the model is damaged"
    with pytest.raises(Gone, match="the model is damaged"):
        found.judge(Path("a"), evidence=False)
    found.close()


def test_a_process_that_never_starts_is_given_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unmask.server.judging._REST_S", (0.0, 0.01))
    found = Judging(replace(settings, models=("dies",)), command=FAKE)
    assert not found.wait_ready(20)
    assert "cannot be started" in str(found.unfit)
    found.close()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judging]:
    found = Judging(Settings(folder=tmp_path_factory.mktemp("real"), memory_bytes=2_600_000_000))
    assert found.wait_ready(60)
    yield found
    found.close()


def test_a_photo_is_judged_and_drawn(real: Judging, uploads: Path) -> None:
    found = real.judge(uploads / "portrait.jpg", evidence=True).result(60)
    report = Report.model_validate(found)
    assert report.verdict
    assert report.faces == 1
    pictures = real.draw(found, uploads / "portrait.jpg").result(60)
    assert {"picture.jpg", "thumbnail.jpg", "heat-0.png", NOTES} <= set(pictures)
    with Image.open(io.BytesIO(pictures["picture.jpg"])) as picture:
        assert picture.size == (900, 900)
        assert not picture.getexif()
    page = real.page(found, uploads / "portrait.jpg").result(60)
    assert page.startswith("<!DOCTYPE html>")
    assert str(uploads) in page  # it is the name that the report gives the file
    given = report.model_copy(update={"source": report.source.model_copy(update={"path": "<b>mine"})})
    page = drawing.page(given, uploads / "portrait.jpg", DEFAULT_LIMITS)
    assert str(uploads) not in page
    assert "&lt;b&gt;mine" in page
    assert "<b>mine" not in page


def test_pictures_that_unpack_beyond_the_memory_end_alone(real: Judging, uploads: Path, tmp_path: Path) -> None:
    """294 MB of pixels each, several at once, where 2.6 GB of address space are given."""
    bombs = [tmp_path / f"{number}.png" for number in range(2)]
    for bomb in bombs:
        bomb.write_bytes(png_of_one_colour(9_900))
    asked = [real.judge(bomb, evidence=False) for bomb in bombs]
    good = real.judge(uploads / "portrait.jpg", evidence=False)
    assert Report.model_validate(good.result(120)).verdict
    for future in asked:
        try:
            report = Report.model_validate(future.result(120))
        except Failed:
            continue  # it was too much, and the process went: that is its own end
        assert report.status in ("ok", "unreadable", "nothing_to_judge")


def test_the_process_ends_with_its_parent_and_starts_anew_when_it_is_killed(real: Judging, uploads: Path) -> None:
    first = real.process_id
    assert first
    kill(first)
    until_gone([first])
    assert Report.model_validate(real.judge(uploads / "portrait.jpg", evidence=False).result(60)).verdict
    assert real.process_id != first


def png_of_one_colour(side: int) -> bytes:
    """Few bytes, very many pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    packer = zlib.compressobj(9)
    row = bytes(1 + 3 * side)
    packed = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = np.array([side, side], ">u4").tobytes() + bytes([8, 2, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
