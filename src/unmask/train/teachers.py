"""Detectors that teach a network: what they say of every train item, asked once, kept beside the prepared data.

They are asked about pictures as they are, not about changed forms of them, and not about fakes made on the spot; the
answer for an item is the mean of their calibrated logits (Hinton et al. 2015, arXiv:1503.02531). A teacher that
learned from a source tells of it, so none may have learned from what the recipe leaves out.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from unmask import bundles
from unmask.bundles import Bundle
from unmask.errors import RecipeError
from unmask.fuse import calibrated_logit, pool
from unmask.journal import room
from unmask.manifest import Item
from unmask.prepare import MANIFEST, read_segments
from unmask.runtime import Session, usable_cores
from unmask.train.data import read_split
from unmask.train.export import UNCALIBRATED
from unmask.train.recipes import Recipe

FOLDER: Final = "teachers"

Progress = Callable[[str, int, int], None]


def teachers(recipe: Recipe) -> tuple[Bundle, ...]:
    """The bundles that a recipe learns from; none where it has no teacher.

    Raises:
        UsageError: There is no such bundle.
        BundleError: A card is damaged.
        RecipeError: A bundle looks at other pictures than the recipe, is not calibrated, or may have learned from what
            the recipe leaves out.
    """
    if recipe.train.teacher is None:
        return ()
    left_out = "-".join(recipe.data.leave_out).replace(":", "-") or "nothing"
    found = tuple(bundles.find(name.replace("{left_out}", left_out)) for name in recipe.train.teacher.bundles)
    for one in found:
        _check(one, recipe)
    return found


def hear(
    chosen: Sequence[Bundle],
    prepared: Path,
    items: Iterable[Item],
    progress: Progress | None = None,
    jobs: int | None = None,
) -> dict[Path, float]:
    """What teachers say of train items, by their paths: the mean of their calibrated logits.

    Args:
        chosen: The teachers; nobody says nothing.
        prepared: The folder that the items lie in; the answers for its whole train split are kept there.
        items: Of its train split.
        progress: Called with what is going on, items asked about, and items in all.
        jobs: Items asked about at a time; all usable cores when None.

    Raises:
        BundleError: A graph is damaged.
    """
    if not chosen:
        return {}
    said = []
    everything = read_split(prepared, "train", ())
    for number, bundle in enumerate(chosen):

        def tell(done: int, of: int, number: int = number) -> None:
            if progress:
                progress("asking the teachers", number * of + done, len(chosen) * of)

        said.append(_answers(bundle, prepared, everything, tell, jobs or usable_cores()))
    means = np.mean(said, axis=0)
    by_path = {item.path: float(mean) for item, mean in zip(everything, means, strict=True)}
    return {item.path: by_path[item.path] for item in items}


def _check(bundle: Bundle, recipe: Recipe) -> None:
    card, who = bundle.card, f"the teacher {bundle.card.name}"
    theirs, ours = ((cut.kind, cut.size_px, cut.margin) for cut in (card.cut, recipe.cut))
    if theirs != ours:
        raise RecipeError(f"{who} looks at other pictures than the recipe: take one with the same kind and size of cut")
    if card.calibration.set == UNCALIBRATED:
        raise RecipeError(f"{who} is not calibrated: export it with --manifest first")
    knows = {source.name.rpartition(" (")[0] for source in card.sources}
    for name in recipe.data.leave_out:
        if name in knows:
            raise RecipeError(f"{who} has learned from {name}, which the recipe leaves out: it would tell of it")
        if name.startswith("method:"):
            raise RecipeError(f"no card says whether {who} has learned from {name}: leave out a whole source")


def _answers(
    bundle: Bundle, prepared: Path, items: Sequence[Item], tell: Callable[[int, int], None], jobs: int
) -> NDArray[np.float64]:
    """The calibrated logit of each item: (len(items),)."""
    path = prepared / FOLDER / f"{_key(bundle, prepared)}.npy"
    if path.is_file():
        answers: NDArray[np.float64] = np.load(path)
        return answers
    session, card = Session(bundles.model(bundle), threads=1), bundle.card

    def ask(item: Item) -> float:
        logits = session.run(np.stack(read_segments(item, card.cut.size_px)))["logit"]
        return calibrated_logit(pool([float(one) for one in logits], card.pooling), card.calibration)

    found = []
    executor = ThreadPoolExecutor(jobs)  # Pillow and the runtime let go of the interpreter
    try:
        for answer in executor.map(ask, items):
            found.append(answer)
            tell(len(found), len(items))
    finally:
        executor.shutdown(cancel_futures=True)
    answers = np.array(found)
    draft = path.with_suffix(f".{os.getpid()}")
    with room(prepared):
        path.parent.mkdir(exist_ok=True)
        with draft.open("wb") as file:
            np.save(file, answers)
        draft.replace(path)
    return answers


def _key(bundle: Bundle, prepared: Path) -> str:
    """Changes with everything that an answer depends on."""
    parts = (bundle.card.sha256, bundle.card.pooling, bundle.card.calibration.model_dump_json())
    digest = hashlib.sha256("\n".join(parts).encode())
    digest.update((prepared / MANIFEST).read_bytes())
    return f"{bundle.card.name}-{digest.hexdigest()[:12]}"
