"""IPTC's vocabulary of digital source types, which XMP and Content Credentials share.

Source: https://cv.iptc.org/newscodes/digitalsourcetype/ and the types that C2PA adds to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from unmask.words import Extent


class SourceType(NamedTuple):
    """How something came to be: in words, and how much of it a model made; None where none is said to have."""

    words: str
    made: Extent | None


_KNOWN: Final[Mapping[str, SourceType]] = MappingProxyType(
    {
        "trainedalgorithmicmedia": SourceType("made by a trained model", Extent.WHOLE),
        "trainedalgorithmicdata": SourceType("data made by a trained model", Extent.WHOLE),
        "compositewithtrainedalgorithmicmedia": SourceType("changed with a trained model", Extent.PART),
        "compositesynthetic": SourceType("put together, with parts made by a model", Extent.PART),
        "algorithmicallyenhanced": SourceType("enhanced by an algorithm", None),
        "algorithmicmedia": SourceType("made by an algorithm without training data", None),
        "datadrivenmedia": SourceType("drawn from data", None),
        "digitalcapture": SourceType("captured by a digital camera or recorder", None),
        "computationalcapture": SourceType("captured by a camera that joins several exposures", None),
        "compositecapture": SourceType("put together from captured parts", None),
        "composite": SourceType("put together", None),
        "digitalcreation": SourceType("made by a human with a program", None),
        "digitalart": SourceType("made by a human with a program", None),
        "humanedits": SourceType("changed by a human", None),
        "minorhumanedits": SourceType("changed a little by a human", None),
        "negativefilm": SourceType("digitised from a negative", None),
        "positivefilm": SourceType("digitised from a slide", None),
        "print": SourceType("digitised from a print", None),
        "softwareimage": SourceType("made by a program", None),
        "screencapture": SourceType("captured from a screen", None),
        "virtualrecording": SourceType("recorded from a virtual event", None),
    }
)


def known(value: str) -> SourceType | None:
    """The type that a URI, or its last part alone, names; None where it is none that IPTC or C2PA know."""
    return _KNOWN.get(value.strip().rstrip("/").replace("#", "/").rpartition("/")[2].lower())
