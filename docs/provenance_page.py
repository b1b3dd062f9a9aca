"""The page docs/provenance-findings.md: kinds of file with what is found in each, every finding, every feature.

The files are drawn by `tests.draw_provenance`, read as `unmask provenance` reads them, and thrown away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.draw_provenance import KINDS

from unmask.provenance import NAMES, Account
from unmask.provenance.catalogue import CATALOGUE
from unmask.provenance.whole import read
from unmask.statements import Finding, Kind

_INTRO: Final = """What [`unmask provenance`](provenance.md) finds in files of each kind. The files are drawn by
`tests/draw_provenance.py`; nobody is trusted, so the signer of Content Credentials is unknown."""

_FINDINGS: Final = """Only *declared* decides. *Suspicious* and *neutral* inform. What is missing is never a finding."""

_FEATURES: Final = """`unmask.provenance.features(account)` gives these numbers, 0 where a file does not hold the thing.
None depends on where a file lies, what it is called, or how large it is."""


Table = Callable[[Sequence[str], Sequence[Sequence[str]]], str]


def text(notice: str, table: Table) -> str:
    """The whole page.

    Args:
        notice: Its first line.
        table: Writes columns and rows.
    """
    parts = [notice, "# What files say, and what follows", _INTRO, "## Kinds of file"]
    parts.append(table(("file", "verdict by declaration", "found", "read"), list(_kinds())))
    parts += ["## Findings", _FINDINGS]
    parts.append(
        table(("finding", "kind", "what it means"), [(f"`{c}`", m.kind, m.text) for c, m in CATALOGUE.items()])
    )
    parts += ["## Features", _FEATURES]
    parts.append(table(("feature", "what it says"), list(NAMES.items())))
    return "\n\n".join(parts) + "\n"


def _kinds() -> Iterator[Sequence[str]]:
    with tempfile.TemporaryDirectory() as folder:
        for name, draw in KINDS.items():
            suffix, data = draw()
            path = Path(folder) / f"file{suffix}"
            path.write_bytes(data)
            account, problem = read(path)
            if problem:
                raise RuntimeError(f"{name}: {problem}")
            yield name, _decides(account), _found(account), ", ".join(one.name for one in account.entries) or "nothing"


def _decides(account: Account) -> str:
    said = next((one.declaration for one in account.findings if one.declaration), None)
    if said is None:
        return ""
    return f"made by a model{' in part' if said.extent == 'part' else ''} ({said.backing.replace('_', ' ')})"


def _found(account: Account) -> str:
    found: dict[str, Finding] = {one.code: one for one in reversed(account.findings)}
    order = [kind for kind in Kind for one in found.values() if one.kind is kind]
    ordered = sorted(found.values(), key=lambda one: order.index(one.kind))
    return "; ".join(f"*{one.kind}* `{one.code}` in {one.where}" for one in ordered) or "nothing"
