"""Broken, lying and oversized pictures: each gets its error and one sentence, in bounded time."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import features

from tests.data.make import (
    FORMATS,
    HEIGHT_PX,
    HOSTILE,
    WIDTH_PX,
    encoded,
    picture,
    png_header,
)
from unmask import errors
from unmask.errors import MediaError, NothingToJudgeError, UnreadableError
from unmask.limits import Limits
from unmask.modalities import image
from unmask.types import Source


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_gets_its_status_and_one_sentence(media: Path, name: str) -> None:
    path = media / "hostile" / name
    if name == "garbage.avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    if name == "pipe.jpg" and not path.exists():
        pytest.skip("this system has no named pipes")
    started = time.process_time()
    with pytest.raises(MediaError) as caught:
        image.load(path)
    assert type(caught.value) is getattr(errors, HOSTILE[name])
    sentence = str(caught.value)
    assert sentence
    assert sentence == " ".join(sentence.split())
    assert len(sentence) < 250
    assert time.process_time() - started < 2


def test_a_name_that_is_no_utf8_is_read_and_shown_with_escapes(media: Path) -> None:
    found = [name for name in os.listdir(os.fsencode(media / "hostile")) if b"\xe9" in name]  # noqa: PTH208
    if not found:
        pytest.skip("this file system takes only UTF-8 names")
    photo = image.load(media / "hostile" / os.fsdecode(found[0]))
    assert photo.source.path.endswith("caf\\xe9.jpg")
    assert photo.source.model_dump_json()


def test_a_name_with_a_null_byte_is_unreadable() -> None:
    with pytest.raises(UnreadableError, match="cannot be read"):
        image.load(Path("a\0b.jpg"))


def test_a_file_without_permission_is_unreadable(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "open", refuse)  # an administrator may read everything, so the mode alone proves little
    with pytest.raises(UnreadableError, match="cannot be read: permission denied"):
        image.load(media / "formats" / "picture.jpg")


# Limits


def test_a_size_over_the_limit_is_refused_before_any_pixel_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(_: object) -> None:
        raise AssertionError("pixels were decoded")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", decoded)
    for size in ((12_000, 12_000), (40_000, 100), (50_000, 50_000)):
        with pytest.raises(UnreadableError, match=r"the header announces .* the limit"):
            image.decode(png_header(*size), Source(path="x"))


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        (Limits(file_bytes=100), "the limit is 100"),
        (Limits(pixels=WIDTH_PX * HEIGHT_PX - 1), "160 x 120 px; the limit is 19,199 px in all"),
        (Limits(side_px=WIDTH_PX - 1), "160 x 120 px"),
        (Limits(decode_s=-1), "decoding took more than"),
    ],
)
@pytest.mark.parametrize("name", ["picture.jpg", "picture.png", "picture.lzw.tif", "picture.webp"])
def test_each_limit_is_kept(media: Path, name: str, limits: Limits, words: str) -> None:
    with pytest.raises(UnreadableError, match=words):
        image.load(media / "formats" / name, limits)


def test_a_picture_at_the_limit_is_read(media: Path) -> None:
    path = media / "formats" / "picture.png"
    exact = Limits(file_bytes=path.stat().st_size, pixels=WIDTH_PX * HEIGHT_PX, side_px=WIDTH_PX)
    assert image.load(path, exact).image.size == (WIDTH_PX, HEIGHT_PX)


def test_too_small_to_judge_says_how_small() -> None:
    data = encoded(picture(63, 200), "png")
    with pytest.raises(NothingToJudgeError, match=r"63 x 200 px; each side needs at least 64 px"):
        image.decode(data, Source(path="x"))


WHOLE = {name: encoded(picture(), name) for name in FORMATS}


@pytest.mark.timeout(240)
@settings(max_examples=250, derandomize=True, database=None)
@given(
    name=st.sampled_from(sorted(WHOLE)),
    flips=st.lists(st.tuples(st.floats(0, 0.999), st.integers(1, 255)), max_size=12),
    head=st.lists(st.tuples(st.integers(0, 127), st.integers(1, 255)), max_size=4),
    keep=st.one_of(st.just(1.0), st.floats(0, 1)),
    tail=st.binary(max_size=20),
)
def test_no_damage_raises_anything_but_a_media_error(
    name: str, flips: list[tuple[float, int]], head: list[tuple[int, int]], keep: float, tail: bytes
) -> None:
    whole = WHOLE[name]
    data = bytearray(whole[: int(len(whole) * keep)] + tail)
    for at, bits in [(int(share * len(data)), bits) for share, bits in flips] + head:
        if at < len(data):
            data[at] ^= bits
    limits = Limits(pixels=4_000_000, decode_s=2)
    started = time.process_time()
    try:
        photo = image.decode(bytes(data), Source(path="x"), limits)
    except MediaError as error:
        assert str(error)
    else:
        assert photo.image.mode == "RGB"
        assert photo.image.width * photo.image.height <= limits.pixels
        assert np.asarray(photo.image).dtype == np.uint8
    assert time.process_time() - started < 5
