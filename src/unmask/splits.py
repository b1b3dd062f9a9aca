"""Splits that do not leak: what belongs together stays together, and what was tested stays in test."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from unmask import fingerprints
from unmask.errors import ManifestError, UsageError
from unmask.manifest import Item
from unmask.near_duplicates import clusters, pairs
from unmask.traits import Progress, Traits, read_all


def assign(
    items: Iterable[Item],
    fractions: Mapping[str, float],
    seed: int = 0,
    *,
    traits: Sequence[Traits] | None = None,
    progress: Progress | None = None,
) -> list[Item]:
    """Give every item that has no split one of `fractions`.

    Items of one group, of equal bytes, or near duplicates go together. An item that already has a split keeps it and
    draws its relatives into it, so pictures added later never move what was tested before. The rest is ordered by a
    hash of content and seed and cut at the fractions, for each source and label by itself: the same items give the
    same splits on every machine, wherever the folder lies, and without recorded splits added items move only those
    few that lie next to a cut.

    Args:
        items: The items; their files are read.
        fractions: Split name to share ({"train": 0.8, "val": 0.1, "test": 0.1}), in the order of cutting, sum 1.
        seed: Another seed, another partition.
        traits: What is known of the files; they are read when None.
        progress: Called with files done and files in all.

    Returns:
        The items in the same order, each with a split.

    Raises:
        UsageError: The fractions are negative, nameless or do not add up to 1.
        ManifestError: Items that belong together are recorded in two splits; `unmask audit` lists all such.
    """
    if not fractions or "" in fractions or min(fractions.values()) < 0 or abs(sum(fractions.values()) - 1) > 1e-6:
        raise UsageError(f"fractions must be named, not negative, and add up to 1, not {dict(fractions)}")
    rows = list(items)
    traits = read_all([item.path for item in rows], progress) if traits is None else traits
    families: dict[int, list[int]] = defaultdict(list)
    for i, first in enumerate(related(rows, traits)):
        families[first].append(i)

    splits: dict[int, str] = {}
    open_families: dict[tuple[tuple[str, int], ...], list[tuple[str, list[int]]]] = defaultdict(list)
    for members in families.values():
        recorded = _recorded(rows, members)
        if recorded:
            splits.update(dict.fromkeys(members, recorded))
            continue
        stratum = tuple(sorted({(rows[i].source, rows[i].label) for i in members}))
        key = min(rows[i].group or traits[i].sha256 or rows[i].path.name for i in members)
        open_families[stratum].append((hashlib.sha256(f"{seed}:{key}".encode()).hexdigest(), members))
    for hashed in open_families.values():
        splits.update(_cut(sorted(hashed), fractions))
    return [replace(item, split=splits[i]) for i, item in enumerate(rows)]


def without_leaks(
    items: Iterable[Item],
    order: Sequence[str] = ("test", "val", "train"),
    *,
    traits: Sequence[Traits] | None = None,
    progress: Progress | None = None,
) -> list[Item]:
    """Drop items that have a relative in another split, where splits are given and must not be changed.

    Args:
        items: The items; their files are read.
        order: What stays first: an item goes if a relative lies in a split further left, so by default test stays
            whole and train gives way. Splits not named here come before all, as they are not learnt from.
        traits: What is known of the files; they are read when None.
        progress: Called with files done and files in all.
    """
    rows = list(items)
    traits = read_all([item.path for item in rows], progress) if traits is None else traits
    ranks = [order.index(item.split) if item.split in order else -1 for item in rows]
    families = related(rows, traits)
    first: dict[int, int] = {}
    for family, rank in zip(families, ranks, strict=True):
        first[family] = min(rank, first.get(family, rank))
    return [item for item, family, rank in zip(rows, families, ranks, strict=True) if rank == first[family]]


def related(items: Sequence[Item], traits: Sequence[Traits]) -> list[int]:
    """For each item the smallest index among its relatives: same group, same content, or near duplicates."""
    links = [*same(item.group for item in items), *same(map(content, traits)), *look_alikes(traits)]
    return clusters(len(items), links)


def content(one: Traits) -> str:
    """What equal files have in common, and recordings of equal samples; empty where nothing was read."""
    return one.samples_sha256 or one.sha256 or ""


def same(keys: Iterable[str]) -> list[tuple[int, int]]:
    """Pairs (first, i) of indices with equal keys; an empty key equals none."""
    first: dict[str, int] = {}
    return [(first[key], i) for i, key in enumerate(keys) if key and first.setdefault(key, i) != i]


def look_alikes(traits: Sequence[Traits]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of near duplicates among the files that could be decoded, to the eye or to the ear."""
    seen = [(i, one.thumbnail) for i, one in enumerate(traits) if one.thumbnail is not None]
    heard = [(i, one.fingerprint) for i, one in enumerate(traits) if one.fingerprint is not None]
    alike = [(seen[a][0], seen[b][0]) for a, b in pairs([small for _, small in seen])]
    return alike + [(heard[a][0], heard[b][0]) for a, b in fingerprints.pairs([words for _, words in heard])]


def _recorded(rows: Sequence[Item], members: Sequence[int]) -> str:
    names = {rows[i].split: rows[i].path for i in members if rows[i].split}
    if len(names) > 1:
        listed = ", ".join(f"{path.name} in {split}" for split, path in sorted(names.items()))
        raise ManifestError(f"these belong together but lie in different splits: {listed}; empty their split column")
    return next(iter(names), "")


def _cut(hashed: Sequence[tuple[str, list[int]]], fractions: Mapping[str, float]) -> dict[int, str]:
    """Each family goes where its middle falls on the line of all items, cut at the fractions."""
    total = sum(len(members) for _, members in hashed)
    splits: dict[int, str] = {}
    before = 0
    for _, members in hashed:
        middle = (before + len(members) / 2) / total
        before += len(members)
        splits.update(dict.fromkeys(members, _at(middle, fractions)))
    return splits


def _at(place: float, fractions: Mapping[str, float]) -> str:
    end = 0.0
    for name, share in fractions.items():
        end += share
        if place < end:
            return name
    return max(fractions, key=lambda name: fractions[name])  # rounding left a sliver at the end
