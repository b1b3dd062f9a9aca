"""The API as a program meets it, on a server as users start it."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, PngImagePlugin
from sqlalchemy import select

from tests.server.running import Served
from unmask.server import report_store, tables
from unmask.server.database import Database
from unmask.types import Report, Status


def unlike(path: Path, folder: Path, mark: str) -> Path:
    """The same content as another file."""
    found = folder / path.name
    found.write_bytes(path.read_bytes() + mark.encode())
    return found


def everything(connection: socket.socket) -> str:
    """All that comes until the other side hangs up."""
    return b"".join(iter(lambda: connection.recv(4000), b"")).decode()


def problem(answer: httpx.Response, status: int, kind: str) -> dict[str, Any]:
    """What a refused request must get: what happened, and what to do."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["type"] == f"urn:unmask:problem:{kind}"
    assert found["status"] == status
    assert found["detail"]
    assert found["todo"]
    return found


def test_a_photo_is_judged_at_once_and_answered_from_the_store_the_second_time(server: Served, uploads: Path) -> None:
    first = server.post("/v1/scan", uploads / "portrait.jpg")
    assert first.status_code == 200
    found = first.json()
    assert (found["kind"], found["status"], found["stored"], found["kept"]) == ("photo", "ok", False, False)
    report = Report.model_validate(found["report"])
    assert report.source.path == "portrait.jpg"
    assert str(server.settings.folder) not in first.text
    second = server.post("/v1/scan", uploads / "portrait.jpg").json()
    assert second.pop("stored")
    assert second == {name: value for name, value in found.items() if name != "stored"}
    with_maps = server.post("/v1/scan", uploads / "portrait.jpg", evidence="true").json()
    assert with_maps["id"] != found["id"]  # it was asked for something else
    assert any(evidence["heat_map"] for evidence in with_maps["report"]["evidence"])


def test_a_file_that_is_none_of_ours_gets_a_report_too(server: Served, uploads: Path) -> None:
    found = server.post("/v1/scan", uploads / "notes.txt")
    assert found.status_code == 200
    assert found.json()["status"] == Status.UNSUPPORTED
    assert found.json()["report"]["message"]


def test_a_job_of_all_kinds_of_files(server: Served, uploads: Path, tmp_path: Path) -> None:
    names = ("portrait.jpg", "clip.mp4", "call.wav", "notes.txt")
    files = [unlike(uploads / name, tmp_path, "of all kinds") for name in names]  # no other test has had them judged
    posted = server.post("/v1/jobs", *files)
    assert posted.status_code == 202
    job = posted.json()
    assert posted.headers["location"] == f"/v1/jobs/{job['id']}"
    events = []
    with server.http.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        for line in stream.iter_lines():
            if line.startswith("data: "):
                events.append(json.loads(line.removeprefix("data: ")))
    percents = [event["percent"] for event in events]
    assert percents == sorted(percents)
    assert events[-1]["state"] == "done"
    assert events[-1]["percent"] == 100
    assert len({event["stage"] for event in events}) >= 3  # it was told what is being done
    ended = server.http.get(f"/v1/jobs/{job['id']}").json()
    kinds = [server.http.get(f"/v1/reports/{file['report']}").json()["kind"] for file in ended["files"]]
    assert kinds == ["photo", "video", "voice", "none"]
    for file in ended["files"][:3]:
        picture = server.http.get(f"/v1/reports/{file['report']}/pictures/thumbnail.jpg")
        assert picture.headers["content-type"] == "image/jpeg"
        page = server.http.get(f"/v1/reports/{file['report']}", params={"form": "html"})
        assert page.status_code == 200
        assert "data:image/jpeg" in page.text
        assert str(server.settings.folder) not in page.text
        assert file["name"] in page.text
        assert page.headers["content-security-policy"].startswith("sandbox;")


