"""What happens by itself: media that are old enough go, lost jobs are found, files of nobody are swept up."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from huey.registry import Message

from tests.server.test_store import NOW, add, claim, job, upload
from unmask.errors import UsageError
from unmask.server import report_store
from unmask.server.database import Database
from unmask.server.housekeeping import Housekeeping
from unmask.server.media import Media
from unmask.server.problems import Refusal
from unmask.server.queueing import JobQueue, JsonSerializer
from unmask.server.settings import Settings

DAY_S = 86_400.0


@pytest.fixture
def store(settings: Settings) -> Iterator[Database]:
    now = [NOW]
    found = Database(settings.database_url, lambda: now[0])
    found.upgrade()
    yield found
    found.close()


@pytest.fixture
def media(settings: Settings) -> Media:
    return Media(settings.media, settings.drawn, 0)


def put(media: Media, name: str, age_s: float = 0) -> Path:
    """A file under a name of ours."""
    path = media.path(name)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"x")
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - age_s))
    return path


def test_media_go_after_some_days_and_reports_stay(settings: Settings, store: Database, media: Media) -> None:
    report = add(store, 1)
    path = put(media, upload(1).media)
    media.keep_pictures(report, {"thumbnail.jpg": b"x"})
    keeper = Housekeeping(replace(settings, keep_days=30), store, media, JobQueue(settings))
    store.clock = lambda: NOW + 29 * DAY_S
    assert keeper.expire() == 0
    assert path.exists()
    store.clock = lambda: NOW + 31 * DAY_S
    assert keeper.expire() == 1
    assert not path.exists()
    assert media.picture(report, "thumbnail.jpg") is None
    with store.reading() as connection:
        assert report_store.get(connection, report, "me").media is None
    assert Housekeeping(replace(settings, keep_days=0), store, media, JobQueue(settings)).expire() == 0


def test_lost_jobs_are_queued_once(settings: Settings, store: Database, media: Media) -> None:
    waiting, running = job(store), job(store)
    assert claim(store, running, lease_s=10)
    queue = JobQueue(settings)
    keeper = Housekeeping(settings, store, media, queue)
    assert keeper.find_lost() == [waiting]
    assert queue.length == 1
    assert keeper.find_lost() == []  # somebody is at it
    queue.clear()
    store.clock = lambda: NOW + 11
    assert sorted(keeper.find_lost()) == sorted([waiting, running])


def test_files_of_nobody_are_swept_up(settings: Settings, store: Database, media: Media) -> None:
    known, stray, young, part = (f"{number:032x}" for number in (1, 901, 902, 903))
    add(store, 1)
    paths = {name: put(media, name, age_s=2 * DAY_S) for name in (known, stray)} | {young: put(media, young)}
    drawn = {add(store, 5): True, "c" * 24: False}
    for report_id in drawn:
        media.keep_pictures(report_id, {"thumbnail.jpg": b"x"})
        os.utime(settings.drawn / report_id, (0, 0))
    unfinished = put(media, part, age_s=2 * DAY_S).rename(media.path(part).with_name(f"{part}.part"))
    Housekeeping(settings, store, media, JobQueue(settings)).sweep()
    assert {name: path.exists() for name, path in paths.items()} == {known: True, stray: False, young: True}
    assert not unfinished.exists()
    assert {report_id: (settings.drawn / report_id).exists() for report_id in drawn} == drawn


def test_files_lie_under_names_of_our_own(media: Media, settings: Settings) -> None:
    name, file = media.begin("../../etc/passwd.MP3")
    file.close()
    media.finish(name)
    assert media.path(name).is_relative_to(settings.media)
    assert name.endswith(".mp3")  # some recordings have nothing else that tells what they are
    assert "passwd" not in name
    other, file = media.begin("photo.<script>")
    file.close()
    assert other.isalnum()
    for wrong in ("../x", "a" * 32 + "/..", "A" * 32, ""):
        with pytest.raises(ValueError, match="no name of ours"):
            media.path(wrong)
    assert media.picture("a" * 24, "../notes.json") is None
    with pytest.raises(ValueError, match="no id of a report"):
        media.drop_pictures("..")
    with pytest.raises(ValueError, match="no name of a picture"):
        media.keep_pictures("a" * 24, {"../x.jpg": b""})


def test_uploads_are_refused_before_the_disk_is_full(settings: Settings) -> None:
    with pytest.raises(Refusal, match="too little room") as refused:
        Media(settings.media, settings.drawn, 10**18).check_room()
    assert refused.value.problem.status == 507


@pytest.mark.parametrize("kind", ["sqlite", "redis"])
def test_the_queue_hands_every_id_to_one_worker_as_json(
    kind: str, settings: Settings, request: pytest.FixtureRequest
) -> None:
    where = replace(settings, queue=request.getfixturevalue("redis_url") if kind == "redis" else None)
    done: list[str] = []
    sender, worker = JobQueue(where), JobQueue(where, done.append)
    sender.clear()
    for number in range(3):
        sender.put(f"job {number}")
    assert sender.length == 3
    huey = worker.consumer(1).huey
    while (task := huey.dequeue()) is not None:
        huey.execute(task)
    assert done == ["job 0", "job 1", "job 2"]
    assert sender.length == 0


def test_a_queue_that_is_none_is_told(settings: Settings) -> None:
    (settings.folder / "queue.db").write_text("no database, but long enough to look like one\n" * 100)
    with pytest.raises(UsageError, match="move the file away"):
        JobQueue(settings)


def test_messages_are_json_and_no_pickles() -> None:
    serializer = JsonSerializer()
    message = Message("id", "judge_job", None, 0, 0, None, ("a",), {}, None, None, None, None, None, None, None)
    written = serializer.serialize(message)
    assert written.startswith(b'{"id": "id"')
    assert serializer.deserialize(written) == message
    with pytest.raises(ValueError, match=r"utf-8|Expecting"):
        serializer.deserialize(b"\x80\x04\x95.")


def test_a_folder_of_any_name_holds_its_database(tmp_path: Path) -> None:
    settings = Settings(folder=tmp_path / "what? 7%20#x")
    settings.prepare_folder()
    store = Database(settings.database_url)
    store.upgrade()
    store.close()
    assert (settings.folder / "unmask.db").is_file()


def test_settings_that_cannot_work_are_refused() -> None:
    with pytest.raises(UsageError, match="workers is 0"):
        Settings(workers=0)
    settings = Settings(folder=Path("/x"), models=("a",), public_names=("b",))
    assert Settings.from_dict(settings.to_dict()) == settings
