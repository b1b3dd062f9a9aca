"""Runs side by side: one table, what was published beside what we measured, and a page with plots."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unmask.comparison import embedding, published, runs, table
from unmask.comparison.clusters import Map, chart
from unmask.comparison.lines import ItemSet, Line, group, shared_only
from unmask.comparison.measuring import CLUSTERED, Measured, measure, named, with_clusters
from unmask.comparison.runs import Run
from unmask.comparison.table import Table
from unmask.errors import BundleError, UsageError
from unmask.metrics import RESAMPLES

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Comparison:
    """All that a comparison found; `unmask.comparison.page` draws it.

    Attributes:
        lines: Runs, grouped by recipe.
        sets: The files that they were measured on; more than one means that not all figures may be compared.
        measured: Each line on all sources, then on each source that was asked for.
        table: The one table.
        published: What was published against ours.
        maps: By number of the line, the map of each seed's embedding.
        unmapped: By number of the line, why it has none.
        command: What to type to make this comparison again.
    """

    lines: tuple[Line, ...]
    sets: tuple[ItemSet, ...]
    measured: tuple[Measured, ...]
    table: Table
    published: Table
    command: str
    maps: Mapping[int, tuple[Map, ...]] = field(default_factory=dict)
    unmapped: Mapping[int, str] = field(default_factory=dict)

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know before comparing: other files, missing parts."""
        said = []
        if len(self.sets) > 1:
            said.append(
                f"these runs were measured on {len(self.sets)} different sets of files, of which {self.sets[0].shared} "
                "files are in all: do not rank figures of different letters; --shared measures on what all share"
            )
        for line in self.lines:
            for run in line.runs:
                said += [f"{run.folder}: {note}" for note in run.notes]
            if line.number in self.unmapped:
                said.append(f"{line.name} has no embedding map: {self.unmapped[line.number]}")
        return tuple(said)


def compare(
    folders: Sequence[Path],
    *,
    split: str = "test",
    sources: Sequence[str] = (),
    shared: bool = False,
    embeddings: bool = False,
    resamples: int = RESAMPLES,
    progress: Progress | None = None,
) -> Comparison:
    """Compare runs or plain evaluations.

    Args:
        folders: What `unmask experiment` or `unmask evaluate` filled.
        split: The split whose scores are compared.
        sources: Sources to measure alone too.
        shared: Whether to measure only on the files that all runs were measured on.
        embeddings: Whether to look at the embeddings of all runs; else only of those whose recipe publishes how well
            they cluster. Reads up to 600 pictures a run, unless they were looked at before.
        resamples: For the intervals.
        progress: Called with what is going on, steps done and steps in all.

    Raises:
        UsageError: A folder holds no scores of the split, no run has such a source, or nothing is shared.
        ManifestError: Scores are damaged.
        MissingExtraError: scikit-learn is not installed, and embeddings are to be clustered.
    """
    read = [runs.read(folder, split) for folder in folders]
    lines, sets = group(shared_only(read) if shared else read)
    known = sorted({source for line in lines for source in line.sources})
    for source in sources:
        if source not in known:
            raise UsageError(f'no run was measured on a source "{source}"; there are: {", ".join(known)}')
    measured = []
    scopes: list[str | None] = [None, *dict.fromkeys(sources)]
    for line in lines:
        for scope in scopes:
            measured.append(measure(line, scope, resamples))
            if progress:
                progress("measuring", len(measured), len(lines) * len(scopes))
    maps: dict[int, tuple[Map, ...]] = {}
    unmapped: dict[int, str] = {}
    for line in lines:
        if embeddings or _publishes_clusters(line):
            found = [_map(run, line, progress) for run in line.runs]
            drawn = tuple(one for one in found if isinstance(one, Map))
            if len(drawn) == len(found):
                maps[line.number] = drawn
            else:
                unmapped[line.number] = next(one for one in found if isinstance(one, str))
    whole = tuple(with_clusters(one, maps.get(one.line.number, ())) for one in measured)
    return Comparison(
        lines=lines,
        sets=sets,
        measured=whole,
        table=table.main(whole),
        published=published.against_ours(whole, sets),
        command=_command(folders, split, sources, shared),
        maps=maps,
        unmapped=unmapped,
    )


def _map(run: Run, line: Line, progress: Progress | None) -> Map | str:
    """The map of a run's embedding, or why there is none."""
    if run.bundle is None:
        return "there is no bundle to look with"
    chosen = embedding.sample(line.judged().tables[0])
    name = f"looking with {run.name}"
    try:
        found = embedding.of(
            run.bundle, chosen, run.evaluation, (lambda done, of: progress(name, done, of)) if progress else None
        )
    except BundleError as error:
        return str(error)
    if found is None:
        return "its graph has no such output; export it again with this version"
    return chart(found) or (
        f"{len(found.rows)} pictures could be read and {found.unread} could not, or the vectors are all but equal"
    )


def _publishes_clusters(line: Line) -> bool:
    return any(named(name) in CLUSTERED for name in line.first.published_figures)


def _command(folders: Sequence[Path], split: str, sources: Sequence[str], shared: bool) -> str:
    words = ["unmask", "compare", *map(str, folders)]
    words += ["--split", split] if split != "test" else []
    for name in sources:
        words += ["--source", name]
    return shlex.join([*words, *(["--shared"] if shared else [])])
