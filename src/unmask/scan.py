"""A path in, a report out: photos and videos.

Importing this page is cheap: what decodes and computes is loaded with the first `Scanner`.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from unmask import bundles, ensemble, known_files
from unmask.errors import UsageError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.types import Report

if TYPE_CHECKING:
    from unmask.judge import Judge
    from unmask.prepared import Prepared
    from unmask.triage import Triage

_FILES_AHEAD: Final = 8
"""Files prepared beyond those being worked on: enough to fill a batch, few enough to keep memory flat."""


class Scanner:
    """Loaded detectors, for many photos.

        with Scanner() as scanner:
            for report in scanner.scan_many(expand(["holiday"])):
                print(report.source.path, report.verdict)

    Args:
        models: Names of shipped bundles, folders of others, or folders of several; all shipped ones when empty. An
            ensemble that lies beside them decides where all its members could judge; else, of several detectors of
            one kind, the first named.
        limits: What one file may cost.
        jobs: Files that `scan_many` works on at a time; as many as there are usable cores when None.
        evidence: Whether every detector looks at every photo and the reports hold heat maps. Without it, a detector
            that has no say in the verdict is not asked.
        stability: Whether slightly changed copies of each photo are judged too; where one of them is judged otherwise,
            the verdict becomes uncertain and says so (`unmask.stability`). Takes five times as long.
        frames: How many frames of a video to look at, spread over all of it; 32 when None.
        max_seconds: Seconds of a video or a recording to judge, from its start; as `limits` says when None.
        hybrid: Folder of a hybrid (`unmask.hybrid`) that decides on pictures in the networks' place; none when None.
        provenance: Whether to read what files say about themselves. A file that declares to be made by a model is
            then judged by that (`unmask.fuse_declared`), so whoever measures detectors leaves it out.
        trust: Files or folders of certificates (PEM) of those who may vouch for signers of Content Credentials; as the
            environment's UNMASK_TRUST says when empty.
        triage: Whether networks are asked only about files that nothing cheaper decides (`unmask.triage`).
        known: A list of known files for triage (`unmask.known_files`).

    Raises:
        UsageError: No such model or hybrid, two of one name, none at all, or `jobs`, `frames` or `max_seconds` too
            small.
        BundleError: A bundle is damaged or altered.
    """

    def __init__(
        self,
        models: Sequence[str | Path] = (),
        *,
        limits: Limits = DEFAULT_LIMITS,
        jobs: int | None = None,
        evidence: bool = False,
        stability: bool = False,
        frames: int | None = None,
        max_seconds: float | None = None,
        hybrid: str | os.PathLike[str] | None = None,
        provenance: bool = True,
        trust: Sequence[str | Path] = (),
        triage: bool = False,
        known: str | Path | None = None,
    ) -> None:
        if hybrid is not None and stability:
            raise UsageError("a hybrid reads metadata, which changed copies have not: ask for it or for stability")
        if frames is not None and frames < 1:
            raise UsageError(f"{frames} frames are none: look at 1 at least")
        if max_seconds is not None:
            if not max_seconds > 0:
                raise UsageError(f"{max_seconds:g} seconds are none: look at more than 0")
            limits = replace(limits, video_s=max_seconds, sound_s=max_seconds)
        if jobs is not None and jobs < 1:
            raise UsageError(f"jobs is {jobs}, but at least one file must be worked on at a time")
        if known is not None and not triage:
            raise UsageError("a list of known files is for triage: ask for both")
        self.bundles = chosen = _choose(models)
        self._known = known_files.load(Path(known)) if known is not None else {}
        self._limits, self._triage = limits, triage
        # Here, because these load onnxruntime and Pillow, and `import unmask` must stay light.
        from unmask.hybrid import Hybrid
        from unmask.judge import Judge
        from unmask.provenance import load
        from unmask.runtime import usable_cores
        from unmask.watch import FRAMES

        together, trusted = ensemble.of(chosen), load(trust) if provenance else None
        joined = Hybrid(Path(hybrid)) if hybrid is not None else None
        if joined:
            joined.demand({bundle.card.name: bundle.card.sha256 for bundle in chosen}, ensemble.rule(chosen))
        self._judge: Judge | None = Judge(
            chosen, together, limits, evidence, stability, frames or FRAMES, trusted, joined
        )
        self._weighs = joined is not None
        self._cores = usable_cores()
        self._jobs = jobs or self._cores

    def scan(self, path: str | os.PathLike[str]) -> Report:
        """Judge one photo or video, with all cores. A file that cannot be judged gets a status, not an exception."""
        judge = self._open_judge()
        triage = self._begin_triage()
        turn = triage.begin(Path(path)) if triage else None
        prepared = judge.prepare(Path(path), judge.finder, self._cores, turn)
        return judge.reports([prepared])[0]

    def scan_many(
        self, paths: Iterable[str | os.PathLike[str]], *, alone: bool = False
    ) -> Generator[Report, None, None]:
        """Judge many photos; reports come in the order of the paths, each as soon as those before it are out.

        Threads read, decode, find faces and cut a few files ahead; the caller's thread scores whatever is ready
        in one batch. `paths` is consumed as it is needed, `jobs` + 8 of them before the first report, and memory does
        not grow with their number. Closing the iterator, or an interrupt, drops the files that were not begun.

        Which files share a batch depends on which are ready, and with some networks the last digits of a score depend
        on its batch. `alone` scores each file by itself: a little slower, and the same every time.
        """
        judge = self._open_judge()
        finder, triage = judge.shared_finder, self._begin_triage()
        pool = ThreadPoolExecutor(self._jobs, thread_name_prefix="unmask")
        waiting: deque[Future[Prepared]] = deque()
        made = judge.reports if triage is None else partial(triage.reports, judge)
        together = 1 if alone else _FILES_AHEAD
        try:
            for path in paths:
                turn = triage.begin(Path(path)) if triage else None
                waiting.append(pool.submit(judge.prepare, Path(path), finder, 1, turn))
                if len(waiting) >= self._jobs + _FILES_AHEAD:
                    yield from made(_ready(waiting, together))
            while waiting:
                yield from made(_ready(waiting, together))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def close(self) -> None:
        """Let go of the models. Closing twice does no harm."""
        self._judge = None

    def __enter__(self) -> Self:
        """Return the scanner itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _begin_triage(self) -> Triage | None:
        """Of one run: copies are looked for among its own files."""
        from unmask.triage import Triage

        return Triage(self._known, self._limits, self._weighs) if self._triage else None

    def _open_judge(self) -> Judge:
        if self._judge is None:
            raise UsageError("this Scanner is closed; make a new one")
        return self._judge


