"""The verb `provenance`: everything that files say about themselves, as a tree for people and as JSON.

Exit codes as of `scan`: 0 done; 1 some file could not be read; 2 wrong use; 130 interrupted.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from unmask.errors import UsageError

if TYPE_CHECKING:
    from rich.tree import Tree

    from unmask.statements import Entry, Provenance

UNREAD: Final = 1
INTERRUPTED: Final = 130
_WIDE: Final = 100_000
_STYLES: Final = {"declared": "bold red", "suspicious": "yellow", "neutral": "green"}


def add_to(app: typer.Typer) -> None:
    """Register the verb."""
    app.command()(provenance)


def provenance(
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Photos, videos, recordings, or folders of them.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON array, an object a file.")] = False,
    trust: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Certificates (PEM) of those who may vouch for signers; repeat for more."),
    ] = None,
) -> None:
    """Print what files say about themselves: credentials, camera, programs, times, place, and what contradicts itself.

    Nothing is judged by what it shows, and nothing is fetched from anywhere. Exits with 0 when done, 1 if some file
    could not be read, 2 for wrong use.
    """
    import json

    from unmask.console import uninterrupted
    from unmask.modalities.image import display_path
    from unmask.provenance import load
    from unmask.provenance.whole import of
    from unmask.scan import expand
    from unmask.wording import visible

    if "" in paths:  # which as a path would be the current folder
        raise UsageError("a path is empty")
    trusted = load(trust or ())
    unread = count = 0
    try:
        if as_json:
            print("[", end="")
        for path in expand(paths):
            found, problem = of(path, trusted)
            unread += problem is not None
            if as_json:
                said = {
                    "path": display_path(path),
                    "problem": problem,
                    **found.model_dump(mode="json", exclude={"raw"}),
                }
                text = json.dumps(said, indent=2, ensure_ascii=True)
                with uninterrupted():  # an object is there, or it is not
                    print("," if count else "", text, sep="\n", end="", flush=True)
            else:
                _print(visible(display_path(path)), found, problem)
            count += 1
    except KeyboardInterrupt as error:
        raise typer.Exit(INTERRUPTED) from error
    finally:
        if as_json:
            print("\n]")
    raise typer.Exit(UNREAD if unread else 0)


def _print(name: str, found: Provenance, problem: str | None) -> None:
    from rich.console import Console
    from rich.text import Text
    from rich.tree import Tree

    from unmask.wording import visible

    tree = Tree(Text(name, style="bold"))
    if problem:
        tree.add(Text(visible(problem), style="magenta"))
    for one in found.findings:
        line = Text(f"{one.kind}", style=_STYLES[one.kind])
        tree.add(line.append(f"  {one.where}: {one.sentence}", style="default").append(_quote(one.quote), style="dim"))
    if not found.findings and not problem:
        tree.add(Text("nothing that declares or contradicts anything: most files lose what they said on their way"))
    for entry in found.entries:
        _grow(tree, entry)
    # Lines for a terminal are wrapped there; for a pipe none is cut.
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDE).print(tree)


def _quote(words: str | None) -> str:
    return f'  "{words}"' if words else ""


def _grow(tree: Tree, entry: Entry) -> None:
    from rich.text import Text

    line = Text(entry.name, style="cyan")
    branch = tree.add(line.append(f": {entry.value}", style="default") if entry.value else line)
    for one in entry.entries:
        _grow(branch, one)
