"""ASVspoof 2019 LA: sentences of VCTK, and the same voices made by seventeen systems of synthesis and conversion.

Paper: Wang et al., ASVspoof 2019: A large-scale public database of synthesized, converted and replayed speech,
Computer Speech & Language 2020 (arXiv:1911.01601).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from unmask import trees
from unmask.about import About
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL, Item

ABOUT: Final = About(
    name="ASVspoof 2019 LA (logical access)",
    licence="ODC-By 1.0, as its page states",
    homepage="https://datashare.ed.ac.uk/handle/10283/3336",
    how_to_get="download LA.zip from its page and unpack it, so that the folder you name holds "
    "LA/ASVspoof2019_LA_cm_protocols and LA/ASVspoof2019_LA_{train,dev,eval}/flac; a part that is not there is left "
    "out, and whole they are 25,380, 24,844 and 71,237 files",
    labels="the last column of the protocols says bonafide or spoof in words; nothing was flipped",
    traps=(
        "Silence tells the label: real recordings begin and end with longer silence than fakes. From the length of the "
        "silence in front alone, an error rate of 15 % was reached (Müller et al. 2021, arXiv:2106.12914). Cut silence "
        "away before training, and before believing a figure.",
        "All real speech is VCTK: read sentences in a studio, which no recording of daily life sounds like.",
        "Fakes of train and dev are made by A01 to A06, those of eval by A07 to A19: eval is a test of unseen systems, "
        "but for A16 and A19, which are the algorithms of A04 and A06.",
        "There are about nine fakes for each real recording: weigh the classes, or accuracy is high for whoever says "
        "fake.",
        "The systems are those of 2019 and before. Published figures pool all of them, and a few hard ones, such as "
        "A17, decide them: look at figures by generator.",
        "No speaker is in two parts; a group is a speaker.",
    ),
    media="sound",
)

SOURCE: Final = "asvspoof2019_la"
LABELS: Final = {"bonafide": REAL, "spoof": FAKE}
_PROTOCOLS: Final = "ASVspoof2019_LA_cm_protocols"
_PARTS: Final = {"train": ("train", "train.trn"), "val": ("dev", "dev.trl"), "test": ("eval", "eval.trl")}
_LINE: Final = "LA_0079 LA_T_1138215 - A01 spoof"


def items(root: Path) -> Iterator[Item]:
    """The recordings that the protocols name, part by part: train, dev (our val) and eval (our test).

    Files that are named but not there are passed over, as whole parts may be left out.

    Raises:
        ManifestError: The protocols are not there, or a line of one is not of its form.
    """
    start = trees.base(ABOUT, root, ("", "LA", "LA/LA"), (_PROTOCOLS,))
    return trees.both_classes(ABOUT, root, _items(root, start))


def trials(table: Path, example: str, key: int) -> Iterator[list[str]]:
    """The lines of a protocol of any ASVspoof, as words; the second is the name of a file without its ending.

    Args:
        table: The protocol: columns with spaces between them, and no header.
        example: A line of its form, whose words are counted.
        key: Which word says bonafide or spoof, from 0.

    Raises:
        ManifestError: A line has more or fewer words, or another key, or its second word is not the name of a file.
    """
    columns = len(example.split())
    with table.open(encoding="utf-8", errors="replace") as file:
        for number, line in enumerate(file, start=1):
            words = line.split()
            if not words:
                continue
            if len(words) != columns or words[key] not in LABELS or PurePosixPath(words[1]).name != words[1]:
                raise ManifestError(f'{table}, line {number} is not such as "{example}": {line.strip()[:80]}')
            yield words


def said(word: str) -> str:
    """A cell of a protocol; "-" says nothing."""
    return "" if word == "-" else word


def _items(root: Path, start: Path) -> Iterator[Item]:
    for split, (part, protocol) in _PARTS.items():
        folder = start / f"ASVspoof2019_LA_{part}" / "flac"
        table = start / _PROTOCOLS / f"ASVspoof2019.LA.cm.{protocol}.txt"
        if not folder.is_dir():
            continue
        if not table.is_file():
            raise trees.missing(ABOUT, root, f"{table.name} is missing")
        for speaker, name, _, system, key in trials(table, _LINE, key=4):
            path = folder / f"{name}.flac"
            if path.is_file():
                method = system if LABELS[key] == FAKE else "real"
                yield Item(path, LABELS[key], method, SOURCE, split, speaker, ABOUT.licence)
