"""A list of files that somebody has judged already, by the hash of their bytes: CSV with sha256, label and note."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unmask.errors import UsageError
from unmask.wording import visible
from unmask.words import Label

_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_LABELS: Final = {"real": Label.REAL, "fake": Label.FAKE}
_NOTE_CHARACTERS: Final = 300


@dataclass(frozen=True)
class Known:
    """What a list says of one file: real or fake, and why or by whom."""

    label: Label
    note: str


def load(path: Path) -> Mapping[str, Known]:
    """The list, by hash.

    Args:
        path: CSV, UTF-8, whose first line names the columns: sha256, label (real or fake) and, if wanted, note. Further
            columns are passed over.

    Raises:
        UsageError: It cannot be read, a column is missing, a line is wrong, or two lines contradict each other.
    """
    found: dict[str, Known] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            if missing := {"sha256", "label"} - set(table.fieldnames or ()):
                raise UsageError(f"{path}: the column {min(missing)} is missing; its first line names the columns")
            for line in table:
                sha256 = (line["sha256"] or "").strip().lower()
                known = _known(path, table.line_num, sha256, line)
                if found.setdefault(sha256, known).label is not known.label:
                    raise UsageError(f"{path}, line {table.line_num}: this file is both real and fake: {sha256}")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {(error.strerror or str(error)).lower()}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{path} is no table in UTF-8: {error}") from error
    return found


def _known(path: Path, number: int, sha256: str, line: Mapping[str, str | None]) -> Known:
    if not _SHA256.fullmatch(sha256):
        raise UsageError(f"{path}, line {number}: not a SHA-256 in hexadecimal digits: {sha256[:80] or 'nothing'}")
    label = (line["label"] or "").strip().lower()
    if label not in _LABELS:
        raise UsageError(f'{path}, line {number}: the label is "{label[:40]}"; it must be real or fake')
    return Known(_LABELS[label], visible((line.get("note") or "").strip())[:_NOTE_CHARACTERS])
