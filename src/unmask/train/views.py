"""What frozen backbones say of every training picture, in several changed forms: computed once, kept, shared.

A backbone that does not learn says the same of a picture in every epoch, with every seed and whichever source is left
out. So the first run writes it down beside the prepared data, and all others read it; a head then learns in a minute.
Many heads on the same descriptions are also what makes a fair comparison cheap.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from unmask import makers
from unmask.card import Cut
from unmask.errors import RecipeError
from unmask.makers import MAKERS, WITH_DONORS
from unmask.makers.donors import Gallery
from unmask.makers.reconstruct import by_generators
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import MANIFEST
from unmask.runtime import Session, usable_cores
from unmask.train import augment, data, heads, lessons, sights, texture
from unmask.train.data import Draw, Plain, Sample, Store, draw_epoch, mean_by_item, read_split
from unmask.train.discriminant import Table
from unmask.train.graph import write_graph
from unmask.train.lessons import Lessons, Rows, View
from unmask.train.models import Describer, Detector
from unmask.train.recipes import Recipe

FOLDER: Final = "views"
_AT_ONCE: Final = 16
"""Pictures in one pass of the network, at most; many more need memory and save no time."""

Progress = Callable[[int, int], None]


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
        self._rows = {item.path: row for row, item in enumerate(everything)}
        reals = [item for item in everything if item.label == REAL]
        self._made_rows = {item.path: row for row, item in enumerate(reals)}
        folder = prepared / FOLDER / key(recipe, prepared, weights)
        folder.mkdir(parents=True, exist_ok=True)

        plain = Plain(check, Store(check, recipe.cut.size_px))
        names = sorted(recipe.data.makers) if recipe.data.made else []
        numbers = _numbers(recipe)
        views = [folder / f"view-{number:03}.npy" for number in numbers]
        made = {name: [folder / f"view-{number:03}-{name}-{_maker(name)}.npy" for number in numbers] for name in names}
        paths = [*views, *(path for name in names for path in made[name]), folder / "val.npy"]
        if not all(path.is_file() for path in paths):
            store = Store(everything, recipe.cut.size_px)
            gallery = Gallery(everything, store.segments) if WITH_DONORS & set(names) else None
            forms: list[Forms] = [View(everything, None, store, recipe, number) for number in numbers]
            forms += [View(reals, name, store, recipe, number, gallery) for name in names for number in numbers]
            session = describer(model, recipe.cut, folder)
            fill(dict(zip(paths, [*forms, plain], strict=True)), session, jobs or usable_cores(), progress)
        self._views = [load(path) for path in views]
        self._made = {name: [(load(path), np.load(_lent(path))) for path in made[name]] for name in names}
        self._check = load(folder / "val.npy")
        self._check_items = check
        self._owner = plain.owner

    def epoch(self, learn: Sequence[Item], number: int) -> Lessons:
        """The descriptions that one epoch learns from: float32 (D,), and the label."""
        rng = np.random.default_rng((self._recipe.seed, number))
        draws = draw_epoch(learn, self._recipe.data, self._recipe.train.pictures_per_epoch, rng)
        views = rng.integers(len(self._views), size=len(draws))
        fakes = [item for item in learn if item.label == FAKE]
        known = {-1, *(self._rows[item.path] for item in learn)}
        lessons: list[tuple[Rows, int]] = []
        for place, (view, draw) in enumerate(zip(views, draws, strict=True)):
            made = self._of_maker(draw, int(view), known) if draw.maker else None
            if draw.maker and made is None:  # of faces that are left out, whatever the view: a collected fake instead
                draws[place] = Draw(fakes[int(rng.integers(len(fakes)))])
            lessons.append(made or (self._views[view], self._rows[draws[place].item.path]))
        return Lessons(lessons, draws)

    def means(self, items: Sequence[Item]) -> NDArray[np.float32]:
        """What is said of train items, none of them made fake, in the mean of their forms: (len(items), D)."""
        rows = [self._rows[item.path] for item in items]
        total = np.zeros((len(rows), self._views[0].shape[1]), np.float32)
        for view in self._views:
            total += view[rows]
        return total / np.float32(len(self._views))

    def table(self, learn: Sequence[Item]) -> Table:
        """All descriptions of these items at once, each weighed by how often an epoch would draw it.

        Made fakes into which something went that is not among the items stay out.
        """
        options, known = self._recipe.data, {-1, *(self._rows[item.path] for item in learn)}
        reals = [item for item in learn if item.label == REAL]
        fakes = [item for item in learn if item.label == FAKE]
        parts: list[tuple[str, Rows, list[Item], list[int], float]] = []
        for label, mine, share in ((REAL, reals, 1.0), (FAKE, fakes, 1.0 - options.made)):
            rows = [self._rows[item.path] for item in mine]
            parts += [(str(label), view, mine, rows, share / len(self._views)) for view in self._views]
        for name, views in self._made.items():
            share = options.made * options.makers[name] / sum(options.makers.values()) / len(views)
            for view, lent in views:
                mine = [item for item in reals if int(lent[self._made_rows[item.path]]) in known]
                parts.append((name, view, mine, [self._made_rows[item.path] for item in mine], share))
        kinds = [f"{kind} {item.source}" for kind, _, mine, _, _ in parts for item in mine]
        return Table(
            rows=np.concatenate([view[rows] for _, view, _, rows, _ in parts]),
            labels=np.array([REAL if kind == str(REAL) else FAKE for kind, _, mine, _, _ in parts for _ in mine]),
            weights=np.concatenate([share * by_source(mine, options.source_power) for *_, mine, _, share in parts]),
            groups=np.unique(kinds, return_inverse=True)[1],
        )

    def _of_maker(self, draw: Draw, view: int, known: set[int]) -> tuple[Rows, int] | None:
        """The row of a made fake, of this view or the next in which nothing unknown went into it."""
        row = self._made_rows[draw.item.path]
        made = self._made[str(draw.maker)]
        for rows, lent in (*made[view:], *made[:view]):
            if int(lent[row]) in known:
                return rows, row
        return None

    @torch.inference_mode()
    def scores(self, model: Detector, items: Sequence[Item]) -> NDArray[np.float64]:
        """Mean logit of each val item's segments: (len(items),)."""
        device = next(model.parameters()).device
        model.eval()
        logits = model.judge(torch.from_numpy(np.array(self._check)).to(device)).cpu().numpy()
        means = mean_by_item(logits, self._owner)
        by_path = {item.path: mean for item, mean in zip(self._check_items, means, strict=True)}
        return np.array([by_path[item.path] for item in items])