def test_media_come_in_parts_as_players_ask_for_them(server: Served, uploads: Path) -> None:
    job = server.until_job_ended(server.post("/v1/jobs", uploads / "clip.mp4").json()["id"])
    report = job["files"][0]["report"]  # type: ignore[index]
    whole = server.http.get(f"/v1/reports/{report}/media")
    assert whole.content == (uploads / "clip.mp4").read_bytes()
    assert whole.headers["content-type"] == "video/mp4"
    assert whole.headers["content-security-policy"].startswith("sandbox;")
    part = server.http.get(f"/v1/reports/{report}/media", headers={"Range": "bytes=10-19"})
    assert part.status_code == 206
    assert part.content == whole.content[10:20]


def test_deleting_removes_media_pictures_and_report(server: Served, uploads: Path, tmp_path: Path) -> None:
    posted = server.post("/v1/jobs", unlike(uploads / "portrait.jpg", tmp_path, "to be deleted")).json()
    report = server.until_job_ended(posted["id"])["files"][0]["report"]  # type: ignore[index]
    server.http.post(f"/v1/reports/{report}/feedback", json={"says": "right"}).raise_for_status()
    store = Database(server.settings.database_url)
    with store.reading() as connection:
        media = report_store.get(connection, report, None).media
    kept = server.settings.media / media[:2] / media
    drawn = server.settings.drawn / report
    assert kept.is_file()
    assert drawn.is_dir()
    assert kept.stat().st_mode & 0o077 == 0
    assert server.http.delete(f"/v1/reports/{report}").status_code == 204
    assert not kept.exists()
    assert not drawn.exists()
    problem(server.http.get(f"/v1/reports/{report}"), 404, "not-found")
    problem(server.http.delete(f"/v1/reports/{report}"), 404, "not-found")
    with store.reading() as connection:
        log = connection.execute(select(tables.audit.c.action).where(tables.audit.c.subject == report)).scalars().all()
    store.close()
    assert log == ["judged", "feedback", "delete"]


def test_an_upload_that_is_sent_again_is_done_once(server: Served, uploads: Path, tmp_path: Path) -> None:
    file = unlike(uploads / "portrait.jpg", tmp_path, "sent twice")
    header = {"Idempotency-Key": "my-own-words"}

    def post(path: str, data: bytes) -> httpx.Response:
        return server.http.post(path, files={"file": (file.name, data)}, headers=header)

    first, second = (post("/v1/jobs", file.read_bytes()).json() for _ in range(2))
    assert first["id"] == second["id"]
    problem(post("/v1/jobs", b"other"), 422, "other-request")
    problem(post("/v1/scan", file.read_bytes()), 422, "other-request")
    server.until_job_ended(first["id"])


def test_a_job_can_be_cancelled(server: Served, uploads: Path, tmp_path: Path) -> None:
    copies = [unlike(uploads / "clip.mp4", tmp_path, "x" * number) for number in range(1)]
    for number in range(2, 9):
        copies.append(tmp_path / f"{number}.mp4")
        copies[-1].write_bytes((uploads / "clip.mp4").read_bytes() + b"y" * number)
    job = server.post("/v1/jobs", *copies).json()
    assert server.http.post(f"/v1/jobs/{job['id']}/cancel").status_code == 202
    ended = server.until_job_ended(job["id"], 30)
    assert ended["state"] == "cancelled"
    problem(server.http.post(f"/v1/jobs/{job['id']}/cancel"), 409, "finished")
    following = server.post("/v1/jobs", uploads / "notes.txt").json()
    assert server.until_job_ended(following["id"])["state"] == "done"  # the worker goes on


def test_feedback_is_kept_with_the_report(server: Served, uploads: Path) -> None:
    report = server.post("/v1/scan", uploads / "portrait.jpg").json()["id"]
    said = {"says": "wrong", "true_label": "real", "note": "<script>alert(1)</script> \x1b[31m"}
    assert server.http.post(f"/v1/reports/{report}/feedback", json=said).status_code == 201
    kept = server.http.get(f"/v1/reports/{report}/feedback").json()["feedback"]
    assert kept[-1]["note"] == said["note"]
    page = server.http.get(f"/reports/{report}").text
    assert "<script>alert(1)" not in page
    assert "\x1b" not in page
    refused = server.http.post(f"/v1/reports/{report}/feedback", json={"says": "perhaps"})
    assert "body.says" in problem(refused, 422, "not-valid")["errors"][0]


