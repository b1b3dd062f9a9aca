"""What a hybrid learns from and is measured on: the networks' reports and the files' own words, item by item."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from unmask import ensemble, hybrid, traits
from unmask.baseline_model import Facts
from unmask.bundles import Bundle
from unmask.errors import ManifestError, MediaError, UsageError
from unmask.hybrid import JOINT, Network
from unmask.hybrid_fit import Examples
from unmask.manifest import Item
from unmask.modalities import image as pictures

if TYPE_CHECKING:
    from unmask.scan import Scanner

Progress = Callable[[int, int], None]
Said = Mapping[str, Mapping[str, float]]
"""By a name of each file, what networks say of it, as `hybrid.said` gives it; empty where they abstained."""

_PINS: Final = "rule"


@dataclass(frozen=True, eq=False)
class Collected:
    """Items that can be learned from, and how many could not.

    Attributes:
        items: In order.
        examples: Of each.
        left_out: Files that could not be read, or that no network could judge.
    """

    items: tuple[Item, ...]
    examples: Examples
    left_out: int

    def split(self, name: str) -> Examples:
        """Those of one split.

        Raises:
            ManifestError: It lacks a class.
        """
        found = self.examples.part(np.array([item.split == name for item in self.items], bool))
        if len(set(found.labels.tolist())) < 2:
            raise ManifestError(f'the split "{name}" lacks real photos or fakes that the networks could judge')
        return found


def listened(
    scanner: Scanner, items: Sequence[Item], names: Sequence[str], cache: Path, progress: Progress | None = None
) -> Said:
    """What networks say of some files, remembered in a file of JSON lines.

    Args:
        scanner: With the networks.
        items: The files.
        names: Of each, by which it is known again: copies with other metadata but the same pixels share one.
        cache: Where to remember; what other networks said is not used.
        progress: Called with files done and files in all.
    """
    pins = ensemble.rule(scanner.bundles)
    known = _read(cache, pins)
    waiting = [(name, item) for name, item in zip(names, items, strict=True) if name not in known]
    with cache.open("w", encoding="utf-8") as file:
        for line in ({_PINS: pins}, *({"name": name, "said": said} for name, said in known.items())):
            file.write(json.dumps(line) + "\n")
        reports = scanner.scan_many((item.path for _, item in waiting), alone=True)
        for done, ((name, _), report) in enumerate(zip(waiting, reports, strict=True), start=1):
            known[name] = hybrid.said(report)
            file.write(json.dumps({"name": name, "said": known[name]}) + "\n")
            if progress:
                progress(done, len(waiting))
    return known


def networks_of(bundles: Iterable[Bundle]) -> tuple[Network, ...]:
    """Those that judge pictures."""
    return tuple(Network(name=one.card.name, sha256=one.card.sha256) for one in bundles if one.card.modality == "image")


def collected(items: Sequence[Item], names: Sequence[str], said: Said, progress: Progress | None = None) -> Collected:
    """Join what networks say with what each file says of itself.

    Args:
        items: The files.
        names: Of each in `said`.
        said: By the networks.
        progress: Called with files done and files in all.
    """
    kept: list[Item] = []
    facts: list[Facts] = []
    for done, (item, name) in enumerate(zip(items, names, strict=True), start=1):
        spoken = said.get(name, {})
        own = _numbers(item.path) if JOINT in spoken else None
        if own is not None:
            kept.append(item)
            facts.append({**spoken, **hybrid.told(own)})
        if progress:
            progress(done, len(items))
    labels = np.array([item.label for item in kept], np.float64)
    groups = tuple(item.group or str(item.path) for item in kept)
    return Collected(tuple(kept), Examples(facts, labels, groups), len(items) - len(kept))


def _numbers(path: Path) -> dict[str, dict[str, float]] | None:
    try:
        data, source = pictures.read(path)
        return traits.of_picture(data, pictures.decode(data, source).image)
    except MediaError:
        return None


def _read(cache: Path, pins: str) -> dict[str, Mapping[str, float]]:
    if not cache.is_file():
        return {}
    try:
        first, *lines = list(_lines(cache))
        if first.get(_PINS) != pins:
            raise UsageError(f"{cache} holds what other networks said: remove it, or name another folder")
        return {line["name"]: line["said"] for line in lines}
    except (ValueError, KeyError, AttributeError) as error:
        raise UsageError(f"{cache} cannot be read: remove it to begin again ({error})") from error


def _lines(cache: Path) -> Iterator[Any]:
    with cache.open(encoding="utf-8") as file:
        for line in file:
            try:
                yield json.loads(line)
            except ValueError:  # torn where an interruption ended it; that file is asked again
                continue
