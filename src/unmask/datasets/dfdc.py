"""DFDC: the training set of the Deepfake Detection Challenge, clips of paid actors, real and manipulated.

Paper: Dolhansky et al., The DeepFake Detection Challenge (DFDC) Dataset, 2020.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any, Final

from unmask import trees
from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="DFDC (Deepfake Detection Challenge)",
    licence="the terms of the DFDC data set, to be accepted before the download",
    homepage="https://ai.meta.com/datasets/dfdc/",
    how_to_get="accept its terms, download as many parts as you need and unpack them, so that the folder you name "
    "holds dfdc_train_part_0, dfdc_train_part_1 and so on, each with its videos and its metadata.json",
    labels="metadata.json says REAL or FAKE in words; nothing was flipped",
    traps=(
        "FAKE means that the clip was manipulated, in some by its voice alone: such frames are real pictures with "
        "the label fake.",
        "There are about five fakes for each real clip: weigh the classes, or accuracy is high for whoever says fake.",
        "Where several persons are seen, often one face only was swapped; the label is of the clip, not of a face.",
        "metadata.json says train of every clip: val and test are cut from it when it is prepared, by original clip.",
        "Actors recur in several clips, and a group is an original with its fakes, not a person: an actor of train may "
        "be in test. The attribute part says which part a clip is from.",
    ),
    media="videos",
)

SOURCE: Final = "dfdc"
_METADATA: Final = "metadata.json"
_LABELS: Final = {"REAL": REAL, "FAKE": FAKE}


def items(root: Path) -> Iterator[Item]:
    """The videos that each metadata.json names, part by part; a fake shares the group of its original.

    Raises:
        ManifestError: There is no metadata.json, or one is broken, or a label is neither REAL nor FAKE.
    """
    tables = sorted({path for depth in ("", "*/", "*/*/") for path in root.glob(f"{depth}{_METADATA}")})
    if not tables:
        raise trees.missing(ABOUT, root, f"no folder in it has a {_METADATA}")
    return trees.both_classes(ABOUT, root, (item for table in tables for item in _part(table)))


def _part(table: Path) -> Iterator[Item]:
    try:
        content = json.loads(table.read_bytes())
    except ValueError as error:
        raise ManifestError(f"{table} is not JSON: download its part again") from error
    if not isinstance(content, dict):
        raise ManifestError(f"{table} does not name videos: download its part again")
    for name in sorted(content):
        yield _item(table, name, content[name])


def _item(table: Path, name: str, facts: Any) -> Item:
    said = facts.get("label") if isinstance(facts, dict) else None
    label = _LABELS.get(str(said))
    if label is None:
        raise ManifestError(f'{table}: the label of {name} is "{said}", but must be REAL or FAKE')
    if PurePosixPath(name).name != name:
        raise ManifestError(f"{table}: {name} is not the name of a video")
    group = Path(facts.get("original") or name).stem
    split = str(facts.get("split") or "train").lower()
    return Item(
        table.parent / name,
        label,
        "dfdc" if label == FAKE else "real",
        SOURCE,
        trees.SPLITS.get(split, split),
        group,
        ABOUT.licence,
        {"part": table.parent.name},
    )
