from __future__ import annotations

import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.draw_credentials import SOURCE_TYPES
from tests.draw_provenance import COMFY, film, packet, picture, saved, sound
from unmask.provenance import Account, read_film
from unmask.provenance.film import of_tags

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def tagged(*groups: dict[str, str]) -> Account:
    return of_tags("mov", [(f"group {i}", tags) for i, tags in enumerate(groups)], NOW)


def codes(account: Account) -> set[str]:
    return {one.code for one in account.findings}


@pytest.mark.parametrize(
    ("kind", "codec", "key"),
    [
        ("mp3", "libmp3lame", "title"),
        ("wav", "pcm_s16le", "title"),
        ("flac", "flac", "TITLE"),
        ("ipod", "aac", "title"),
    ],
)
def test_tags_of_every_container_of_sound_are_read(tmp_path: Path, kind: str, codec: str, key: str) -> None:
    path = tmp_path / f"sound.{kind}"
    path.write_bytes(sound({"title": "a voice", "artist": "nobody"}, kind, codec))
    account = read_film(path, now=NOW)
    (container,) = account.entries
    lines = {one.name.lower(): one.value for group in container.entries for one in group.entries}
    assert lines["title"] == "a voice"
    assert lines["artist"] == "nobody"
    assert account.facts["has container tags"] >= 2


@pytest.mark.parametrize(("kind", "suffix"), [("mp4", "mp4"), ("mov", "mov"), ("matroska", "mkv"), ("avi", "avi")])
def test_tags_of_every_container_of_films_are_read(tmp_path: Path, kind: str, suffix: str) -> None:
    path = tmp_path / f"film.{suffix}"
    path.write_bytes(film({"comment": COMFY, "title": "x"}, kind))
    account = read_film(path, now=NOW)
    assert "generator-parameters" in codes(account)
    assert account.facts["has container tags"] >= 2


def test_what_a_device_writes_is_read() -> None:
    account = tagged(
        {
            "com.apple.quicktime.make": "Apple",
            "com.apple.quicktime.model": "iPhone 15",
            "com.apple.quicktime.location.ISO6709": "+48.8577+002.2950+035.0/",
            "com.apple.quicktime.creationdate": "2024-03-02T12:00:00+0100",
            "creation_time": "2024-03-02T11:00:00.000000Z",
        }
    )
    assert codes(account) == {"camera-named", "place-named"}
    assert (account.facts["has device"], account.facts["has gps"], account.facts["has creation time"]) == (1, 1, 1)


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({"creation_time": "2031-01-01T00:00:00Z"}, "time-in-future"),
        (
            {"creation_time": "2020-01-01T00:00:00Z", "com.apple.quicktime.creationdate": "2024-03-02T12:00:00+0100"},
            "times-disagree",
        ),
        ({"location": "+95.0+002.0/"}, "gps-impossible"),
        ({"encoder": "Lavf62.1.0"}, "encoded"),
        ({"software": "CapCut"}, "edited"),
        ({"software": "Voicemod"}, "face-edited"),
        ({"encoded_by": "ElevenLabs"}, "generator-named"),
        ({"comment": COMFY, "x": "y"}, "generator-parameters"),
        ({"prompt": COMFY}, "generator-parameters"),
        ({"AIGC": '{"Label": "1"}'}, "ai-label"),
        ({"comment": "Made with Google AI"}, "ai-label"),
        ({"title": "Midjourney"}, None),
        ({"title": "How films are made with AI", "description": "a report on faces generated with AI"}, None),
        ({"source": "OpenAI press call", "engineer": "Udio"}, None),
        ({"location": "+00.0+000.0/"}, None),
        ({"creation_time": "1904-01-01T00:00:00Z"}, None),
    ],
)
def test_what_follows_from_tags(tags: dict[str, str], code: str | None) -> None:
    assert codes(tagged(tags)) == ({code} if code else set())


def test_a_copy_that_was_encoded_later_contradicts_nothing() -> None:
    account = tagged(
        {"creation_time": "2025-01-01T00:00:00Z", "com.apple.quicktime.creationdate": "2024-03-02T12:00:00+0100"}
    )
    assert codes(account) == set()


def test_xmp_in_an_mp4_is_read(tmp_path: Path) -> None:
    said = packet({"Iptc4xmpExt:DigitalSourceType": SOURCE_TYPES + "trainedAlgorithmicMedia"})
    box = struct.pack(">I4s", len(said) + 24, b"uuid") + bytes.fromhex("be7acfcb97a942e89c71999491e3afac") + said
    path = tmp_path / "film.mp4"
    path.write_bytes(film({}) + box)
    account = read_film(path, now=NOW)
    assert "source-type-declares-model" in codes(account)
    assert account.facts["has xmp"] == 1


def test_a_moving_gif_is_read_as_a_picture(tmp_path: Path) -> None:
    frames = [picture(seed) for seed in range(3)]
    path = tmp_path / "moving.gif"
    path.write_bytes(saved(frames[0], "GIF", save_all=True, append_images=frames[1:], comment=b"drawn by hand"))
    (texts,) = read_film(path).entries
    assert [one.value for one in texts.entries] == ["drawn by hand"]


@pytest.mark.parametrize("data", [b"", b"nonsense" * 100, film({})[:200]])
def test_what_is_no_film_says_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(data)
    assert read_film(path).findings == ()
    assert read_film(tmp_path / "gone.mp4").findings == ()
