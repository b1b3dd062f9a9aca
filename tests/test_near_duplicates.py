import io
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from tests.data.scenes import scene
from unmask.near_duplicates import Index, clusters, hashes, pairs, thumbnail


def recompressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def retouched(picture: Image.Image) -> Image.Image:
    copy = picture.copy()
    copy.paste(picture.crop((40, 40, 47, 47)).transpose(Image.Transpose.ROTATE_180), (40, 40))
    return copy


@pytest.mark.parametrize(
    "change",
    [
        lambda picture: recompressed(picture, 30),
        lambda picture: picture.resize((48, 48), Image.Resampling.BICUBIC),
        lambda picture: picture.resize((200, 150)),
        lambda picture: ImageEnhance.Brightness(picture).enhance(0.8),
        lambda picture: picture.convert("L").convert("RGB"),
        retouched,
    ],
    ids=["recompressed", "halved", "stretched", "darkened", "grey", "retouched"],
)
def test_finds_copies_and_only_copies(change: object) -> None:
    assert callable(change)
    originals = [scene(seed) for seed in range(30)]
    copies = [change(picture) for picture in originals]
    found = pairs([thumbnail(picture) for picture in originals + copies])
    assert found == [(i, i + 30) for i in range(30)]


def test_the_astronaut_is_found_again(astronaut: Image.Image) -> None:
    copy = recompressed(astronaut.resize((120, 120)), 40)
    assert pairs([thumbnail(scene(0)), thumbnail(astronaut), thumbnail(copy)]) == [(1, 2)]


def test_flat_pictures_match_nothing() -> None:
    assert pairs([thumbnail(Image.new("RGB", (80, 80), colour)) for colour in ("black", "black", "white")]) == []
    assert pairs([]) == []
    assert pairs([thumbnail(scene(1))]) == []


def test_hashes_have_balanced_bits() -> None:
    bits = hashes(np.stack([thumbnail(scene(seed)) for seed in range(20)]))
    assert bits.shape == (20, 64)
    assert np.all(np.abs(bits.sum(axis=1) - 32) <= 1)


def test_ten_thousand_pictures_in_under_a_minute() -> None:
    rng = np.random.default_rng(0)
    many = list(rng.integers(0, 256, (10_000, 32, 32), np.uint8))
    many[9_000] = many[17]
    start = time.monotonic()
    assert pairs(many) == [(17, 9_000)]
    assert time.monotonic() - start < 60


def test_links_are_followed() -> None:
    assert clusters(6, [(4, 2), (2, 5), (0, 1)]) == [0, 0, 2, 3, 2, 2]


@given(st.integers(1, 20).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.tuples(*[st.integers(0, n - 1)] * 2)))))
def test_clusters_do_not_depend_on_the_order_of_links(case: tuple[int, list[tuple[int, int]]]) -> None:
    size, links = case
    found = clusters(size, links)
    assert found == clusters(size, [(b, a) for a, b in reversed(links)])
    assert all(found[a] == found[b] for a, b in links)
    assert all(found[first] == first <= i for i, first in enumerate(found))


def test_an_index_finds_what_pairs_find() -> None:
    rng = np.random.default_rng(5)
    smooth = [Image.fromarray(rng.integers(0, 256, (6, 6), dtype=np.uint8)).resize((90, 90)) for _ in range(150)]
    copies = [one.resize((70, 70)) for one in smooth[::3]]
    small = [thumbnail(one.convert("RGB")) for one in [*smooth, *copies]]
    index = Index()
    found = []
    for number, one in enumerate(small):
        found += [(earlier, number) for earlier in index.near(one)]
        index.add(one)
    assert len(index) == len(small)
    assert sorted(found) == sorted(pairs(small))
    assert len(found) >= len(copies)
