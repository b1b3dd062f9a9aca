"""CIPLab: two folders, and names of fakes that say how hard they are and what was replaced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import ciplab
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

FILES = (
    "training_fake/easy_1_1110.jpg",
    "training_fake/mid_12_0001.jpg",
    "training_fake/odd.jpg",
    "training_real/real_00001.jpg",
    "training_real/Thumbs.db",
)


@pytest.mark.parametrize("inner", ["real_and_fake_face", "real_and_fake_face_detection/real_and_fake_face", "."])
def test_names_of_fakes_are_read(tmp_path: Path, inner: str) -> None:
    touch(tmp_path / inner, *FILES)
    found = by_path(tmp_path / inner, ciplab.items(tmp_path))
    assert {path: (item.label, item.method, item.split, dict(item.attributes)) for path, item in found.items()} == {
        FILES[0]: (FAKE, "retouched", "", {"difficulty": "easy", "replaced": "1110"}),
        FILES[1]: (FAKE, "retouched", "", {"difficulty": "mid", "replaced": "0001"}),
        FILES[2]: (FAKE, "retouched", "", {"difficulty": "", "replaced": ""}),
        FILES[3]: (REAL, "real", "", {"difficulty": "", "replaced": ""}),
    }


def test_an_empty_class_is_told(tmp_path: Path) -> None:
    touch(tmp_path, *FILES[:3])
    with pytest.raises(ManifestError, match="no real file was found"):
        list(ciplab.items(tmp_path))
