"""Whom the user trusts to sign: certificates in PEM, from files that they name. None ship.

The lists of the Content Credentials initiatives change, and a stale one would call honest signers strangers; whose word
counts is not ours to say.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from unmask.errors import UsageError

ENVIRONMENT: Final = "UNMASK_TRUST"
"""Files or folders, separated as in PATH; used where none is named."""

_MOST_BYTES: Final = 16 * 2**20
_BEGIN: Final = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Trust:
    """Certificates of those who may vouch for signers.

    Attributes:
        pem: All of them, one after the other; empty where nobody is trusted.
    """

    pem: str = ""

    @property
    def sha256(self) -> str | None:
        """By which two runs can tell whether they trusted the same; None where nobody is trusted."""
        return hashlib.sha256(self.pem.encode()).hexdigest() if self.pem else None


NOBODY: Final = Trust()


def load(places: Sequence[str | Path]) -> Trust:
    """The certificates in files (.pem, .crt, .cer in PEM) and in all such files of folders.

    Raises:
        UsageError: A place is missing, unreadable, too large, or holds no certificate.
    """
    named = [Path(place) for place in places] or [
        Path(one) for one in os.environ.get(ENVIRONMENT, "").split(os.pathsep) if one
    ]
    texts = [_read(file) for place in named for file in _files(place)]
    return Trust("\n".join(texts)) if texts else NOBODY


def _files(place: Path) -> list[Path]:
    if not place.is_dir():
        return [place]
    found = sorted(one for one in place.iterdir() if one.suffix.lower() in (".pem", ".crt", ".cer"))
    if not found:
        raise UsageError(f"the folder {place} holds no certificate: name files that end in .pem, .crt or .cer")
    return found


def _read(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            raw = opened.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(f"the trust list {file} cannot be read: {(error.strerror or str(error)).lower()}") from error
    if len(raw) > _MOST_BYTES:
        raise UsageError(f"the trust list {file} has more than {_MOST_BYTES:,} bytes")
    text = raw.decode("ascii", "replace")
    if _BEGIN not in text:
        raise UsageError(f'the trust list {file} holds no certificate in PEM, which begins with "{_BEGIN}"')
    return text
