"""The client: what it sends again and what not, what it makes of answers, and all of it against a real server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from unmask.client import Client
from unmask.errors import MissingExtraError, ServiceError, UsageError

ID = "a" * 24
SCANNED: dict[str, Any] = {
    "id": ID,
    "stored": False,
    "kept": True,
    "created": "2026-01-02T03:04:05.678000Z",
    "report": {
        "source": {"path": "photo.jpg", "sha256": "b" * 64, "bytes": 3},
        "status": "ok",
        "verdict": {"label": "fake", "probability": 0.9, "reason": "so it is"},
    },
}
FILE = {"name": "photo.jpg", "sha256": "b" * 64, "bytes": 3, "state": "waiting", "report": None}
JOB: dict[str, Any] = {
    "id": ID,
    "state": "running",
    "stage": "looking for faces",
    "percent": 40,
    "message": None,
    "files": [FILE],
}
PROBLEM = {"type": "urn:unmask:problem:busy", "title": "Busy", "detail": "128 files wait", "todo": "Try again"}

Answer = Callable[[httpx.Request], httpx.Response]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Seconds that the client would have waited."""
    found: list[float] = []
    monkeypatch.setattr("unmask.client.time.sleep", found.append)
    return found


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"abc")
    return path


def client(*answers: httpx.Response | Exception | Answer, **options: Any) -> tuple[Client, list[httpx.Request]]:
    """A client of a server that gives these answers, one after the other, and the requests that it got."""
    asked: list[httpx.Request] = []
    following: Iterator[httpx.Response | Exception | Answer] = iter(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        request.read()
        asked.append(request)
        answer = next(following)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    return Client("http://test", transport=httpx.MockTransport(handle), **options), asked


def test_a_scan(photo: Path) -> None:
    found, asked = client(httpx.Response(200, json=SCANNED), key="unmask_1_2")
    with found:
        scanned = found.scan(photo, evidence=True)
    assert scanned.report.verdict
    assert (scanned.id, scanned.kept, scanned.created.year) == (ID, True, 2026)
    (request,) = asked
    assert request.headers["authorization"] == "Bearer unmask_1_2"
    assert b'name="evidence"\r\n\r\ntrue' in request.content
    assert b'filename="photo.jpg"' in request.content
    assert b"\r\nabc\r\n" in request.content


def test_an_upload_is_sent_again_whole_and_with_the_same_key(photo: Path, waits: list[float]) -> None:
    busy = httpx.Response(503, json=PROBLEM, headers={"Retry-After": "7"})
    found, asked = client(busy, httpx.ConnectError("gone"), httpx.Response(200, json=SCANNED))
    found.scan(photo)
    assert len({request.headers["idempotency-key"] for request in asked}) == 1
    assert all(b"\r\nabc\r\n" in request.content for request in asked)
    assert waits[0] == 7
    assert 0.2 < waits[1] < 1


def test_what_another_try_cannot_mend_is_told_at_once(photo: Path, waits: list[float]) -> None:
    found, asked = client(httpx.Response(413, json=PROBLEM | {"type": "urn:unmask:problem:too-large"}))
    with pytest.raises(ServiceError, match=r"Busy: 128 files wait\. Try again") as refused:
        found.scan(photo)
    assert (refused.value.status, refused.value.kind) == (413, "urn:unmask:problem:too-large")
    assert len(asked) == 1
    assert not waits


def test_tries_end(photo: Path, waits: list[float]) -> None:
    found, asked = client(*[httpx.ConnectError("nobody there")] * 3, retries=2)
    with pytest.raises(ServiceError, match="cannot be reached: nobody there"):
        found.scan(photo)
    assert len(asked) == 3
    assert waits[0] < waits[1] * 4


def test_what_might_be_done_twice_is_sent_once(waits: list[float]) -> None:
    asks: tuple[Callable[[Client], object], ...] = (
        lambda one: one.delete(ID),
        lambda one: one.cancel(ID),
        lambda one: one.feedback(ID, "right", note="I was there"),
    )
    for ask in asks:
        found, asked = client(httpx.Response(503, text="<html>a proxy</html>"))
        with pytest.raises(ServiceError, match="the server answered 503"):
            ask(found)
        assert len(asked) == 1


def test_a_job_is_followed_to_its_end(photo: Path, waits: list[float]) -> None:
    done = JOB | {"state": "done", "percent": 100, "files": [FILE | {"state": "done", "report": ID}]}
    running = httpx.Response(200, json=JOB)
    found, _ = client(
        httpx.Response(202, json=JOB), running, httpx.Response(200, json=JOB), httpx.Response(200, json=done)
    )
    job = found.submit([photo])
    assert not job.ended
    assert job.files[0].name == "photo.jpg"
    seen = list(found.follow(job.id))
    assert [one.percent for one in seen] == [40, 100]
    assert seen[-1].files[0].report == ID


def test_waiting_for_a_job_ends(waits: list[float]) -> None:
    found, asked = client(*[httpx.Response(200, json=JOB) for _ in range(5_000)])  # nobody works on it
    with pytest.raises(ServiceError, match=r"has not ended after 0\.02 s"):
        found.wait(ID, timeout_s=0.02)
    assert len(asked) == len(waits) + 1


def test_waiting_gives_the_job_as_it_ended(waits: list[float]) -> None:
    found, _ = client(httpx.Response(200, json=JOB), httpx.Response(200, json=JOB | {"state": "failed"}))
    assert found.wait(ID).state == "failed"


def test_all_pages_of_the_list(waits: list[float]) -> None:
    first = httpx.Response(200, json={"reports": [{"id": "1"}, {"id": "2"}], "next": "c"})
    found, asked = client(first, httpx.Response(200, json={"reports": [{"id": "3"}], "next": None}))
    assert [one["id"] for one in found.reports(label="fake")] == ["1", "2", "3"]
    assert dict(asked[1].url.params) == {"limit": "200", "label": "fake", "after": "c"}


def test_a_server_of_another_kind_is_told() -> None:
    found, _ = client(httpx.Response(200, text="hello"))
    with pytest.raises(ServiceError, match="is it another server"):
        found.models()


def test_an_upload_to_a_server_of_another_kind_is_told(photo: Path) -> None:
    for body in ("hello", "[1]"):
        found, _ = client(httpx.Response(200, text=body))
        with pytest.raises(ServiceError, match="is it another server"):
            found.scan(photo)


def test_a_key_read_from_a_file_may_end_with_its_line() -> None:
    found, asked = client(httpx.Response(200, json={}), key="unmask_a_b\n")
    found.models()
    assert asked[0].headers["Authorization"] == "Bearer unmask_a_b"


def test_files_that_are_not_there_are_wrong_use(tmp_path: Path) -> None:
    found, asked = client()
    with pytest.raises(UsageError, match="cannot be read"):
        found.scan(tmp_path / "missing.jpg")
    with pytest.raises(UsageError, match="no file was named"):
        found.submit([])
    assert not asked


def test_without_httpx_the_install_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx", None)
    with pytest.raises(MissingExtraError, match=r'pip install "unmask\[client\]"'):
        Client()


def test_feedback_is_sent_as_json() -> None:
    found, asked = client(httpx.Response(201, json={"id": ID}))
    found.feedback(ID, "wrong", true_label="real")
    assert json.loads(asked[0].content) == {"says": "wrong", "true_label": "real", "note": None}
