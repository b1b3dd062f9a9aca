"""Files made to exhaust, confuse or inject: each costs little and becomes a finding."""

from __future__ import annotations

import json
import struct
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from tests import mutations
from tests.draw_provenance import chunk, exif, film, jpeg, packet, picture, png, png_with, saved
from unmask.provenance import Account, read
from unmask.provenance.account import ENTRIES, QUOTE_CHARACTERS, VALUE_CHARACTERS
from unmask.provenance.credentials import STORE
from unmask.statements import Entry

MOST_S: Final = 1.0
MOST_MB: Final = 60.0


def app1(body: bytes) -> bytes:
    plain = saved(picture(), "JPEG")
    return plain[:2] + b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body + plain[2:]


def looped_exif() -> bytes:
    """A directory whose next one is itself, and a pointer to EXIF that leads back to the first."""
    entries = struct.pack("<HHII", 0x8769, 4, 1, 8)
    return app1(b"Exif\0\0II*\0" + struct.pack("<IH", 8, 1) + entries + struct.pack("<I", 8))


def overlapping_exif() -> bytes:
    """Every entry points at the same 60,000 bytes."""
    count = 400
    entries = b"".join(struct.pack("<HHII", 1000 + i, 7, 60_000, 16) for i in range(count))
    body = b"II*\0" + struct.pack("<IH", 8, count) + entries + struct.pack("<I", 0)
    return app1(b"Exif\0\0" + body.ljust(65_000, b"x"))


def crowded_exif() -> bytes:
    entries = b"".join(struct.pack("<HHII", i, 3, 1, 0) for i in range(5_000))
    return app1(b"Exif\0\0II*\0" + struct.pack("<IH", 8, 5_000) + entries + struct.pack("<I", 0))


def bomb(kind: bytes, inside: int = 100 * 2**20) -> bytes:
    """A text of a few hundred kilobytes that inflates to a hundred megabytes."""
    packer = zlib.compressobj(9)
    squeezed = b"".join(packer.compress(b"a" * 2**20) for _ in range(inside // 2**20)) + packer.flush()
    head = b"parameters\0\0" if kind == b"zTXt" else b"parameters\0\1\0\0\0"
    return png_with(chunk(kind, head + squeezed))


def xmp_bomb() -> bytes:
    packer = zlib.compressobj(9)
    squeezed = b"".join(packer.compress(b" " * 2**20) for _ in range(100)) + packer.flush()
    return png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + squeezed))


def large_xmp() -> bytes:
    return png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + b"<a>" + b"x" * (30 * 2**20)))


def laughs() -> bytes:
    """Entities that grow without end."""
    lines = ['<!ENTITY l0 "ha">'] + [f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 12)]
    return jpeg(xmp=f"<!DOCTYPE x [{''.join(lines)}]><x>&l11;</x>".encode())[1]


def deep_xmp() -> bytes:
    return jpeg(xmp=b"<a>" * 10_000)[1]


def wide_xmp() -> bytes:
    return png_with(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<r>" + b"<a>b</a>" * 400_000 + b"</r>"))


def deep_json() -> bytes:
    return png({"prompt": '{"a":' * 100_000})


def many_texts() -> bytes:
    return png_with(*(chunk(b"tEXt", b"key\0text") for _ in range(5_000)))


def many_packets() -> bytes:
    return png_with(*(chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet({"dc:title": "t"})) for _ in range(50)))


def many_inflated() -> bytes:
    text = b"key\0\0" + zlib.compress(b'{"prompt": "' + b"a" * 2**20)
    return png_with(*(chunk(b"zTXt", text) for _ in range(90)))


def nested_boxes(depth: int = 20_000) -> bytes:
    """A manifest store whose boxes lie in one another, as deep as no stack is."""

    def described(kind: bytes, label: bytes) -> bytes:
        body = kind + b"\x03" + label + b"\0"
        return struct.pack(">I4s", len(body) + 8, b"jumd") + body

    inner, outer = described(b"c2ma" + STORE[4:], b"x"), described(STORE, b"c2pa")
    sizes = [(level + 1) * (8 + len(inner)) for level in range(depth)]
    boxes = b"".join(struct.pack(">I4s", size, b"jumb") + inner for size in reversed(sizes))
    store = struct.pack(">I4s", 8 + len(outer) + len(boxes), b"jumb") + outer + boxes
    return png_with(chunk(b"caBX", store))


