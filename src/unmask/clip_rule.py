"""How the persons of a video and its voice decide together: one file, `clip.json`, beside the folders of the bundles.

Each looks at another part of the video, and one fake part makes a fake video; so what they say is not averaged, as that
of several witnesses to one thing is (`unmask.ensemble`). Whether lips fit the sound has a say of its own: a mismatch
may be a voice-over, so it never makes a fake, but where it is clear nothing is called real.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from pydantic import Field, ValidationError

from unmask.bundles import Bundle
from unmask.card import Calibration, Figure, Thresholds
from unmask.ensemble import Member
from unmask.errors import BundleError
from unmask.types import Value

FILE: Final = "clip.json"

Joins = Literal["any", "highest", "mean"]
"""One fake part is enough and two count more; the more suspicious part alone counts; the mean of their logits."""


class ClipRule(Value):
    """What `clip.json` holds.

    Attributes:
        members: The detectors of persons and of voices, pinned by their hashes.
        joins: How their calibrated probabilities become one.
        chosen: Why so, in a sentence with figures.
        calibration: Of the logit of what they join to.
        thresholds: Likewise.
        lips_above: From this probability on that lips and sound do not fit, a video is not called real.
        metrics: Figures.
    """

    clip_rule_version: Literal[1] = 1
    members: tuple[Member, Member]
    joins: Joins
    chosen: str
    calibration: Calibration
    thresholds: Thresholds
    lips_above: float = Field(ge=0.0, le=1.0)
    metrics: tuple[Figure, ...] = ()

    @property
    def name(self) -> str:
        """The members' names, joined: "track+voice"."""
        return "+".join(member.name for member in self.members)

    @property
    def sha256(self) -> str:
        """Of everything that decides; figures do not."""
        decides = self.model_copy(update={"metrics": (), "chosen": ""})
        return hashlib.sha256(decides.model_dump_json().encode()).hexdigest()

    @property
    def version(self) -> str:
        """There is no version but the hash; this is its beginning."""
        return self.sha256[:8]

    def write(self, folder: Path) -> None:
        """Write it beside the bundles' folders, indented, for people and diffs."""
        (folder / FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")


def of(bundles: Sequence[Bundle]) -> ClipRule | None:
    """The rule that lies beside some bundles and whose members are among them, or None.

    Raises:
        BundleError: A file that should hold one is not valid.
    """
    there = {(bundle.card.name, bundle.card.sha256) for bundle in bundles}
    for folder in dict.fromkeys(bundle.folder.resolve().parent for bundle in bundles):
        found = _read(folder / FILE)
        if found and all((member.name, member.sha256) in there for member in found.members):
            return found
    return None


def _read(path: Path) -> ClipRule | None:
    if not path.is_file():
        return None
    try:
        return ClipRule.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise BundleError(f"the rule {path} is not valid, remove it to go on without: {error}") from error
