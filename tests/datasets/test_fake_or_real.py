"""Fake-or-Real: versions with splits and labels as folders; file names tell what was MP3 once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import fake_or_real
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

MP3 = "file20440.mp3.wav_16k.wav_norm.wav_mono.wav_silence.wav"
WAV = "file4.wav_16k.wav_norm.wav_mono.wav_silence.wav"


def test_versions_and_origins_are_told(tmp_path: Path) -> None:
    touch(
        tmp_path / "for-norm" / "for-norm", f"training/fake/{MP3}", f"validation/real/{WAV}", "training/fake/.DS_Store"
    )
    touch(tmp_path / "for-original", "testing/fake/file1.mp3", "testing/real/file1.wav", "readme.txt")
    touch(tmp_path / "for-2sec" / "for-2seconds", "testing/real/a.wav")
    touch(tmp_path / "for-rerec" / "for-rerecorded", "testing/fake/recording1.wav")
    found = by_path(tmp_path, fake_or_real.items(tmp_path))
    assert {path: (item.label, item.method, item.split, *item.attributes.values()) for path, item in found.items()} == {
        f"for-norm/for-norm/training/fake/{MP3}": (FAKE, "tts", "train", "for-norm", "mp3"),
        f"for-norm/for-norm/validation/real/{WAV}": (REAL, "real", "val", "for-norm", "wav"),
        "for-original/testing/fake/file1.mp3": (FAKE, "tts", "test", "for-original", "mp3"),
        "for-original/testing/real/file1.wav": (REAL, "real", "test", "for-original", "wav"),
        "for-2sec/for-2seconds/testing/real/a.wav": (REAL, "real", "test", "for-2sec", ""),
        "for-rerec/for-rerecorded/testing/fake/recording1.wav": (FAKE, "tts", "test", "for-rerec", ""),
    }


@pytest.mark.parametrize("named", ["for-2sec", "for-2sec/for-2seconds"])
def test_one_version_may_be_named_itself(tmp_path: Path, named: str) -> None:
    touch(tmp_path / "for-2sec" / "for-2seconds", "training/fake/a.wav", "training/real/b.wav")
    found = list(fake_or_real.items(tmp_path / named))
    assert [item.path.name for item in found] == ["b.wav", "a.wav"]
    assert {item.attributes["version"] for item in found} == {"for-2sec"}


def test_splits_below_another_name_are_not_guessed(tmp_path: Path) -> None:
    touch(tmp_path / "mine", "training/fake/a.wav", "training/real/b.wav")
    with pytest.raises(ManifestError, match=r"no for-original, for-norm, for-2sec, for-rerec in it holds training"):
        fake_or_real.items(tmp_path)
