"""One file of whatever kind, read for nothing but what it says about itself."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from unmask import kinds
from unmask.errors import MediaError, NothingToJudgeError
from unmask.limits import DEFAULT_LIMITS, Limits
from unmask.modalities import image
from unmask.provenance import film, picture
from unmask.provenance.account import Account
from unmask.provenance.pictured import against
from unmask.provenance.trust import NOBODY, Trust
from unmask.statements import Provenance


def of(path: Path, trust: Trust = NOBODY, limits: Limits = DEFAULT_LIMITS) -> tuple[Provenance, str | None]:
    """What a file says about itself, and why it could not be read, or None.

    A picture is decoded, so that what its pixels contradict is found too; one whose pixels are broken still says what
    it says.
    """
    account, problem = read(path, trust, limits)
    return Provenance(findings=account.findings, entries=account.entries, trust_sha256=trust.sha256), problem


def read(
    path: Path, trust: Trust = NOBODY, limits: Limits = DEFAULT_LIMITS, now: datetime | None = None
) -> tuple[Account, str | None]:
    """The same as an account, from which `features` can be taken."""
    try:
        kinds.refuse_folder(path)
        if kinds.is_sound(path, limits) or kinds.is_video(path, limits):
            return film.read_or_raise(path, trust, limits, now or datetime.now(UTC)), None
        data, source = image.read(path, limits)
    except MediaError as error:
        return Account(), str(error)
    account = picture.read(data, trust=trust, now=now)
    try:
        return against(account, image.decode(data, source, limits).image), None
    except NothingToJudgeError:  # too small for that, but not for words
        return account, None
    except MediaError as error:
        return account, str(error)
