"""One file between the steps of judging it: read, cut and ready to be scored; or why it will not be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from unmask.detectors import provenance
from unmask.listen import Heard
from unmask.provenance import Account
from unmask.triage import Spare
from unmask.types import Declaration, Evidence, Segment, Source, Status
from unmask.watch import Seen


@dataclass(frozen=True, eq=False)
class Prepared:
    """One file, ready to be scored.

    Attributes:
        source: The file.
        problem: Why it cannot be judged, or None.
        faces: How many faces were found; None where none were looked for.
        segments: By detector, what it shall look at. A detector that is not needed for this file is absent.
        numbers: The traits of a picture's file by family, where a hybrid weighs them.
        aside: What witnesses found in the picture, who inform where evidence is asked for.
        copies: By what was done to it, changed copies of the file, where its verdict's stability is asked.
        seen: What came of a video, which is scored at once: it has looks enough to fill batches of its own.
        heard: Likewise what came of a recording, or of the sound of a video.
        account: What the file says about itself, where that is asked for.
        spare: Why triage spares it the networks, or None.
    """

    source: Source
    problem: tuple[Status, str] | None = None
    faces: int | None = None
    segments: Mapping[str, Sequence[Segment]] = field(default_factory=dict)
    numbers: Mapping[str, Mapping[str, float]] | None = None
    aside: tuple[Evidence, ...] = ()
    copies: Mapping[str, Prepared] = field(default_factory=dict)
    seen: Seen | None = None
    heard: Heard | None = None
    account: Account | None = None
    spare: Spare | None = None

    @property
    def said(self) -> Declaration | None:
        """What the file declares."""
        return provenance.declaration(self.account.findings) if self.account else None