def test_names_of_files_do_no_harm(server: Served, uploads: Path) -> None:
    name = '../../<img src=x onerror=alert(1)>"\u202e.jpg'
    found = server.http.post("/v1/scan", files={"file": (name, (uploads / "portrait.jpg").read_bytes() + b"n")}).json()
    assert "/" not in found["name"]
    page = server.http.get(f"/reports/{found['id']}").text
    assert "<img src=x" not in page
    assert "\u202e" not in page


def test_refusals_say_what_to_do(server: Served, uploads: Path) -> None:
    problem(server.http.post("/v1/scan"), 415, "no-form")
    problem(server.http.post("/v1/scan", data={"a": "b"}, files={"other": b""}), 400, "bad-body")
    form = "multipart/form-data; boundary=x"
    cut = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc'
    problem(server.http.post("/v1/scan", content=cut, headers={"Content-Type": form}), 400, "bad-body")
    problem(server.http.post("/v1/scan", content=b"nonsense", headers={"Content-Type": form}), 400, "bad-body")
    two = [("file", b"one"), ("file", b"two")]
    problem(server.http.post("/v1/scan", files=two), 413, "too-many")
    flag = server.http.post("/v1/scan", files={"file": b"x"}, data={"evidence": "perhaps"})
    problem(flag, 422, "not-valid")
    problem(server.http.get("/v1/reports", params={"limit": "many"}), 422, "not-valid")
    problem(server.http.get("/v1/reports", params={"after": "x"}), 422, "not-valid")
    problem(server.http.get("/v1/nothing"), 404, "not-found")
    problem(server.http.put("/v1/scan"), 405, "no-method")
    problem(server.http.get(f"/v1/reports/{'0' * 24}/pictures/..%2F..%2Funmask.db"), 404, "not-found")


def test_a_body_that_is_too_large_is_refused_while_it_comes(server: Served) -> None:
    host, port = server.url.removeprefix("http://").strip("/").split(":")
    head = f"POST /v1/scan HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Type: multipart/form-data; boundary=x\r\n"
    begin = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    with socket.create_connection((host, int(port)), timeout=20) as announced:
        announced.sendall(f"{head}Content-Length: 10000000000\r\n\r\n".encode() + begin)
        answer = everything(announced)
    assert " 413 " in answer
    assert "too-large" in answer
    with socket.create_connection((host, int(port)), timeout=20) as chunked:
        chunked.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n{len(begin):x}\r\n".encode() + begin + b"\r\n")
        sent = 0
        with pytest.raises((OSError, StopIteration)):
            while sent < 10**9:
                chunked.sendall(b"100000\r\n" + bytes(2**20) + b"\r\n")
                sent += 2**20
        assert 30 * 10**6 < sent < 60 * 10**6  # 32 MB are taken, and a little more so that the sender hears why
    left = list(server.settings.media.glob("??/*.part"))
    assert not left


def test_bodies_that_are_no_uploads_must_be_small(server: Served, uploads: Path) -> None:
    report = server.post("/v1/scan", uploads / "portrait.jpg").json()["id"]
    address = f"/v1/reports/{report}/feedback"
    before = server.http.get(address).json()["feedback"]
    problem(server.http.post(address, json={"says": "right", "note": "x" * 200_000}), 413, "too-large")
    sent = 0

    def pieces() -> Iterator[bytes]:
        nonlocal sent
        yield b'{"says": "right", "note": "'
        while sent < 2 * 10**9:
            sent += 2**20
            yield b"x" * 2**20

    with suppress(httpx.TransportError):  # it may hang up before all is sent
        answer = server.http.post(address, content=pieces(), headers={"Content-Type": "application/json"})
        assert answer.status_code in (400, 413)
    assert sent < 50 * 10**6
    assert server.http.get(address).json()["feedback"] == before


