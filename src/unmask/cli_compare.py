"""The verb that puts runs side by side. `cli` adds it to the command."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from unmask.cli_options import extra
from unmask.errors import UsageError
from unmask.progress import bar
from unmask.wording import visible

_WIDEST: Final = 160


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(compare)


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Folders that unmask experiment or unmask evaluate filled."),
    ],
    html: Annotated[Path | None, typer.Option(metavar="FILE", help="Also write a page with plots.")] = None,
    markdown: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write what was published against ours, and the table.")
    ] = None,
    as_csv: Annotated[Path | None, typer.Option("--csv", metavar="FILE", help="Also write the table as CSV.")] = None,
    sources: Annotated[
        list[str] | None, typer.Option("--source", metavar="SOURCE", help="Measure this source alone too; repeatable.")
    ] = None,
    split: Annotated[str, typer.Option(help="Whose scores to compare.")] = "test",
    shared: Annotated[
        bool, typer.Option("--shared", help="Measure only on the files that all runs were measured on.")
    ] = False,
    embeddings: Annotated[
        bool, typer.Option(help="Look at up to 600 pictures a run, for the page's embedding maps.")
    ] = True,
) -> None:
    """Put runs side by side: one table with 95 % intervals, and a page with plots.

    Runs that differ only in their seed are one line: the mean, with each seed listed.
    """
    for file in (html, markdown, as_csv):
        if file is not None and (file.is_dir() or not file.parent.is_dir()):
            raise UsageError(f"{file}: no file can be written there")
    with extra("comparing runs"):
        from unmask import compare as side_by_side
        from unmask.comparison import page, table

        with bar("measuring") as move:
            found = side_by_side.compare(
                runs,
                split=split,
                sources=tuple(sources or ()),
                shared=shared,
                embeddings=embeddings and html is not None,
                progress=move.named,
            )
        width = min(_WIDEST, shutil.get_terminal_size((120, 24)).columns)
        print(table.to_text(found.table, width))
        print(table.to_text(found.published, width), end="")
        for note in found.notes:
            print(visible(f"note: {note}"), file=sys.stderr)
        if as_csv is not None:
            _write(as_csv, table.to_csv(found.table))
        if markdown is not None:
            _write(markdown, page.to_markdown(found))
        if html is not None:
            with bar("drawing") as move:
                drawn = page.render(found, progress=move.named)
            _write(html, drawn)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror}") from error
