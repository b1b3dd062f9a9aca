"""The worst mistakes in words: what the program knows of each picture, and room for what a person sees.

No picture, and of its path nothing but the file's own name, so that the list may leave the place where the pictures
lie. The list is a table in Markdown; what people write into its last column is read back and kept when it is written
again, also for pictures that are no longer among the worst.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unmask import appearance, manifest, scored
from unmask.errors import ManifestError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.scan import Scanner
from unmask.scores import Row, read_scores
from unmask.types import Report
from unmask.wording import visible

Progress = Callable[[int, int], None]

KEPT: Final = "Described before"
_TITLE: Final = "# The worst mistakes"
_COLUMNS: Final = ("file", "source", "method", "fake with", "verdict", "what the program knows", "what a person sees")
_DASHES: Final = ("---",) * len(_COLUMNS)


@dataclass(frozen=True)
class Mistake:
    """One picture that was judged wrongly, or the nearest to it.

    Attributes:
        row: What the table of scores says of it.
        facts: What the program knows, in words.
    """

    row: Row
    facts: str

    @property
    def key(self) -> tuple[str, str]:
        """What a person's words are found again by: source and file name."""
        return self.row.source, Path(self.row.path).name


@dataclass(frozen=True)
class Written:
    """How many were described, and how many descriptions by people the list holds."""

    reals: int
    fakes: int
    kept: int


def write(
    scores: Path,
    table: Path,
    out: Path,
    *,
    split: str = "test",
    models: Sequence[str | Path] = (),
    count: int = 20,
    progress: Progress | None = None,
) -> Written:
    """Describe the real photos with the highest probability of fake, and the fakes with the lowest.

    Each is looked at once more, with evidence, for the table of scores holds no sizes, faces or findings.

    Args:
        scores: The table of scores.
        table: The manifest of the files that were scored.
        out: The list; what people wrote into it is kept.
        split: Whose files.
        models: As for `Scanner`; those that made the scores, where their findings shall be told.
        count: How many of each kind.
        progress: Called with files looked at and files in all.

    Raises:
        ManifestError: A table cannot be read, the split has no scores, or a file is not in the manifest.
        UsageError: There is another file of that name, which is no such list; or no such model.
    """
    words = read_words(out)
    chosen = [one for one in scored.scored(read_scores(scores)) if one.split == split and not one.perturbation]
    if not chosen:
        raise ManifestError(f'{scores} holds no scores of the split "{split}"')
    kinds = {label: worst(chosen, label, count) for label in (REAL, FAKE)}
    found = locate([row for rows in kinds.values() for row in rows], manifest.read(table), table)
    described: dict[int, list[Mistake]] = {REAL: [], FAKE: []}
    with Scanner(models, evidence=True, provenance=False) as scanner:
        reports = scanner.scan_many((item.path for _, item in found), alone=True)
        for done, ((row, item), report) in enumerate(zip(found, reports, strict=True), start=1):
            described[row.label].append(Mistake(row, _facts(row, item, report)))
            if progress:
                progress(done, len(found))
    _put(out, to_markdown(described, chosen, words, split))
    return Written(len(described[REAL]), len(described[FAKE]), sum(map(bool, words.values())))


def worst(rows: Sequence[Row], label: int, count: int) -> list[Row]:
    """The rows of a class whose probability is the most wrong, worst first; of equal ones the first in the table."""
    mine = [one for one in rows if one.label == label and one.probability is not None]
    return sorted(mine, key=lambda one: (one.probability or 0.0) * (-1 if label == REAL else 1))[:count]


def locate(rows: Sequence[Row], items: Sequence[Item], table: Path) -> list[tuple[Row, Item]]:
    """Each row with its item: by its path, or, where the folder has moved since, by its name and source.

    Raises:
        ManifestError: An item is not there, or several could be meant.
    """
    by_path = {manifest.located(item.path): item for item in items}
    by_name: dict[tuple[str, str], list[Item]] = {}
    for item in items:
        by_name.setdefault((item.source, item.path.name), []).append(item)
    found = []
    for row in rows:
        path = Path(row.path)
        alike = by_name.get((row.source, path.name), [])
        there = by_path.get(manifest.located(path)) or (alike[0] if len(alike) == 1 else None)
        if there is None:
            raise ManifestError(f"{path.name} of the scores is not in {table}: name the manifest that was scored")
        found.append((row, there))
    return found


