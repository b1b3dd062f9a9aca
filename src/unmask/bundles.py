"""Model bundles: which there are, and whether they are what they say.

A bundle is a folder with model.onnx, card.json and golden.npz; where its card says so, the graph is that of the bundle
beside it, which computes both. The golden file holds `pixels` uint8 (N, S, S, 3), for videos
windows (N, F, S, S, 3), or `samples` of voices float32 (N, T), and the `logit` float32 (N,) that the trained network
gave for them, so that any machine can replay the promise.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from unmask.card import Card
from unmask.errors import BundleError, UsageError

FOLDER: Final = Path(__file__).parent / "models"
"""Where the bundles lie that ship in this package."""

TOLERANCE: Final = 1e-3
"""Largest difference in logits between a golden file and its replay."""


@dataclass(frozen=True)
class Bundle:
    """One bundle on disk, with its card read and nothing else."""

    folder: Path
    card: Card

    @property
    def model_path(self) -> Path:
        """The graph, its own or that of the bundle beside it."""
        return (self.folder.parent / self.card.graph if self.card.graph else self.folder) / "model.onnx"

    @property
    def golden_path(self) -> Path:
        """Inputs with the logits they must give."""
        return self.folder / "golden.npz"


def shipped() -> tuple[Bundle, ...]:
    """The bundles that came with this package, sorted by folder name.

    Raises:
        BundleError: A card in the package is damaged.
    """
    return inside(FOLDER)


def inside(folder: Path) -> tuple[Bundle, ...]:
    """The bundles whose folders lie in a folder, sorted by name.

    Raises:
        BundleError: A card is damaged.
    """
    return tuple(_open(card.parent) for card in sorted(folder.glob("*/card.json")))


def find_all(name_or_folder: str) -> tuple[Bundle, ...]:
    """The bundle that `find` finds, or all of a folder of bundles.

    Raises:
        UsageError: There is none.
        BundleError: A card is damaged.
    """
    folder = Path(name_or_folder)
    one = (folder / "card.json").is_file() or name_or_folder in {bundle.card.name for bundle in shipped()}
    several = () if one else inside(folder)
    return several or (find(name_or_folder),)


def find(name_or_folder: str) -> Bundle:
    """A shipped bundle by its name, or any other by its folder; write ./name for a folder called like a shipped one.

    Raises:
        UsageError: Neither; the message lists the shipped names.
        BundleError: The folder's card is missing or damaged.
    """
    ours = {bundle.card.name: bundle for bundle in shipped()}
    if name_or_folder in ours:
        return ours[name_or_folder]
    if Path(name_or_folder).is_dir():
        return _open(Path(name_or_folder))
    names = f"the shipped models are: {', '.join(ours)}" if ours else "no models ship with this installation"
    raise UsageError(f'there is no model "{name_or_folder}", and no folder of that name; {names}')


def model(bundle: Bundle) -> bytes:
    """The graph's bytes, after comparing them with the card; load these, not the file, which may change meanwhile.

    Raises:
        BundleError: The file cannot be read, or is not the one that the card describes.
    """
    try:
        data = bundle.model_path.read_bytes()
    except OSError as error:
        raise BundleError(f"the model {bundle.model_path} cannot be read: {error.strerror}") from error
    found = hashlib.sha256(data).hexdigest()
    if found != bundle.card.sha256:
        raise BundleError(
            f"the model {bundle.model_path} is not the one its card describes: "
            f"its sha256 is {found}, the card says {bundle.card.sha256}"
        )
    return data


def verify(bundle: Bundle) -> None:
    """Compare the graph's sha256 with the card.

    Raises:
        BundleError: The file cannot be read, or is not the one that the card describes.
    """
    model(bundle)


def check(bundle: Bundle) -> float:
    """Replay golden.npz on this machine.

    Returns:
        The largest difference in logits.

    Raises:
        BundleError: The graph or the golden file is damaged, a logit differs by more than `TOLERANCE`, or the
            activation does not add up to the logit, so that heat maps, or timelines, would mislead.
    """
    from unmask.runtime import Session  # here, because listing bundles must not load onnxruntime

    inputs, expected = _golden(bundle)
    session = Session(model(bundle))
    try:
        out = session.run(inputs)
        logit, activation = (out[bundle.card.output(name)] for name in ("logit", "activation"))
    except Exception as error:  # onnxruntime's own exceptions share no public base
        raise BundleError(f"{bundle.model_path} cannot be replayed: {error}") from error
    difference = float(np.abs(logit - expected).max())
    if not difference <= TOLERANCE:  # so written because NaN must fail
        raise BundleError(
            f"{bundle.model_path} does not compute here what it was trained to: "
            f"logits differ by {difference:.2g}, at most {TOLERANCE:g} is allowed"
        )
    constants = logit - activation.reshape(len(logit), -1).mean(axis=1)
    if not float(np.ptp(constants)) <= TOLERANCE:
        raise BundleError(f"the activation of {bundle.model_path} does not add up to its logit")
    return difference


def _open(folder: Path) -> Bundle:
    return Bundle(folder, Card.read(folder / "card.json"))


def _golden(bundle: Bundle) -> tuple[NDArray[Any], NDArray[np.float32]]:
    path, cut = bundle.golden_path, bundle.card.cut
    try:
        with path.open("rb") as file, np.load(file) as arrays:
            inputs, logit = arrays[cut.input_name], arrays["logit"]
    except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise BundleError(f"the golden file {path} cannot be read: {error}") from error
    if inputs.dtype != cut.input_type or inputs.shape != (len(logit), *cut.input_shape) or not len(logit):
        shape = ", ".join(map(str, ("N", *cut.input_shape)))
        raise BundleError(f"the golden file {path} does not hold {cut.input_type} ({shape}) with their logits")
    return inputs, logit
