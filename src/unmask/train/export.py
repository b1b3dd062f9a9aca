"""From a finished run to a bundle: the graph, its golden file, and a card that says it is not calibrated yet.

The graph takes uint8 pixels and only casts and normalises them; no graph scales what it is shown. It is compared
with the trained network before anything is kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from unmask import bundles, demo, faces
from unmask.bundles import Bundle
from unmask.card import Calibration, Card, DataSource, Thresholds
from unmask.card import Training as TrainingNote
from unmask.errors import ExportError, UsageError
from unmask.runtime import Session
from unmask.train import run as runs
from unmask.train.graph import write_graph
from unmask.train.models import Detector, Shown, hold, parameters
from unmask.train.recipes import Recipe
from unmask.types import RATE_HZ, Pixels, Samples

UNCALIBRATED: Final = "none: not calibrated yet"
_GOLDEN_SEED: Final = 7
_DRAWN: Final = 6
_MOVED: Final = 3
"""Every so many of the golden pictures is moved over; windows of all would be large."""


def export(run: Path, out: Path) -> Bundle:
    """Write the bundle of a run into a folder, as `export_together` does."""
    return export_together([run], out)[0]


def export_together(trained: Sequence[Path], out: Path) -> tuple[Bundle, ...]:
    """Write the bundles of runs whose heads sit on the same frozen networks, which one graph computes once.

    Args:
        trained: Folders that `train` filled; of one alone the network may have learned too.
        out: The folder of the first bundle, which holds the graph; made if missing. The others lie beside it, in
            folders named by their recipes.

    Raises:
        UsageError: A run has no whole epoch, or the networks of several are not the same, or learn.
        ExportError: PyTorch and the exported graph differ by more than 1e-3 logits.
    """
    loaded = [runs.load(run) for run in trained]
    recipe, model = loaded[0]
    place = out.resolve()  # a folder such as "." has no name of its own
    folders = [out, *(place.parent / other.name for other, _ in loaded[1:])]
    _check_shared(loaded, [place, *folders[1:]])
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
    cards = [
        _card(other, network, run, sha256="").model_copy(update={"graph": "" if folder is out else place.name})
        for run, (other, network), folder in zip(trained, loaded, folders, strict=True)
    ]
    inputs = golden_inputs(recipe)
    logits = [_logit(network, inputs) for _, network in loaded]
    draft = out / "model.onnx.new"
    try:
        outputs = [card.output(name) for card in cards for name in ("logit", "activation", "embedding")]
        write_graph(Shown(*(network for _, network in loaded)), outputs, recipe.cut, draft)
        for card, logit in zip(cards, logits, strict=True):
            compare(draft, inputs, logit, card.output("logit"))
        for looks in range(1, recipe.cut.frames or 1):  # a person who is seen but shortly
            compare(draft, inputs[:, :looks], _logit(model, inputs[:, :looks]))
        draft.replace(out / "model.onnx")
    finally:
        draft.unlink(missing_ok=True)
    sha256 = hashlib.sha256((out / "model.onnx").read_bytes()).hexdigest()
    made = []
    for folder, card, logit in zip(folders, cards, logits, strict=True):
        with (folder / "golden.npz").open("wb") as file:
            arrays: dict[str, Any] = {recipe.cut.input_name: inputs, "logit": logit}
            np.savez_compressed(file, **arrays)
        made.append(Bundle(folder, card.model_copy(update={"sha256": sha256})))
        made[-1].card.write(folder / "card.json")
    return tuple(made)


def _check_shared(loaded: Sequence[tuple[Recipe, Detector]], folders: Sequence[Path]) -> None:
    """One graph for several heads needs one cut and the same networks, which none of the runs has changed."""
    (first, model), *others = loaded
    for recipe, network in others:
        frozen = first.model.frozen and recipe.model.frozen and not recipe.model.temporal
        same = (recipe.cut, recipe.model.backbones) == (first.cut, first.model.backbones)
        if not frozen or not same or not _equal(model.eyes.state_dict(), network.eyes.state_dict()):
            raise UsageError(
                f"{recipe.name} cannot share the graph of {first.name}: that needs the same cut and the same networks, "
                "frozen whole"
            )
    if len(set(folders)) < len(folders):
        raise UsageError("bundles that share a graph need recipes of different names")


def _equal(one: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def compare(graph: Path, inputs: Pixels | Samples, logit: NDArray[np.float32], output: str = "logit") -> float:
    """The largest difference in logits between the graph, in one of its outputs, and what the network gave.

    Raises:
        ExportError: It is over `bundles.TOLERANCE`.
    """
    difference = float(np.abs(Session(graph).run(inputs)[output] - logit).max())
    if not difference <= bundles.TOLERANCE:
        raise ExportError(
            f"the exported graph differs from the trained network by {difference:.2g} logits; "
            f"at most {bundles.TOLERANCE:g} is allowed"
        )
    return difference


def golden_inputs(recipe: Recipe) -> Pixels | Samples:
    """What anyone may have: crops of the public-domain portrait and noise at several scales; of sounds, drawn ones.

    Returns:
        uint8 (N, S, S, 3); where the recipe looks at videos, windows (N, F, S, S, 3) that move slowly over some; where
        it listens, float32 (N, T).
    """
    if recipe.cut.kind == "speech":
        return _sounds(recipe.cut.input_shape[0])
    size, frames = recipe.cut.size_px, recipe.cut.frames
    if frames is None:
        return _pictures(recipe, size)
    still = _pictures(recipe, size + frames - 1)[::_MOVED]
    return np.stack([still[:, k : k + size, k : k + size] for k in range(frames)], axis=1)


def _pictures(recipe: Recipe, size: int) -> Pixels:
    with Image.open(demo.portrait_path()) as portrait:
        picture = portrait.convert("RGB")
    found, _ = faces.FaceFinder().find(picture)
    square = faces.square_around(found[0], recipe.cut.margin, picture.size, least_side_px=recipe.cut.least_side_px)
    crops = [faces.cut(picture, square, size), np.asarray(picture.crop((200, 60, 200 + size, 60 + size)), np.uint8)]
    rng = np.random.default_rng(_GOLDEN_SEED)
    for k in range(_DRAWN):
        coarse = rng.integers(0, 256, (2 ** (k + 2), 2 ** (k + 2), 3), np.uint8)
        crops.append(np.asarray(Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC), np.uint8))
    return np.stack(crops)


def _sounds(length: int) -> Samples:
    """Harmonics that glide and pulse like syllables over some noise, at several pitches; rounded to 16 bit."""
    rng = np.random.default_rng(_GOLDEN_SEED)
    times = np.arange(length) / RATE_HZ
    found = []
    for pitch_hz in (0, 90, 140, 210, 320):
        turns = np.cumsum(pitch_hz * (1 + 0.2 * np.sin(2 * np.pi * times))) / RATE_HZ
        voiced = sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 12)) * (np.sin(6 * np.pi * times) > -0.5)
        found.append(0.1 * voiced + 0.01 * rng.standard_normal(length))
    return (np.rint(np.stack(found) * 2**15) / 2**15).astype(np.float32)


def _logit(model: Detector, inputs: Pixels | Samples) -> NDArray[np.float32]:
    with torch.inference_mode():
        logit: NDArray[np.float32] = model(torch.from_numpy(inputs))[0].numpy()
    return logit


def _card(recipe: Recipe, model: Detector, run: Path, sha256: str) -> Card:
    data = json.loads((run / runs.DATA).read_text(encoding="utf-8"))
    return Card(
        name=recipe.name,
        version=recipe.card.version,
        modality=_modality(recipe),
        summary=recipe.summary,
        licence=recipe.card.licence,
        cut=recipe.cut,
        pooling=recipe.pooling,
        training=TrainingNote(
            recipe=f"{recipe.name}.toml",
            backbone=" + ".join(backbone.label for backbone in recipe.model.backbones),
            initial_weights=" + ".join(backbone.weights for backbone in recipe.model.backbones),
            seed=recipe.seed,
            epochs=runs.epochs_done(run),
            parameters=learned(recipe, model, runs.epochs_done(run)),
            made_fakes=_made_fakes(recipe),
            unmask_version=version("unmask"),
        ),
        sources=tuple(DataSource.model_validate(source) for source in data["train"]),
        calibration=Calibration(set=UNCALIBRATED, temperature=1.0, bias=0.0, reals=0, fakes=0),
        thresholds=Thresholds(fake_above=1.0, real_below=0.0, chosen="not chosen: everything is uncertain"),
        limits=recipe.card.limits,
        sha256=sha256,
    )


def _modality(recipe: Recipe) -> Literal["image", "video", "audio"]:
    if recipe.cut.kind == "speech":
        return "audio"
    return "video" if recipe.cut.frames else "image"


def learned(recipe: Recipe, model: Detector, epochs: int) -> int:
    """How many numbers so many epochs have changed, those that thawed on the way included."""
    hold(model, recipe.model, epochs)
    return parameters(model)


def _made_fakes(recipe: Recipe) -> str:
    if not recipe.data.made:
        return "none"
    if recipe.cut.frames:
        return f"clips made by unmask films, real and fake, {recipe.data.made:.0%} of the pairs"
    if recipe.cut.kind == "speech":
        return f"made by unmask voices from real recordings of the train split, {recipe.data.made:.0%} of all fakes"
    names = ", ".join(recipe.data.makers)
    return f"made from real pictures of the train split ({names}), {recipe.data.made:.0%} of all fakes"
