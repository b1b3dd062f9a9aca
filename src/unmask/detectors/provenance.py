"""The file itself as a witness: which of the things it says decides, and in which words.

It measures nothing, so it has no logit and no probability. Only a declaration decides (`unmask.fuse_declared`); what is
suspicious informs, and what is missing says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from unmask.provenance import Account, Trust
from unmask.statements import Finding, Kind, Provenance
from unmask.words import Backing, Declaration, Extent

NAME: Final = "provenance"
_WORDS: Final = 120
"""Characters of the file's words in a verdict's reason; the declaration holds more."""


def declaration(findings: Sequence[Finding]) -> Declaration | None:
    """The one that decides: an account has the strongest first. None where the file declares nothing."""
    return next((one.declaration for one in findings if one.declaration), None)


def sentence(said: Declaration) -> str:
    """Who declares what, with their words, as a whole sentence without its end."""
    what = "it" if said.extent is Extent.WHOLE else "a part of it"
    behind = {
        Backing.TRUSTED_SIGNER: f"signed by {said.by}, whom you trust",
        Backing.UNKNOWN_SIGNER: f"signed by {said.by}, for whom nobody you named vouches",
        Backing.UNSIGNED: f"by {said.by}, unsigned",
    }[said.backing]
    words = said.words if len(said.words) <= _WORDS else f"{said.words[:_WORDS]}…"
    return f'the file declares that a model made {what}: "{words}" ({said.where}; {behind})'


def suspicions(findings: Sequence[Finding]) -> list[str]:
    """What is suspicious, in a word or two each: that an editor saved a file is one, in however many fields."""
    codes = dict.fromkeys(one.code for one in findings if one.kind is Kind.SUSPICIOUS)
    return [code.replace("-", " ") for code in codes]


def of(account: Account, trust: Trust) -> Provenance:
    """An account as a report holds it."""
    return Provenance(findings=account.findings, entries=account.entries, trust_sha256=trust.sha256)
