"""What each part of a recipe is worth: variants of it, each trained without each source, with several seeds.

Unlike `unseen`, which makes a claim on test with what ships, this is for choosing: it ranks the prepared items of val,
and has no way to test. Nothing is exported and nothing scanned, so a variant of a head on frozen backbones costs a
minute a source and seed.

Every training is a folder. Once its scores are written it is finished, and its network is removed, because a table has
hundreds; what was stopped goes on from its last whole epoch.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import torch

from unmask import ablation_page, journal
from unmask.ablation_page import Ablation
from unmask.errors import ManifestError, RecipeError, UsageError
from unmask.left_out import NOTHING, Trial, areas
from unmask.manifest import FAKE, REAL, Item, is_of
from unmask.prepare import read_cut
from unmask.runtime import usable_cores
from unmask.scores import Row, read_scores, write_scores
from unmask.train import loop, processes
from unmask.train import run as runs
from unmask.train.data import MEMORY_BYTES, Pictures, read_split
from unmask.train.models import build
from unmask.train.recipes import Recipe
from unmask.train.views import Described
from unmask.train.voices import DescribedVoices, Voices
from unmask.train.windows import DescribedWindows, ShownWindows, described, shown

SPLIT: Final = "val"
SCORES: Final = "scores.csv"
PAGE: Final = "ablation.md"
FILE: Final = "ablation.json"
_FINISHED: Final = "finished.json"

Progress = Callable[[str, int, int], None]
"""Called with what is going on, steps done and steps in all."""


@dataclass(frozen=True)
class Variant:
    """A row of the table: a recipe, on a folder made by `unmask prepare` with its cut."""

    name: str
    recipe: Recipe
    prepared: Path


@dataclass(frozen=True)
class Training:
    """One network: a variant that learns without a source, or with all where that is `NOTHING`, from a seed."""

    variant: Variant
    left_out: str
    seed: int
    folder: Path
    weights: Path | None = None
    workers: int = 1
    keep: bool = False

    @property
    def recipe(self) -> Recipe:
        """The variant's, with the seed, and without the source."""
        recipe = self.variant.recipe.model_copy(update={"seed": self.seed})
        if self.left_out == NOTHING:
            return recipe
        data = recipe.data.model_copy(update={"leave_out": (*recipe.data.leave_out, self.left_out)})
        return recipe.model_copy(update={"data": data})

    def __str__(self) -> str:
        what = f"without {self.left_out}" if self.left_out else "with all"
        return f"{self.variant.name} {what}, seed {self.seed}"


