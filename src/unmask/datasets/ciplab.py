"""Real and Fake Face Detection of CIPLab: portraits, and portraits that experts retouched by hand."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="Real and Fake Face Detection (CIPLab)",
    licence="as its page states; we have not seen its wording",
    homepage="https://www.kaggle.com/datasets/ciplab/real-and-fake-face-detection",
    how_to_get="download and unpack the archive from its page, so that the folder you name holds "
    "real_and_fake_face/training_real and real_and_fake_face/training_fake",
    labels="the folder says it: training_fake is 1, training_real is 0; nothing was flipped",
    traps=(
        "About two thousand pictures in all: intervals are wide, and a large network learns them by heart.",
        "The fakes are parts of several faces put together by hand, not the output of a generator: a detector of "
        "one need not find the other.",
        "easy, mid and hard are what the authors felt; they advise against using them as categories.",
        "There are no official splits; the same donor face may recur, and no column says so.",
    ),
)

SOURCE: Final = "ciplab"
_FOLDERS: Final = {"training_fake": FAKE, "training_real": REAL}
_NAME: Final = re.compile(r"(easy|mid|hard)_\d+_([01]{4})")


def items(root: Path) -> Iterator[Item]:
    """The pictures, fakes first; of fakes `attributes` say the difficulty and the four digits of the replaced parts.

    Raises:
        ManifestError: The data set is not there, or one of its classes is empty.
    """
    places = ("real_and_fake_face", "", "real_and_fake_face_detection/real_and_fake_face")
    start = trees.base(ABOUT, root, places, _FOLDERS)
    return trees.both_classes(ABOUT, root, _items(start))


def _items(root: Path) -> Iterator[Item]:
    for folder, label in _FOLDERS.items():
        for path in trees.files(root / folder, trees.PICTURES) if (root / folder).is_dir() else ():
            named = _NAME.fullmatch(path.stem) if label == FAKE else None
            attributes = {"difficulty": named[1] if named else "", "replaced": named[2] if named else ""}
            method = "retouched" if label == FAKE else "real"
            yield Item(path, label, method, SOURCE, licence=ABOUT.licence, attributes=attributes)
