"""The verbs of the server, as a person types them; what they start is tested in tests/server."""

from __future__ import annotations

import json
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.command import Run


def test_keys_are_made_listed_and_revoked(run: Run, tmp_path: Path) -> None:
    made = run(
        "keys", "add", "the desk", "--scope", "scan", "--scope", "read", "--per-minute", "60", "--data", tmp_path
    )
    assert made.code == 0
    prefix, identity, secret = made.out.strip().split("_", 2)
    assert prefix == "unmask"
    listed = run("keys", "list", "--data", tmp_path).out
    assert f"{identity}  valid" in listed
    assert "the desk: read, scan, 60 requests a minute" in listed
    assert secret not in listed
    assert run("keys", "revoke", identity, "--data", tmp_path).code == 0
    assert f"{identity}  revoked" in run("keys", "list", "--data", tmp_path).out
    again = run("keys", "revoke", identity, "--data", tmp_path)
    assert again.code == 2
    assert "no valid key" in again.err


def test_a_key_that_could_not_be_stored_is_not_shown(run: Run, tmp_path: Path) -> None:
    assert run("keys", "list", "--data", tmp_path).code == 0
    with sqlite3.connect(tmp_path / "unmask.db") as store:  # fails when the change is committed, as on a full disk
        store.execute("CREATE TABLE owed (key TEXT REFERENCES keys (id) DEFERRABLE INITIALLY DEFERRED)")
        store.execute("CREATE TRIGGER owes AFTER INSERT ON keys BEGIN INSERT INTO owed VALUES ('nobody'); END")
    store.close()
    failed = run("keys", "add", "desk", "--data", tmp_path)
    assert (failed.code, failed.out) == (2, "")
    assert "cannot be used: FOREIGN KEY" in failed.err


def test_wrong_use_is_told_in_a_sentence(run: Run, tmp_path: Path) -> None:
    unknown = run("keys", "add", "x", "--scope", "everything", "--data", tmp_path)
    assert (unknown.code, "there are: scan, read" in unknown.err) == (2, True)
    open_to_all = run("serve", "--host", "0.0.0.0", "--data", tmp_path)
    assert open_to_all.code == 2
    assert "can be reached by others, and no API key exists" in open_to_all.err
    assert "unmask keys add NAME" in open_to_all.err
    database = run("serve", "--database", "mysql://localhost/x", "--data", tmp_path)
    assert (database.code, "name SQLite or PostgreSQL" in database.err) == (2, True)
    queue = run("worker", "--queue", "redis://127.0.0.1:9/0", "--data", tmp_path)
    assert (queue.code, "the queue cannot be reached" in queue.err) == (2, True)
    (tmp_path / "file").write_text("")
    folder = run("serve", "--data", tmp_path / "file")
    assert (folder.code, "cannot be used" in folder.err) == (2, True)


def test_an_address_that_is_taken_is_told(run: Run, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run("serve", "--port", str(taken.getsockname()[1]), "--data", tmp_path)
    assert done.code == 2
    assert "try --port" in done.err


def test_the_audit_log_is_lines_of_json(run: Run, tmp_path: Path) -> None:
    from unmask.server import audit_log
    from unmask.server.auth import Caller
    from unmask.server.database import Database

    store = Database(f"sqlite:///{tmp_path / 'unmask.db'}")
    store.upgrade()
    with store.writing() as connection:
        for sha256 in ("a" * 64, "b" * 64):
            audit_log.write(
                connection, 1_800_000_000, Caller("me", "desk", frozenset(), "127.0.0.1"), "scan", sha256=sha256
            )
    store.close()
    lines = [json.loads(line) for line in run("audit-log", "--data", tmp_path, "--sha256", "b" * 64).out.splitlines()]
    assert [(line["who"], line["action"], line["sha256"]) for line in lines] == [("desk", "scan", "b" * 64)]
    assert lines[0]["at"] == "2027-01-15T08:00:00.000+00:00"


def test_without_the_extra_the_install_line_is_told(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("unmask.server")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    done = run("keys", "list", "--data", tmp_path)
    assert done.code == 2
    assert 'pip install "unmask[server]"' in done.err
