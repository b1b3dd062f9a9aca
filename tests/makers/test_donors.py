"""Who lends a face to whom: alike, of the right label, never itself, and never across what must stay apart."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from tests.makers.faces import generator
from unmask.errors import ManifestError
from unmask.makers.donors import Gallery, landmarks
from unmask.manifest import FAKE, REAL, Item
from unmask.types import Pixels

AHEAD = np.array([[40, 50], [80, 50], [60, 74], [44, 92], [76, 92]], np.float32)
TURNED = AHEAD + np.array([[12, 0], [-2, 0], [22, 0], [12, 0], [0, 0]], np.float32)


def face(name: str, label: int, marks: np.ndarray = AHEAD, **values: str) -> Item:
    text = " ".join(f"{value:.2f}" for value in marks.ravel())
    values = {"source": "a", "split": "train"} | values
    return Item(Path(f"{name}.png"), label, attributes={"landmarks_px": text}, **values)


def shade(item: Item) -> list[Pixels]:
    """A grey picture; its shade is the number in the file's name."""
    return [np.full((128, 128, 3), int(item.path.stem.split("-")[-1]), np.uint8)]


def crowd(label: int, count: int = 20, **values: str) -> list[Item]:
    """Faces that differ by a little noise in their landmarks, half of them turned, of many shades."""
    rng = generator(label)
    marks = [(AHEAD if n % 2 else TURNED) + rng.normal(0, 0.3, (5, 2)).astype(np.float32) for n in range(count)]
    name = "-".join((*values.values(), str(label)))
    return [face(f"{name}-{n}-{90 + 3 * n}", label, marks[n], **values) for n in range(count)]


def lent(gallery: Gallery, to: Item, label: int, tries: int = 40) -> list[Item]:
    found = []
    for seed in range(tries):
        others = gallery.besides(to)
        portrait = others.near(gallery.portrait(to), generator(seed), label)
        assert (portrait is None) == (others.taken is None)
        if others.taken is not None and portrait is not None:
            np.testing.assert_array_equal(portrait.pixels, shade(others.taken)[0])
            found.append(others.taken)
    return found


def test_a_donor_is_alike_and_of_the_label_asked_for() -> None:
    people = crowd(REAL) + crowd(FAKE)
    gallery = Gallery(people, shade)
    several = []
    for to in people[:6]:
        for label in (REAL, FAKE):
            found = lent(gallery, to, label)
            assert len(found) == 40
            assert {item.label for item in found} == {label}
            several.append(len({item.path for item in found}))
            turned = {int(item.path.stem.split("-")[1]) % 2 for item in found}
            assert turned == {int(to.path.stem.split("-")[1]) % 2}, "a face looks where its donor looks"
            assert max(abs(int(shade(item)[0][0, 0, 0]) - int(shade(to)[0][0, 0, 0])) for item in found) < 60
    assert 2 < max(several) <= 8, "one of several is drawn"


def test_nobody_lends_a_face_to_himself() -> None:
    people = [face(f"{n}-100", REAL, group=group) for n, group in enumerate(("", "", "x", "x", "y"))]
    gallery = Gallery(people, shade)
    for to, donors in ((0, {1, 2, 3, 4}), (2, {0, 1, 4}), (4, {0, 1, 2, 3})):
        assert {people.index(item) for item in lent(gallery, people[to], REAL)} == donors


def test_no_donor_where_nobody_is_alike() -> None:
    people = [*crowd(REAL), face("white-255", REAL, AHEAD * np.array([0.2, 1], np.float32))]
    gallery = Gallery(people, shade)
    assert lent(gallery, people[-1], REAL) == []
    assert lent(gallery, people[0], FAKE) == [], "nor of a label that is not there"


def test_without_landmarks_nothing_is_lent_or_borrowed() -> None:
    stranger = Item(Path("1-100.png"), REAL, split="train")
    gallery = Gallery([stranger, face("0-100", REAL)], shade)
    assert landmarks(stranger) is None
    assert lent(gallery, stranger, REAL) == []
    assert lent(gallery, gallery.items[1], REAL) == []
    assert lent(Gallery([stranger], shade), face("0-100", REAL), REAL) == []


def test_sources_lend_by_the_square_root_of_their_size() -> None:
    people = [face(f"{n}-100", REAL, source="small" if n < 4 else "large") for n in range(40)]
    found = Counter(item.source for item in lent(Gallery(people, shade), face("to-100", REAL), REAL, 400))
    assert found["small"] / 400 == pytest.approx(2 / (2 + 6), abs=0.06)


def test_nothing_is_lent_across_splits() -> None:
    with pytest.raises(ManifestError, match="within one split"):
        Gallery([face("0-100", REAL), face("1-100", REAL, split="val")], shade)


def test_the_same_state_draws_the_same_donor() -> None:
    people = crowd(REAL)
    first, again = (lent(Gallery(people, shade), people[3], REAL) for _ in range(2))
    assert first == again


@pytest.mark.parametrize("marks", [np.zeros((5, 2)), AHEAD + 1000, AHEAD * -50], ids=["one point", "outside", "mad"])
def test_odd_landmarks_are_survived(marks: np.ndarray) -> None:
    people = [*crowd(REAL), face("odd-100", REAL, marks.astype(np.float32))]
    assert len(lent(Gallery(people, shade), people[-1], REAL)) in range(41)
    assert np.isfinite(Gallery(people, shade)._traits).all()
