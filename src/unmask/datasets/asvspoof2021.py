"""ASVspoof 2021, LA and DF: speech sent through telephone lines, and speech compressed as on the web. Tests only.

Paper: Liu et al., ASVspoof 2021: Towards Spoofed and Deepfake Speech Detection in the Wild, IEEE/ACM TASLP 2023
(arXiv:2210.02437). The columns of the keys are explained in the evaluation package of its authors.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.datasets.asvspoof2019 import LABELS, said, trials
from unmask.manifest import FAKE, Item

ABOUT: Final = About(
    name="ASVspoof 2021 LA and DF",
    licence="ODC-By 1.0, as the licence file in it states",
    homepage="https://www.asvspoof.org/index2021.html",
    how_to_get="download the LA and DF evaluation sets and their keys from its page and unpack them, so that the "
    "folder you name holds ASVspoof2021_LA_eval/flac with keys/LA/CM/trial_metadata.txt, or ASVspoof2021_DF_eval/flac "
    "(or ASVspoof2021_DF_eval_part00 and so on, each with it) with keys/DF/CM/trial_metadata.txt, or both; files that "
    "are not there are left out, and whole there are 181,566 of LA and 611,829 of DF",
    labels="the keys say bonafide or spoof in words; nothing was flipped",
    traps=(
        "It is for tests alone: eval is test here, while progress and hidden are splits of their own. Train on "
        "something else, but not on the eval part of ASVspoof 2019: attacks A07 to A19, and speakers, are the same.",
        "Speakers recur in eval, progress and hidden: they are an attribute here, not a group, for preparing would "
        "drop from test whoever is in the others.",
        "Silence tells the label, as in ASVspoof 2019 (Müller et al. 2021, arXiv:2106.12914); in hidden it is cut away "
        "(the attribute trim says so), and figures there are much worse. State them beside those of eval.",
        "DF holds speech of three origins (ASVspoof 2019, VCC 2018 and VCC 2020) in other rooms and languages; systems "
        "that know one fail on the others, so look at figures by the attribute origin as well.",
        "DF has about 26 fakes for each real recording, LA about nine: weigh the classes.",
        "The same speech comes through several codecs: an interval that takes files for independent is too narrow.",
    ),
    media="sound",
)

_SPLITS: Final = {"eval": "test", "progress": "progress", "hidden": "hidden"}


@dataclass(frozen=True)
class _Track:
    """One of the tasks.

    Attributes:
        name: As its folders say it.
        example: A line of its keys: speaker, file, two columns of its own, attack, key, trim, subset and, of DF, more.
        columns: Our names for the columns of its own that become attributes, by their place.
    """

    name: str
    example: str
    columns: dict[int, str]

    def attributes(self, words: Sequence[str]) -> dict[str, str]:
        return {"speaker": words[0]} | {name: said(words[place]) for place, name in self.columns.items()}


_TRACKS: Final = (
    _Track(
        "LA",
        "LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval",
        {2: "codec", 3: "transmission", 6: "trim"},
    ),
    _Track(
        "DF",
        "LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -",
        {2: "codec", 3: "origin", 6: "trim", 8: "vocoder"},
    ),
)


def items(root: Path) -> Iterator[Item]:
    """The recordings that the keys name, LA before DF, as far as they are there.

    `attributes` say the speaker, the codec and whether silence was cut away (trim); of LA the transmission, of DF
    the origin and the kind of vocoder.

    Raises:
        ManifestError: There are no recordings or no keys to them, or a line of the keys is not of its form.
    """
    found = [(track, folders) for track in _TRACKS if (folders := _folders(root, track.name))]
    if not found:
        raise trees.missing(ABOUT, root, "there is neither ASVspoof2021_LA_eval/flac nor ASVspoof2021_DF_eval/flac")
    listed = [(track, folders, _keys(root, track.name)) for track, folders in found]
    return trees.both_classes(ABOUT, root, (item for one in listed for item in _items(*one)))


def _folders(root: Path, track: str) -> list[Path]:
    """Where its recordings lie; the four archives of DF may have been unpacked into four folders."""
    inner = f"ASVspoof2021_{track}_eval/flac"
    parts = sorted(root.glob(f"ASVspoof2021_{track}_eval_part*/{inner}"))
    return [folder for folder in (root / inner, *parts) if folder.is_dir()]


def _keys(root: Path, track: str) -> Path:
    inner = f"keys/{track}/CM/trial_metadata.txt"
    for table in (root / inner, root / f"{track}-keys-full" / inner):
        if table.is_file():
            return table
    raise trees.missing(ABOUT, root, f"{inner} is missing")


def _items(track: _Track, folders: Sequence[Path], keys: Path) -> Iterator[Item]:
    source = f"asvspoof2021_{track.name.lower()}"
    for words in trials(keys, track.example, key=5):
        name, attack, label, subset = words[1], words[4], LABELS[words[5]], words[7]
        places = (folder / f"{name}.flac" for folder in folders)
        path = next((place for place in places if place.is_file()), None)
        if path is not None:
            method = attack if label == FAKE else "real"
            split = _SPLITS.get(subset, subset)
            yield Item(path, label, method, source, split, "", ABOUT.licence, track.attributes(words))
