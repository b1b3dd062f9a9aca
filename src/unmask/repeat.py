"""An evaluation once more: first that nothing it depends on has changed, then that every digit comes out the same.

On the same machine with the same versions it must. Another processor, another number of threads or another release of
onnxruntime, Pillow or numpy may add in another order and so change a last digit; then nothing is wrong, but nothing is
repeated either, and the answer names what differs.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from unmask import bundles, evaluation
from unmask import manifest as table
from unmask.card import Figure
from unmask.ensemble import FILE as ENSEMBLE
from unmask.errors import ManifestError, UnmaskError
from unmask.evaluate import SCORES, Progress, evaluate, sample, select
from unmask.evaluation import Bootstrap, EvaluationManifest
from unmask.measures import Measure
from unmask.scores import Row, read_scores


@dataclass(frozen=True)
class Repetition:
    """What came of it.

    Attributes:
        scores: Scores compared.
        figures: Figures and measures compared.
        differences: What came out otherwise, a sentence each; none where all is equal to the last digit.
        surroundings: What is otherwise on this machine, and could explain differences.
    """

    scores: int
    figures: int
    differences: tuple[str, ...]
    surroundings: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether every score and figure came out the same."""
        return not self.differences


def repeat(file: Path, *, progress: Progress | None = None) -> Repetition:
    """Measure again what an `evaluation.json` pins, and compare.

    Args:
        file: The manifest of the evaluation, in its folder.
        progress: As for `evaluate`.

    Raises:
        ManifestError: It cannot be read, or what it measured has changed; the message names all that did.
        UsageError: A model is gone.
    """
    pinned = EvaluationManifest.read(file)
    changed = [*_changed_data(pinned, file.parent), *_changed_models(pinned)]
    if pinned.bootstrap != Bootstrap():
        changed.append("this version of unmask makes its intervals in another way")
    if changed:
        raise ManifestError(f"{file} cannot be repeated: {'; '.join(changed)}")
    data = pinned.data
    with tempfile.TemporaryDirectory(prefix="unmask-") as folder:
        evaluate(
            Path(data.manifest),
            models=[model.path for model in pinned.models],
            splits=data.splits,
            out=Path(folder),
            hold_out=data.hold_out,
            perturbations=data.perturbations,
            limit=data.limit,
            command=pinned.command,
            progress=progress,
        )
        again = EvaluationManifest.read(Path(folder, evaluation.FILE))
        before, after = read_scores(file.parent / SCORES), read_scores(Path(folder, SCORES))
    differences = [*_different_scores(before, after), *_different(_numbers(pinned), _numbers(again))]
    count = len(pinned.figures) + len(pinned.measures)
    return Repetition(len(before), count, tuple(differences), tuple(_surroundings(pinned)))


def _changed_data(pinned: EvaluationManifest, folder: Path) -> Iterator[str]:
    manifest, data = Path(pinned.data.manifest), pinned.data
    if evaluation.sha256(folder / SCORES) != pinned.scores_sha256:
        yield f"its scores, {folder / SCORES}, are missing or changed"
    if not manifest.is_file():
        yield f"the manifest {manifest} is gone"
        return
    if evaluation.sha256(manifest) != data.sha256:
        yield f"the manifest {manifest} has changed"
        return
    items = select(table.read(manifest), data.splits, data.hold_out)
    items = items if data.limit is None else sample(items, data.limit, manifest)
    listed = evaluation.list_items(items, manifest)
    if evaluation.sha256_of(listed) != data.data_sha256:
        yield f"the measured files have changed{_which(listed, folder / evaluation.ITEMS, data.data_sha256)}"


def _which(listed: str, before: Path, expected: str) -> str:
    """Names the first changed files, where the old list is still there."""
    if evaluation.sha256(before) != expected:
        return f" (which ones, {before} could tell, but it is missing or changed too)"
    old = before.read_text(encoding="utf-8").splitlines()
    paths = [line.rsplit(",", 2)[0] for line, was in zip(listed.splitlines(), old, strict=False) if line != was]
    return f": {', '.join(paths[:3])}{f' and {len(paths) - 3} more' if len(paths) > 3 else ''}"


def _changed_models(pinned: EvaluationManifest) -> Iterator[str]:
    found = []
    for model in pinned.models:
        try:
            found.append(bundles.find(model.path))
        except UnmaskError as error:
            yield f"the model {model.name} is gone: {error}"
    if len(found) < len(pinned.models):
        return
    now, ensemble = evaluation.pin_models(found)
    for was, is_now in zip(pinned.models, now, strict=True):
        if was.sha256 != is_now.sha256:
            yield f"the network of the model {was.name} has changed"
        if was.card_sha256 != is_now.card_sha256:
            yield f"the card of the model {was.name} has changed in more than its figures"
    if (pinned.ensemble and pinned.ensemble.sha256) != (ensemble and ensemble.sha256):
        yield f"the ensemble of the models ({ENSEMBLE}) has changed, come or gone"


def _different_scores(before: list[Row], after: list[Row]) -> Iterator[str]:
    if len(before) != len(after):
        yield f"there were {len(before)} scores, now there are {len(after)}"
    names = [field.name for field in fields(Row) if field.name != "path"]  # paths may be written from elsewhere
    for was, now in zip(before, after, strict=False):
        for name in names:
            if getattr(was, name) != getattr(now, name):
                of = f"{was.path}{f' after {was.perturbation}' if was.perturbation else ''}"
                yield f"{name} of {of}: was {getattr(was, name)!r}, is {getattr(now, name)!r}"


def _different(before: Mapping[str, float | None], after: Mapping[str, float | None]) -> Iterator[str]:
    for name in dict.fromkeys([*before, *after]):
        if name not in before or name not in after:
            yield f"{name}: {'came' if name in after else 'went'}"
        elif before[name] != after[name]:
            yield f"{name}: was {before[name]!r}, is {after[name]!r}"


def _numbers(found: EvaluationManifest) -> dict[str, float | None]:
    """Every number of an evaluation, by what it is of."""
    named: list[tuple[str, Figure | Measure]] = [(f"{one.name} on {one.on}", one) for one in found.figures]
    named += [(f"{one.name}, {one.part} {one.of}, on {one.on}", one) for one in found.measures]
    kinds = ("value", "low", "high", "reals", "fakes")
    return {f"{kind} of {name}": getattr(one, kind) for name, one in named for kind in kinds}


def _surroundings(pinned: EvaluationManifest) -> Iterator[str]:
    was, now = pinned.machine, evaluation.machine()
    if was.cpu != now.cpu:
        yield f"the processor was {was.cpu}, is {now.cpu}"
    if was.threads != now.threads:
        yield f"{was.threads} threads were used, now {now.threads}"
    for name in dict.fromkeys([*was.versions, *now.versions]):
        if was.versions.get(name) != now.versions.get(name):
            yield f"{name} was {was.versions.get(name)}, is {now.versions.get(name)}"
