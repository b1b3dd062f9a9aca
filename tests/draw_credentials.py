"""Content Credentials for tests: a throwaway chain of certificates, and files signed with it. Nothing leaves memory."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SOURCE_TYPES: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/"
_LONG: Final = (datetime(2020, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Signer:
    """Who signs: their root and chain in PEM, and the key."""

    root: str
    chain: str
    key: ec.EllipticCurvePrivateKey


def signer(name: str = "Test Signer", valid: tuple[datetime, datetime] = _LONG) -> Signer:
    """A signer under a root of their own; the keys are made anew every time."""
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root = _certificate("Test Root", root_key.public_key(), "Test Root", root_key, _LONG, authority=True)
    leaf = _certificate(name, key.public_key(), "Test Root", root_key, valid, authority=False)
    pem = [one.public_bytes(Encoding.PEM).decode() for one in (leaf, root)]
    return Signer(pem[1], "".join(pem), key)


def expiring(seconds: float = 2.0) -> Signer:
    """A signer whose certificate will have expired after so many seconds: the library signs with no expired one."""
    now = datetime.now(UTC)
    return signer("Test Signer", (_LONG[0], now + timedelta(seconds=seconds)))


def wait_until_expired(one: Signer) -> None:
    """Until the certificate has expired."""
    leaf = x509.load_pem_x509_certificate(one.chain.encode())
    while datetime.now(UTC) <= leaf.not_valid_after_utc + timedelta(seconds=1):
        time.sleep(0.1)


def created(source_type: str = "trainedAlgorithmicMedia", agent: str = "Image Generator 3") -> dict[str, Any]:
    """A manifest that says that the file was created, and how."""
    how = {"digitalSourceType": SOURCE_TYPES + source_type, "softwareAgent": {"name": agent}}
    return manifest({"action": "c2pa.created", **how})


def manifest(*actions: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest of some actions."""
    return {
        "claim_generator_info": [{"name": "unmask tests", "version": "1"}],
        "title": "drawn",
        "assertions": [{"label": "c2pa.actions", "data": {"actions": list(actions)}}],
    }


def sign(
    data: bytes,
    mime: str,
    one: Signer,
    said: Mapping[str, Any],
    ingredients: tuple[tuple[dict[str, Any], str, bytes], ...] = (),
) -> bytes:
    """A file with a manifest embedded.

    Args:
        data: The file.
        mime: Its kind.
        one: Who signs.
        said: The manifest.
        ingredients: What it was made from: the ingredient as JSON, its kind and its file.
    """
    import c2pa

    def signature(claim: bytes) -> bytes:
        r, s = decode_dss_signature(one.key.sign(claim, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    settings = {"verify": {"verify_after_sign": False}, "builder": {"thumbnail": {"enabled": False}}}
    out = io.BytesIO()
    with (
        c2pa.Context.from_dict(settings) as context,
        c2pa.Signer.from_callback(signature, c2pa.C2paSigningAlg.ES256, one.chain, None) as made,
        c2pa.Builder.from_json(json.dumps(said), context=context) as builder,
    ):
        for described, kind, file in ingredients:
            builder.add_ingredient(json.dumps(described), kind, io.BytesIO(file))
        builder.sign(made, mime, io.BytesIO(data), out)
    return out.getvalue()


def _certificate(
    name: str,
    public: ec.EllipticCurvePublicKey,
    issuer: str,
    issuer_key: ec.EllipticCurvePrivateKey,
    valid: tuple[datetime, datetime],
    *,
    authority: bool,
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(_name(issuer))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(_usage(authority), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if not authority:
        builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    return builder.sign(issuer_key, hashes.SHA256())


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    parts = ((NameOID.COUNTRY_NAME, "XX"), (NameOID.ORGANIZATION_NAME, f"{common} Ltd"), (NameOID.COMMON_NAME, common))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])
