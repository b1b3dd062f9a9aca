"""What frozen backbones say of every training picture, in several changed forms: computed once, kept, shared.

A backbone that does not learn says the same of a picture in every epoch, with every seed and whichever source is left
out. So the first run writes it down beside the prepared data, and all others read it; a head then learns in a minute.
Many heads on the same descriptions are also what makes a fair comparison cheap.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from unmask import blend
from unmask.errors import RecipeError
from unmask.manifest import REAL, Item
from unmask.prepare import MANIFEST
from unmask.runtime import Session, usable_cores
from unmask.train import augment, data, heads
from unmask.train.data import Draw, Plain, Sample, Store, draw_epoch, form, mean_by_item, read_split
from unmask.train.graph import write_graph
from unmask.train.models import Describer, Detector
from unmask.train.recipes import Recipe

FOLDER: Final = "views"

Progress = Callable[[int, int], None]
Rows = NDArray[np.float16]


class Described:
    """Descriptions of the train and val items of a prepared folder, by the frozen backbones of a network.

    Args:
        model: Its backbones describe; its head plays no part.
        recipe: Whose forms to make; what it leaves out is described too, for the runs that do not.
        prepared: The folder.
        weights: Files that the backbones' weights came from.
        jobs: Pictures worked on at a time; all usable cores when None.
        progress: Called with pictures described and pictures in all.

    Raises:
        RecipeError: A description overflows half precision.
        ManifestError: The prepared folder lacks train or val items.
    """

    def __init__(
        self,
        model: Detector,
        recipe: Recipe,
        prepared: Path,
        *,
        weights: Sequence[Path | None] = (),
        jobs: int | None = None,
        progress: Progress | None = None,
    ) -> None:
        self._recipe = recipe
        everything = read_split(prepared, "train", ())
        check = read_split(prepared, "val", ())
        draws = [Draw(item, False) for item in everything]
        draws += [Draw(item, True) for item in everything if item.label == REAL]
        self._rows = {(draw.item.path, draw.blend): row for row, draw in enumerate(draws)}
        folder = prepared / FOLDER / _key(recipe, prepared, weights)
        folder.mkdir(parents=True, exist_ok=True)

        plain = Plain(check, Store(check, recipe.cut.size_px))
        paths = [*(folder / f"view-{number:03}.npy" for number in range(recipe.train.views)), folder / "val.npy"]
        if not all(path.is_file() for path in paths):
            store = Store(everything, recipe.cut.size_px)
            forms: list[Forms] = [*(_View(draws, store, recipe, number) for number in range(recipe.train.views)), plain]
            session = _session(model, recipe.cut.size_px, folder)
            _fill(dict(zip(paths, forms, strict=True)), session, jobs or usable_cores(), progress)
        *views, self._check = (np.load(path, mmap_mode="r") for path in paths)
        self._views: list[Rows] = views
        self._check_items = check
        self._owner = plain.owner

    def epoch(self, learn: Sequence[Item], number: int) -> Dataset[Sample]:
        """The descriptions that one epoch learns from: float32 (D,), and the label."""
        rng = np.random.default_rng((self._recipe.seed, number))
        draws = draw_epoch(learn, self._recipe.data, self._recipe.train.pictures_per_epoch, rng)
        views = rng.integers(len(self._views), size=len(draws))
        return _Lessons(
            [
                (self._views[view], self._rows[d.item.path, d.blend], d.label)
                for view, d in zip(views, draws, strict=True)
            ]
        )

    @torch.inference_mode()
    def scores(self, model: Detector, items: Sequence[Item]) -> NDArray[np.float64]:
        """Mean logit of each val item's segments: (len(items),)."""
        device = next(model.parameters()).device
        model.eval()
        logits = model.judge(torch.from_numpy(np.array(self._check)).to(device)).cpu().numpy()
        means = mean_by_item(logits, self._owner)
        by_path = {item.path: mean for item, mean in zip(self._check_items, means, strict=True)}
        return np.array([by_path[item.path] for item in items])


class _View(Dataset[Sample]):
    """One form of every picture, and of every real picture one that was made fake."""

    def __init__(self, draws: Sequence[Draw], store: Store, recipe: Recipe, number: int) -> None:
        self._draws, self._store, self._recipe, self._number = draws, store, recipe, number

    def __len__(self) -> int:
        return len(self._draws)

    def __getitem__(self, index: int) -> Sample:
        rng = np.random.default_rng((self._number, index))
        draw = self._draws[index]
        pixels = form(draw, self._store.segments(draw.item), self._recipe, rng, rng)
        return torch.from_numpy(np.array(pixels)), torch.tensor(float(draw.label))


class _Lessons(Dataset[Sample]):
    def __init__(self, lessons: Sequence[tuple[Rows, int, int]]) -> None:
        self._lessons = lessons

    def __len__(self) -> int:
        return len(self._lessons)

    def __getitem__(self, index: int) -> Sample:
        rows, row, label = self._lessons[index]
        return torch.from_numpy(rows[row].astype(np.float32)), torch.tensor(float(label))


Forms = _View | Plain


def _session(model: Detector, size_px: int, folder: Path) -> Session:
    """The backbones in our own runtime, which takes a third of PyTorch's time for it on common processors."""
    graph = folder / "backbones.onnx"
    write_graph(Describer(model), ("described",), size_px, graph)
    try:
        return Session(graph, threads=1)
    finally:
        graph.unlink()


def _fill(wanted: Mapping[Path, Forms], session: Session, jobs: int, progress: Progress | None) -> None:
    """Write what is not there yet."""
    of = sum(map(len, wanted.values()))
    waiting = {path: forms for path, forms in wanted.items() if not path.is_file()}
    done = of - sum(map(len, waiting.values()))
    for path, forms in waiting.items():
        rows = []
        for row in _described(session, forms, jobs):
            rows.append(row)
            done += 1
            if progress:
                progress(done, of)
        _write(path, np.stack(rows))


def _described(session: Session, forms: Forms, jobs: int) -> Iterator[Rows]:
    """A row for each picture, in order. Threads will do: Pillow, numpy and the runtime let go of the interpreter."""

    def row(number: int) -> Rows:
        with np.errstate(over="ignore"):
            described: Rows = session.run(forms[number][0][None].numpy())["described"][0].astype(np.float16)
        return described

    pool = ThreadPoolExecutor(jobs)
    try:
        for described in pool.map(row, range(len(forms))):
            if not np.isfinite(described).all():
                raise RecipeError("the backbone's features are too large for half precision; choose other maps")
            yield described
    finally:
        pool.shutdown(cancel_futures=True)


def _write(path: Path, rows: Rows) -> None:
    """Whole or not at all: a stop meanwhile must not leave a torn file under a name that will be believed."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        np.save(file, rows)
    draft.replace(path)


def _key(recipe: Recipe, prepared: Path, weights: Sequence[Path | None]) -> str:
    """Changes with everything that a description depends on, the code that makes the forms included."""
    backbones = [backbone.model_dump(mode="json") for backbone in recipe.model.backbones]
    options = [backbones, recipe.model.head, recipe.augment.model_dump(mode="json"), recipe.cut.size_px]
    if any(backbone.weights == "none" for backbone in recipe.model.backbones):
        options.append(recipe.seed)  # what starts at random is another network with another seed
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    code = (Path(str(module.__file__)) for module in (augment, blend, data, heads))
    for path in (prepared / MANIFEST, *code, *(file for file in weights if file)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
