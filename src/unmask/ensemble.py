"""Several detectors that decide together: one file, `ensemble.json`, beside the folders of their bundles.

Each detector's pooled logit is calibrated on its own; the mean over the detectors is the ensemble's logit, which
has a calibration and thresholds of its own: two witnesses who agree are surer than either, and by how much is measured.
It applies only where every member could judge. The members are pinned by their hashes, because another network under
the same name would make the thresholds untrue.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from unmask.bundles import Bundle
from unmask.card import Calibration, Figure, Thresholds
from unmask.errors import BundleError
from unmask.types import Value

FILE: Final = "ensemble.json"


class Member(Value):
    """One detector: its name, the sha256 of its graph, and the calibration that the ensemble's own was fitted on.

    The calibration is kept here too, because the card's may be fitted anew on other data.
    """

    name: str
    sha256: str
    calibration: Calibration


class Ensemble(Value):
    """What `ensemble.json` holds.

    Attributes:
        members: In the order of their say.
        calibration: Of the mean of the members' calibrated logits.
        thresholds: Likewise.
        metrics: Figures of the ensemble as a whole.
    """

    ensemble_version: Literal[1] = 1
    members: tuple[Member, ...] = Field(min_length=2)
    calibration: Calibration
    thresholds: Thresholds
    metrics: tuple[Figure, ...] = ()

    @property
    def name(self) -> str:
        """The members' names, joined: "face+picture"."""
        return "+".join(member.name for member in self.members)

    @property
    def sha256(self) -> str:
        """Of everything that decides, so that a report can be repeated; figures do not decide."""
        return hashlib.sha256(self.model_copy(update={"metrics": ()}).model_dump_json().encode()).hexdigest()

    @property
    def version(self) -> str:
        """There is no version but the hash; this is its beginning."""
        return self.sha256[:8]

    def fits(self, bundles: Sequence[Bundle]) -> bool:
        """Whether all members are among some bundles."""
        there = {(bundle.card.name, bundle.card.sha256) for bundle in bundles}
        return all((member.name, member.sha256) in there for member in self.members)

    def write(self, folder: Path) -> None:
        """Write it beside the bundles' folders, indented, for people and diffs."""
        (folder / FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def read(folder: Path) -> Ensemble | None:
    """The ensemble of a folder of bundles, or None where there is none.

    Raises:
        BundleError: The file cannot be read, or is not valid.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        return Ensemble.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BundleError(f"the ensemble {path} is not valid, remove it to go on without: {error}") from error


def of(bundles: Sequence[Bundle]) -> Ensemble | None:
    """The ensemble that lies beside some bundles and whose members are all among them, or None.

    Raises:
        BundleError: A file that should hold one is not valid.
    """
    for folder in dict.fromkeys(bundle.folder.resolve().parent for bundle in bundles):
        found = read(folder)
        if found is not None and found.fits(bundles):
            return found
    return None
