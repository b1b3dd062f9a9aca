"""The verbs about data: audit and prepare. `cli` adds them to the command."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Final

import typer

from unmask.cli_options import Manifest, extra
from unmask.progress import bar
from unmask.wording import visible, visible_lines

FRACTIONS: Final = {"train": 0.8, "val": 0.1, "test": 0.1}
ORIGINALS: Final = "originals.csv"
FAILED: Final = 1


def add_to(app: typer.Typer) -> None:
    """Register the verbs."""
    for verb in (audit, prepare):
        app.command()(verb)


def audit(
    manifest: Manifest,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Ask whether labelled data would teach a shortcut: size, bytes, quantisation, metadata, duplicates, leaks.

    Exits with 1 if something failed.
    """
    import json

    with extra("auditing data"):
        from unmask.audit import audit as run

        with bar("reading") as move:
            found = run(manifest, progress=move)
    print(json.dumps(found.to_dict(), indent=2) if as_json else visible_lines(found.to_text()))
    if not found.passed:
        raise typer.Exit(FAILED)


def prepare(
    data: Annotated[Path, typer.Argument(metavar="DATA", help="A manifest, or a folder with real/ and fake/ in it.")],
    out: Annotated[Path, typer.Argument(metavar="PREPARED", help="Where to put the cuts.")],
    recipe: Annotated[str, typer.Option(metavar="RECIPE", help="Whose cut to make.")] = "face",
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
) -> None:
    """Cut faces or patches from labelled files, with the code that scans, alike for real and fake.

    A folder is given splits first (80 % train, 10 % val, 10 % test, relatives together); see originals.csv in PREPARED.
    """
    with extra("preparing data"):
        from unmask import prepare as work
        from unmask.train.recipes import Recipe, find

        wanted = Recipe.read(find(recipe))
        table = _with_splits(data, out) if data.is_dir() else data
        with bar("cutting") as move:
            made = work.prepare(table, out, wanted.cut, reencode=wanted.data.reencode, jobs=jobs, progress=move)
    for reason, count in made.left_out.items():
        print(f"left out {count}: {reason}", file=sys.stderr)
    print(visible(f"{made.items} items: {made.manifest}"))


def _with_splits(folder: Path, out: Path) -> Path:
    """The manifest of a plain folder. A picture keeps the split it once got; new ones join their relatives."""
    from unmask import manifest, splits
    from unmask.datasets import folder as plain

    table = out / ORIGINALS
    items = list(plain.items(folder.resolve()))
    known = {item.path.resolve(): item.split for item in manifest.read(table)} if table.is_file() else {}
    if {item.path.resolve() for item in items} != known.keys():
        items = [replace(item, split=known.get(item.path.resolve(), item.split)) for item in items]
        with bar("looking for relatives") as move:
            assigned = splits.assign(items, FRACTIONS, progress=move)
        out.mkdir(parents=True, exist_ok=True)
        manifest.write(table, assigned)
    return table
