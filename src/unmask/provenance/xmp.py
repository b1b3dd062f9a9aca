"""XMP: read by expat within bounds, without entities, whatever its depth; and what follows from it.

expat of the standard library, for all that XMP needs is a stream of elements, and what is dangerous in XML (document
types, entities) can be refused in one place.

Source: ISO 16684-1; IPTC Photo Metadata Standard 2025.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, NamedTuple
from xml.parsers import expat

from unmask.provenance import generators, software, times
from unmask.provenance.account import Account, declaring, entry, finding
from unmask.provenance.source_type import known
from unmask.statements import Entry, Finding
from unmask.words import Extent

MOST_BYTES: Final = 4 * 2**20
ELEMENTS: Final = 5_000
DEPTH: Final = 64

_PREFIXES: Final = {
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/xap/1.0/mm/": "xmpMM",
    "http://ns.adobe.com/xap/1.0/sType/ResourceEvent#": "stEvt",
    "http://ns.adobe.com/xap/1.0/sType/ResourceRef#": "stRef",
    "http://ns.adobe.com/xap/1.0/rights/": "xmpRights",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/camera-raw-settings/1.0/": "crs",
    "http://iptc.org/std/Iptc4xmpExt/2008-02-29/": "Iptc4xmpExt",
    "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/": "Iptc4xmpCore",
    "http://ns.google.com/photos/1.0/container/": "GContainer",
    "http://ns.google.com/photos/1.0/camera/": "GCamera",
    "http://www.tc260.org.cn/ns/AIGC/1.0/": "TC260",
    "http://www.w3.org/1999/02/22-rdf-syntax-ns#": "rdf",
    "adobe:ns:meta/": "x",
}
_WRAPPERS: Final = frozenset(
    {"rdf:RDF", "rdf:Description", "rdf:li", "rdf:Seq", "rdf:Bag", "rdf:Alt", "x:xmpmeta", "x:xapmeta"}
)
_SOURCE_TYPES: Final = ("Iptc4xmpExt:DigitalSourceType", "Iptc4xmpExt:DigitalSourcefileType")
_TOOLS: Final = ("xmp:CreatorTool", "tiff:Software", "stEvt:softwareAgent", "exif:Software")
_AI: Final = ("AISystemUsed", "AISystemVersionUsed", "AIPromptInformation", "AIPromptWriterName")


_HISTORY: Final = "xmpMM:History"
_MADE_FROM: Final = frozenset({"xmpMM:Ingredients", "xmpMM:Pantry"})
"""What was put into the file, as Adobe's programs note it."""


class Property(NamedTuple):
    """One value, with the usual prefix of its name.

    `within` names the outermost structure in which it stands: an ingredient, an earlier step, a work that is shown. It
    is empty where the value is about the file itself, and only then it says what the file is.
    """

    name: str
    value: str
    within: str = ""


@dataclass(eq=False)
class Properties:
    """What was read.

    Attributes:
        values: In the order of the file.
        problem: Why reading ended early, as an end of the sentence "it ...", or None.
    """

    values: list[Property] = field(default_factory=list)
    problem: str | None = None

    def own(self, *names: str) -> Iterator[tuple[str, str]]:
        """Names and values of what is said of the file itself: of these names, or of all."""
        return ((one.name, one.value) for one in self.values if not one.within and (not names or one.name in names))

    def first(self, *names: str) -> str:
        """The first value of these names that is about the file itself; empty where there is none."""
        return next((value for _, value in self.own(*names)), "")


class _RefusedError(Exception):
    """XML that no honest XMP holds."""


def read(data: bytes) -> Properties:
    """The properties of a packet. Never raises; what breaks the rules ends the reading and is named."""
    found = Properties()
    parser = expat.ParserCreate(namespace_separator=" ")
    reader = _Reader(found)
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.text
    parser.StartDoctypeDeclHandler = _refuse
    parser.buffer_text = True
    try:
        parser.Parse(data[:MOST_BYTES].strip(b"\0 \r\n\t"), True)
    except _RefusedError as error:
        found.problem = str(error)
    except expat.ExpatError as error:
        found.problem = f"is no XML: {expat.ErrorString(error.code)} in line {error.lineno}"
    except ValueError:  # an unknown encoding, or a character that none has
        found.problem = "is in an encoding that XML does not know"
    return found


def _refuse(*_: object) -> None:
    raise _RefusedError("declares a document type, as entities that grow without end need")


class _Reader:
    def __init__(self, found: Properties) -> None:
        self._found, self._path, self._text, self._count = found, list[str](), list[str](), 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1 + len(attributes)
        if self._count > ELEMENTS:
            raise _RefusedError(f"holds more than {ELEMENTS:,} elements")
        if len(self._path) >= DEPTH:
            raise _RefusedError(f"is nested more than {DEPTH} deep")
        self._path.append(_short(name))
        self._text.clear()
        for key, value in attributes.items():
            short = _short(key)
            if short == "rdf:resource":
                self._keep(value)
            elif not short.startswith(("rdf:", "x:", "xml:")) and ":" in short:
                self._add(short, value, self._path)

    def end(self, _: str) -> None:
        self._keep("".join(self._text))
        self._text.clear()
        self._path.pop()

    def text(self, text: str) -> None:
        self._text.append(text)

    def _keep(self, value: str) -> None:
        at = next((i for i in range(len(self._path) - 1, -1, -1) if self._path[i] not in _WRAPPERS), None)
        if at is not None and value.strip():
            self._add(self._path[at], value.strip(), self._path[:at])

    def _add(self, name: str, value: str, above: list[str]) -> None:
        within = next((one for one in above if one not in _WRAPPERS), "")
        self._found.values.append(Property(name, value, within))


