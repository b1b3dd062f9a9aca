"""Content Credentials signed with a throwaway certificate: valid, of a stranger, changed, expired, forged."""

from __future__ import annotations

import builtins
import io
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests import draw_credentials as drawn
from tests.draw_provenance import film, jpeg, known_signer, packet, picture, saved, signed, sound, tampered
from unmask.provenance import NOBODY, Account, Kind, Trust, credentials, read
from unmask.provenance.film import read as read_film
from unmask.words import Backing, Extent

STRANGER = drawn.signer("A Stranger")


def trusting(*signers: drawn.Signer) -> Trust:
    return Trust("".join(one.root for one in signers))


def codes(account: Account) -> set[str]:
    return {one.code for one in account.findings}


@pytest.fixture(scope="module")
def expired() -> bytes:
    signer = drawn.expiring()
    data = drawn.sign(jpeg()[1], "image/jpeg", signer, drawn.created())
    drawn.wait_until_expired(signer)
    return data


def test_a_signer_whom_the_user_trusts_declares() -> None:
    account = read(signed(), trust=trusting(known_signer()))
    said = account.findings[0].declaration
    assert said is not None
    assert (said.backing, said.extent) == (Backing.TRUSTED_SIGNER, Extent.WHOLE)
    assert "trainedAlgorithmicMedia" in said.words
    assert "Image Generator 3" in said.words
    assert account.facts["c2pa trusted"] == 1


def test_where_nobody_is_trusted_the_signer_is_called_unknown() -> None:
    account = read(signed(), trust=NOBODY)
    assert codes(account) == {"credential-declares-model", "credential-intact"}
    said = account.findings[0].declaration
    assert said is not None
    assert said.backing is Backing.UNKNOWN_SIGNER
    assert account.facts["c2pa unknown signer"] == 1


def test_a_signer_who_is_not_on_the_users_list_declares_nothing() -> None:
    account = read(signed(), trust=trusting(STRANGER))
    assert codes(account) == {"credential-untrusted"}
    assert not account.of_kind(Kind.DECLARED)
    assert "not on the trust list" in account.findings[0].sentence


@pytest.mark.parametrize("trust", [NOBODY, trusting(known_signer()), trusting(STRANGER)])
def test_a_file_that_was_changed_is_reported_as_just_that(trust: Trust) -> None:
    account = read(tampered(), trust=trust)
    assert codes(account) == {"credential-broken"}
    assert account.facts["c2pa broken"] == 1
    assert "assertion.dataHash.mismatch" in (account.findings[0].quote or "")


def test_an_expired_certificate_without_a_time_stamp_is_reported_as_just_that(expired: bytes) -> None:
    account = read(expired)
    assert codes(account) == {"credential-expired"}
    assert not account.of_kind(Kind.DECLARED)


def test_credentials_from_another_file_are_broken() -> None:
    one = signed()
    store = one[one.index(b"\xff\xeb") :]
    size = struct.unpack(">H", store[2:4])[0]
    other = saved(picture(3), "JPEG")
    assert codes(read(other[:2] + store[: size + 2] + other[2:])) == {"credential-broken"}


@pytest.mark.parametrize(
    ("action", "source_type", "extent"),
    [
        ("c2pa.created", "trainedAlgorithmicMedia", Extent.WHOLE),
        ("c2pa.created", "compositeWithTrainedAlgorithmicMedia", Extent.PART),
        ("c2pa.created", "compositeSynthetic", Extent.PART),
        ("c2pa.created", "digitalCapture", None),
        ("c2pa.created", "computationalCapture", None),
        ("c2pa.created", "algorithmicMedia", None),
    ],
)
def test_the_source_type_decides_what_is_declared(action: str, source_type: str, extent: Extent | None) -> None:
    said = drawn.manifest({"action": action, "digitalSourceType": drawn.SOURCE_TYPES + source_type})
    account = read(drawn.sign(jpeg()[1], "image/jpeg", known_signer(), said))
    declarations = [one.declaration for one in account.findings if one.declaration]
    assert [one.extent for one in declarations] == ([extent] if extent else [])


