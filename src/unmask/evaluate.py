"""Measure what users get: scan the original files of a split, exactly as `unmask scan` does, and compute figures.

Each file is scored by itself, so that no score depends on which files happened to be ready beside it: the same files,
models and machine give the same digits (`repeat`).
"""

from __future__ import annotations

import hashlib
import itertools
import shlex
import tempfile
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unmask import copies, evaluation, frame_scores, measures
from unmask import manifest as table
from unmask.card import Figure
from unmask.errors import ManifestError, MediaError, UsageError
from unmask.evaluation import EvaluationManifest
from unmask.figures import figures_from_scores, to_markdown
from unmask.frame_scores import FrameScores
from unmask.manifest import FAKE, REAL, Item
from unmask.measures import Measure
from unmask.scores import Row, row, write_scores
from unmask.types import Report

SCORES: Final = "scores.csv"
FIGURES: Final = "figures.md"
MEASURES: Final = "measures.csv"

Progress = Callable[[int, int], None]
Scan = Callable[[Iterable[Path]], Iterator[Report]]
"""`Scanner.scan_many`, or anything that gives a report for each path, in order."""


@dataclass(frozen=True)
class Evaluation:
    """The figures of the model card, the full table of measures, the scores behind them, and where all were written."""

    figures: tuple[Figure, ...]
    measures: tuple[Measure, ...]
    rows: tuple[Row, ...]
    folder: Path

    @property
    def unjudged(self) -> tuple[Row, ...]:
        """Original files without a score, with the reason in `message`."""
        return tuple(one for one in self.rows if one.probability is None and not one.perturbation)


def evaluate(
    manifest: Path,
    *,
    models: Sequence[str | Path] = (),
    splits: Sequence[str] = ("test",),
    out: Path,
    hold_out: str | None = None,
    perturbations: Sequence[str] = (),
    limit: int | None = None,
    command: str | None = None,
    progress: Progress | None = None,
) -> Evaluation:
    """Scan the files of a manifest and measure.

    Args:
        manifest: The table of the original files, not of a prepared folder: cutting is part of what is measured.
        models: Names or folders of bundles, as for `Scanner`; all shipped ones when empty.
        splits: Which splits to scan.
        out: Folder for scores.csv, figures.md, measures.csv, items.csv and evaluation.json; made if missing.
        hold_out: The source that the model was trained without: of the fakes, only its own are scanned, and the real
            photos of all sources. Give the rows to `figures.unseen`.
        perturbations: Names from `perturb.PERTURBATIONS`, of videos those in `perturb_video.NAMES`, of recordings those
            in `perturb_sound.NAMES`; the files are scanned once more for each.
        limit: The most files to scan, as `sample` chooses them; all when None.
        command: What to type to measure this again, where it was another verb than evaluate.
        progress: Called with files scanned and files in all, copies included.

    Returns:
        Figures, measures and rows.

    Raises:
        ManifestError: The table cannot be read, or has nothing in these splits, or not that source.
        UsageError: No such perturbation or model, or one that videos cannot go through, or a limit below 1.
    """
    copies.check(perturbations)
    table_sha256 = evaluation.sha256(manifest)
    items = select(table.read(manifest), splits, hold_out)
    items = items if limit is None else sample(items, limit, manifest)
    copies.check(perturbations, items)
    used, ensemble = evaluation.pin_models(evaluation.choose(models))
    from unmask.scan import Scanner  # it loads the models' runtime

    with Scanner(models, provenance=False) as scanner:
        listed = evaluation.list_items(items, manifest)
        frames = FrameScores(items)

        def scan(paths: Iterable[Path]) -> Iterator[Report]:
            return frames.noting(scanner.scan_many(paths, alone=True))

        rows = _counted(collect(items, scan, perturbations), len(items), len(perturbations), progress)
    command = command or _command(manifest, models, splits, hold_out, perturbations, limit)
    figures = (*figures_from_scores(rows, command), *frames.figures(command))
    found = Evaluation(figures, tuple(measures.measures(rows)), tuple(rows), out)
    out.mkdir(parents=True, exist_ok=True)
    if frames:
        frames.write(out / frame_scores.FILE)
    write_scores(out / SCORES, rows)
    (out / FIGURES).write_text("\n".join([to_markdown(found.figures), measures.to_markdown(found.measures)]), "utf-8")
    measures.write(out / MEASURES, found.measures)
    (out / evaluation.ITEMS).write_text(listed, "utf-8")
    here = evaluation.machine()
    EvaluationManifest(
        unmask_version=here.versions["unmask"],
        command=command,
        data=evaluation.Data(
            manifest=str(manifest.resolve()),
            sha256=table_sha256,
            items=len(items),
            data_sha256=evaluation.sha256_of(listed),
            splits=tuple(splits),
            hold_out=hold_out,
            limit=limit,
            perturbations=tuple(perturbations),
        ),
        models=used,
        ensemble=ensemble,
        bootstrap=evaluation.Bootstrap(),
        machine=here,
        scores_sha256=evaluation.sha256(out / SCORES),
        figures=found.figures,
        measures=found.measures,
    ).write(out / evaluation.FILE)
    return found


