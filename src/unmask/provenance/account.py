"""What readers of metadata write down: an account, bounded in size, harmless to show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from unmask.provenance.catalogue import CATALOGUE
from unmask.statements import Entry, Finding, Kind
from unmask.wording import visible
from unmask.words import Backing, Declaration, Extent

QUOTE_CHARACTERS: Final = 240
VALUE_CHARACTERS: Final = 2_000
ENTRIES: Final = 200
"""Lines of one group of the tree."""
FINDINGS: Final = 60

_ORDER: Final = {Kind.DECLARED: 0, Kind.SUSPICIOUS: 1, Kind.NEUTRAL: 2}
_NONE: Final[Mapping[str, float]] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class Account:
    """What one file, or one part of it, says about itself.

    Attributes:
        findings: What is worth knowing, declarations first.
        entries: All that was read, as a tree.
        facts: Named numbers, for `features`.
        words: Named texts that are compared with those of other parts: "exif make", "xmp make".
        thumbnail: The small JPEG that EXIF carries, as it lies there, or None.
        turned: EXIF's orientation, by which the thumbnail is turned as well.
        announced_px: Width and height of the picture as EXIF announces them, or None.
    """

    findings: tuple[Finding, ...] = ()
    entries: tuple[Entry, ...] = ()
    facts: Mapping[str, float] = field(default_factory=lambda: _NONE)
    words: Mapping[str, str] = field(default_factory=dict)
    thumbnail: bytes | None = None
    turned: int = 1
    announced_px: tuple[int, int] | None = None

    def of_kind(self, kind: Kind) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(one for one in self.findings if one.kind is kind)


def joined(parts: Iterable[Account]) -> Account:
    """Several parts as one account. Of facts under one name the largest counts, of all else the first."""
    findings: dict[tuple[str, str, str | None], Finding] = {}
    entries: list[Entry] = []
    facts: dict[str, float] = {}
    words: dict[str, str] = {}
    thumbnail, turned, announced_px = None, 1, None
    for part in parts:
        findings = {(one.code, one.where, one.quote): one for one in part.findings} | findings
        entries += part.entries
        facts |= {name: max(value, facts.get(name, value)) for name, value in part.facts.items()}
        words = {**part.words, **words}
        thumbnail, announced_px = thumbnail or part.thumbnail, announced_px or part.announced_px
        turned = part.turned if turned == 1 else turned
    ordered = sorted(findings.values(), key=lambda one: (_ORDER[one.kind], _strength(one)))
    return Account(tuple(ordered[:FINDINGS]), tuple(entries), facts, words, thumbnail, turned, announced_px)


def finding(code: str, where: str, sentence: str, quote: object = None) -> Finding:
    """A finding of the catalogue that declares nothing."""
    return Finding(
        code=code, kind=CATALOGUE[code].kind, where=visible(where), quote=quoted(quote), sentence=visible(sentence)
    )


def declaring(
    code: str,
    where: str,
    words: object,
    *,
    by: str,
    extent: Extent = Extent.WHOLE,
    backing: Backing = Backing.UNSIGNED,
) -> Finding:
    """A finding of the catalogue that declares the file, or a part of it, to be made by a model."""
    what = "the file" if extent is Extent.WHOLE else "a part of the file"
    quote, by, where = quoted(words) or "", shortened(visible(by), 100), visible(where)
    declaration = Declaration(extent=extent, by=by, backing=backing, where=where, words=quote)
    behind = {
        Backing.TRUSTED_SIGNER: f"signed by {by}, whom you trust",
        Backing.UNKNOWN_SIGNER: f"signed by somebody called {by}; you named nobody who could vouch for them",
        Backing.UNSIGNED: f"as {by} writes it, unsigned: anybody can add or remove such words",
    }[backing]
    sentence = f"declares that a model made {what} ({behind})"
    return Finding(code=code, kind=Kind.DECLARED, where=where, quote=quote, sentence=sentence, declaration=declaration)


def entry(name: str, value: object = None, entries: Iterable[Entry] = ()) -> Entry:
    """A line of the tree, cut to what a page can show."""
    below = list(entries)
    if len(below) > ENTRIES:
        below = [*below[:ENTRIES], Entry(name=f"and {len(below) - ENTRIES:,} more")]
    shown = None if value is None else shortened(visible(str(value).strip()[: VALUE_CHARACTERS + 1]), VALUE_CHARACTERS)
    return Entry(name=shortened(visible(name[:200]), 200), value=shown, entries=tuple(below))


def quoted(words: object) -> str | None:
    """Words of the file, in one line, short, and with invisible characters written out."""
    if words is None:
        return None
    return shortened(visible(" ".join(str(words)[: 2 * QUOTE_CHARACTERS].split())), QUOTE_CHARACTERS)


def shortened(text: str, most: int) -> str:
    """Text of at most so many characters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def decoded(data: bytes) -> tuple[str, bool]:
    """Bytes as text, and whether they are what they should be: UTF-8, or ASCII."""
    try:
        return data.decode("utf-8"), True
    except UnicodeDecodeError:
        return data.decode("latin-1"), False


def _strength(one: Finding) -> int:
    """Of declarations: signed before unsigned, of the whole before of a part."""
    said = one.declaration
    if said is None:
        return 0
    return 2 * list(Backing).index(said.backing) + list(Extent).index(said.extent)