class Forms(Protocol):
    """What is to be described: uint8 (S, S, 3), or several pictures at a time, (K, S, S, 3), or sounds, (K, T)."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, index: int) -> Sample:
        """The pixels, and a label that is not looked at."""


def describer(model: Detector, cut: Cut, folder: Path) -> Session:
    """The backbones in our own runtime, which takes a third of PyTorch's time for it on common processors.

    They describe one look at a time, also where a head then reads several in their order.
    """
    graph = folder / "backbones.onnx"
    write_graph(Describer(model), ("described",), cut.model_copy(update={"frames": None}), graph)
    try:
        return Session(graph, threads=1)
    finally:
        graph.unlink()


def fill(wanted: Mapping[Path, Forms], session: Session, jobs: int, progress: Progress | None) -> None:
    """Write what is not there yet: to each path a row for each of its pictures, in order, float16 (N, D)."""
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
        if isinstance(forms, View) and forms.maker:
            _write(_lent(path), forms.lent)
        _write(path, np.concatenate(rows))


def _described(session: Session, forms: Forms, jobs: int) -> Iterator[Rows]:
    """Rows for each picture, in order. Threads will do: Pillow, numpy and the runtime let go of the interpreter."""

    def rows(number: int) -> Rows:
        shown = forms[number][0].numpy()
        one = 1 if shown.dtype == np.float32 else 3  # dimensions of a sound, or of a picture
        pictures = shown.reshape(-1, *shown.shape[-one:])
        parts = [pictures[start : start + _AT_ONCE] for start in range(0, len(pictures), _AT_ONCE)]
        with np.errstate(over="ignore"):
            return np.concatenate([session.run(part)["described"].astype(np.float16) for part in parts])

    pool = ThreadPoolExecutor(jobs)
    try:
        for described in pool.map(rows, range(len(forms))):
            if not np.isfinite(described).all():
                raise RecipeError("the backbone's features are too large for half precision; choose other maps")
            yield described
    finally:
        pool.shutdown(cancel_futures=True)


def _numbers(recipe: Recipe) -> range:
    """Which forms a recipe looks at.

    A head that learns by steps has the chance of its steps, so with every seed it may look at the same; one that is
    solved has no chance but that of its pictures, and looks at others with each seed.
    """
    first = recipe.seed * recipe.train.views if recipe.model.solved else 0
    return range(first, first + recipe.train.views)


def by_source(items: Sequence[Item], power: float) -> NDArray[np.float64]:
    """What each item counts, 1 in all: alike within a source, and sources by a power of their size."""
    sizes = Counter(item.source for item in items)
    weights = np.array([sizes[item.source] ** (power - 1) for item in items])
    return np.asarray(weights / max(weights.sum(), 1e-9))


def _lent(path: Path) -> Path:
    """Where it stands who lent a face to the fakes of a view."""
    return path.with_name(f"{path.stem}-lent.npy")


def load(path: Path) -> Rows:
    """What was written, left on the disk until it is looked at: float16 (N, D)."""
    rows: Rows = np.load(path, mmap_mode="r")
    return rows


def _write(path: Path, rows: NDArray[np.float16] | NDArray[np.int64]) -> None:
    """Whole or not at all: a stop meanwhile must not leave a torn file under a name that will be believed."""
    draft = path.with_suffix(".new")
    with draft.open("wb") as file:
        np.save(file, rows)
    draft.replace(path)


def key(recipe: Recipe, prepared: Path, weights: Sequence[Path | None], *code: Path) -> str:
    """The name of the folder of descriptions: changes with everything that they depend on.

    The code that changes pictures is included, with files of it that are named besides.
    """
    backbones = [backbone.model_dump(mode="json") for backbone in recipe.model.backbones]
    describes = "dense" if recipe.model.head == "dense" else recipe.model.regions
    which_plain = [recipe.train.plain_views, recipe.train.views] if recipe.train.plain_views else None
    changes = [recipe.augment.model_dump(mode="json"), which_plain]
    options: list[object] = [backbones, describes, changes, recipe.cut.size_px]
    if any(backbone.weights == "none" for backbone in recipe.model.backbones):
        options.append(recipe.seed)  # what starts at random is another network with another seed
    if recipe.cut.frames:
        options.append(recipe.cut.frames)
    if recipe.model.hears:
        options.append([recipe.cut.window_s, recipe.sound.model_dump(mode="json")])
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    common = (Path(str(module.__file__)) for module in (augment, data, heads, lessons, sights, texture))
    for path in (prepared / MANIFEST, *common, *code, *(file for file in weights if file)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def _maker(name: str) -> str:
    """Changes with whatever makes fakes. What is not made does not depend on it, and need not be described again."""
    folder = Path(makers.__file__).parent
    digest = hashlib.sha256(by_generators.pin().encode() if MAKERS[name] is by_generators else b"")
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(path.relative_to(folder).as_posix().encode() + hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:8]