def test_foreign_names_and_pages_are_refused(server: Served, uploads: Path) -> None:
    problem(server.http.get("/v1/reports", headers={"Host": "attacker.example"}), 421, "wrong-host")
    for header in ({"Origin": "https://attacker.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        problem(server.http.post("/v1/scan", files={"file": b"x"}, headers=header), 403, "foreign-page")
    same = {"Origin": server.url.rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert server.http.post("/v1/scan", files={"file": b"x"}, headers=same).status_code == 200
    answer = server.http.options(
        "/v1/scan", headers={"Origin": "https://a.example", "Access-Control-Request-Method": "POST"}
    )
    assert "access-control-allow-origin" not in answer.headers


def test_people_read_refusals_as_pages(server: Served) -> None:
    for path in ("/?label=bogus", "/reports/none", "/nothing"):
        answer = server.http.get(path, headers={"Accept": "text/html"})
        assert answer.headers["content-type"].startswith("text/html")
        assert "What to do" in answer.text


def test_what_a_file_declares_is_called_so_everywhere(server: Served, uploads: Path, tmp_path: Path) -> None:
    said = PngImagePlugin.PngInfo()
    said.add_text("parameters", "a woman\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 1, Model: v1-5")
    Image.open(uploads / "portrait.jpg").save(tmp_path / "said.png", pnginfo=said)
    found = server.post("/v1/scan", tmp_path / "said.png").json()
    assert (found["label"], found["probability"]) == ("fake", None)
    line = server.http.get("/").text.partition(found["id"])[2].partition("</li>")[0]
    page = server.http.get(f"/reports/{found['id']}").text
    for text in (line, page):
        assert "Declared made by a model" in text, "the words of the report"
        assert "Judged fake" not in text


def test_every_answer_has_the_headers_that_keep_browsers_safe(server: Served, uploads: Path) -> None:
    report = server.post("/v1/scan", uploads / "portrait.jpg").json()["id"]
    for path in ("/", "/api", "/models", f"/reports/{report}", "/static/page.js", "/v1/nothing", "/healthz"):
        headers = server.http.get(path).headers
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in headers


def test_pages_name_no_foreign_address_and_hold_neither_scripts_nor_styles(server: Served, uploads: Path) -> None:
    job = server.until_job_ended(
        server.post("/v1/jobs", *(uploads / n for n in ("clip.mp4", "portrait.jpg"))).json()["id"]
    )
    reports = [f"/reports/{file['report']}" for file in job["files"]]  # type: ignore[attr-defined]
    for path in ("/", "/api", "/models", "/sign-in", f"/jobs/{job['id']}", *reports):
        page = server.http.get(path).text
        assert not re.search(r"<style|<[^>]*\s(style|on[a-z]+)=|javascript:", page), path
        assert not re.search(r"<script(?! type=\"module\" src=\"/static/)", page), path
        assert not re.search(r"""(src|href|action)=["']?(https?:)?//""", page), path


def test_health_models_and_metrics(server: Served) -> None:
    assert server.http.get("/healthz").json()["status"] == "ok"
    assert server.http.get("/readyz").json() == {"status": "ok", "waits_for": []}
    models = server.http.get("/v1/models").json()
    assert {"face", "texture", "track", "voice"} <= {model["name"] for model in models["models"]}
    assert all(model["card"] or model["modality"] is None for model in models["models"])
    text = server.http.get("/metrics").text
    assert 'unmask_requests_total{method="GET",route="/v1/models",status="200"}' in text
    assert "unmask_judging_waiting 0.0" in text


def test_a_silent_connection_and_a_slow_body_are_closed(tmp_path: Path) -> None:
    from tests.server.running import served
    from unmask.server.settings import Settings

    quick = Settings(folder=tmp_path, port=0, free_bytes=0, head_s=0.5, idle_s=0.5)
    with served(quick, with_worker=False, ready=False) as found:
        host, port = found.url.removeprefix("http://").strip("/").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as silent:
            started = time.monotonic()
            assert silent.recv(100) == b""
            assert time.monotonic() - started < 5
        with socket.create_connection((host, int(port)), timeout=10) as slow:
            kind = "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000"
            slow.sendall(f"POST /v1/scan HTTP/1.1\r\nHost: {host}\r\n{kind}\r\n\r\n--x\r\n".encode())
            answer = everything(slow)
        assert " 408 " in answer
        assert "nothing came for 0.5 s" in answer