def _short(name: str) -> str:
    space, _, local = name.rpartition(" ")
    if not space:
        return local
    return f"{_PREFIXES.get(space) or space.rstrip('/#').rpartition('/')[2][:20] or '?'}:{local}"


def account(packets: Iterable[bytes], now: datetime) -> Account:
    """What the packets of a file say together.

    Args:
        packets: As they lie there.
        now: Later times lie in the future.
    """
    found = Properties()
    findings: list[Finding] = []
    for packet in packets:
        if len(packet) > MOST_BYTES:
            findings.append(
                finding("oversized", "XMP", f"it has {len(packet):,} bytes; {MOST_BYTES:,} of them were read")
            )
        one = read(packet)
        found.values += one.values
        if one.problem and len(packet) <= MOST_BYTES:
            findings.append(finding("malformed", "XMP", f"it {one.problem}"))
    if not found.values and not findings:
        return Account()
    programs = list(_programs(found))
    findings += [
        *_source_types(found),
        *_labels(found),
        *_parameters(found),
        *programs,
        *_moments(found, now),
        *_elsewhere(found),
    ]
    facts = {
        "has xmp": 1.0,
        "has xmp history": float(any(one.within == _HISTORY for one in found.values)),
        **software.facts(programs),
    }
    words = {"xmp make": found.first("tiff:Make"), "xmp model": found.first("tiff:Model")}
    words["xmp taken"] = found.first("exif:DateTimeOriginal", "photoshop:DateCreated")
    return Account(tuple(findings), (entry("XMP", entries=_tree(found)),), facts, words)


def _programs(found: Properties) -> Iterator[Finding]:
    """Of the file itself, and of the steps in its history: a generator that took one of these made a part.

    A history may name one program a hundred times, in every version it had; once is enough.
    """
    told: dict[tuple[str, str], Finding] = {}
    for name, value, within in found.values:
        if name in _TOOLS and within in ("", _HISTORY):
            for one in software.said(f"XMP, {name}", value, Extent.PART if within else Extent.WHOLE):
                told.setdefault((name, one.sentence), one)
    yield from told.values()


def _source_types(found: Properties) -> Iterator[Finding]:
    """What a model made all of makes a part of what it was put into; what is only shown or mentioned makes none."""
    for name, value, within in found.values:
        said, where = known(value) if name in _SOURCE_TYPES else None, f"XMP, {_named(name, within)}"
        if said is None:
            continue
        if said.made and (not within or within in _MADE_FROM):
            extent = Extent.PART if within else said.made
            yield declaring("source-type-declares-model", where, value, by="the file's own XMP", extent=extent)
        else:
            what = "something that it mentions" if within else "it"
            yield finding("source-type", where, f"it says that {what} was {said.words}", value)


def _labels(found: Properties) -> Iterator[Finding]:
    """IPTC's AI fields say that a model was used; where a source type stands beside them, it says for how much."""
    types = [said for _, value in found.own(*_SOURCE_TYPES) if (said := known(value))]
    extent = Extent.WHOLE if not types or any(said.made is Extent.WHOLE for said in types) else Extent.PART
    for name, value in found.own():
        if name.partition(":")[2] in _AI:
            yield declaring("ai-label", f"XMP, {name}", value, by="the file's own XMP", extent=extent)
    for name, value in found.own("photoshop:Credit", "dc:rights", "photoshop:Instructions"):
        yield from generators.credited(f"XMP, {name}", value)


def _parameters(found: Properties) -> Iterator[Finding]:
    for name, value in found.own():
        key = name.partition(":")[2]
        if key in ("UserComment", "description", "parameters", "AIGC", "prompt", "workflow", "Description"):
            yield from generators.said(f"XMP, {name}", key, value)


def _moments(found: Properties, now: datetime) -> list[Finding]:
    made, changed = found.first("xmp:CreateDate"), found.first("xmp:ModifyDate")
    named = {"XMP, xmp:CreateDate": made, "XMP, xmp:ModifyDate": changed}
    named |= {f"XMP, {name}": value for name, value in found.own("exif:DateTimeOriginal", "photoshop:DateCreated")}
    late = times.in_future({where: text for where, text in named.items() if text}, now)
    return late + times.out_of_order(("XMP, xmp:CreateDate", made), ("XMP, xmp:ModifyDate", changed))


def _elsewhere(found: Properties) -> Iterator[Finding]:
    for name, value in found.own("dcterms:provenance"):
        sentence = "its Content Credentials lie at this address, from which nothing was fetched"
        yield finding("credential-elsewhere", f"XMP, {name}", sentence, value)


def _tree(found: Properties) -> Iterator[Entry]:
    for name, value, within in found.values:
        yield entry(_named(name, within), value)


def _named(name: str, within: str) -> str:
    return f"{within}/{name}" if within else name
