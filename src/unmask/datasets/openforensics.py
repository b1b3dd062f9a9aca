"""Face crops of OpenForensics: faces in photos of Open Images, and the same kind of photo with a made face blended in.

Paper: Le et al., OpenForensics: Large-Scale Challenging Dataset For Multi-Face Forgery Detection And Segmentation
In-The-Wild, ICCV 2021.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="OpenForensics (face crops)",
    licence="academic purposes only, as its page states; the photos are of Open Images (CC BY)",
    homepage="https://github.com/ltnghia/openforensics",
    how_to_get="get the pictures from its page and cut out the faces that its *_poly.json files outline (category 0 "
    "real, 1 fake), or get a set of such crops, so that the folder you name holds "
    "{Train,Val,Test-Dev,Test-Challenge}/{real,fake}; Validation and Test are understood too, letters of either case",
    labels="the folder says it: fake is 1, real is 0; nothing was flipped",
    traps=(
        "The data set itself has whole photos with several faces, real and fake in one picture; crops are made by "
        "others, in different ways. This is the layout that we expect, and nothing more is known of your crops.",
        "Real and fake faces of one photo share its light, its noise and its compression; crops named PHOTO_NUMBER "
        "share a group here, others cannot be told to belong together.",
        "Test-Challenge holds pictures that were changed on purpose (blur, noise, weather and the like): it is a split "
        "of its own here, and its figures are not those of Test-Dev.",
        "All fakes are made by a generator and blended in: it is the blending that many detectors see.",
    ),
)

SOURCE: Final = "openforensics"
_SPLITS: Final = {**trees.SPLITS, "test-dev": "test", "test-challenge": "test-challenge"}
_LABELS: Final = {"real": REAL, "fake": FAKE}
_CROP: Final = re.compile(r"([0-9a-f]{8,})_\d+")
"""Photos of Open Images are called by hexadecimal numbers."""


def items(root: Path) -> Iterator[Item]:
    """The crops, split by split.

    Raises:
        ManifestError: The folders are not as expected, or a class is empty.
    """
    if not root.is_dir():
        raise trees.missing(ABOUT, root, "it is not a folder")
    for start in (root, root / "Dataset"):
        places = list(_places(start)) if start.is_dir() else []
        if places:
            return trees.both_classes(ABOUT, root, (item for place in places for item in _crops(*place)))
    raise trees.missing(ABOUT, root, "no split in it has folders real and fake")


def _places(root: Path) -> Iterator[tuple[Path, str, int]]:
    for folder in trees.folders(root):
        split = _SPLITS.get(folder.name.lower())
        for inner in trees.folders(folder) if split else ():
            if split and inner.name.lower() in _LABELS:
                yield inner, split, _LABELS[inner.name.lower()]


def _crops(folder: Path, split: str, label: int) -> Iterator[Item]:
    for path in trees.files(folder, trees.PICTURES):
        crop = _CROP.fullmatch(path.stem)
        method = "openforensics" if label == FAKE else "real"
        yield Item(path, label, method, SOURCE, split, crop[1] if crop else "", ABOUT.licence)
