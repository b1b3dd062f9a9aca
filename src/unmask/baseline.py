"""The recipe without a network: how far metadata alone get, and the alarm when that is too far.

A detector is worth something by how much it is better than this. Where this does well, the data tell the label by how
the files were made, and no figure of a network trained on them means what it says.
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from math import tanh
from pathlib import Path
from time import perf_counter
from typing import Any, Final, Self

from pydantic import Field, field_validator, model_validator

from unmask import baseline_model, recipe_file
from unmask import manifest as table
from unmask.baseline_model import Baseline
from unmask.baseline_outcome import RESULT, Outcome, concluded, measured
from unmask.confusion import HALF
from unmask.errors import ManifestError, RecipeError, UsageError
from unmask.evaluate import FIGURES, SCORES
from unmask.evaluation import machine
from unmask.figures import figures_from_scores, to_markdown
from unmask.manifest import FAKE, REAL, Item
from unmask.scores import Row, write_scores
from unmask.traits import FAMILIES, Progress, Traits, read, read_all
from unmask.types import Label, Status, Value

DETECTOR: Final = "metadata-baseline"
LEARNED: Final = "train"
MEASURED: Final = ("val", "test")
EVALUATION: Final = "evaluation"

_TIMED_FILES: Final = 32
_REFUSED: Final = {
    "path": "folders and file names are often named after the label",
    "label": "it is the answer",
    "method": "it names the generator",
    "source": "a source may hold one class alone",
    "split": "it is assigned, not found in a file",
    "group": "it names a person or a clip, to be learned by heart",
    "licence": "it names the source, which may hold one class alone",
}


class Metadata(Value):
    """What the regression reads: families of traits, and further columns of the manifest (numbers or words)."""

    families: tuple[str, ...] = FAMILIES
    columns: tuple[str, ...] = ()

    @field_validator("families")
    @classmethod
    def _known(cls, families: tuple[str, ...]) -> tuple[str, ...]:
        unknown = [name for name in families if name not in FAMILIES]
        if unknown:
            raise ValueError(f"there is no family {', '.join(unknown)}; there are: {', '.join(FAMILIES)}")
        return families

    @field_validator("columns")
    @classmethod
    def _found_in_files(cls, columns: tuple[str, ...]) -> tuple[str, ...]:
        for name in columns:
            if name in _REFUSED:
                raise ValueError(f'the column "{name}" may tell the label by construction ({_REFUSED[name]}): drop it')
        return columns

    @model_validator(mode="after")
    def _reads_something(self) -> Self:
        if not self.families and not self.columns:
            raise ValueError("it names neither a family nor a column: there is nothing to learn from")
        return self


class Published(Value):
    """What was reported elsewhere: on which data, by whom, and the figures by name."""

    data: str
    source: str
    figures: dict[str, float]


class MetadataRecipe(Value):
    """The experiment, as recipes/metadata-baseline.toml holds it. Unknown options are refused."""

    name: str
    summary: str
    seed: int = Field(default=0, ge=0)
    metadata: Metadata
    published: Published | None = None

    @classmethod
    def read(cls, path: Path) -> MetadataRecipe:
        """Read a recipe.

        Raises:
            RecipeError: No such file, no TOML, an unknown option, family or value, or a column that may not be used.
        """
        return recipe_file.validated(cls, recipe_file.values(path), path, purpose=" for the metadata baseline")


def is_metadata(path: Path) -> bool:
    """Whether a recipe is of this kind; False as well for what cannot be read, which `Recipe.read` explains."""
    try:
        return "metadata" in recipe_file.values(path)
    except RecipeError:
        return False


def run(recipe: MetadataRecipe, manifest: Path, out: Path, progress: Progress | None = None) -> Outcome:
    """Learn the label from the metadata of train, and measure on val and test.

    Args:
        recipe: What to read.
        manifest: The table of files; other splits than train, val and test are not read.
        out: A run's folder, made if missing: recipe.json, cost.json, metadata.json, and evaluation/ with scores.csv
            and figures.md.
        progress: Called with files read and files in all.

    Raises:
        ManifestError: The table cannot be read, lacks a column, or what can be read lacks a class where one is needed.
        MissingExtraError: scikit-learn is not installed.
    """
    items = [item for item in table.read(manifest) if item.split in (LEARNED, *MEASURED)]
    _demand_classes(manifest, items)
    _demand_columns(manifest, items, recipe.metadata.columns)
    began = perf_counter()
    traits = read_all([item.path for item in items], progress)
    read_ones = [(item, one) for item, one in zip(items, traits, strict=True) if one.problem is None]
    broken = [(item, one) for item, one in zip(items, traits, strict=True) if one.problem is not None]
    why = f" that can be read ({broken[0][0].path.name}: {broken[0][1].problem})" if broken else ""
    _demand_classes(manifest, [item for item, _ in read_ones], why)
    learned = [(item, one) for item, one in read_ones if item.split == LEARNED]
    model = baseline_model.fit(
        [one for _, one in learned],
        [item.label for item, _ in learned],
        recipe.metadata.families,
        recipe.metadata.columns,
        [item.attributes for item, _ in learned],
    )
    files_per_s = len(items) / (perf_counter() - began)
    rows = [_row(model, item, one) for item, one in zip(items, traits, strict=True) if item.split in MEASURED]
    parts = measured(rows, recipe.seed)
    alarm, sentence = concluded(parts, model)
    outcome = Outcome(
        alarm,
        sentence,
        parts,
        model,
        dict(Counter(item.split for item, _ in read_ones)),
        dict(Counter(item.split for item, _ in broken)),
        out,
    )
    cost = _cost(model, [item for item, _ in read_ones if item.split in MEASURED], files_per_s)
    _write(outcome, recipe, manifest, rows, cost)
    return outcome


def load(out: Path) -> Baseline:
    """The regression that a run learned; `Baseline.score` applies it.

    Raises:
        UsageError: The folder holds no such run.
    """
    try:
        return Baseline.model_validate(json.loads((out / RESULT).read_text(encoding="utf-8"))["model"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{out} holds no metadata baseline that can be read; `unmask baseline` makes one") from error


def _demand_columns(manifest: Path, items: Sequence[Item], columns: Sequence[str]) -> None:
    there = sorted({name for item in items for name in item.attributes})
    missing = [name for name in columns if name not in there]
    if missing:
        known = f"its further columns are: {', '.join(there)}" if there else "it has no further columns"
        raise ManifestError(f"{manifest} has no column {', '.join(missing)}, which the recipe names; {known}")


def _demand_classes(manifest: Path, items: Sequence[Item], which: str = "") -> None:
    for where, splits in (("train", (LEARNED,)), ("val and test together", MEASURED)):
        labels = {item.label for item in items if item.split in splits}
        for label, name in ((REAL, "real photos"), (FAKE, "fakes")):
            if label not in labels:
                raise ManifestError(
                    f"{manifest} has no {name}{which} in {where}: the baseline learns from train and is measured on "
                    "val and test, and needs both classes in both; add files, or give them splits"
                )


def _row(model: Baseline, item: Item, traits: Traits) -> Row:
    known = Row(str(item.path), item.label, item.method, item.source, item.split, attributes=item.attributes)
    if traits.problem is not None:
        return replace(known, status=Status.UNREADABLE.value, message=traits.problem)
    logit = float(model.score([traits], [item.attributes])[0])
    probability = 0.5 + 0.5 * tanh(logit / 2)  # the sigmoid, in a form that never overflows
    verdict = Label.FAKE if probability >= HALF else Label.REAL
    return replace(known, detector=DETECTOR, logit=logit, probability=probability, verdict=verdict.value)


def _cost(model: Baseline, items: Sequence[Item], files_per_s: float) -> dict[str, float | int | str]:
    """What it takes: learning from all files with all cores, and judging one file after the other, reading included."""
    timed, here = items[:_TIMED_FILES], machine()
    began = perf_counter()
    for item in timed:
        model.score([read(item.path)], [item.attributes])
    return {
        "parameters": model.parameters,
        "trained": model.parameters,
        "pictures_per_s": round(files_per_s, 1),
        "ms_per_picture": round(1000 * (perf_counter() - began) / len(timed), 3),
        "machine": f"{here.cpu}, {here.threads} threads",
    }


def _write(
    outcome: Outcome, recipe: MetadataRecipe, manifest: Path, rows: Sequence[Row], cost: Mapping[str, Any]
) -> None:
    command = shlex.join(["unmask", "baseline", manifest.name, outcome.folder.name, "--recipe", recipe.name])
    data = {"manifest": manifest.name, "manifest_sha256": sha256(manifest.read_bytes()).hexdigest(), "command": command}
    folder = outcome.folder / EVALUATION
    folder.mkdir(parents=True, exist_ok=True)
    write_scores(folder / SCORES, rows)
    (folder / FIGURES).write_text(to_markdown(figures_from_scores(rows, command)), encoding="utf-8")
    for name, content in (
        ("recipe.json", recipe.model_dump(mode="json")),
        ("cost.json", cost),
        (RESULT, {**data, **outcome.to_dict()}),
    ):
        (outcome.folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
