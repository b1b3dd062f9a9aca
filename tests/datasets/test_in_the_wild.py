"""In-the-Wild: one table, persons as groups, no splits."""

from __future__ import annotations

from pathlib import Path

import pytest

from unmask.datasets import in_the_wild
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL


def table(root: Path, *rows: str, header: str = "file,speaker,label") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / "meta.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return root


@pytest.mark.parametrize("outer", ["", "release_in_the_wild"])
def test_persons_are_groups(tmp_path: Path, outer: str) -> None:
    start = table(tmp_path / outer, "0.wav,Alec Guinness,spoof", '4.wav,"King, Martin Luther",bona-fide')
    found = list(in_the_wild.items(tmp_path))
    assert [(item.path, item.label, item.method, item.split, item.group) for item in found] == [
        (start / "0.wav", FAKE, "unknown", "", "Alec Guinness"),
        (start / "4.wav", REAL, "real", "", "King, Martin Luther"),
    ]


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1.wav,Alec Guinness,fake", 'label of 1.wav is "fake", but must be bona-fide or spoof'),
        ("1.wav", 'label of 1.wav is "None"'),
        ("../1.wav,Alec Guinness,spoof", '"../1.wav" is not the name of a file'),
        (",Alec Guinness,spoof", '"" is not the name of a file'),
    ],
)
def test_a_line_of_another_form_is_refused(tmp_path: Path, row: str, words: str) -> None:
    with pytest.raises(ManifestError, match=words):
        list(in_the_wild.items(table(tmp_path, "0.wav,Alec Guinness,bona-fide", row)))


def test_a_lacking_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="has no column label, speaker"):
        list(in_the_wild.items(table(tmp_path, "0.wav", header="file")))
