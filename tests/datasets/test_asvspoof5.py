"""ASVspoof 5: ten columns with spaces between them, whatever the ending of the file says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import asvspoof5
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL


@pytest.fixture
def root(tmp_path: Path) -> Path:
    protocols = tmp_path / "ASVspoof5_protocols"
    protocols.mkdir()
    (protocols / "ASVspoof5.train.tsv").write_text(
        "T_4850 T_1 F - - - AC3 A05 spoof -\nT_0001 T_2 M - - - - bonafide bonafide -\n"
    )
    (tmp_path / "ASVspoof5.dev.track_1.tsv").write_text("D_0062 D_1 F - - - AC1 A11 spoof -\n")
    (tmp_path / "ASVspoof5.eval.track_1.tsv").write_text(
        "E_1607 E_1 M C05 2 E_9 AC1 A26 spoof -\nE_1607 E_8 M - - - - bonafide bonafide -\n"
    )
    touch(tmp_path, "flac_T/T_1.flac", "flac_T/T_2.flac", "flac_D/D_1.flac", "flac_E_eval/E_1.flac")
    return tmp_path


def test_parts_are_splits_and_columns_are_kept(root: Path) -> None:
    found = by_path(root, asvspoof5.items(root))
    assert {path: (item.label, item.method, item.split, item.group) for path, item in found.items()} == {
        "flac_T/T_1.flac": (FAKE, "A05", "train", "T_4850"),
        "flac_T/T_2.flac": (REAL, "real", "train", "T_0001"),
        "flac_D/D_1.flac": (FAKE, "A11", "val", "D_0062"),
        "flac_E_eval/E_1.flac": (FAKE, "A26", "test", "E_1607"),
    }
    assert found["flac_E_eval/E_1.flac"].attributes == {
        "gender": "male",
        "codec": "C05",
        "codec_quality": "2",
        "original": "E_9",
        "adaptation": "AC1",
    }
    assert set(found["flac_T/T_2.flac"].attributes.values()) == {"male", ""}


def test_a_part_can_be_left_out_but_not_its_protocol(root: Path) -> None:
    (root / "flac_D").rename(root / "elsewhere")
    assert {item.split for item in asvspoof5.items(root)} == {"train", "test"}
    (root / "ASVspoof5.eval.track_1.tsv").unlink()
    with pytest.raises(ManifestError, match=r"ASVspoof5\.eval\.track_1\.tsv is missing.*unpack as many archives"):
        list(asvspoof5.items(root))


def test_the_columns_of_track_2_are_refused(root: Path) -> None:
    (root / "ASVspoof5.dev.track_1.tsv").write_text("D_0062 D_1 F A11 spoof\n")
    with pytest.raises(ManifestError, match='line 1 is not such as "E_1607 E_0009538969 M C05'):
        list(asvspoof5.items(root))
