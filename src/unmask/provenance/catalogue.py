"""Every finding there is, with what it is worth and what it means; docs/provenance-findings.md is written from it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from unmask.statements import Kind


class Meaning(NamedTuple):
    """What a finding is worth, and what it means."""

    kind: Kind
    text: str


def _all(kind: Kind, meanings: Mapping[str, str]) -> dict[str, Meaning]:
    return {code: Meaning(kind, text) for code, text in meanings.items()}


CATALOGUE: Final[Mapping[str, Meaning]] = MappingProxyType(
    _all(
        Kind.DECLARED,
        {
            "credential-declares-model": "intact Content Credentials say that a model made the file, or a part of it",
            "source-type-declares-model": "IPTC's digital source type, in XMP, says so",
            "generator-parameters": "the parameters of a generator: prompt, seed, sampler, a graph of nodes",
            "generator-named": "a field that names the program which made the file names a generator",
            "ai-label": "a label that law or a publisher's rules ask for says so (IPTC's AI fields, the AIGC label of "
            'GB 45438-2025, "Made with Google AI")',
        },
    )
    | _all(
        Kind.SUSPICIOUS,
        {
            "credential-broken": "Content Credentials that do not fit the file, or whose signature does not hold: the "
            "file was changed after it was signed, or they come from another one",
            "credential-expired": "Content Credentials whose certificate had expired, with no proof that it was valid "
            "when they were signed",
            "credential-untrusted": "intact Content Credentials of a signer who is not on the trust list you named",
            "times-disagree": "times of the file contradict each other by more than time zones can explain",
            "time-in-future": "a time of the file lies in the future",
            "thumbnail-unlike": "the small picture inside EXIF shows something else than the picture",
            "size-disagrees": "EXIF announces another shape than the picture has: it was cropped or put together",
            "gps-impossible": "a place that is not on this earth",
            "maker-notes-of-another": "the camera's own notes are of another maker than the camera that is named",
            "camera-disagrees": "EXIF and XMP name different cameras",
            "edited": "a program that can change what a picture or a sound shows has saved the file",
            "face-edited": "a program made for changing faces or voices has saved the file",
            "malformed": "metadata that breaks the rules of its format: cut off, looped, or no text where text belongs",
            "oversized": "metadata far larger than honest ones; it was not read to its end",
        },
    )
    | _all(
        Kind.NEUTRAL,
        {
            "credential-intact": "Content Credentials that fit the file; who signed them, and whether anybody named "
            "could vouch for them",
            "credential-unverified": "Content Credentials that were not checked, and why",
            "credential-elsewhere": "Content Credentials that lie at an address; nothing is fetched from anywhere",
            "camera-named": "the file names the camera or the device that took it",
            "source-type": "IPTC's digital source type says something else than that a model made the file",
            "developed": "a program that develops or converts pictures has saved the file",
            "read-in-part": "metadata as honest files hold it too, of which a part was not read",
            "encoded": "the program that wrote the container",
            "place-named": "the file says where it was taken",
        },
    )
)
"""By its code."""
