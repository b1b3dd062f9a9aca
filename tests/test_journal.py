"""Journals: notes outlive a stop, a torn line costs one item, and a full disk is one sentence."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from unmask import journal
from unmask.errors import UnmaskError
from unmask.journal import Note


def note(name: str) -> Note:
    return {"path": name, "reason": "bad" if name.startswith("bad") else None}


def fall(name: str) -> Note:
    os._exit(9)  # as the system does when memory runs out


def test_notes_are_kept_and_torn_lines_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "done.jsonl"
    assert journal.read(path) == {}
    seen: list[tuple[int, int]] = []
    assert journal.work(path, note, ["a", "bad b"], 1, lambda n, of: seen.append((n, of))).keys() == {"a", "bad b"}
    assert seen == [(1, 2), (2, 2)]
    with path.open("ab") as file:
        file.write(b'"text"\n[1]\n{"other": 1}\n\xff\xfe\n{"path": "c", "rea')
    assert journal.read(path).keys() == {"a", "bad b"}
    journal.work(path, note, ["c"], 1)
    assert journal.read(path).keys() == {"a", "bad b", "c"}
    assert journal.left_out(journal.read(path).values()) == {"bad": 1}


def test_a_full_disk_becomes_one_sentence_and_other_errors_do_not(tmp_path: Path) -> None:
    with pytest.raises(UnmaskError, match="is full: make room and give the same command again"), journal.room(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    with pytest.raises(PermissionError), journal.room(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_the_journal_itself_may_fill_the_disk() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(UnmaskError, match="is full"):
        journal.work(Path("/dev/full"), note, ["a"], 1)


def test_a_process_that_was_ended_from_outside_is_told(tmp_path: Path) -> None:
    with pytest.raises(UnmaskError, match="want of memory: give the same command again with fewer --jobs"):
        journal.work(tmp_path / "done.jsonl", fall, ["a", "b"], 2)


def test_a_file_has_one_key_from_everywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert journal.key(Path("a.png")) == journal.key(tmp_path / "a.png") == str(tmp_path.resolve() / "a.png")
