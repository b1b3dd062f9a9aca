"""What a dataset file says of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class About:
    """Facts about one dataset, for people and for the model card.

    Attributes:
        name: What it is called.
        licence: The terms of the data, as its owner words them.
        homepage: Where it is described; "" for data of your own.
        how_to_get: What to do to have it on disk, and what must lie where.
        labels: How its own labels map to ours (1 is fake), and whether they were flipped.
        traps: What a detector could learn from it instead of the difference between real and fake, and what its
            figures do not tell; a sentence each.
        media: What its items are; "either" is anything that we judge. Of videos, `unmask frames` takes stills first.
    """

    name: str
    licence: str
    homepage: str
    how_to_get: str
    labels: str
    traps: tuple[str, ...] = ()
    media: Literal["pictures", "videos", "sound", "either"] = "pictures"
