"""Which runs belong together: those that differ only in their seed are one line of the table, never the best of them.

Runs that were measured on different items must not stand side by side unmarked, so each set of items gets a letter.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from string import ascii_uppercase

from unmask.comparison.runs import Run
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL
from unmask.resampling import Set
from unmask.scored import counts, measurable, scored
from unmask.scores import Row


@dataclass(frozen=True)
class ItemSet:
    """The files that some runs were measured on.

    Attributes:
        letter: What the tables call it.
        split: The split.
        sha256: Of its paths, labels and split.
        reals: Real photos in it.
        fakes: Fakes in it.
        sources: Reals and fakes of each source.
        shared: How many of its files every run was measured on.
        data_sha256: What the evaluations say of the data itself; several where they disagree.
    """

    letter: str
    split: str
    sha256: str
    reals: int
    fakes: int
    sources: dict[str, tuple[int, int]]
    shared: int
    data_sha256: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Judged:
    """The files of one line that every seed judged.

    Attributes:
        tables: For each seed its rows, in one order of files.
        unjudged: Files that at least one seed could not judge.
    """

    tables: tuple[tuple[Row, ...], ...]
    unjudged: int

    @property
    def reals(self) -> int:
        """Real photos that every seed judged."""
        return counts(self.tables[0])[0]

    @property
    def fakes(self) -> int:
        """Fakes that every seed judged."""
        return counts(self.tables[0])[1]

    @property
    def measurable(self) -> bool:
        """Whether both classes are there."""
        return self.reals > 0 and self.fakes > 0

    @cached_property
    def sets(self) -> tuple[Set, ...]:
        """Labels, scores and probabilities of each seed.

        Raises:
            UsageError: A class is missing.
        """
        return tuple(measurable(rows) for rows in self.tables)


@dataclass(frozen=True)
class Line:
    """Runs that differ only in their seed.

    Attributes:
        number: From 1; what the plots call it.
        name: The recipe's, with the folder's where several lines share it.
        runs: By seed.
        items: The letter of the files it was measured on.
    """

    number: int
    name: str
    runs: tuple[Run, ...]
    items: str

    @property
    def first(self) -> Run:
        """The run of the lowest seed; stands for all in what a seed does not change."""
        return self.runs[0]

    @property
    def seeds(self) -> str:
        """Such as "0, 1, 2"; "not known" where there is no recipe."""
        return ", ".join("not known" if run.seed is None else str(run.seed) for run in self.runs)

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Sources among its items."""
        return tuple(sorted({one.source for one in self.first.rows}))

    def judged(self, source: str | None = None) -> Judged:
        """What every seed judged, of one source or of all."""
        return judged([run.rows for run in self.runs], source)


def judged(tables: Sequence[Sequence[Row]], source: str | None = None) -> Judged:
    """Rows of several seeds over the same files, in the order of the first."""
    inside = [{one.path: one for one in rows if source in (None, one.source)} for rows in tables]
    by_all = set.intersection(*({one.path for one in scored(rows.values())} for rows in inside))
    chosen = tuple(tuple(rows[path] for path in inside[0] if path in by_all) for rows in inside)
    return Judged(chosen, len(inside[0]) - len(by_all))


def group(runs: Iterable[Run]) -> tuple[tuple[Line, ...], tuple[ItemSet, ...]]:
    """Make lines, in the order in which their first runs were named, and the sets of items they stand on.

    Raises:
        UsageError: No run, a run named twice, or runs that share not one item.
    """
    listed = list(runs)
    if not listed:
        raise UsageError("name at least one run")
    if len({run.folder.resolve() for run in listed}) < len(listed):
        raise UsageError("a run is named twice: its seed would count double")
    together = frozenset.intersection(*(run.items for run in listed))
    if not together:
        raise UsageError(
            "there is no file that all these runs were measured on, so nothing can be compared: "
            + "; ".join(f"{run.folder} has {len(run.items)}, such as {run.rows[0].path}" for run in listed[:4])
        )
    sets = _item_sets(listed, len(together))
    letters = {one.sha256: one.letter for one in sets}
    grouped: dict[tuple[str, str, int], list[Run]] = {}
    times: Counter[tuple[str, str, int | None]] = Counter()
    for run in listed:
        same = _but_for_seed(run)
        again = times[same, run.items_sha256, run.seed]  # one seed twice is no second seed: it gets its own line
        times[same, run.items_sha256, run.seed] += 1
        grouped.setdefault((same, run.items_sha256, again), []).append(run)
    shown = Counter(group[0].name for group in grouped.values())
    lines = tuple(
        Line(
            number=index,
            name=runs[0].name if shown[runs[0].name] == 1 else f"{runs[0].name} ({runs[0].folder.resolve().name})",
            runs=tuple(sorted(runs, key=lambda run: run.seed or 0)),
            items=letters[runs[0].items_sha256],
        )
        for index, runs in enumerate(grouped.values(), start=1)
    )
    return lines, sets


def shared_only(runs: Sequence[Run]) -> list[Run]:
    """The same runs with only the files that all of them were measured on."""
    together = frozenset.intersection(*(run.items for run in runs)) if runs else frozenset()
    return [
        replace(
            run,
            rows=tuple(one for one in run.rows if (one.path, one.label) in together),
            perturbed=tuple(one for one in run.perturbed if (one.path, one.label) in together),
        )
        if together
        else run
        for run in runs
    ]


def _item_sets(runs: Sequence[Run], shared: int) -> tuple[ItemSet, ...]:
    first: dict[str, Run] = {}
    for run in runs:
        first.setdefault(run.items_sha256, run)
    return tuple(
        ItemSet(
            letter=_letter(index),
            split=run.split,
            sha256=sha256,
            reals=sum(label == REAL for _, label in run.items),
            fakes=sum(label == FAKE for _, label in run.items),
            sources={
                source: _reals_and_fakes(one for one in run.rows if one.source == source)
                for source in sorted({one.source for one in run.rows})
            },
            shared=shared,
            data_sha256=_data_hashes(other for other in runs if other.items_sha256 == sha256),
        )
        for index, (sha256, run) in enumerate(first.items())
    )


def _reals_and_fakes(rows: Iterable[Row]) -> tuple[int, int]:
    labels = [one.label for one in rows]
    return labels.count(REAL), labels.count(FAKE)


def _data_hashes(runs: Iterable[Run]) -> tuple[str, ...]:
    return tuple(sorted({str(found) for run in runs if (found := run.data.get("data_sha256"))}))


def _letter(index: int) -> str:
    return ascii_uppercase[index] if index < len(ascii_uppercase) else f"A{index}"


def _but_for_seed(run: Run) -> str:
    """Equal for runs that may be averaged. A run without a recipe is like no other."""
    if not run.recipe:
        return str(run.folder.resolve())
    return json.dumps({key: value for key, value in run.recipe.items() if key != "seed"}, sort_keys=True)
