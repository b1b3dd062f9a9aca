"""DF40: fakes of forty methods, as face crops of frames, beside the real frames of the sets they were made from.

Paper: Yan et al., DF40: Toward Next-Generation Deepfake Detection, NeurIPS 2024.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.datasets import celebdf, faceforensics
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="DF40",
    licence="CC BY-NC 4.0, as its page states; the real frames under the terms of FaceForensics++ and Celeb-DF",
    homepage="https://github.com/YZY-stack/DF40",
    how_to_get="get the processed data from its page and unpack them, so that the folder you name holds "
    "DF40_train/METHOD (fakes to train on), DF40/METHOD (fakes to test on, with folders real and fake where a method "
    "brings real pictures of its own) and the real frames that its page links, "
    "FaceForensics++/original_sequences/youtube/c23/frames/CLIP and "
    "Celeb-DF-v2/{Celeb-real,YouTube-real}/frames/CLIP; put the split files of FaceForensics++ into "
    "FaceForensics++/splits and List_of_testing_videos.txt into Celeb-DF-v2",
    labels="the folder says it: real below FaceForensics++, Celeb-DF-v2 and METHOD/real, fake elsewhere; none flipped",
    traps=(
        "This is the layout that its page and its users describe; its own JSON files, not the folders, define the "
        "protocols of the paper, so figures here need not be comparable with published ones.",
        "Most fakes are made from clips of FaceForensics++ and Celeb-DF: clips of one pair share a group, so preparing "
        "keeps test whole and takes their relatives out of train.",
        "There is no official val: `unmask prepare --dataset df40` cuts one from train.",
        "All pictures are crops of one cropping; whole pictures of these generators look different.",
        "Real frames come from two video sets, wholly made faces from generators without any video compression: "
        "compression may tell them apart. Run `unmask audit`.",
    ),
)

SOURCE: Final = "df40"
_FAKES: Final = {"DF40_train": "train", "DF40": "test"}
_FF_FRAMES: Final = "FaceForensics++/original_sequences/youtube/c23/frames"
_CELEB: Final = ("Celeb-real", "YouTube-real")
_NO_PICTURES: Final = frozenset({"mask", "masks", "landmarks"})
_FRAMEWORK: Final = frozenset({"frames", "real", "fake", "ff", "cdf", *map(str.lower, _CELEB)})
_PAIR: Final = re.compile(r"\d{3}(_\d{3})?")


def items(root: Path) -> Iterator[Item]:
    """The pictures: fakes to train on, fakes to test on, then the real frames.

    Raises:
        ManifestError: The data set, its real frames, or the split files of those are not there.
    """
    start = trees.base(ABOUT, root, ("",), _FAKES)
    pairs = faceforensics.pairs(start / "FaceForensics++") if (start / _FF_FRAMES).is_dir() else {}
    return trees.both_classes(ABOUT, root, _items(start, pairs))


def _items(root: Path, pairs: faceforensics.Pairs) -> Iterator[Item]:
    for top, split in _FAKES.items():
        for method in trees.folders(root / top) if (root / top).is_dir() else ():
            for path in _pictures(method):
                yield _made(path, method, split, pairs)
    if pairs:
        for path in _pictures(root / _FF_FRAMES):
            clip = _video(path, root / _FF_FRAMES)
            if clip not in pairs:
                raise ManifestError(f"{path} is of no clip of the official splits of FaceForensics++: remove it")
            yield _item(path, REAL, "real", pairs[clip][0], f"ff_{pairs[clip][1]}", "ff")
    tested = celebdf.testing(root / "Celeb-DF-v2") if (root / "Celeb-DF-v2").is_dir() else frozenset()
    for folder in _CELEB:
        frames = root / "Celeb-DF-v2" / folder / "frames"
        for path in _pictures(frames) if frames.is_dir() else ():
            clip = _video(path, frames)
            split = "test" if f"{folder}/{clip}.mp4" in tested else "train"
            yield _item(path, REAL, "real", split, f"cdf_{clip}", "cdf")


def _made(path: Path, method: Path, split: str, pairs: faceforensics.Pairs) -> Item:
    parts = [part.lower() for part in path.relative_to(method).parts[:-1]]
    domain = next((name for name in ("ff", "cdf") if name in parts), "")
    video = _video(path, method)
    if not domain and _PAIR.fullmatch(video):
        domain = "ff"  # the fakes to train on are made from FaceForensics++, and not always say so
    label = REAL if "real" in parts and not domain else FAKE
    group = f"{domain}_{_relatives(video, domain, pairs)}" if domain else f"{method.name}_{video}"
    return _item(path, label, method.name if label == FAKE else "real", split, group, domain)


def _relatives(video: str, domain: str, pairs: Mapping[str, tuple[str, str]]) -> str:
    if domain == "cdf":
        return celebdf.clip(video)
    clip = video.split("_")[0]
    return pairs[clip][1] if clip in pairs else "_".join(sorted(video.split("_")))


def _item(path: Path, label: int, method: str, split: str, group: str, domain: str) -> Item:
    attributes = {"cropped": "yes", "domain": domain}
    return Item(path, label, method, SOURCE, split, group, ABOUT.licence, attributes)


def _pictures(folder: Path) -> Iterator[Path]:
    for path in trees.files(folder, trees.PICTURES):
        if not _NO_PICTURES & {part.lower() for part in path.relative_to(folder).parts[:-1]}:
            yield path


def _video(path: Path, above: Path) -> str:
    """The folder of a clip's frames, or the picture itself where it lies alone."""
    folder = path.parent
    return path.stem if folder == above or folder.name.lower() in _FRAMEWORK else folder.name
