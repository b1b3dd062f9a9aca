"""One file, step by step: read, decode, find faces, cut; then score, fuse and report. Videos: `watch`; sound: `listen`.

The first four steps are `prepare`, which many threads may run at once (Pillow and onnxruntime release the interpreter
lock); the last three are `reports`, which takes many prepared files, so that segments of different files share a batch.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from pathlib import Path

from unmask import clip_rule, fuse_declared, fuse_hybrid, kinds, listen, provenance, reported, stability, watch
from unmask.bundles import Bundle, verify
from unmask.card import Card
from unmask.detectors import compression
from unmask.detectors.onnx import OnnxDetector
from unmask.ensemble import Ensemble
from unmask.errors import MediaError, NothingToJudgeError, UnsupportedError
from unmask.faces import Face, FaceFinder
from unmask.fuse import Look
from unmask.hybrid import Hybrid
from unmask.limits import Limits
from unmask.listen import Heard
from unmask.modalities import image
from unmask.modalities.image import Photo
from unmask.panel import Panel
from unmask.prepared import Prepared
from unmask.provenance import NOBODY, Account, Trust
from unmask.traits import of_picture
from unmask.triage import Turn
from unmask.types import Report, Segment, Source, Status
from unmask.watch import FRAMES, Seen
from unmask.words import Progress


class Judge:
    """Loaded models, and what they make of photos.

    Where detectors decide together, those that do not are asked only where no face can be judged by those that do, or
    where evidence is wanted; so is a detector of whole pictures where one of faces decides alone.

    Args:
        bundles: The detectors, in the order of their say.
        ensemble: Of some of these, where they decide together.
        limits: What one file may cost.
        evidence: Whether to ask all detectors and to keep heat maps.
        steady: Whether to judge changed copies of each photo too, and let only a verdict stand that they share.
        frames: How many frames of a video to look at.
        trust: Whose signatures count in what files say about themselves; None where that is not to be read.
        hybrid: Decides on pictures in the networks' place, where it is named.

    Raises:
        BundleError: A bundle is damaged or altered.
    """

    def __init__(
        self,
        bundles: Sequence[Bundle],
        ensemble: Ensemble | None,
        limits: Limits,
        evidence: bool,
        steady: bool = False,
        frames: int = FRAMES,
        trust: Trust | None = NOBODY,
        hybrid: Hybrid | None = None,
    ) -> None:
        self._panel = Panel([one for one in bundles if one.card.modality == "image"])
        self._for_videos, self._for_sound = (  # of several for one kind of media the first named judges
            next((one for one in bundles if one.card.modality == modality), None) for modality in ("video", "audio")
        )
        for bundle in filter(None, (self._for_videos, self._for_sound)):
            verify(bundle)  # damage shows at once; loading it would cost those who scan photos a tenth of a second
        self._frames = frames
        self._trust = trust
        self._clip_rule = clip_rule.of(bundles)
        self._ensemble = ensemble
        self._limits = limits
        self._evidence = evidence
        self._steady = steady
        self._progress: Progress | None = None
        self._hybrid = hybrid

    @cached_property
    def finder(self) -> FaceFinder | None:
        """For one file at a time: all cores work on it. None where no detector cuts by faces."""
        return self._load_finder(None)

    @cached_property
    def shared_finder(self) -> FaceFinder | None:
        """For many files at a time: each caller's own thread does the work."""
        return self._load_finder(1)

    @cached_property
    def _of_videos(self) -> OnnxDetector | None:
        """Loaded with the first video; of several the first named."""
        return OnnxDetector(self._for_videos) if self._for_videos else None

    @cached_property
    def _of_sound(self) -> OnnxDetector | None:
        """Likewise, with the first sound."""
        return OnnxDetector(self._for_sound) if self._for_sound else None

    def asked(self, *, evidence: bool, progress: Progress | None = None) -> Judge:
        """The same models, all of them loaded, asked for evidence or not, and telling how far a film is."""
        _ = self.shared_finder, self._of_videos, self._of_sound  # before the copy, so that none is loaded twice
        other = copy.copy(self)
        other._evidence, other._progress = evidence, progress
        return other

    def prepare(self, path: Path, finder: FaceFinder | None, threads: int = 1, turn: Turn | None = None) -> Prepared:
        """Read, decode, find faces, cut. Never raises: what goes wrong with a file is its problem.

        Args:
            path: The file.
            finder: Finds faces; None where no detector needs any.
            threads: Of a video's decoder.
            turn: The file's way through triage, where networks are asked only if they are needed.
        """
        begun = Prepared(Source(path=image.display_path(path)))
        try:
            kinds.refuse_folder(path)
            sound = kinds.is_sound(path, self._limits)
            if sound or kinds.is_video(path, self._limits):
                begun = replace(begun, account=self._account(partial(provenance.read_film, path, limits=self._limits)))
                return self._film(path, begun, sound, finder, threads, turn)
            if not self._panel.cards:
                raise UnsupportedError("no detector of photos is loaded")
            data, source = image.read(path, self._limits)
            begun = replace(begun, source=source, account=self._account(partial(provenance.read, data)))
            if turn and (spare := turn.before(source.sha256 or "")):
                return replace(begun, spare=spare)
            photo = image.decode(data, source, self._limits)
            begun = replace(begun, source=photo.source)
            if begun.account:
                begun = replace(begun, account=provenance.against(begun.account, photo.image))
            if turn and (spare := turn.of_picture(photo, data, begun.said)):
                return replace(begun, spare=spare)
            numbers = of_picture(data, photo.image, self._limits) if self._hybrid else None
            cut = self._cut(photo, finder, data if self._evidence else None)
            prepared = replace(cut, account=begun.account, numbers=numbers)
            if not self._steady:
                return prepared
            copies = {change: self._cut(copy, finder) for change, copy in stability.copies(photo)}
            return replace(prepared, copies=copies)
        except MediaError as error:
            return replace(begun, problem=(reported.status_of(error), str(error)))
        except Exception as error:  # no single file may end the scan of all others, whatever it sets off
            return replace(begun, problem=(Status.UNREADABLE, f"judging it failed: {type(error).__name__}: {error}"))
        finally:
            if turn:
                turn.close()

    def _account(self, read: Callable[..., Account]) -> Account | None:
        return read(trust=self._trust) if self._trust is not None else None

    def _film(
        self, path: Path, begun: Prepared, sound: bool, finder: FaceFinder | None, threads: int, turn: Turn | None
    ) -> Prepared:
        """A video or a recording, which is scored at once."""
        if turn:
            begun = replace(begun, source=listen.source_of(path))
        if turn and (spare := turn.before(begun.source.sha256 or "") or turn.of_film(begun.said)):
            return replace(begun, spare=spare)
        try:
            if sound or (self._of_videos is None and self._of_sound):
                heard = self._listen(path)
                return replace(begun, source=listen.source_of(path, heard), heard=heard)
            seen = self._watch(path, finder, threads)
            heard_too = self._sound_of(path, seen)
            return replace(begun, source=seen.source, faces=seen.persons, seen=seen, heard=heard_too)
        except MediaError as error:
            source = listen.source_of(path) if begun.said else begun.source  # it will have a verdict, so it is hashed
            return replace(begun, source=source, problem=(reported.status_of(error), str(error)))

    def reports(self, files: Sequence[Prepared]) -> list[Report]:
        """Score the segments of all files together, then fuse file by file."""
        everything = [one for file in files for one in (file, *file.copies.values())]
        made = iter(self._reports(everything))
        found = []
        for file in files:
            report = next(made)
            copies = {change: next(made) for change in file.copies}
            report = stability.settled(report, copies) if copies else report
            found.append(fuse_declared.accounted(report, file.account, self._trust))
        return found

    def _reports(self, files: Sequence[Prepared]) -> list[Report]:
        looks = self._panel.looks([file.segments for file in files], heat_maps=self._evidence)
        return [self._report(file, mine) for file, mine in zip(files, looks, strict=True)]

    def _watch(self, path: Path, finder: FaceFinder | None, threads: int) -> Seen:
        if self._of_videos is None or finder is None:
            raise UnsupportedError("no detector of videos is loaded")
        eyes = watch.Eyes(self._of_videos, finder, self._limits)
        return watch.watch(
            path,
            eyes,
            frames=self._frames,
            threads=threads,
            evidence=self._evidence,
            lips=self._clip_rule is not None,
            progress=self._progress,
        )

    def _listen(self, path: Path) -> Heard:
        if self._of_sound is None:
            raise UnsupportedError("no detector of voices is loaded")
        heard = listen.listen(path, self._of_sound, self._limits, evidence=self._evidence, progress=self._progress)
        if not heard.voice.stretches:
            raise NothingToJudgeError("nobody speaks in it")
        return heard

    def _sound_of(self, path: Path, seen: Seen) -> Heard | None:
        """What is heard in a video; a sound that cannot be read takes nothing from what was seen."""
        if not seen.video.has_sound or self._of_sound is None:
            return None
        try:
            return listen.listen(path, self._of_sound, self._limits, evidence=self._evidence, progress=self._progress)
        except MediaError:
            return None

    def _cut(self, photo: Photo, finder: FaceFinder | None, data: bytes | None = None) -> Prepared:
        """The bytes of its file are given where witnesses are asked about it as well."""
        found, faces = finder.find(photo.image, self._limits.faces) if finder else ([], None)
        aside = compression.look(image.open_header(data, self._limits), photo.image, found) if data else ()
        faces = faces if any(self._cards("face")) else None  # found only to cut around them: no face was judged
        return Prepared(photo.source, None, faces, self._segments(photo, found), aside=aside)

    def _cards(self, kind: str) -> Iterator[Card]:
        return (card for card in self._panel.cards if card.cut.kind == kind)

    def _load_finder(self, threads: int | None) -> FaceFinder | None:
        around_faces = any(card.cut.patches == 1 for card in self._cards("patch"))
        needed = around_faces or any(self._cards("face")) or self._for_videos
        return FaceFinder(threads) if needed else None

    def _segments(self, photo: Photo, faces: Sequence[Face]) -> dict[str, list[Segment]]:
        """What each detector that is asked looks at, by its name."""
        members = {member.name for member in self._ensemble.members} if self._ensemble else set()
        by_face = list(self._cards("face"))
        deciding = [card for card in by_face if not members or card.name in members]
        others = [*(card for card in by_face if card not in deciding), *self._cards("patch"), *self._cards("whole")]
        cut = cache(lambda how: image.segments(photo, how, faces))  # several detectors look at the very same squares
        found = {card.name: cut(card.cut) for card in deciding}
        if not self._evidence and any(segment.unfit is None for segments in found.values() for segment in segments):
            others = [card for card in others if card.name in members]
        return found | {card.name: cut(card.cut) for card in others}

    def _report(self, file: Prepared, looks: Sequence[Look]) -> Report:
        if file.spare:
            return reported.of_spared(file.source, file.spare)
        if file.problem:
            return reported.of_problem(file.source, *file.problem)
        if file.seen:
            assert self._for_videos is not None  # it saw this
            return reported.of_video(file.seen, self._for_videos.card, self._heard(file), self._clip_rule)
        if heard := self._heard(file):
            return reported.of_sound(file.source, *heard)
        report = reported.of_photo(file.source, looks, file.faces, self._ensemble, file.aside)
        return fuse_hybrid.decided(report, self._hybrid, file.numbers) if self._hybrid and file.numbers else report

    def _heard(self, file: Prepared) -> tuple[Heard, Card] | None:
        return (file.heard, self._for_sound.card) if file.heard and self._for_sound else None
