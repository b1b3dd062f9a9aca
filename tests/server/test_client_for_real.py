"""The client against a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.server.running import Served
from unmask.client import Client
from unmask.errors import ServiceError


def test_all_that_the_client_can_do(server: Served, uploads: Path, tmp_path: Path) -> None:
    photo = tmp_path / "mine.jpg"
    photo.write_bytes((uploads / "portrait.jpg").read_bytes() + b"of the client")
    with Client(server.url) as client:
        assert client.ready()
        scanned = client.scan(photo)
        assert scanned.report.verdict
        assert client.scan(photo).stored
        stages = []
        for job in client.follow(client.submit([photo, uploads / "notes.txt"]).id, every_s=0.1):
            stages.append(job.stage)
        assert job.state == "done"
        report = job.files[0].report
        assert report
        assert client.report(report).report.source.path == "mine.jpg"
        assert client.page(report).startswith("<!DOCTYPE html>")
        client.feedback(report, "unsure")
        assert {one["id"] for one in client.reports(name="mine.jpg")} >= {report, scanned.id}
        assert client.models()["fingerprint"]
        client.delete(report)
        with pytest.raises(ServiceError, match="no report of this id") as refused:
            client.report(report)
        assert refused.value.status == 404
    with Client("http://127.0.0.1:9", retries=0) as nobody:
        assert not nobody.ready()
