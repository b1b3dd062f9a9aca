"""Content Credentials (C2PA): who signed what, whether it fits the file, and what it says.

c2pa-python, the binding of the initiative's own library, does the checking, where it is installed: `unmask[c2pa]`. It
is called only for files in which a manifest store begins, of a bounded size, and with everything that could open a
connection switched off: no manifest, list of revoked certificates or time stamp is fetched from anywhere.

What counts as a declaration: the words of a credential that is intact (its signature holds, it fits the file, its
certificate was valid) and whose signer is not refused. Where the user named whom they trust, a signer who is not among
them is refused, and the finding says just that. Where they named nobody, nobody could be asked: then the words count as
unsigned words do, such as a generator's parameters in PNG text, and the declaration says that its signer is unknown. A
credential that is broken or expired declares nothing: what it was written for may be another file, or another time.

Source: C2PA specification 2.2, https://c2pa.org/specifications/
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any, Final

from unmask.errors import MissingExtraError
from unmask.provenance.account import Account, entry, finding
from unmask.provenance.manifests import declared, digest, failures, signer
from unmask.provenance.trust import NOBODY, Trust
from unmask.statements import Finding
from unmask.words import Backing

STORE: Final = b"c2pa\0\x11\0\x10\x80\0\0\xaa\0\x38\x9b\x71"
"""How a manifest store names its kind, eight bytes after its length and that of its description: in every format."""

STORE_BYTES: Final = 32 * 2**20
FILE_BYTES: Final = 256 * 2**20
"""The library holds in memory what it hashes, which is nearly all of the file."""

JSON_BYTES: Final = 8 * 2**20
_WHERE: Final = "Content Credentials"
_EXPIRED: Final = frozenset(
    {"signingCredential.expired", "claimSignature.outsideValidity", "timeStamp.outsideValidity"}
)
_UNTRUSTED: Final = frozenset({"signingCredential.untrusted"})


def library() -> dict[str, str]:
    """The library that checks, with its version; empty where it is not installed."""
    try:
        return {"c2pa-python": version("c2pa-python")}
    except PackageNotFoundError:
        return {}


def begins(data: bytes) -> int | None:
    """Where a manifest store begins in some bytes; None where none does."""
    at = data.find(STORE)
    return at - 16 if at >= 16 and data[at - 4 : at] == b"jumd" and data[at - 12 : at - 8] == b"jumb" else None


def announced_bytes(data: bytes, at: int) -> int:
    """How long the store that begins there says it is."""
    return int(struct.unpack_from(">I", data, at)[0])


def account(file: IO[bytes], size: int, store_bytes: int, mime: str, trust: Trust = NOBODY) -> Account:
    """What the credentials of a file say, and whether they hold. Never raises.

    Args:
        file: The whole file, from its beginning.
        size: Its bytes.
        store_bytes: What its manifest store announces.
        mime: Its kind: "image/jpeg".
        trust: Whose word counts.
    """
    if size > FILE_BYTES or store_bytes > STORE_BYTES:
        return _unverified(f"the file or its manifest store is too large to check ({size:,} and {store_bytes:,} bytes)")
    try:
        text = _checked(file, mime, trust)
        if text is None:
            return Account()
        if len(text) > JSON_BYTES:
            return _unverified(f"they say more than {JSON_BYTES:,} characters")
        store = json.loads(text)
        return _account(store, trust) if isinstance(store, dict) else _unverified("they are in no form that we know")
    except MissingExtraError as error:
        return _unverified(str(error))
    except Exception as error:  # the library has its own exceptions, and raises others for what it did not expect
        return _broken(" ".join(str(error).split())[:200] or type(error).__name__)


def _checked(file: IO[bytes], mime: str, trust: Trust) -> str | None:
    """The library's report as JSON; None where there is no manifest after all."""
    try:
        from c2pa import C2paError, Context, Reader
    except (ImportError, OSError) as error:  # OSError: its own library does not load on this system
        raise MissingExtraError("checking them", "c2pa") from error
    settings: dict[str, Any] = {
        "verify": {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False},
        "core": {"allowed_network_hosts": [], "decode_identity_assertions": False},
    }
    if trust.pem:
        settings["trust"] = {"user_anchors": trust.pem}
    with Context.from_dict(settings) as context:
        try:
            reader = Reader.try_create(mime, file, context=context)
        except C2paError as error:
            if str(error).startswith("Remote"):  # it lies at an address, as the reader of XMP says
                return None
            raise
        if reader is None:
            return None
        with reader:
            return str(reader.json())


def _unverified(why: str) -> Account:
    found = finding("credential-unverified", _WHERE, f"they are present, but not verified: {why}")
    return Account((found,), (entry(_WHERE, "present, not verified"),), {"c2pa present": 1.0})


def _broken(why: str) -> Account:
    found = finding("credential-broken", _WHERE, f"they cannot be read: {why}")
    return Account((found,), (entry(_WHERE, "broken"),), {"c2pa present": 1.0, "c2pa broken": 1.0})


def _account(store: Mapping[str, Any], trust: Trust) -> Account:
    failed = failures(store)
    active = store.get("manifests", {}).get(store.get("active_manifest"), {})
    who = signer(active)
    trusted = store.get("validation_state") == "Trusted"
    state, found = _state(store, failed, who, trusted, trust)
    findings = [found]
    facts = {"c2pa present": 1.0, f"c2pa {state}": 1.0}
    if state in ("trusted", "unknown signer"):
        backing = Backing.TRUSTED_SIGNER if trusted else Backing.UNKNOWN_SIGNER
        findings += declared(store, backing)
    return Account(tuple(findings), (entry(_WHERE, state, digest(store, failed)),), facts)


def _state(
    store: Mapping[str, Any], failed: Mapping[str, str], who: str, trusted: bool, trust: Trust
) -> tuple[str, Finding]:
    """What the credentials are worth: in a word, and as a finding."""
    if store.get("validation_state") not in ("Valid", "Trusted"):
        late = [code for code in failed if code in _EXPIRED]
        hard = {code: why for code, why in failed.items() if code not in _UNTRUSTED | _EXPIRED}
        if late and not hard:
            sentence = "the certificate had expired, and nothing proves that it was valid when they were signed"
            return "expired", finding("credential-expired", _WHERE, sentence, f"{late[0]}, signed by {who}")
        code, why = next(iter(hard.items()), ("invalid", "the library gives no reason"))
        return "broken", finding("credential-broken", _WHERE, f"they do not hold: {why}", f"{code}, signed by {who}")
    if trusted:
        return "trusted", finding(
            "credential-intact", _WHERE, f"they fit the file, and you trust who signed: {who}", who
        )
    if trust.pem:
        sentence = f"they fit the file, but {who}, who signed, is not on the trust list you named"
        return "untrusted", finding("credential-untrusted", _WHERE, sentence, who)
    sentence = f"they fit the file; who signed calls themselves {who}, and nobody was named who could vouch for them"
    return "unknown signer", finding("credential-intact", _WHERE, sentence, who)
