"""ASVspoof 2019 LA: three protocols, whose parts become splits; the attack is the method, the speaker the group."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import asvspoof2019
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

PROTOCOLS = "ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm."


def listed(root: Path, name: str, *lines: str) -> None:
    table = root / f"{PROTOCOLS}{name}.txt"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("\n".join(lines) + "\n")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    start = tmp_path / "LA"
    listed(
        start, "train.trn", "LA_0079 LA_T_1 - - bonafide", "LA_0080 LA_T_2 - A01 spoof", "LA_0080 LA_T_9 - A01 spoof"
    )
    listed(start, "dev.trl", "LA_0069 LA_D_1 - - bonafide", "", "LA_0070 LA_D_2 - A06 spoof")
    listed(start, "eval.trl", "LA_0030 LA_E_1 - - bonafide", "LA_0031 LA_E_2 - A19 spoof")
    touch(start / "ASVspoof2019_LA_train" / "flac", "LA_T_1.flac", "LA_T_2.flac", "LA_T_5.flac")
    touch(start / "ASVspoof2019_LA_dev" / "flac", "LA_D_1.flac", "LA_D_2.flac")
    touch(start / "ASVspoof2019_LA_eval" / "flac", "LA_E_1.flac", "LA_E_2.flac")
    return tmp_path


def test_parts_are_splits_and_what_is_not_there_is_passed_over(root: Path) -> None:
    found = by_path(root / "LA", asvspoof2019.items(root))
    assert {path: (item.label, item.method, item.split, item.group) for path, item in found.items()} == {
        "ASVspoof2019_LA_train/flac/LA_T_1.flac": (REAL, "real", "train", "LA_0079"),
        "ASVspoof2019_LA_train/flac/LA_T_2.flac": (FAKE, "A01", "train", "LA_0080"),
        "ASVspoof2019_LA_dev/flac/LA_D_1.flac": (REAL, "real", "val", "LA_0069"),
        "ASVspoof2019_LA_dev/flac/LA_D_2.flac": (FAKE, "A06", "val", "LA_0070"),
        "ASVspoof2019_LA_eval/flac/LA_E_1.flac": (REAL, "real", "test", "LA_0030"),
        "ASVspoof2019_LA_eval/flac/LA_E_2.flac": (FAKE, "A19", "test", "LA_0031"),
    }
    assert {item.source for item in found.values()} == {"asvspoof2019_la"}
    assert by_path(root / "LA", asvspoof2019.items(root / "LA")) == found


def test_a_part_can_be_left_out(root: Path) -> None:
    (root / "LA" / "ASVspoof2019_LA_eval").rename(root / "elsewhere")
    assert {item.split for item in asvspoof2019.items(root)} == {"train", "val"}


def test_recordings_without_their_protocol_are_not_guessed(root: Path) -> None:
    (root / "LA" / f"{PROTOCOLS}dev.trl.txt").unlink()
    with pytest.raises(ManifestError, match=r"ASVspoof2019\.LA\.cm\.dev\.trl\.txt is missing.*download LA\.zip"):
        list(asvspoof2019.items(root))


@pytest.mark.parametrize(
    "line",
    [
        "LA_0079 LA_T_1 - bonafide",
        "LA_0079 LA_T_1 - - bonafide more",
        "LA_0079 LA_T_1 - - genuine",
        "LA_0079 ../LA_T_1 - - bonafide",
    ],
)
def test_another_form_is_refused_with_its_line(root: Path, line: str) -> None:
    listed(root / "LA", "train.trn", "LA_0079 LA_T_1 - - bonafide", line)
    with pytest.raises(ManifestError, match='line 2 is not such as "LA_0079 LA_T_1138215 - A01 spoof"'):
        list(asvspoof2019.items(root))


def test_one_class_alone_is_no_data_set(root: Path) -> None:
    for path in (root / "LA").rglob("LA_?_2.flac"):
        path.unlink()
    with pytest.raises(ManifestError, match="no fake file was found"):
        list(asvspoof2019.items(root))
