"""One extractor of numbers from what a file says, for the baseline of metadata and for models that weigh it.

Nothing here depends on where a file lies, what it is called, or how large it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from unmask.provenance.account import Account
from unmask.statements import Kind
from unmask.words import Backing, Extent

NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "has exif": "EXIF is there",
        "has xmp": "XMP is there",
        "has iptc": "IPTC's older form is there",
        "has texts": "texts of PNG, or comments: how many",
        "has camera": "a make or a model of a camera or a device is named",
        "has lens": "a lens is named",
        "has exposure": "exposure, aperture or sensitivity are there",
        "has times": "EXIF holds a time that is one",
        "has gps": "a place is there",
        "has maker notes": "the camera's own notes are there",
        "has exif thumbnail": "EXIF holds a small copy",
        "has xmp history": "XMP holds a history of changes",
        "exif entries": "how many entries EXIF has",
        "thumbnail unlike": "the small copy shows something else",
        "size disagrees": "EXIF announces another shape",
        "times disagree": "times contradict each other",
        "time in future": "a time lies in the future",
        "gps impossible": "the place is not on this earth",
        "camera disagrees": "two cameras are named, or notes of another maker",
        "software is a generator": "a field of programs names a generator",
        "software is an editor": "it names an editor",
        "software changes faces": "it names a program for changing faces",
        "software develops": "it names a program that develops or converts",
        "software encodes": "it names an encoder",
        "malformed": "metadata break the rules of their format",
        "oversized": "metadata are far larger than honest ones",
        "c2pa present": "Content Credentials are there",
        "c2pa trusted": "they hold, and their signer is trusted",
        "c2pa unknown signer": "they hold, and nobody could vouch for their signer",
        "c2pa untrusted": "they hold, and their signer is not on the list",
        "c2pa expired": "their certificate had expired",
        "c2pa broken": "they do not hold",
        "declared": "the file declares that a model made it, or a part of it",
        "declared whole": "all of it",
        "declared signed": "with an intact signature",
        "suspicious findings": "how many",
        "has container tags": "the container of a film or a recording holds texts: how many",
        "has creation time": "the container says when it was made",
        "has device": "the container names the device that recorded it",
        "has encoder": "the container names its encoder",
    }
)
"""Name to what it says; 1 where it is so and 0 where not, unless it is a count."""


def features(account: Account) -> dict[str, float]:
    """The numbers of one file, under every name of `NAMES`; what a file does not hold is 0."""
    said = [one.declaration for one in account.of_kind(Kind.DECLARED) if one.declaration]
    derived = {
        "declared": float(bool(said)),
        "declared whole": float(any(one.extent is Extent.WHOLE for one in said)),
        "declared signed": float(any(one.backing is not Backing.UNSIGNED for one in said)),
        "suspicious findings": float(len(account.of_kind(Kind.SUSPICIOUS))),
    }
    return {name: float({**account.facts, **derived}.get(name, 0.0)) for name in NAMES}
