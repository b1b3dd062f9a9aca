"""Generator files: those held out stay out, and a file that is not what its card says is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.make_generator import make_generator
from unmask.errors import BundleError, UsageError
from unmask.makers.generators import inside, pin


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_generator(tmp_path, "b")
    make_generator(tmp_path, "a")
    make_generator(tmp_path, "unseen", held_out=True)
    return tmp_path


def test_those_held_out_are_given_only_to_whoever_asks_for_them(folder: Path) -> None:
    assert [one.card.name for one in inside(folder)] == ["a", "b"]
    assert [one.card.name for one in inside(folder, held_out=True)] == ["unseen"]
    assert [one.card.name for one in inside(folder, held_out=None)] == ["a", "b", "unseen"]


def test_a_folder_without_any_says_what_to_do(tmp_path: Path) -> None:
    make_generator(tmp_path, "unseen", held_out=True)
    with pytest.raises(UsageError, match="holds no training generator: make one with unmask generator train"):
        inside(tmp_path)


def test_a_damaged_card_is_refused(folder: Path) -> None:
    (folder / "a.json").write_text("{}")
    with pytest.raises(BundleError, match=r"a\.json is no card of a generator"):
        inside(folder)


def test_a_graph_that_is_another_than_its_card_says_is_refused(folder: Path) -> None:
    a, b = inside(folder)
    a.graph.write_bytes(b.graph.read_bytes())
    with pytest.raises(BundleError, match="not the one its card describes"):
        a.session()
    b.graph.unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        b.session()


def test_the_pin_knows_which_they_are_and_not_their_order(folder: Path) -> None:
    a, b = inside(folder)
    assert pin([a, b]) == pin([b, a])
    assert len({pin([a, b]), pin([a]), pin([b]), pin([])}) == 4