CASES: Final[dict[str, tuple[Callable[[], bytes], str]]] = {
    "EXIF that leads back to itself": (looped_exif, "malformed"),
    "EXIF whose entries overlap": (overlapping_exif, "oversized"),
    "EXIF with thousands of entries": (crowded_exif, "malformed"),
    "zTXt that inflates to 100 MiB": (lambda: bomb(b"zTXt"), "oversized"),
    "iTXt that inflates to 100 MiB": (lambda: bomb(b"iTXt"), "oversized"),
    "XMP that inflates to 100 MiB": (xmp_bomb, "oversized"),
    "XMP of 30 MiB": (large_xmp, "oversized"),
    "XMP with entities": (laughs, "malformed"),
    "XMP nested 10,000 deep": (deep_xmp, "malformed"),
    "XMP of 400,000 elements": (wide_xmp, "malformed"),
    "iTXt that is no UTF-8": (lambda: png_with(chunk(b"iTXt", b"key\0\0\0\0\0\xff\xfe\xfa")), "malformed"),
    "zTXt that is no zlib": (lambda: png_with(chunk(b"zTXt", b"key\0\0nonsense")), "malformed"),
    "PNG that breaks off": (lambda: saved(picture(), "PNG")[:60], "malformed"),
    "JPEG that breaks off": (lambda: jpeg(exif=exif({0x010F: "x" * 500}))[1][:200], "malformed"),
    "thousands of texts": (many_texts, "oversized"),
    "Content Credentials nested 20,000 deep": (nested_boxes, "credential-broken"),
    "dozens of texts that inflate": (many_inflated, "oversized"),
    "dozens of XMP packets": (many_packets, "oversized"),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_hostile_costs_little_and_is_told(name: str) -> None:
    draw, code = CASES[name]
    data = draw()
    read(b"")  # so that nothing is imported while it is measured
    tracemalloc.start()
    try:
        begun = time.process_time()
        account = read(data)
        seconds = time.process_time() - begun
        peak_mb = tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()
    assert code in {one.code for one in account.findings}
    assert not any("reading it failed" in one.sentence for one in account.findings)
    assert seconds < 5 * MOST_S  # tracing slows it down several times
    assert peak_mb < MOST_MB


@pytest.mark.parametrize(
    "words", ["Steps: 1, ", "--v 6 ", "--v 6 --", "Steps: 9,x" * 3, "made with ", '{"a":', "Job ID: 0"]
)
def test_no_pattern_runs_away(words: str) -> None:
    text = words * (2**20 // len(words))
    begun = time.process_time()
    for key in ("parameters", "Description", "Software", "comment", "UserComment"):
        read(png({key: text}))
    assert time.process_time() - begun < 5 * MOST_S


def test_deep_json_is_no_parameters() -> None:
    assert read(deep_json()).findings == ()


@pytest.mark.parametrize(
    "words",
    [
        "<script>alert(1)</script>",
        "\x1b[31mred\x1b[0m",
        "\u202egpj.exe",
        "line\nline\r\x08",
        "\x00\x9b2J",
        "a" * 100_000,
    ],
)
def test_text_of_a_file_is_shown_and_never_obeyed(words: str) -> None:
    account = read(png({"parameters": f"{words} Steps: 20, Sampler: Euler, Seed: 1", "Software": f"GIMP {words}"}))
    shown = [text for one in account.findings for text in (one.quote or "", one.sentence, one.where)]
    values = [one.value or "" for group in account.entries for one in group.entries]
    assert account.findings
    for text in [*shown, *values]:
        assert text.isprintable()
        assert len(text) <= VALUE_CHARACTERS
    assert all(len(one.quote or "") <= QUOTE_CHARACTERS for one in account.findings)
    json.dumps([one.model_dump(mode="json") for one in account.findings])


def test_lone_surrogates_and_latin_bytes_are_valid_json() -> None:
    data = png_with(chunk(b"tEXt", b"Comment\0caf\xe9 \x80\x9f"))
    values = [one.value for group in read(data).entries for one in group.entries]
    json.dumps(values).encode()
    assert values == ["café \\x80\\x9f"]


def test_a_tree_has_no_more_lines_than_a_page_can_show() -> None:
    account = read(
        jpeg(xmp=packet({"dc:title": "t"}).replace(b"<dc:title>", b"<dc:title>x</dc:title><dc:title>" * 900))[1]
    )
    assert _most(account) <= ENTRIES + 1


def _most(account: Account) -> int:
    def widest(entries: tuple[Entry, ...]) -> int:
        return max([len(entries), *(widest(one.entries) for one in entries)])

    return widest(account.entries)


def test_a_film_with_a_thousand_tags_is_read(tmp_path: Path) -> None:
    from unmask.provenance import read_film

    path = tmp_path / "film.mkv"
    path.write_bytes(film({f"key{i}": "value" * 50 for i in range(1_000)}, "matroska"))
    account = read_film(path)
    assert _most(account) <= ENTRIES + 1


def test_mutated_files_end_nothing(tmp_path: Path) -> None:
    """The same as benchmarks/provenance_fuzz.py, with fewer files and another seed."""
    outcome = mutations.run(180, tmp_path, seed=7)
    assert outcome.read == 180
    assert not outcome.crashed
    assert outcome.unforeseen == 0
    assert outcome.hardest_s < mutations.HANG_S  # of the processor: a busy machine is no hang
    assert outcome.peak_mb < mutations.MEMORY_MB
    assert outcome.codes["malformed"] > 10  # they did break something


def test_mutations_are_the_same_for_the_same_seed() -> None:
    data = jpeg()[1]
    assert mutations.mutated(data, 3) == mutations.mutated(data, 3) != mutations.mutated(data, 4)
