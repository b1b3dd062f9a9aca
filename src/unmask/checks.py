"""What the table itself says, before any file is read: groups, generators, label direction, splits, sources."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from unmask.manifest import FAKE, REAL, Item
from unmask.metrics import Interval
from unmask.probes import told_by

LEARNING_SPLITS: Final = ("train", "val", "test")
_SAYS: Final = {"real": REAL, "original": REAL, "fake": FAKE, "deepfake": FAKE}
_EXAMPLES: Final = 3


@dataclass(frozen=True)
class Finding:
    """One thing the audit found out.

    Attributes:
        check: Which check it comes from.
        severity: "fail" stops training, "warn" should be looked at, "info" is good to know.
        sentence: What was found and what to do.
        figure: The number behind it; with an interval where one makes sense.
    """

    check: str
    severity: Literal["fail", "warn", "info"]
    sentence: str
    figure: Interval | float | None = None


def groups(items: Sequence[Item]) -> Iterator[Finding]:
    """Whether a group is torn between splits."""
    splits: dict[str, set[str]] = defaultdict(set)
    for item in items:
        if item.group:
            splits[item.group].add(item.split)
    torn = sorted(group for group, where in splits.items() if len(where) > 1)
    if torn:
        what = f"{len(torn):,} of {len(splits):,} groups (a person, a clip) lie in two splits ({some(torn)}): move "
        what += "each into one, or assign the splits anew with `unmask.splits.assign`, which keeps groups together"
        yield Finding("groups", "fail", what, float(len(torn)))
    elif splits:
        yield Finding("groups", "info", f"each of {len(splits):,} groups lies in one split", 0.0)
    else:
        what = "no item names a group: if persons or clips recur, only the column `group` keeps them in one split"
        yield Finding("groups", "info", what)


def methods(items: Sequence[Item]) -> Iterator[Finding]:
    """Which generators of the test split were trained on."""
    trained, tested = ({i.method for i in items if i.label == FAKE and i.split == name} for name in ("train", "test"))
    known = sorted((trained & tested) - {""})
    if known:
        what = f"{len(known)} of {len(tested)} generators in test are in train too ({', '.join(known)}): the figures "
        what += "on them are about known generators; hold sources out to learn about unseen ones"
        yield Finding("methods", "info", what, len(known) / len(tested))


def direction(root: Path, items: Sequence[Item]) -> Iterator[Finding]:
    """Whether labels contradict what the method or the folder says; flipped tables are common."""
    by_method = [item.path.name for item in items if item.method and (item.method == "real") != (item.label == REAL)]
    by_folder = [item.path.name for item in items if _contradicted(root, item)]
    for what, wrong in (("method", by_method), ("folder name", by_folder)):
        if wrong:
            sentence = f"{len(wrong):,} of {len(items):,} labels contradict the {what} ({some(wrong)}): 1 is fake "
            sentence += "here; flip the label column, or correct these rows"
            yield Finding("label direction", "fail", sentence, float(len(wrong)))
    if not by_method and not by_folder:
        yield Finding("label direction", "info", "no label contradicts its method or folder name", 0.0)


def _contradicted(root: Path, item: Item) -> bool:
    path = item.path.relative_to(root) if item.path.is_relative_to(root) else item.path
    said = {_SAYS[part.lower()] for part in path.parts[:-1] if part.lower() in _SAYS}
    return len(said) == 1 and item.label not in said  # a path that says both says nothing


def split_sanity(items: Sequence[Item]) -> Iterator[Finding]:
    """Whether every split is there, with both classes."""
    counts = Counter((item.split, item.label) for item in items)
    splits = sorted({item.split for item in items})
    unsplit = counts["", REAL] + counts["", FAKE]
    if unsplit:
        what = f"{unsplit:,} of {len(items):,} items have no split: run `unmask prepare` on the folder itself, which "
        what += "assigns splits, or call `unmask.splits.assign`"
        yield Finding("splits", "fail", what, float(unsplit))
    for name in LEARNING_SPLITS:
        real, fake = counts[name, REAL], counts[name, FAKE]
        if not real + fake and unsplit < len(items):
            yield Finding("splits", "fail", f"there is no {name} split: move some groups there, of both labels")
        elif bool(real) != bool(fake):
            what = f"{name} holds {real:,} real and {fake:,} fake items: both are needed; add or move some"
            yield Finding("splits", "fail", what)
    shown = ", ".join(f"{name or 'none'} {counts[name, REAL]:,} / {counts[name, FAKE]:,}" for name in splits)
    yield Finding("splits", "info", f"real / fake: {shown}")


def sources(items: Sequence[Item]) -> Iterator[Finding]:
    """How much the source alone tells."""
    learnt = [item for item in items if item.split in LEARNING_SPLITS]
    if len({item.label for item in learnt}) < 2 or len({item.source for item in learnt}) < 2:
        return
    labels: dict[str, set[int]] = defaultdict(set)
    for item in learnt:
        labels[item.source].add(item.label)
    single = sorted(source or "(no source)" for source, seen in labels.items() if len(seen) == 1)
    what = "how well the name of the source alone tells the label"
    if single:
        what += f"; {', '.join(single)} hold one class only, so anything peculiar to them is a shortcut: weight them "
        what += "low, or add the other class in the same format"
    yield Finding("sources", "info", what, told_by([i.source for i in learnt], [i.label for i in learnt]))


def some(words: Sequence[str]) -> str:
    """The first few of many, for a sentence."""
    return "; ".join(words[:_EXAMPLES]) + (" ..." if len(words) > _EXAMPLES else "")
