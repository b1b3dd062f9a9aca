"""Every kind of file that is drawn, read to the end: what is found, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests import draw_provenance as drawn
from unmask.provenance import NAMES, Account, Kind, features
from unmask.provenance.catalogue import CATALOGUE
from unmask.provenance.whole import read
from unmask.words import Backing, Extent

EXPECTED: Final = {
    "photo, metadata stripped": set(),
    "photo of a camera": {"camera-named", "place-named"},
    "photo saved by an editor": {"edited", "camera-named"},
    "photo from FaceApp": {"face-edited"},
    "photo with times that cannot be": {"times-disagree", "camera-named"},
    "photo from nowhere on earth": {"gps-impossible", "camera-named"},
    "photo with notes of another maker": {"maker-notes-of-another", "camera-named"},
    "photo with another one's thumbnail": {"thumbnail-unlike", "camera-named"},
    "photo with its own thumbnail": {"camera-named"},
    "photo with IPTC credit": set(),
    "AUTOMATIC1111, PNG": {"generator-parameters"},
    "AUTOMATIC1111, JPEG": {"generator-parameters"},
    "ComfyUI, PNG": {"generator-parameters"},
    "ComfyUI, WebP": {"generator-parameters"},
    "InvokeAI, PNG": {"generator-parameters"},
    "NovelAI, PNG": {"generator-parameters", "generator-named"},
    "Fooocus, PNG": {"generator-parameters"},
    "Draw Things, PNG": {"generator-parameters"},
    "Midjourney, PNG": {"generator-parameters"},
    "IPTC source type in XMP: made by a model": {"source-type-declares-model"},
    "IPTC source type in XMP: changed with a model": {"source-type-declares-model"},
    "Made with Google AI": {"ai-label"},
    "AIGC label (GB 45438-2025), PNG": {"ai-label"},
    "generator named in EXIF, TIFF": {"generator-named"},
    "generator named in XMP, AVIF": {"generator-named"},
    "comment of an editor, JPEG": {"edited"},
    "comment, GIF": set(),
    "Content Credentials, intact": {"credential-declares-model", "credential-intact"},
    "Content Credentials of a camera": {"credential-intact"},
    "Content Credentials, opened from a generated one": {"credential-declares-model", "credential-intact"},
    "Content Credentials, file changed": {"credential-broken"},
    "Content Credentials at an address": {"credential-elsewhere"},
    "video of a phone": {"camera-named", "encoded"},
    "video with ComfyUI's graph": {"generator-parameters", "encoded"},
    "video, encoded by FFmpeg": {"encoded"},
    "recording of a speech generator": {"generator-named", "encoded"},
    "recording saved by an editor": {"edited", "encoded"},
}


@pytest.fixture(scope="module")
def accounts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Account]:
    folder = tmp_path_factory.mktemp("kinds")
    found = {}
    for number, (name, draw) in enumerate(drawn.KINDS.items()):
        suffix, data = draw()
        path = folder / f"{number}{suffix}"
        path.write_bytes(data)
        found[name], problem = read(path)
        assert problem is None, f"{name}: {problem}"
    return found


def test_every_kind_is_expected() -> None:
    assert EXPECTED.keys() == drawn.KINDS.keys()


@pytest.mark.parametrize("name", EXPECTED)
def test_exactly_this_is_found(accounts: dict[str, Account], name: str) -> None:
    found = accounts[name].findings
    assert {one.code for one in found} == EXPECTED[name]
    for one in found:
        assert one.kind is CATALOGUE[one.code].kind
        assert "reading it failed" not in one.sentence, "a reader met what it did not foresee"
    assert len({(one.code, one.where) for one in found}) == len(found)


@pytest.mark.parametrize("name", EXPECTED)
def test_features_have_every_name_and_agree_with_the_findings(accounts: dict[str, Account], name: str) -> None:
    account = accounts[name]
    numbers = features(account)
    assert numbers.keys() == NAMES.keys()
    assert numbers["declared"] == float(bool(account.of_kind(Kind.DECLARED)))
    assert numbers["suspicious findings"] == len(account.of_kind(Kind.SUSPICIOUS))
    assert set(account.facts) <= NAMES.keys() | {"thumbnail correlation", "thumbnail apart"}


def test_a_stripped_photo_says_nothing_at_all(accounts: dict[str, Account]) -> None:
    account = accounts["photo, metadata stripped"]
    assert account.entries == ()
    assert not any(features(account).values())


def test_the_camera_is_read_to_the_last_field(accounts: dict[str, Account]) -> None:
    numbers = features(accounts["photo of a camera"])
    for name in ("has exif", "has camera", "has lens", "has exposure", "has times", "has gps"):
        assert numbers[name] == 1, name
    place = next(one for one in accounts["photo of a camera"].findings if one.code == "place-named")
    assert place.quote == "48.85833 N, 2.29444 E"


@pytest.mark.parametrize(
    ("name", "extent", "backing", "by"),
    [
        ("Content Credentials, intact", Extent.WHOLE, Backing.UNKNOWN_SIGNER, "Test Signer (Test Signer Ltd)"),
        ("Content Credentials, opened from a generated one", Extent.WHOLE, Backing.UNKNOWN_SIGNER, "Test Signer"),
        ("IPTC source type in XMP: changed with a model", Extent.PART, Backing.UNSIGNED, "the file's own XMP"),
        ("ComfyUI, PNG", Extent.WHOLE, Backing.UNSIGNED, "ComfyUI"),
        ("AIGC label (GB 45438-2025), PNG", Extent.WHOLE, Backing.UNSIGNED, "Example Studio"),
        ("recording of a speech generator", Extent.WHOLE, Backing.UNSIGNED, "ElevenLabs"),
    ],
)
def test_a_declaration_says_who_and_how_much(
    accounts: dict[str, Account], name: str, extent: Extent, backing: Backing, by: str
) -> None:
    said = accounts[name].findings[0].declaration
    assert said is not None
    assert (said.extent, said.backing) == (extent, backing)
    assert said.by.startswith(by)
    assert said.words


def test_values_that_tell_the_label_by_name_or_size_are_no_features() -> None:
    forbidden = {"path", "name of the file", "bytes", "width", "height"}
    assert not forbidden & NAMES.keys()


def test_the_same_bytes_elsewhere_have_the_same_features(tmp_path: Path) -> None:
    data = drawn.KINDS["photo of a camera"]()[1]
    numbers = []
    for name in ("real/a.jpg", "fake/generated-by-midjourney.jpg"):
        path = tmp_path / name
        path.parent.mkdir()
        path.write_bytes(data)
        numbers.append(features(read(path)[0]))
    assert numbers[0] == numbers[1]
