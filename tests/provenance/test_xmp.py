from __future__ import annotations

import struct
from datetime import UTC, datetime

import pytest

from tests.draw_provenance import camera, exif, jpeg, packet, picture, saved
from unmask.provenance import Account, read, xmp
from unmask.provenance.source_type import known
from unmask.statements import Kind
from unmask.words import Extent

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TYPES = "http://cv.iptc.org/newscodes/digitalsourcetype/"


def of(properties: dict[str, str]) -> Account:
    return read(jpeg(xmp=packet(properties))[1], now=NOW)


def codes(account: Account) -> list[str]:
    return [one.code for one in account.findings]


def test_attributes_elements_lists_and_structures_are_read() -> None:
    data = b"""<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
    <rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:CreatorTool="A &amp; B"
      xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmpMM="http://ns.adobe.com/xap/1.0/mm/"
      xmlns:stEvt="http://ns.adobe.com/xap/1.0/sType/ResourceEvent#" xmlns:z="http://example.org/own/space/">
    <dc:subject><rdf:Bag><rdf:li>one</rdf:li><rdf:li>two</rdf:li></rdf:Bag></dc:subject>
    <xmpMM:History><rdf:Seq><rdf:li stEvt:action="saved" stEvt:softwareAgent="GIMP"/></rdf:Seq></xmpMM:History>
    <z:own rdf:resource="https://example.org/"/></rdf:Description></rdf:RDF></x:xmpmeta>"""
    assert xmp.read(data).values == [
        ("xmp:CreatorTool", "A & B", ""),
        ("dc:subject", "one", ""),
        ("dc:subject", "two", ""),
        ("stEvt:action", "saved", "xmpMM:History"),
        ("stEvt:softwareAgent", "GIMP", "xmpMM:History"),
        ("space:own", "https://example.org/", ""),
    ]


def within(structure: str, body: str) -> Account:
    """A JPEG of a camera whose XMP holds something in a structure."""
    data = packet(
        {f"xmpMM:{structure}": f"<rdf:Bag><rdf:li><rdf:Description>{body}</rdf:Description></rdf:li></rdf:Bag>"}
    )
    return read(saved(picture(), "JPEG", exif=camera(), xmp=data), now=NOW)


MADE = f"<Iptc4xmpExt:DigitalSourceType>{TYPES}trainedAlgorithmicMedia</Iptc4xmpExt:DigitalSourceType>"


@pytest.mark.parametrize("structure", ["Ingredients", "Pantry"])
def test_what_was_put_into_a_photo_is_about_a_part(structure: str) -> None:
    (found,) = within(structure, MADE).of_kind(Kind.DECLARED)
    assert found.declaration is not None
    assert found.declaration.extent is Extent.PART
    assert found.where == f"XMP, xmpMM:{structure}/Iptc4xmpExt:DigitalSourceType"


@pytest.mark.parametrize("structure", ["History", "DerivedFrom", "ArtworkOnTheWall"])
def test_what_a_photo_only_mentions_declares_nothing_of_it(structure: str) -> None:
    account = within(structure, MADE)
    assert codes(account) == ["source-type", "camera-named"]
    assert "something that it mentions" in account.findings[0].sentence


def test_an_ingredient_speaks_for_itself_alone() -> None:
    other = """<tiff:Make>SONY</tiff:Make><xmp:CreatorTool>Midjourney</xmp:CreatorTool><xmp:CreateDate>2031-01-01
    </xmp:CreateDate><exif:DateTimeOriginal>2001-01-01</exif:DateTimeOriginal>
    <photoshop:Credit>Made with Google AI</photoshop:Credit><Iptc4xmpExt:AISystemUsed>x</Iptc4xmpExt:AISystemUsed>"""
    assert codes(within("Pantry", other)) == ["camera-named"]


def test_a_step_of_a_generator_is_about_a_part() -> None:
    (found,) = within("History", "<tiff:Software>Adobe Firefly</tiff:Software>").of_kind(Kind.DECLARED)
    assert found.declaration is not None
    assert found.declaration.extent is Extent.PART


def test_a_program_is_told_once_however_long_the_history() -> None:
    steps = "".join(f"<stEvt:softwareAgent>Adobe Photoshop 25.{i}</stEvt:softwareAgent>" for i in range(80))
    assert codes(within("History", steps)) == ["edited", "camera-named"]


def test_a_day_without_a_time_may_mean_any_moment_of_it() -> None:
    taken = camera(photo={0x9003: "2023:05:06 22:11:12", 0x9011: "-10:00"})
    for day, expected in (("2023-05-06", False), ("2023-05-03", True)):
        account = read(saved(picture(), "JPEG", exif=taken, xmp=packet({"photoshop:DateCreated": day})), now=NOW)
        assert ("times-disagree" in codes(account)) is expected


