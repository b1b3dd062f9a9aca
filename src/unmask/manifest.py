"""The table of labelled items that prepare, train, evaluate and audit share.

A CSV file with a header. Required columns: path (relative to the file's folder), label (real or fake). Optional:
method (the generator, or "real"), source, split (train, val, test, or another name), group (items that must stay in
one split: a person, a clip), licence. Every further column travels along untouched in `attributes`.

A Parquet file with the same columns is read as well; what is written is always CSV.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol

from unmask.errors import ManifestError, MissingExtraError

REAL: Final = 0
FAKE: Final = 1
_LABELS: Final = {"real": REAL, "fake": FAKE}
_COLUMNS: Final = ("path", "label", "method", "source", "split", "group", "licence")


class Named(Protocol):
    """What has a label, a source and a generator."""

    @property
    def label(self) -> int:
        """1 is fake."""

    @property
    def method(self) -> str:
        """The generator, or "real"."""

    @property
    def source(self) -> str:
        """The collection it came from."""


@dataclass(frozen=True)
class Item:
    """One labelled file.

    Attributes:
        path: Where it lies.
        label: 1 is fake, everywhere.
        method: The generator, or "real".
        source: The collection it came from; unseen-generator figures leave out one of these.
        split: "train", "val", "test", or "" where not yet split.
        group: Items of one group never sit in two splits; "" where each is its own.
        licence: The terms it came under.
        attributes: Further columns.
    """

    path: Path
    label: int
    method: str = ""
    source: str = ""
    split: str = ""
    group: str = ""
    licence: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


def read(path: Path) -> list[Item]:
    """Read a manifest; `Item.path` comes out joined to the manifest's folder.

    Raises:
        ManifestError: No such file, no table, a column or a path is missing, or a label is neither real nor fake.
        MissingExtraError: It is a Parquet file, and what reads those is not installed.
    """
    if path.suffix.lower() == ".parquet":
        return _read_parquet(path)
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:  # spreadsheets put a byte order mark in front
            reader = csv.DictReader(file)
            _demand_columns(path, reader.fieldnames or ())
            return [_item(path, line, row) for line, row in enumerate(reader, start=2)]
    except OSError as error:
        raise ManifestError(f"the manifest {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ManifestError(f"the manifest {path} is not UTF-8 text: {error}") from error
    except csv.Error as error:
        raise ManifestError(f"the manifest {path} is not a CSV table: {error}") from error


def write(path: Path, items: Iterable[Item]) -> None:
    """Write a manifest; paths under its folder become relative to it, so that the folder can move.

    It takes its name when it is whole: a full disk or an interruption leaves what was there before.

    Raises:
        ManifestError: A name is no Unicode text; then nothing is written.
    """
    rows = list(items)
    extra = sorted({name for item in rows for name in item.attributes})
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with draft.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow((*_COLUMNS, *extra))
            for item in rows:
                writer.writerow((*_cells(path.parent, item), *(item.attributes.get(name, "") for name in extra)))
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def in_split(items: Iterable[Item], split: str) -> list[Item]:
    """The items of one split."""
    return [item for item in items if item.split == split]


def hold_out(items: Iterable[Item], names: Sequence[str]) -> list[Item]:
    """All other items than those that `is_of` finds for a name.

    A held-out source loses its real photos too, or its look would leak; a held-out generator has none of its own.

    Raises:
        ManifestError: A name is not in the table; a typo would silently leave nothing out.
    """
    rows = list(items)
    unknown = [name for name in dict.fromkeys(names) if not any(is_of(item, name) for item in rows)]
    if unknown:
        raise ManifestError(f"cannot hold out {', '.join(sorted(unknown))}: no item has that source or generator")
    return [item for item in rows if not any(is_of(item, name) for name in names)]


def is_of(one: Named, name: str) -> bool:
    """Whether an item, or a row of scores, is of a source; or, for "method:NAME", a fake of that generator."""
    kind, colon, method = name.partition(":")
    if colon and kind == "method":
        return one.label == FAKE and one.method == method
    return one.source == name


def recut(item: Item, path: Path, **attributes: str) -> Item:
    """The same item at another path, with more attributes: what `prepare` writes for a cut of it."""
    return replace(item, path=path, attributes={**item.attributes, **attributes})


def located(path: Path) -> Path:
    """Where a file lies, from any working directory.

    Links to folders are followed, but not the file itself: what it links to may be gone, or called otherwise.
    """
    return (_folder(path.parent) if path.is_absolute() else path.parent.resolve()) / path.name


@lru_cache(maxsize=256)
def _folder(absolute: Path) -> Path:
    """Asking the disk about a folder once, not for each of its ten thousand files, makes listing ten times faster."""
    return absolute.resolve()


def _demand_columns(path: Path, columns: Iterable[str]) -> None:
    missing = {"path", "label"} - set(columns)
    if missing:
        raise ManifestError(f"{path} has no column {' and no column '.join(sorted(missing))}")


def _read_parquet(path: Path) -> list[Item]:
    """In batches, so that a large table is never there twice."""
    try:
        from pyarrow import ArrowException
        from pyarrow.parquet import ParquetFile
    except ImportError as error:
        raise MissingExtraError("reading a Parquet manifest", "train") from error
    try:
        with ParquetFile(path) as table:
            _demand_columns(path, table.schema_arrow.names)
            rows = (row for batch in table.iter_batches() for row in batch.to_pylist())
            return [_item(path, line, _as_text(row)) for line, row in enumerate(rows, start=2)]
    except (OSError, ArrowException) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise ManifestError(f"the manifest {path} cannot be read: {what}") from error


def _as_text(row: Mapping[str, object]) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in row.items()}


def _item(path: Path, line: int, row: dict[str, str]) -> Item:
    label = _LABELS.get((row["label"] or "").strip().lower())
    if label is None:
        raise ManifestError(f'{path}, line {line}: label is "{row["label"]}", but must be "real" or "fake"')
    if not row["path"]:
        raise ManifestError(f"{path}, line {line}: the path is empty")
    known = {name: (row.get(name) or "").strip() for name in _COLUMNS[2:]}
    attributes = {name: value or "" for name, value in row.items() if name is not None and name not in _COLUMNS}
    return Item(path.parent / row["path"], label, **known, attributes=attributes)


def _cells(root: Path, item: Item) -> tuple[str, ...]:
    inside = item.path.is_relative_to(root)
    path = (item.path.relative_to(root) if inside else located(item.path)).as_posix()
    if any("\ud800" <= letter <= "\udfff" for letter in path):  # how Python carries bytes that are no UTF-8
        raise ManifestError(f"the name {path!a} is no Unicode text, and a manifest is: rename the file")
    label = "fake" if item.label == FAKE else "real"
    return path, label, item.method, item.source, item.split, item.group, item.licence