def scan(
    path: str | os.PathLike[str],
    *,
    models: Sequence[str | Path] = (),
    limits: Limits = DEFAULT_LIMITS,
    evidence: bool = False,
    stability: bool = False,
    frames: int | None = None,
    max_seconds: float | None = None,
    hybrid: str | os.PathLike[str] | None = None,
    trust: Sequence[str | Path] = (),
) -> Report:
    """Judge one photo or video. For more than one, a `Scanner` loads the models once.

    Args:
        path: The photo.
        models: As for `Scanner`.
        limits: As for `Scanner`.
        evidence: As for `Scanner`.
        stability: As for `Scanner`.
        frames: As for `Scanner`.
        max_seconds: As for `Scanner`.
        hybrid: As for `Scanner`.
        trust: As for `Scanner`.

    Raises:
        UsageError: No such model, or none at all.
        BundleError: A bundle is damaged or altered.
    """
    with Scanner(
        models,
        limits=limits,
        evidence=evidence,
        stability=stability,
        frames=frames,
        max_seconds=max_seconds,
        hybrid=hybrid,
        trust=trust,
    ) as scanner:
        return scanner.scan(path)


def expand(paths: Iterable[str | os.PathLike[str]]) -> Iterator[Path]:
    """Every file that the paths name or hold, folder by folder, sorted by name.

    Links are followed, but no folder is entered twice, so loops end. A path that is missing, or a folder that may not
    be read, comes out as itself: scanning it says why, and nothing is lost silently.
    """
    entered: set[tuple[int, int]] = set()
    for path in paths:
        stack = [Path(path)]
        while stack:  # no recursion: folders may lie deeper than the interpreter's stack
            current = stack.pop()
            if not _is_folder(current):
                yield current
                continue
            try:
                status = current.stat()
                if (status.st_dev, status.st_ino) not in entered:
                    entered.add((status.st_dev, status.st_ino))
                    stack += sorted(current.iterdir(), reverse=True)
            except OSError:
                yield current


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # up to Python 3.13 is_dir passes on what it does not expect, such as a missing permission
        return False


def _ready(waiting: deque[Future[Prepared]], most: int) -> list[Prepared]:
    """Take the first file, and those after it that need no waiting."""
    files = [waiting.popleft().result()]
    while waiting and len(files) < most and waiting[0].done():
        files.append(waiting.popleft().result())
    return files


def _choose(models: Sequence[str | Path]) -> tuple[bundles.Bundle, ...]:
    found = (bundle for model in models for bundle in bundles.find_all(str(model)))
    chosen = tuple(found) if models else bundles.shipped()
    if not chosen:
        raise UsageError(
            "no models ship with this installation: name the folder of one (models=[...], or --models on the command "
            "line), or install a release of unmask"
        )
    names = [bundle.card.name for bundle in chosen]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f'two of the models are called "{name}"; scores are kept by name, so load one at a time')
    return chosen