@pytest.mark.parametrize(
    ("value", "made"),
    [
        (TYPES + "trainedAlgorithmicMedia", Extent.WHOLE),
        ("trainedAlgorithmicMedia", Extent.WHOLE),
        (TYPES + "compositeWithTrainedAlgorithmicMedia/", Extent.PART),
        ("http://c2pa.org/digitalsourcetype/trainedAlgorithmicData", Extent.WHOLE),
        (TYPES + "digitalCapture", None),
        (TYPES + "algorithmicMedia", None),
    ],
)
def test_source_types_are_known_by_their_last_part(value: str, made: Extent | None) -> None:
    found = known(value)
    assert found is not None
    assert found.made is made
    account = of({"Iptc4xmpExt:DigitalSourceType": value})
    assert codes(account) == ["source-type-declares-model" if made else "source-type"]


@pytest.mark.parametrize("value", ["", "https://example.org/", "made by AI", "trainedAlgorithmicMediaa"])
def test_other_words_are_no_source_type(value: str) -> None:
    assert known(value) is None


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"Iptc4xmpExt:AISystemUsed": "Example Model 2"}, ["ai-label"]),
        ({"Iptc4xmpExt:AIPromptInformation": "a man"}, ["ai-label"]),
        ({"photoshop:Credit": "Made with Google AI"}, ["ai-label"]),
        ({"photoshop:Credit": "Photo: A. Person, made with care"}, []),
        ({"dc:rights": "(c) A. Person. Not made with AI."}, []),
        ({"dc:rights": "(c) A. Person. Made with AI."}, ["ai-label"]),
        ({"xmp:CreatorTool": "Adobe Photoshop 25.0"}, ["edited"]),
        ({"xmp:CreatorTool": "Adobe Firefly 3"}, ["generator-named"]),
        ({"dc:description": "a picture of Midjourney's office"}, []),
        ({"xmp:CreateDate": "2024-01-01T00:00:00Z", "xmp:ModifyDate": "2023-01-01T00:00:00Z"}, ["times-disagree"]),
        ({"xmp:CreateDate": "2031-01-01"}, ["time-in-future"]),
    ],
)
def test_what_follows_from_properties(properties: dict[str, str], expected: list[str]) -> None:
    assert codes(of(properties)) == expected


def test_exif_and_xmp_name_one_camera_and_one_moment() -> None:
    for make, taken, expected in (
        ("Canon", "2023-05-06T10:11:12", set()),
        ("CANON ", "2023-05-06T09:11:12", set()),
        ("SONY", "2023-05-06T10:11:12", {"camera-disagrees"}),
        ("Canon", "2021-05-06T10:11:12", {"times-disagree"}),
    ):
        said = packet({"tiff:Make": make, "exif:DateTimeOriginal": taken})
        account = read(saved(picture(), "JPEG", exif=camera(), xmp=said), now=NOW)
        assert set(codes(account)) - {"camera-named"} == expected, make


def test_a_part_edited_with_ai_is_about_a_part() -> None:
    account = of({"photoshop:Credit": "Edited with Google AI"})
    said = account.findings[0].declaration
    assert said is not None
    assert said.extent is Extent.PART


@pytest.mark.parametrize(
    ("source_type", "extent"),
    [
        (None, Extent.WHOLE),
        ("trainedAlgorithmicMedia", Extent.WHOLE),
        ("compositeWithTrainedAlgorithmicMedia", Extent.PART),
        ("digitalCapture", Extent.PART),
    ],
)
def test_ai_fields_are_about_as_much_as_the_source_type_says(source_type: str | None, extent: Extent) -> None:
    properties = {"Iptc4xmpExt:AISystemUsed": "Example Model 2"}
    if source_type:
        properties["Iptc4xmpExt:DigitalSourceType"] = TYPES + source_type
    label = next(one for one in of(properties).findings if one.code == "ai-label")
    assert label.declaration is not None
    assert label.declaration.extent is extent


def test_facts_of_both_are_joined() -> None:
    account = read(saved(picture(), "JPEG", exif=exif({0x0131: "GIMP"}), xmp=packet({"xmp:CreatorTool": "x"})), now=NOW)
    assert (account.facts["has exif"], account.facts["has xmp"]) == (1, 1)
    assert account.facts["software is an editor"] == 1, "what one part says is not taken back by another"


def test_xmp_that_goes_on_as_with_maps_of_depth_is_not_suspicious() -> None:
    data = saved(picture(), "JPEG", xmp=packet({"xmp:CreatorTool": "HDR+ 1.0"}))
    more = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32 + struct.pack(">II", 1000, 0) + b"x" * 1000
    segment = b"\xff\xe1" + struct.pack(">H", len(more) + 2) + more
    account = read(data[:2] + segment + data[2:], now=NOW)
    assert [(one.code, one.kind) for one in account.findings] == [("read-in-part", Kind.NEUTRAL)]
