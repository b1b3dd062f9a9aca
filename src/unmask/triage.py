"""The cheap witnesses first, and the networks only where they are needed.

In this order: a list of files that somebody has judged already, what the file declares about itself, and whether it is
a copy of a picture that was judged earlier in the same run (`unmask.same_picture`). Only where none of these decides,
faces are looked for and networks asked. No other file's verdict depends on what was skipped.

A copy takes over a verdict that rests on what was seen, of a picture with its bytes, its pixels, or from which it was
provably saved. It never takes over a declaration: such words are about the file in which they stand. For the same
reason only the same bytes make a copy where a hybrid weighs what each file says of itself.

Which file is whose copy depends on the order of the files alone, not on which thread was faster: decisions are taken in
that order, each once those before it are.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from unmask import near_duplicates
from unmask.known_files import Known
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities.image import Photo
from unmask.near_duplicates import Index
from unmask.same_picture import is_saved_from, pixels_sha256
from unmask.types import Report, Skipped, Spared, Status
from unmask.words import Declaration, Extent, Verdict

if TYPE_CHECKING:
    from unmask.judge import Judge
    from unmask.prepared import Prepared

PROPOSED: Final = 3
"""Pictures of one size that look alike, of which it is asked whether this one was saved from them; the latest first."""

_WHY: Final = {
    Spared.KNOWN: "it is on the list of known files",
    Spared.DECLARED: "it declares itself to be made by a model",
    Spared.SAME_BYTES: "it has the same bytes as a file judged before",
    Spared.SAME_PIXELS: "it has the same pixels as a picture judged before",
    Spared.SAVED_AGAIN: "saving a picture judged before makes exactly this one",
}


@dataclass(frozen=True)
class Spare:
    """Why one file is spared the networks; `twin` is the number of the file whose verdict it takes over."""

    reason: Spared
    known: Known | None = None
    twin: int | None = None

    def skipped(self, twin: str | None = None) -> Skipped:
        """The same as a report says it."""
        return Skipped(reason=self.reason, sentence=f"no network was asked: {_WHY[self.reason]}", twin=twin)

    def verdict(self) -> Verdict | None:
        """Of a known file, what the list says; None of all else, whose verdict comes from elsewhere."""
        if self.known is None:
            return None
        note = f": {self.known.note}" if self.known.note else ""
        said = f"the list of known files says {self.known.label}{note}"
        return Verdict(label=self.known.label, reason=said, known=said)


@dataclass(eq=False)
class _Seen:
    """Files that networks look at, as far as copies of them need it."""

    pictures: dict[int, tuple[Path, str, tuple[int, int]]] = field(default_factory=dict)
    by_bytes: dict[str, int] = field(default_factory=dict)
    by_pixels: dict[str, int] = field(default_factory=dict)
    thumbnails: Index = field(default_factory=Index)
    numbers: list[int] = field(default_factory=list)


class Triage:
    """One run over many files. Takes about 3 KB of memory a file.

    Attributes:
        known: What a list says of files, by the hash of their bytes.
        limits: What reading a picture again may cost.
        weighed: Whether verdicts weigh what the file says of itself, as by a hybrid: then pixels alone make no copy.
    """

    def __init__(
        self, known: Mapping[str, Known] | None = None, limits: Limits = DEFAULT_LIMITS, weighed: bool = False
    ) -> None:
        self.known = known or {}
        self.limits = limits
        self.weighed = weighed
        self._seen = _Seen()
        self._begun = 0
        self._waiting: deque[tuple[int, Path]] = deque()
        self._turn = threading.Condition()
        self._now = 0
        self._finished: set[int] = set()
        self._reports: dict[int, Report] = {}

    def begin(self, path: Path) -> Turn:
        """The turn of the next file; to be called in the order of the files, and its `close` in any case."""
        turn = Turn(self, self._begun, path)
        self._waiting.append((self._begun, path))
        self._begun += 1
        return turn

    def reports(self, judge: Judge, files: Sequence[Prepared]) -> Iterator[Report]:
        """The reports on the next files, in the order in which they were begun; a copy has that of its twin."""
        for file, report in zip(files, judge.reports(files), strict=True):
            number, path = self._waiting.popleft()
            spare = file.spare
            if spare is None:
                # Evidence would stay in memory to the end, and copies do without it.
                slim = {"evidence": (), "video": None, "voice": None, "stability": None, "provenance": None}
                self._reports[number] = report.model_copy(update=slim)
                yield report
            elif spare.twin is None:
                yield report
            else:
                yield self._inherited(spare, report) or judge.reports([judge.prepare(path, judge.shared_finder)])[0]

    def _inherited(self, spare: Spare, report: Report) -> Report | None:
        """The report on a copy; None where its twin has no verdict to take over, so that the copy is to be judged."""
        twin = self._reports.get(-1 if spare.twin is None else spare.twin)
        if twin is None or twin.verdict is None or twin.verdict.declared is not None:
            return None
        name = twin.source.path
        reason = f"as of {name}, of which it is a copy: {twin.verdict.reason}"
        update = {
            "status": Status.OK,
            "message": None,
            "verdict": twin.verdict.model_copy(update={"reason": reason}),
            "scores": twin.scores,
            "models": twin.models,
            "faces": twin.faces,
            "skipped": spare.skipped(name),
        }
        return report.model_copy(update=update)

    @contextmanager
    def turn(self, number: int) -> Iterator[_Seen]:
        """What is known of the files before this one, once all of them have decided; then the next may."""
        with self._turn:
            self._turn.wait_for(lambda: self._now >= number)
        try:
            yield self._seen
        finally:
            self.finish(number)

    def finish(self, number: int) -> None:
        """Do not wait for this file any longer."""
        with self._turn:
            if number >= self._now:
                self._finished.add(number)
            while self._now in self._finished:
                self._finished.discard(self._now)
                self._now += 1
            self._turn.notify_all()


def _decides(said: Declaration | None) -> bool:
    """Of a declaration about a part, the verdict needs the networks."""
    return said is not None and said.extent is Extent.WHOLE


class Turn:
    """One file's way through triage. Made by `Triage.begin`.

    Attributes:
        number: Its place in the order of the run.
    """

    def __init__(self, triage: Triage, number: int, path: Path) -> None:
        self.number = number
        self._triage, self._path, self._sha256 = triage, path, ""

    def before(self, sha256: str) -> Spare | None:
        """What the list of known files decides; None where it does not name this one. Waits for nobody.

        Args:
            sha256: Of its bytes.
        """
        self._sha256 = sha256
        known = self._triage.known.get(sha256)
        return Spare(Spared.KNOWN, known) if known else None

    def of_film(self, said: Declaration | None) -> Spare | None:
        """Whether a film or a recording declares itself or is a copy; None where it is to be judged.

        Args:
            said: What it declares.
        """
        if _decides(said):
            return Spare(Spared.DECLARED)
        with self._triage.turn(self.number) as seen:
            twin = seen.by_bytes.get(self._sha256)
            if twin is not None:
                return Spare(Spared.SAME_BYTES, twin=twin)
            seen.by_bytes[self._sha256] = self.number
            return None

    def of_picture(self, photo: Photo, data: bytes, said: Declaration | None) -> Spare | None:
        """The same of a picture, decoded first: of one that is broken, a declaration decides nothing.

        One that declares something neither is a copy nor has any.

        Args:
            photo: The picture, decoded.
            data: The bytes of its file.
            said: What it declares.
        """
        if _decides(said):
            return Spare(Spared.DECLARED)
        if self._triage.weighed:
            return self.of_film(said) if said is None else None
        pixels, small = pixels_sha256(photo.image), near_duplicates.thumbnail(photo.image)
        with self._triage.turn(self.number) as seen:
            if said is not None:
                return None
            if (twin := seen.by_bytes.get(self._sha256)) is not None:
                return Spare(Spared.SAME_BYTES, twin=twin)
            if (twin := seen.by_pixels.get(pixels)) is not None:
                return Spare(Spared.SAME_PIXELS, twin=twin)
            near = [seen.numbers[place] for place in reversed(seen.thumbnails.near(small))]
            for twin in [one for one in near if seen.pictures[one][2] == photo.image.size][:PROPOSED]:
                path, sha256, _ = seen.pictures[twin]
                if is_saved_from(data, photo.image, path, sha256, self._triage.limits):
                    return Spare(Spared.SAVED_AGAIN, twin=twin)
            seen.pictures[self.number] = self._path, self._sha256, photo.image.size
            seen.by_bytes[self._sha256] = seen.by_pixels[pixels] = self.number
            seen.thumbnails.add(small)
            seen.numbers.append(self.number)
            return None

    def close(self) -> None:
        """Let the next file decide, whatever became of this one. Closing twice does no harm."""
        self._triage.finish(self.number)
