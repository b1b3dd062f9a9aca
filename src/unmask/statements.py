"""What a file says about itself, as small frozen values: what was read in it, and what follows from it."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from pydantic import model_validator

from unmask.words import Declaration, Value, Verdict


class Kind(StrEnum):
    """What a finding is worth. Only a declaration decides; the others inform. What is missing is never suspicious."""

    DECLARED = "declared"
    SUSPICIOUS = "suspicious"
    NEUTRAL = "neutral"


class Finding(Value):
    """One thing worth knowing that was read in a file.

    Attributes:
        code: What it is, for programs; docs/provenance-findings.md lists them all.
        kind: What it is worth.
        where: Where it was read: "EXIF, DateTimeOriginal".
        quote: The words of the file, bounded, invisible characters written out; None where there are none to quote.
        sentence: What it means.
        declaration: Of a declaration, what it says; None of everything else.
    """

    code: str
    kind: Kind
    where: str
    quote: str | None = None
    sentence: str
    declaration: Declaration | None = None

    @model_validator(mode="after")
    def _declares_or_not(self) -> Self:
        if (self.kind is Kind.DECLARED) != (self.declaration is not None):
            raise ValueError("a finding holds a declaration exactly when it is one")
        return self


class Entry(Value):
    """One line of what was read, and what lies below it.

    Attributes:
        name: What it is: "EXIF", "Model".
        value: The words of the file, bounded, invisible characters written out.
        entries: Its parts.
    """

    name: str
    value: str | None = None
    entries: tuple[Entry, ...] = ()


class Provenance(Value):
    """What a report says of the file itself, apart from what was seen or heard in it.

    Attributes:
        findings: Declarations first, then what is suspicious, then the rest.
        entries: All that was read, as a tree.
        raw: The verdict of those who looked and listened, where a declaration stands above it; else None.
        trust_sha256: Of the certificates that the user trusted; None where they named none.
    """

    findings: tuple[Finding, ...] = ()
    entries: tuple[Entry, ...] = ()
    raw: Verdict | None = None
    trust_sha256: str | None = None


class Spared(StrEnum):
    """Why networks were not asked about a file (`unmask scan --triage`)."""

    KNOWN = "known"
    DECLARED = "declared"
    SAME_BYTES = "same_bytes"
    SAME_PIXELS = "same_pixels"
    SAVED_AGAIN = "saved_again"


class Skipped(Value):
    """What was not done with a file, and why. Of a copy, verdict, scores and models are those of its twin.

    Attributes:
        reason: In a word.
        sentence: In a sentence.
        twin: Path of the file, judged earlier in the same run, of which this one is a copy; None where it is none.
    """

    reason: Spared
    sentence: str
    twin: str | None = None
