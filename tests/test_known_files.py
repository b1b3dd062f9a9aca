from __future__ import annotations

from pathlib import Path

import pytest

from unmask.errors import UsageError
from unmask.known_files import load
from unmask.types import Label

A, B = "ab" * 32, "cd" * 32


def written(folder: Path, text: str) -> Path:
    path = folder / "known.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_list_is_read(tmp_path: Path) -> None:
    path = written(tmp_path, f"\ufeffnote,sha256,label,who\nby hand\x1b,{A.upper()}, Fake ,me\n,{B},real,me\n")
    found = load(path)
    assert (found[A].label, found[A].note) == (Label.FAKE, "by hand\\x1b")
    assert (found[B].label, found[B].note) == (Label.REAL, "")


def test_a_list_without_notes_and_an_empty_one_are_lists(tmp_path: Path) -> None:
    assert load(written(tmp_path, f"sha256,label\n{A},fake\n"))[A].note == ""
    assert load(written(tmp_path, "sha256,label\n")) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "column label is missing"),
        ("sha256,note\n", "column label is missing"),
        (f"sha256,label\n{A[:-1]},fake\n", "line 2: not a SHA-256"),
        (f"sha256,label\n{A},fake\n{B},maybe\n", 'line 3: the label is "maybe"'),
        (f"sha256,label\n{A},fake\n{A},real\n", "both real and fake"),
        (f"sha256,label\n{A}\n", "line 2"),
    ],
)
def test_a_wrong_list_is_wrong_use_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load(written(tmp_path, text))


def test_a_list_that_cannot_be_read_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        load(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes(b"sha256,label,note\n\xff\xfe")
    with pytest.raises(UsageError, match="UTF-8"):
        load(tmp_path / "latin.csv")
