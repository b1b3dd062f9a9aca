"""ASVspoof 2021: keys of two tracks with columns of their own; nothing of it is there to train on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import asvspoof2021
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

LA = (
    "LA_0009 LA_E_1 alaw ita_tx A07 spoof notrim eval",
    "LA_0020 LA_E_2 none - bonafide bonafide notrim progress",
    "LA_0020 LA_E_3 g722 loc_tx bonafide bonafide trim hidden",
)
DF = (
    "LA_0023 DF_E_1 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -",
    "TEF2 DF_E_2 low_m4a vcc2020 Task1-team20 spoof notrim eval neural_vocoder_nonautoregressive Task1 team20 FF E",
    "LA_0024 DF_E_3 mp3m4a asvspoof - bonafide notrim eval bonafide - - - -",
)


def keys(root: Path, track: str, *lines: str) -> None:
    table = root / "keys" / track / "CM" / "trial_metadata.txt"
    table.parent.mkdir(parents=True, exist_ok=True)
    table.write_text("\n".join(lines) + "\n")


@pytest.fixture
def la(tmp_path: Path) -> Path:
    keys(tmp_path, "LA", *LA)
    touch(tmp_path / "ASVspoof2021_LA_eval" / "flac", "LA_E_1.flac", "LA_E_2.flac", "LA_E_3.flac")
    return tmp_path


@pytest.fixture
def df(tmp_path: Path) -> Path:
    keys(tmp_path / "DF-keys-full", "DF", *DF)
    for part, name in (("00", "DF_E_1"), ("01", "DF_E_2"), ("03", "DF_E_3")):
        touch(tmp_path, f"ASVspoof2021_DF_eval_part{part}/ASVspoof2021_DF_eval/flac/{name}.flac")
    return tmp_path


def test_eval_is_test_and_the_other_subsets_are_their_own(la: Path) -> None:
    found = by_path(la / "ASVspoof2021_LA_eval" / "flac", asvspoof2021.items(la))
    assert {path: (item.label, item.method, item.split, item.group) for path, item in found.items()} == {
        "LA_E_1.flac": (FAKE, "A07", "test", ""),
        "LA_E_2.flac": (REAL, "real", "progress", ""),
        "LA_E_3.flac": (REAL, "real", "hidden", ""),
    }
    assert {item.source for item in found.values()} == {"asvspoof2021_la"}
    line = {"speaker": "LA_0009", "codec": "alaw", "transmission": "ita_tx", "trim": "notrim"}
    assert found["LA_E_1.flac"].attributes == line
    assert found["LA_E_2.flac"].attributes["transmission"] == ""


def test_df_may_lie_in_four_parts_and_says_its_codec_origin_and_vocoder(df: Path) -> None:
    found = {item.path.stem: item for item in asvspoof2021.items(df)}
    assert {name: (item.label, item.method, item.split) for name, item in found.items()} == {
        "DF_E_1": (FAKE, "A14", "progress"),
        "DF_E_2": (FAKE, "Task1-team20", "test"),
        "DF_E_3": (REAL, "real", "test"),
    }
    assert found["DF_E_2"].attributes == {
        "speaker": "TEF2",
        "codec": "low_m4a",
        "origin": "vcc2020",
        "trim": "notrim",
        "vocoder": "neural_vocoder_nonautoregressive",
    }
    assert found["DF_E_3"].source == "asvspoof2021_df"
    assert found["DF_E_3"].path.parts[-4] == "ASVspoof2021_DF_eval_part03"


def test_both_tracks_come_one_after_the_other(la: Path, df: Path) -> None:
    assert [item.path.stem for item in asvspoof2021.items(la)] == [
        *("LA_E_1", "LA_E_2", "LA_E_3"),
        *("DF_E_1", "DF_E_2", "DF_E_3"),
    ]


def test_parts_that_are_not_there_are_passed_over(df: Path) -> None:
    next(df.rglob("DF_E_1.flac")).unlink()
    assert [item.path.stem for item in asvspoof2021.items(df)] == ["DF_E_2", "DF_E_3"]


def test_recordings_without_keys_are_answered_with_what_to_do(la: Path) -> None:
    (la / "keys" / "LA" / "CM" / "trial_metadata.txt").unlink()
    with pytest.raises(ManifestError, match=r"keys/LA/CM/trial_metadata\.txt is missing.*and their keys"):
        asvspoof2021.items(la)


def test_keys_of_the_other_track_are_refused(la: Path) -> None:
    keys(la, "LA", *DF)
    with pytest.raises(ManifestError, match='line 1 is not such as "LA_0009 LA_E_9332881 alaw'):
        list(asvspoof2021.items(la))