def to_markdown(
    described: Mapping[int, Sequence[Mistake]],
    rows: Sequence[Row],
    words: Mapping[tuple[str, str], str],
    split: str,
) -> str:
    """The list; words about pictures that are not in it any more come last."""
    parts = [f"{_TITLE}, {split}", "", _INTRODUCTION]
    for label, who, wrong in ((REAL, "Real photos", "fake"), (FAKE, "Fakes", "real")):
        mine = [one for one in rows if one.label == label]
        called = sum(one.verdict == wrong for one in mine)
        unsure = sum(one.verdict == "uncertain" for one in mine)
        parts += ["", f"## {who} that look the most {wrong}", ""]
        parts += [f"Of {len(mine):,} with a score, {called} were called {wrong}, and {unsure} were uncertain.", ""]
        parts += [_line(_COLUMNS), _line(_DASHES)]
        parts += [_line(_cells(one, words.get(one.key, ""))) for one in described[label]]
    there = {one.key for found in described.values() for one in found}
    earlier = {key: text for key, text in words.items() if text and key not in there}
    if earlier:
        parts += ["", f"## {KEPT}", "", _line(_COLUMNS), _line(_DASHES)]
        parts += [_line((name, source, "", "", "", "", text)) for (source, name), text in earlier.items()]
    return "\n".join(parts) + "\n"


_INTRODUCTION: Final = (
    "Sorted by the probability of fake that was scored. Write into the last column what you see; it is kept when the\n"
    "list is written again. Keep each picture on its line, and write \\| for a vertical bar."
)


def read_words(path: Path) -> dict[tuple[str, str], str]:
    """What people wrote, by source and file name; nothing where there is no list yet.

    Raises:
        UsageError: The file is no such list, or a line of it is broken: writing it again would lose words.
    """
    if not path.exists():
        return {}
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read, and would be written over: {error}") from error
    if not lines or not lines[0].startswith(_TITLE):
        raise UsageError(f"{path} is no list of mistakes: name another file, for this one would be written over")
    found = {}
    for number, line in enumerate(lines, start=1):
        if not line.startswith("|"):
            continue
        cells = tuple(cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1])
        if len(cells) != len(_COLUMNS):
            raise UsageError(f"{path}, line {number}, has not {len(_COLUMNS)} columns: mend it, or its words are lost")
        if cells not in (_COLUMNS, _DASHES):
            found[cells[1], cells[0]] = cells[-1]
    return found


def _cells(one: Mistake, words: str) -> tuple[str, ...]:
    row = one.row
    source, name = one.key
    return name, source, row.method, f"{row.probability:.3f}", row.verdict, one.facts, words


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(visible(cell).replace("|", "\\|") for cell in cells) + " |"


def _facts(row: Row, item: Item, report: Report) -> str:
    return "; ".join((*appearance.describe(item.path), *_said(row, report)))


def _said(row: Row, report: Report) -> Iterator[str]:
    """What each detector makes of it now, and whether that is still what was scored."""
    for name, score in report.scores.items():
        yield f"{name} says {score.probability:.2f}"
    silent = {one.detector: one.sentence for one in report.evidence if one.logit is None}
    yield from (f"{name}: {why}" for name, why in silent.items() if name not in report.scores)
    if report.verdict is None:
        yield f"it could not be judged again: {report.message}"
    elif row.detector and row.detector not in report.scores:
        yield f"it was scored by {row.detector}, which was not asked again"
    elif abs((report.verdict.probability or 0.0) - (row.probability or 0.0)) > _SAME:
        yield "the score has changed since"


_SAME: Final = 5e-4


def _put(out: Path, text: str) -> None:
    """It takes its name when it is whole, for it may hold a person's work."""
    draft = out.with_name(f"{out.name}.draft")
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace")
        draft.replace(out)
    except OSError as error:
        raise UsageError(f"{out} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
