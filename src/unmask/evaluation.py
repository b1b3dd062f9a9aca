"""The manifest of an evaluation, `evaluation.json`: everything a figure depends on, pinned, and the figures in full.

What must be the same is pinned by its hash: the table, every file, every network, every card. A card is pinned without
its figures, because evaluating may write them. What may differ, but would explain other digits, is noted beside it:
versions, processor, threads.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import platform
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from unmask import bundles, metrics, runtime
from unmask import ensemble as ensembles
from unmask.bundles import Bundle
from unmask.card import Figure
from unmask.errors import ManifestError
from unmask.manifest import FAKE, Item
from unmask.measures import Measure
from unmask.types import Value

FILE: Final = "evaluation.json"
ITEMS: Final = "items.csv"

_BLOCK: Final = 2**20


class Data(Value):
    """What was measured on.

    Attributes:
        manifest: Path of the table.
        sha256: Of the table.
        items: How many files were chosen from it.
        data_sha256: Of path, label and sha256 of each of them; the list itself is items.csv beside this file.
        splits: Which splits they were chosen from.
        hold_out: The source whose fakes alone were taken, or None.
        limit: The most that were taken, or None for all.
        perturbations: What was done to copies of them.
    """

    manifest: str
    sha256: str
    items: int
    data_sha256: str
    splits: tuple[str, ...]
    hold_out: str | None = None
    limit: int | None = None
    perturbations: tuple[str, ...] = ()


class Model(Value):
    """One detector: its shipped name or its folder, the sha256 of its graph, and that of its card without figures."""

    name: str
    path: str
    sha256: str
    card_sha256: str


class Decider(Value):
    """The ensemble that decided where it could: its file, and the sha256 of it without figures."""

    path: str
    sha256: str


class Bootstrap(Value):
    """How the intervals were made."""

    resamples: int = metrics.RESAMPLES
    seed: int = metrics.SEED
    level: float = metrics.LEVEL


class Machine(Value):
    """What may change the last digits without being wrong."""

    cpu: str
    threads: int
    versions: dict[str, str]


class EvaluationManifest(Value):
    """What `evaluation.json` holds."""

    evaluation_version: Literal[1] = 1
    unmask_version: str
    command: str
    data: Data
    models: tuple[Model, ...]
    ensemble: Decider | None
    bootstrap: Bootstrap
    machine: Machine
    scores_sha256: str
    figures: tuple[Figure, ...]
    measures: tuple[Measure, ...]

    @classmethod
    def read(cls, path: Path) -> EvaluationManifest:
        """Read the manifest of an evaluation.

        Raises:
            ManifestError: The file is missing, is no JSON, or lacks a field.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise ManifestError(f"the evaluation {path} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            raise ManifestError(f"{path} is no {FILE} that unmask evaluate wrote: {error}") from error

    def write(self, path: Path) -> None:
        """Write it, indented, for people and diffs."""
        path.write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def list_items(items: Iterable[Item], manifest: Path) -> str:
    """The files of an evaluation, one line each: path from the manifest's folder, label, sha256 ("" if unreadable)."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("path", "label", "sha256"))
    for item in items:
        label = "fake" if item.label == FAKE else "real"
        writer.writerow((relative(item.path, manifest), label, sha256(item.path)))
    return text.getvalue()


def relative(path: Path, manifest: Path) -> str:
    """A file as seen from the folder of its manifest, the same wherever the two lie."""
    found = Path(os.path.relpath(path, manifest.parent)).as_posix()
    return os.fsencode(found).decode("utf-8", "backslashreplace")


def sha256(path: Path) -> str:
    """Of a file; "" where it cannot be read, which scanning will say too."""
    digest = hashlib.sha256()
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (OSError, ValueError):
        return ""
    return digest.hexdigest()


def sha256_of(text: str) -> str:
    """Of a text, as it is written to a file."""
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()


def choose(models: Sequence[str | Path]) -> tuple[Bundle, ...]:
    """The bundles that a `Scanner` of these models loads."""
    found = (bundle for model in models for bundle in bundles.find_all(str(model)))
    return tuple(found) if models else bundles.shipped()


def pin_models(chosen: Sequence[Bundle]) -> tuple[tuple[Model, ...], Decider | None]:
    """The detectors, and the ensemble that lies beside them and decides."""
    ships = {bundle.card.name: bundle.folder.resolve() for bundle in bundles.shipped()}
    models = []
    for bundle in chosen:
        folder = bundle.folder.resolve()
        path = bundle.card.name if ships.get(bundle.card.name) == folder else str(folder)
        card = _without_figures(bundle.folder / "card.json")
        models.append(Model(name=bundle.card.name, path=path, sha256=sha256(bundle.model_path), card_sha256=card))
    together = ensembles.of(chosen)
    for folder in dict.fromkeys(bundle.folder.resolve().parent for bundle in chosen):
        if together and ensembles.read(folder) == together:
            file = folder / ensembles.FILE
            return tuple(models), Decider(path=str(file), sha256=_without_figures(file))
    return tuple(models), None


def machine() -> Machine:
    """This one."""
    names = ("unmask", "numpy", "pillow", "av")
    versions = {"python": platform.python_version(), "onnxruntime": runtime.VERSION}
    versions |= {name: version(name) for name in names}
    return Machine(cpu=_cpu(), threads=runtime.usable_cores(), versions=versions)


def _without_figures(path: Path) -> str:
    """Of a card or an ensemble as the file says it, so that fields which a later version adds change nothing."""
    content = json.loads(path.read_bytes())
    content.pop("metrics", None)
    return sha256_of(json.dumps(content, sort_keys=True))


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):  # not Linux, or a processor that does not say
        return platform.processor() or platform.machine()