def select(items: Iterable[Item], splits: Sequence[str], hold_out: str | None = None) -> list[Item]:
    """The items of some splits; with `hold_out`, its fakes (`manifest.is_of`) and the real photos of all sources.

    Raises:
        ManifestError: Nothing is left, or a split is empty: a typo would silently measure less.
    """
    rows = list(items)
    there = {item.split for item in rows}
    for split in splits:
        if split not in there:
            raise ManifestError(f'no item is in the split "{split}"; there are: {", ".join(sorted(there - {""}))}')
    chosen = [item for item in rows if item.split in splits]
    if hold_out is not None:
        chosen = [item for item in chosen if item.label == REAL or table.is_of(item, hold_out)]
        if all(item.label == REAL for item in chosen):
            raise ManifestError(f"no fake of {hold_out} is in {', '.join(splits)}")
    return chosen


def whole(items: Iterable[Item], source: str) -> list[Item]:
    """All items of one source, whatever their split: for networks that learned from none of them.

    Raises:
        ManifestError: The source does not hold both classes.
    """
    chosen = [item for item in items if item.source == source]
    if {item.label for item in chosen} != {REAL, FAKE}:
        raise ManifestError(f'the source "{source}" does not hold both real items and fakes: measure it against all')
    return chosen


def sample(items: Sequence[Item], limit: int, manifest: Path) -> list[Item]:
    """At most `limit` items, as many reals as fakes where there are both, in their old order.

    Chosen are those whose paths, seen from the manifest's folder, have the smallest hashes: by chance, and the same
    ones every time, on any machine and however many others join the table.

    Raises:
        UsageError: The limit leaves nothing of a class.
    """
    classes = [members for label in (REAL, FAKE) if (members := [item for item in items if item.label == label])]
    each = limit // max(1, len(classes))
    if each < 1:
        raise UsageError(f"a limit of {limit} leaves nothing to measure: allow at least one file of each class")

    def chance(item: Item) -> str:
        return hashlib.sha256(evaluation.relative(item.path, manifest).encode()).hexdigest()

    kept = {id(item) for members in classes for item in sorted(members, key=chance)[:each]}
    return [item for item in items if id(item) in kept]


def collect(items: Sequence[Item], scan: Scan, perturbations: Sequence[str] = ()) -> Iterator[Row]:
    """Scan items, then a perturbed copy of each for every perturbation, in order; one row for each scan.

    Copies are made while scanning goes on, in a temporary folder, and removed once scanned. An item that cannot be
    decoded has no copies; its original row says why.
    """
    for item, report in zip(items, scan(item.path for item in items), strict=True):
        yield row(item, report)
    for name in perturbations:
        with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
            made: deque[tuple[Item, Path]] = deque()
            for report in scan(_copies(items, name, Path(folder), made)):
                item, copy = made.popleft()
                copy.unlink()
                yield row(item, report, name)


def _copies(items: Iterable[Item], name: str, folder: Path, made: deque[tuple[Item, Path]]) -> Iterator[Path]:
    for number, item in enumerate(items):
        try:
            copy = copies.write(name, item.path, folder / str(number))
        except MediaError:
            continue
        made.append((item, copy))
        yield copy


def _counted(rows: Iterator[Row], items: int, perturbations: int, progress: Progress | None) -> list[Row]:
    counted = []
    for one in rows:
        counted.append(one)
        if progress:
            progress(len(counted), items * (1 + perturbations))
    return counted


def _command(
    manifest: Path,
    models: Sequence[str | Path],
    splits: Sequence[str],
    hold_out: str | None,
    perturbations: Sequence[str],
    limit: int | None,
) -> str:
    """What to type to measure this again; without the folders of this machine, for it goes into the model card."""
    options = [("--model", Path(model).name) for model in models]
    options += [("--split", split) for split in splits]
    options += [("--hold-out", hold_out)] if hold_out else []
    options += [("--perturb", name) for name in perturbations]
    options += [("--limit", str(limit))] if limit else []
    return shlex.join(["unmask", "evaluate", manifest.name, *itertools.chain.from_iterable(options)])