def test_an_edit_with_a_model_is_about_a_part() -> None:
    made, edited = (
        {"action": action, "digitalSourceType": drawn.SOURCE_TYPES + kind}
        for action, kind in (("c2pa.created", "digitalCapture"), ("c2pa.edited", "trainedAlgorithmicMedia"))
    )
    account = read(drawn.sign(jpeg()[1], "image/jpeg", known_signer(), drawn.manifest(made, edited)))
    said = account.findings[0].declaration
    assert said is not None
    assert said.extent is Extent.PART


@pytest.mark.parametrize(("relation", "extent"), [("componentOf", Extent.PART), ("inputTo", None)])
def test_what_was_put_in_is_a_part_and_what_a_model_was_shown_none(relation: str, extent: Extent | None) -> None:
    action = "c2pa.placed" if relation == "componentOf" else "c2pa.edited"
    made = {"action": "c2pa.created", "digitalSourceType": drawn.SOURCE_TYPES + "digitalCapture"}
    placed = {"action": action, "parameters": {"ingredientIds": ["it"]}}
    ingredient = {"title": "it.jpg", "relationship": relation, "label": "it"}
    data = drawn.sign(
        jpeg()[1], "image/jpeg", known_signer(), drawn.manifest(made, placed), ((ingredient, "image/jpeg", signed()),)
    )
    declarations = [one.declaration for one in read(data).findings if one.declaration]
    assert [one.extent for one in declarations] == ([extent] if extent else [])


@pytest.mark.parametrize(
    ("who", "trust", "by", "backing"),
    [
        (known_signer(), trusting(known_signer()), "Test Signer (Test Signer Ltd)", Backing.TRUSTED_SIGNER),
        (STRANGER, trusting(known_signer()), "A Stranger (A Stranger Ltd)", Backing.UNKNOWN_SIGNER),
        (STRANGER, trusting(known_signer(), STRANGER), "A Stranger (A Stranger Ltd)", Backing.TRUSTED_SIGNER),
        (STRANGER, NOBODY, "A Stranger (A Stranger Ltd)", Backing.UNKNOWN_SIGNER),
    ],
)
def test_the_words_of_an_ingredient_are_those_of_who_signed_it(
    who: drawn.Signer, trust: Trust, by: str, backing: Backing
) -> None:
    """Whoever signs a file into which something was put does not say of it what its maker said."""
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["it"]}}
    ingredient = {"title": "it.jpg", "relationship": "parentOf", "label": "it"}
    made = drawn.sign(jpeg()[1], "image/jpeg", who, drawn.created())
    said = drawn.manifest(opened, {"action": "c2pa.cropped"})
    data = drawn.sign(jpeg()[1], "image/jpeg", known_signer(), said, ((ingredient, "image/jpeg", made),))
    (declaration,) = [one.declaration for one in read(data, trust=trust).findings if one.declaration]
    assert (declaration.by, declaration.backing, declaration.extent) == (by, backing, Extent.WHOLE)


def test_a_broken_ingredient_declares_nothing() -> None:
    opened = {"action": "c2pa.opened", "parameters": {"ingredientIds": ["it"]}}
    ingredient = {"title": "it.jpg", "relationship": "parentOf", "label": "it"}
    data = drawn.sign(
        jpeg()[1], "image/jpeg", known_signer(), drawn.manifest(opened), ((ingredient, "image/jpeg", tampered()),)
    )
    account = read(data)
    assert not account.of_kind(Kind.DECLARED)
    assert "credential-intact" in codes(account)


@pytest.mark.parametrize(
    ("data", "mime", "suffix"),
    [
        (saved(picture(), "PNG"), "image/png", "png"),
        (saved(picture(), "WEBP"), "image/webp", "webp"),
        (saved(picture(), "TIFF"), "image/tiff", "tif"),
        (saved(picture(), "GIF"), "image/gif", "gif"),
        (saved(picture(), "AVIF"), "image/avif", "avif"),
        (film({}), "video/mp4", "mp4"),
        (film({}, "mov"), "video/quicktime", "mov"),
        (film({}, "avi"), "video/avi", "avi"),
        (sound({}, "flac", "flac"), "audio/flac", "flac"),
        (sound({}, "ipod", "aac"), "audio/mp4", "m4a"),
        (sound({}), "audio/mpeg", "mp3"),
        (sound({}, "wav", "pcm_s16le"), "audio/wav", "wav"),
    ],
    ids=["png", "webp", "tiff", "gif", "avif", "mp4", "mov", "avi", "flac", "m4a", "mp3", "wav"],
)
def test_every_format_that_carries_credentials_is_checked(data: bytes, mime: str, suffix: str, tmp_path: Any) -> None:
    whole = drawn.sign(data, mime, known_signer(), drawn.created())
    if mime.startswith("image/"):
        account = read(whole, trust=trusting(known_signer()))
    else:
        path = tmp_path / f"file.{suffix}"
        path.write_bytes(whole)
        account = read_film(path, trust=trusting(known_signer()))
    assert account.facts["c2pa trusted"] == 1
    assert account.of_kind(Kind.DECLARED)