def ablate(
    variants: Sequence[Variant],
    sources: Sequence[str],
    out: Path,
    *,
    seeds: int = 3,
    weights: Path | None = None,
    jobs: int = 1,
    workers: int = 1,
    keep: bool = False,
    command: str = "",
    progress: Progress | None = None,
) -> Ablation:
    """Train every variant without each source and with all, and rank the val items that count.

    Args:
        variants: The first is the one that the others are compared to.
        sources: What to leave out, one after another: a source with its real photos, or "method:NAME".
        out: Folder for the trainings, scores.csv, ablation.md and ablation.json; what is finished there is kept.
        seeds: Each variant learns so many times, with the seeds 0, 1, 2 and so on.
        weights: Folder of the recipes' weights files.
        jobs: Networks that learn at a time, each in a process of its own with its share of the cores.
        workers: As for `loop.train`, for each of them.
        keep: Keep the networks too, as runs that can be exported.
        command: What to type to measure this again.
        progress: Called as it goes on.

    Raises:
        ManifestError: A source has no fakes in val.
        RecipeError: A recipe does not fit the data or the weights.
        UsageError: Two variants have one name, or `out` holds trainings of other recipes or data.
        UnmaskError: A process was ended from outside. What is finished is kept.
    """
    _check(variants, sources, seeds)
    split = {variant.name: _val(variant, sources) for variant in variants}
    trainings = [
        Training(variant, left_out, seed, _folder(out, variant.name, left_out, seed), weights, workers, keep)
        for seed in range(seeds)  # first of all a whole table with one seed
        for variant in variants
        for left_out in (*sources, NOTHING)
    ]
    pins = {variant.name: _pin(variant, weights) for variant in variants}
    waiting = [one for one in trainings if not _is_finished(one, pins[one.variant.name])]
    if jobs > 1:
        _describe(waiting, progress)
        work = partial(_finish, pins=pins, threads=max(1, usable_cores() // jobs))
    else:
        work = partial(_finish, pins=pins, progress=progress)
    before = len(trainings) - len(waiting)
    for done, one in enumerate(processes.each(work, waiting, jobs), start=1):
        if progress:
            progress(f"trained {one}", before + done, len(trainings))
    trials = [Trial(one.variant.name, one.left_out, one.seed, _scores(one, split)) for one in trainings]
    with journal.room(out):
        write_scores(out / SCORES, (_labelled(row, trial) for trial in trials for row in trial.rows))
    recipes = {variant.name: variant.recipe.model_dump(mode="json") for variant in variants}
    found = ablation_page.ablation(areas(trials), recipes, command, split=SPLIT, seeds=range(seeds))
    runs.write(out / PAGE, ablation_page.to_markdown(found))
    runs.write(out / FILE, found.model_dump_json(indent=2) + "\n")
    return found


def judged(items: Iterable[Item], left_out: str) -> list[Item]:
    """What a network is ranked on: the fakes it never saw, or all where it saw every source, and all real photos."""
    return [one for one in items if one.label == REAL or left_out == NOTHING or is_of(one, left_out)]


def train(training: Training, progress: Progress | None = None) -> list[Row]:
    """Train one network, or go on with it, and score what it is ranked on."""
    recipe, prepared = training.recipe, training.variant.prepared
    weights, workers = training.weights, training.workers
    loop.train(recipe, prepared, training.folder, weights=weights, workers=workers, progress=progress)
    items = judged(read_split(prepared, SPLIT, ()), training.left_out)
    _, model = runs.load(training.folder)
    model.to("cuda" if torch.cuda.is_available() else "cpu")
    feed: Described | DescribedWindows | DescribedVoices | Pictures | Voices | ShownWindows
    if recipe.model.frozen:
        feed = described(model, recipe, prepared, weights=runs.find_weights(recipe, weights))
    else:
        feed = shown(recipe, items, MEMORY_BYTES)
    scores = feed.scores(model, items)
    return [
        Row(
            path=item.attributes.get("original", str(item.path)),  # the same for every cut of a picture
            label=item.label,
            method=item.method,
            source=item.source,
            split=item.split,
            detector=training.variant.name,
            logit=float(score),
        )
        for item, score in zip(items, scores, strict=True)
    ]


def _finish(
    training: Training, *, pins: Mapping[str, str], threads: int | None = None, progress: Progress | None = None
) -> Training:
    """Train, and write down what makes it finished, last of all what it was learned from."""
    if threads:
        torch.set_num_threads(threads)

    def tell(what: str, done: int, steps: int) -> None:
        if progress:
            progress(f"{training}: {what}", done, steps)

    rows = train(training, tell)
    folder = training.folder
    draft = folder / f"{SCORES}.new"
    with journal.room(folder):
        write_scores(draft, rows)
        draft.replace(folder / SCORES)
    runs.write(folder / _FINISHED, json.dumps({"sha256": pins[training.variant.name]}) + "\n")
    if not training.keep:
        (folder / runs.STATE).unlink()
    return training


def _is_finished(training: Training, pin: str) -> bool:
    """Whether its scores are there; scores of something else are never taken for its own, nor replaced."""
    folder = training.folder
    if not (folder / _FINISHED).is_file():
        return False
    again = "choose another folder, or remove this one"
    if runs.read_recipe(folder) != training.recipe:
        raise UsageError(f"{folder} holds the scores of another recipe: {again}")
    if json.loads((folder / _FINISHED).read_text(encoding="utf-8"))["sha256"] != pin:
        raise UsageError(f"{folder} holds scores on other data, or from other initial weights: {again}")
    return True


def _scores(training: Training, split: Mapping[str, Sequence[Item]]) -> list[Row]:
    rows = read_scores(training.folder / SCORES)
    if len(rows) != len(judged(split[training.variant.name], training.left_out)):
        raise UsageError(f"{training.folder / SCORES} was cut off: remove the folder, and give the same command again")
    return rows


def _check(variants: Sequence[Variant], sources: Sequence[str], seeds: int) -> None:
    if not variants or not sources or seeds < 1:
        raise UsageError("an ablation needs at least one recipe, one source to leave out and one seed")
    for names, what in (([one.name for one in variants], "variants"), (sources, "sources")):
        slugs = [_slug(name).lower() for name in names]
        twice = sorted({name for name, slug in zip(names, slugs, strict=True) if slugs.count(slug) > 1})
        if twice:
            raise UsageError(f"two {what} are called {', '.join(twice)}, or nearly so: give each a name of its own")


def _val(variant: Variant, sources: Iterable[str]) -> list[Item]:
    """Its val items; that something does not fit is found before anything is trained."""
    if read_cut(variant.prepared) != variant.recipe.cut:
        raise RecipeError(f"{variant.prepared} was prepared with another cut than that of {variant.name}")
    items = read_split(variant.prepared, SPLIT, ())
    for source in sources:
        if not any(one.label == FAKE and is_of(one, source) for one in items):
            raise ManifestError(f"no fake of {source} is in {SPLIT} of {variant.prepared}: it cannot be ranked")
    return items


def _pin(variant: Variant, weights: Path | None) -> str:
    everything = [item for split in ("train", "val") for item in read_split(variant.prepared, split, ())]
    return runs.pin(everything, runs.find_weights(variant.recipe, weights))


def _describe(waiting: Iterable[Training], progress: Progress | None) -> None:
    """Let every frozen backbone say what it has to say before processes start, of which two would say the same."""
    told: set[tuple[str, int]] = set()
    for one in waiting:
        model, variant = one.recipe.model, one.variant.name
        random = any(backbone.weights == "none" for backbone in model.backbones)  # another network with another seed
        key = (variant, one.seed if random else 0)
        if not model.frozen or key in told:
            continue
        told.add(key)
        files = runs.find_weights(one.recipe, one.weights)
        with torch.random.fork_rng():
            torch.manual_seed(one.seed)
            network = build(model, files)
        show = partial(progress, f"describing pictures for {variant}") if progress else None
        described(network, one.recipe, one.variant.prepared, weights=files, progress=show)


def _labelled(row: Row, trial: Trial) -> Row:
    return replace(row, attributes={"variant": trial.variant, "left_out": trial.left_out, "seed": str(trial.seed)})


def _folder(out: Path, variant: str, left_out: str, seed: int) -> Path:
    return out / "runs" / _slug(variant) / f"{_slug(f'without-{left_out}') if left_out else 'with-all'}-seed-{seed}"


def _slug(name: str) -> str:
    return re.sub(r"[^\w.+-]+", "-", name)  # what a folder may be called anywhere