def test_no_connection_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not by Python; what the library could open is switched off, which a manifest kept elsewhere shows."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert read(signed(), trust=trusting(known_signer())).facts["c2pa trusted"] == 1


def test_a_manifest_that_lies_at_an_address_is_not_fetched() -> None:
    """A server of our own would hear of it. The library would ask, were it not told to leave it."""
    import c2pa

    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.3)
        address = f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa"
        data = jpeg(xmp=packet({"dcterms:provenance": address}))[1]
        account = read(data)
        assert codes(account) == {"credential-elsewhere"}
        assert credentials.account(io.BytesIO(data), len(data), 0, "image/jpeg").findings == ()
        with pytest.raises(TimeoutError):
            server.accept()
        # The server does hear where the library is left as it comes, so the silence above means something.
        with pytest.raises(c2pa.C2paError):
            _ask_like_a_stranger(data, server)


def _ask_like_a_stranger(data: bytes, server: socket.socket) -> None:
    import c2pa

    heard: list[bool] = []

    def answer() -> None:
        try:
            connection, _ = server.accept()
            heard.append(True)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            connection.close()
        except TimeoutError:
            pass

    server.settimeout(5)
    thread = threading.Thread(target=answer)
    thread.start()
    try:
        with c2pa.Context.from_dict({"verify": {"remote_manifest_fetch": True}}) as context:
            c2pa.Reader("image/jpeg", io.BytesIO(data), context=context)
    finally:
        thread.join()
        assert heard, "the library did not ask, so this test shows nothing"


def test_without_the_library_credentials_are_present_and_not_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    data, real = signed(), builtins.__import__

    def absent(name: str, *more: Any, **named: Any) -> Any:
        if name == "c2pa":
            raise ImportError(name)
        return real(name, *more, **named)

    monkeypatch.setattr(builtins, "__import__", absent)
    account = read(data, trust=trusting(known_signer()))
    assert codes(account) == {"credential-unverified"}
    assert 'pip install "unmask[c2pa]"' in account.findings[0].sentence
    assert not account.of_kind(Kind.DECLARED)
    assert account.facts["c2pa present"] == 1
    assert "c2pa trusted" not in account.facts


@pytest.fixture
def never_called(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def called(*_: object) -> None:
        raise AssertionError("native code was called")

    monkeypatch.setattr(credentials, "_checked", called)
    yield


@pytest.mark.usefixtures("never_called")
def test_a_store_that_announces_too_much_never_reaches_native_code() -> None:
    data = bytearray(signed())
    at = credentials.begins(bytes(data))
    assert at is not None
    struct.pack_into(">I", data, at, 2**31)
    account = read(bytes(data))
    assert codes(account) == {"credential-unverified"}
    assert "too large" in account.findings[0].sentence


@pytest.mark.usefixtures("never_called")
def test_files_without_credentials_never_reach_native_code() -> None:
    assert read(jpeg()[1]).findings == ()


def test_forged_boxes_are_broken_and_nothing_else() -> None:
    data = jpeg()[1]
    box = struct.pack(">I4sI4s", 60, b"jumb", 44, b"jumd") + credentials.STORE + b"\x03c2pa\0" + b"\xff" * 22
    body = b"JP" + b"\0\1\0\0\0\1" + box
    forged = data[:2] + b"\xff\xeb" + struct.pack(">H", len(body) + 2) + body + data[2:]
    assert codes(read(forged)) == {"credential-broken"}


def test_bytes_that_only_look_like_a_store_are_none() -> None:
    data = jpeg()[1] + credentials.STORE
    assert read(data).findings == ()
