"""What the network is shown: pairs, from train and val only, the same for the same seed and epoch."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from tests.train.tiny import PER_SPLIT, recipe
from unmask import manifest
from unmask.errors import ManifestError
from unmask.makers import Donors, Nobody, Points, Portrait
from unmask.makers.donors import Gallery
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import MANIFEST, read_segments
from unmask.train import data
from unmask.train.data import (
    Draw,
    Epoch,
    Pictures,
    Plain,
    Store,
    class_weights,
    describe,
    draw_epoch,
    form,
    read_split,
)
from unmask.train.models import build
from unmask.train.recipes import Data, Recipe
from unmask.types import Pixels

SIZE_PX = 64
STILL = {"flip": 0, "zoom": 0, "colour": 0, "resize": 0, "blur": 0, "noise": 0, "jpeg": 0}


@pytest.fixture(scope="module")
def items(prepared: Path) -> list[Item]:
    return read_split(prepared, "train", ())


@pytest.fixture(scope="module")
def store(items: list[Item]) -> Store:
    return Store(items, SIZE_PX)


def epoch(items: list[Item], store: Store, number: int = 0, **tables: Any) -> Epoch:
    return Epoch(items, store, recipe(**tables), number)


def pictures(items: list[Item], store: Store, number: int = 0, **tables: Any) -> list[bytes]:
    chosen = epoch(items, store, number, **tables)
    return [chosen[i][0].numpy().tobytes() for i in range(len(chosen))]


FACE = np.array([[20, 25], [40, 25], [30, 37], [22, 46], [38, 46]], np.float32)


def with_faces(items: list[Item], marks: Points) -> list[Item]:
    text = " ".join(f"{value:.2f}" for value in marks.ravel())
    return [manifest.recut(item, item.path, landmarks_px=text) for item in items]


def find(small: Pixels, large: Pixels) -> tuple[int, int] | None:
    """Where a crop was taken: left and top, or None."""
    for top, left in np.argwhere((large == small[0, 0]).all(axis=2)):
        if np.array_equal(large[top:, left:][: len(small), : len(small)], small):
            return int(left), int(top)
    return None


class TestReadSplit:
    def test_each_split_comes_alone(self, prepared: Path) -> None:
        for split in ("train", "val"):
            found = read_split(prepared, split, ())
            assert {item.split for item in found} == {split}
            assert len(found) == 5 * PER_SPLIT[split]

    @pytest.mark.parametrize("split", ["test", "Test", "", "holdout"])
    def test_no_other_split_can_be_named(self, prepared: Path, split: str) -> None:
        with pytest.raises(ManifestError, match=f"reads the splits train and val, never {split}"):
            read_split(prepared, cast("Literal['train', 'val']", split), ())

    def test_training_never_opens_a_test_file(self, prepared: Path, tmp_path: Path) -> None:
        shutil.copytree(prepared, tmp_path / "copy")
        removed = [item.path for item in manifest.read(tmp_path / "copy" / MANIFEST) if item.split == "test"]
        assert len(removed) == 10
        for path in removed:
            path.unlink()
        learn, check = (read_split(tmp_path / "copy", split, ()) for split in ("train", "val"))
        whole = Store([*learn, *check], SIZE_PX)
        chosen = epoch(learn, whole, train={"pictures_per_epoch": 64})
        assert len([chosen[i] for i in range(64)]) == 64
        plain = Plain(check, whole)
        assert len([plain[i] for i in range(len(plain))]) == 40

    def test_a_source_left_out_loses_its_photos_too(self, prepared: Path) -> None:
        found = read_split(prepared, "train", ("beta",))
        assert Counter((item.source, item.label) for item in found) == {
            ("alpha", REAL): 4,
            ("alpha", FAKE): 4,
            ("gamma", FAKE): 4,
        }

    def test_an_unknown_source_is_no_silent_nothing(self, prepared: Path) -> None:
        with pytest.raises(ManifestError, match="cannot hold out betta: no item has that source"):
            read_split(prepared, "train", ("betta",))

    def test_a_split_without_a_class(self, prepared: Path) -> None:
        with pytest.raises(ManifestError, match=r"the split val of .* needs both real and fake items; it has 2 items"):
            read_split(prepared, "val", ("alpha", "beta"))


class TestDraws:
    @pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
    def test_every_batch_is_half_real_and_half_fake(self, items: list[Item], store: Store, share: float) -> None:
        chosen = epoch(items, store, data={"made": share}, train={"pictures_per_epoch": 48})
        batches = list(DataLoader(chosen, 8))
        assert len(batches) == 6
        for pixels, labels in batches:
            assert pixels.dtype == torch.uint8
            assert pixels.shape == (8, SIZE_PX, SIZE_PX, 3)
            assert labels.dtype == torch.float32
            assert labels.tolist() == [0.0, 1.0] * 4

    def test_a_made_fake_follows_its_original(self, items: list[Item]) -> None:
        draws = draw_epoch(items, Data(made=0.5), 800, np.random.default_rng(0))
        pairs = list(zip(draws[::2], draws[1::2], strict=True))
        made = [(real, fake) for real, fake in pairs if fake.maker]
        assert 160 < len(made) < 240
        assert all(fake.item is real.item for real, fake in made)
        assert all(not real.maker and real.label == REAL and fake.label == FAKE for real, fake in pairs)
        assert all(fake.item.label == FAKE for _, fake in pairs if not fake.maker)

    @pytest.mark.parametrize("share", [0.0, 1.0])
    def test_shares_at_the_ends(self, items: list[Item], share: float) -> None:
        draws = draw_epoch(items, Data(made=share), 200, np.random.default_rng(0))
        assert {draw.maker for draw in draws[1::2]} == {"self_blend" if share else None}

    def test_no_item_repeats_before_all_of_its_source_were_seen(self, items: list[Item]) -> None:
        draws = draw_epoch(items, Data(made=0.0), 400, np.random.default_rng(0))
        for source, label in {(item.source, item.label) for item in items}:
            seen = [draw.item.path for draw in draws if (draw.item.source, draw.item.label) == (source, label)]
            assert len(seen) > 20
            for start in range(0, len(seen) - 4, 4):
                assert len(set(seen[start : start + 4])) == 4

    @pytest.mark.parametrize(("power", "share"), [(0.0, 1 / 2), (0.5, 3 / 4), (1.0, 9 / 10)])
    def test_small_sources_can_be_drawn_more_often(self, power: float, share: float) -> None:
        items = [Item(Path(f"{i}.png"), FAKE, source="large" if i else "small") for i in range(10)]
        items += [Item(Path("real.png"), REAL)]
        draws = draw_epoch(items, Data(made=0.0, source_power=power), 1600, np.random.default_rng(0))
        found = np.mean([draw.item.source == "large" for draw in draws[1::2]])
        assert found == pytest.approx(share, abs=0.05)

    def test_a_draw_names_its_label(self) -> None:
        real, fake = (Item(Path("x.png"), label) for label in (REAL, FAKE))
        assert [Draw(real).label, Draw(real, "swap").label, Draw(fake).label] == [0, 1, 1]


class TestEpoch:
    def test_the_same_seed_and_epoch_give_the_same_pictures(self, items: list[Item], store: Store) -> None:
        first = pictures(items, store, 3)
        assert first == pictures(items, store, 3)
        assert len(set(first)) == 16
        assert not set(first) & set(pictures(items, store, 4)), "each epoch is drawn anew"
        assert not set(first) & set(pictures(items, store, 3, seed=1))

    def test_the_order_of_asking_changes_nothing(self, items: list[Item], store: Store) -> None:
        chosen = epoch(items, store)
        backwards = [chosen[i][0].numpy().tobytes() for i in reversed(range(16))]
        assert backwards[::-1] == pictures(items, store)

    def test_workers_make_the_same_pictures(self, items: list[Item], store: Store) -> None:
        loader = DataLoader(epoch(items, store), 4, num_workers=2)
        made = [one.numpy().tobytes() for pixels, _ in loader for one in pixels]
        assert made == pictures(items, store)

    def test_a_made_fake_is_made_from_the_segment_beside_it(
        self, items: list[Item], store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[Pixels] = []

        def watch(name: str, portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels:
            given.append(portrait.pixels)
            return 255 - portrait.pixels

        monkeypatch.setattr(data, "make", watch)
        chosen = epoch(items, store, data={"made": 1.0}, augment=STILL)
        samples = [chosen[i][0].numpy() for i in range(16)]
        for k, (real, fake) in enumerate(zip(samples[::2], samples[1::2], strict=True)):
            np.testing.assert_array_equal(real, given[k])
            np.testing.assert_array_equal(fake, 255 - real)

    def test_real_pictures_are_those_of_the_folder(self, items: list[Item], store: Store) -> None:
        known = {segment.tobytes() for item in items for segment in store.segments(item)}
        shown = pictures(items, store, data={"made": 0.0}, augment=STILL, train={"pictures_per_epoch": 128})
        assert set(shown) <= known
        assert len(set(shown)) > 60, "all four patches of a picture are drawn"

    def test_a_pair_shares_the_square_it_is_cropped_to(
        self, items: list[Item], store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(data, "make", lambda name, portrait, donors, rng: 255 - portrait.pixels)
        chosen = epoch(items, store, data={"made": 1.0, "crop_px": 32}, augment=STILL)
        samples = [chosen[i][0].numpy() for i in range(16)]
        known = [segment for item in items for segment in store.segments(item)]
        corners = set()
        for real, fake in zip(samples[::2], samples[1::2], strict=True):
            assert real.shape == (32, 32, 3)
            np.testing.assert_array_equal(fake, 255 - real)
            corners |= {place for segment in known if (place := find(real, segment))}
        assert len(corners) > 4, "anywhere in the segment"

    def test_a_maker_is_given_the_landmarks_of_the_item(
        self, items: list[Item], store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given: list[Points | None] = []
        marks = np.arange(10, dtype=np.float32).reshape(5, 2) + 20

        def watch(name: str, portrait: Portrait, donors: Donors, rng: np.random.Generator) -> Pixels:
            given.append(portrait.landmarks)
            return portrait.pixels

        monkeypatch.setattr(data, "make", watch)
        for chosen in (with_faces(items, marks), items):
            whole = epoch(chosen, store, data={"made": 1.0})
            assert len([whole[i] for i in range(16)]) == 16
        for landmarks in given[:8]:
            assert landmarks is not None
            np.testing.assert_array_equal(landmarks, marks)
        assert given[8:] == [None] * 8

    def test_makers_are_drawn_by_their_weights(self, items: list[Item]) -> None:
        options = Data(made=1.0, makers={"self_blend": 1.0, "inpaint": 3.0})
        draws = draw_epoch(items, options, 1600, np.random.default_rng(0))
        found = Counter(draw.maker for draw in draws)
        assert found[None] == 800
        assert found["inpaint"] / 800 == pytest.approx(0.75, abs=0.05)
        assert found["self_blend"] + found["inpaint"] == 800

    @pytest.mark.parametrize(("maker", "label"), [("swap", REAL), ("graft", FAKE)])
    def test_faces_are_lent_among_what_is_learned_and_nothing_else(
        self, prepared: Path, monkeypatch: pytest.MonkeyPatch, maker: str, label: int
    ) -> None:
        """Not from val, and not from a source that is left out, though the feed holds them all."""
        learn, check = read_split(prepared, "train", ("beta",)), read_split(prepared, "val", ())
        everything = with_faces([*read_split(prepared, "train", ()), *check], FACE)
        learn = with_faces(learn, FACE)
        taken: list[tuple[Item, Item]] = []
        draw = Gallery.draw

        def watch(
            self: Gallery, portrait: Portrait, rng: np.random.Generator, label: int, besides: Item
        ) -> Item | None:
            found = draw(self, portrait, rng, label, besides)
            if found is not None:
                taken.append((besides, found))
            return found

        monkeypatch.setattr(Gallery, "draw", watch)
        chosen = {"made": 1.0, "makers": {maker: 1.0}}
        shown = Pictures(recipe(data=chosen, train={"pictures_per_epoch": 64}), everything).epoch(learn, 0)
        assert len([shown[i] for i in range(64)]) == 64
        assert len(taken) > 5
        for one, other in taken:
            assert one is not other
            assert other.label == label
            assert other.source in {"alpha", "gamma"}
            assert other.split == "train"

    def test_the_gallery_follows_what_is_learned(self, prepared: Path) -> None:
        """As it does where one feed serves runs that leave out different sources."""
        learn = with_faces(read_split(prepared, "train", ()), FACE)
        feed = Pictures(recipe(data={"made": 1.0, "makers": {"swap": 1.0}}), learn)
        first, again = feed.epoch(learn, 0)._gallery, feed.epoch(learn, 1)._gallery
        assert first is not None
        assert first is again
        fewer = [item for item in learn if item.source != "beta"]
        other = feed.epoch(fewer, 2)._gallery
        assert other is not None
        assert other.items == fewer
        assert Pictures(recipe(), learn).epoch(learn, 0)._gallery is None, "self-blending needs none"

    def test_a_form_is_the_same_for_the_same_chance(self, items: list[Item], store: Store) -> None:
        real = next(item for item in items if item.label == REAL)
        segments = store.segments(real)

        def made(maker: str | None, choice: int, own: int) -> Pixels:
            one, other = (np.random.default_rng(seed) for seed in (choice, own))
            return form(Draw(real, maker), segments, recipe(augment=STILL), one, other, Nobody())

        np.testing.assert_array_equal(made("inpaint", 0, 0), made("inpaint", 0, 0))
        np.testing.assert_array_equal(made(None, 0, 0), made(None, 0, 1))
        assert not np.array_equal(made("inpaint", 0, 0), made("inpaint", 0, 1))
        assert not np.array_equal(made("inpaint", 0, 0), made(None, 0, 0))
        assert len({made(None, choice, 0).tobytes() for choice in range(30)}) == 4


class TestPictures:
    def test_its_epochs_are_those_of_the_recipe(self, items: list[Item], store: Store) -> None:
        feed = Pictures(recipe(seed=2), items)
        shown = feed.epoch(items, 3)
        assert [shown[i][0].numpy().tobytes() for i in range(16)] == pictures(items, store, 3, seed=2)

    def test_a_score_is_the_mean_over_the_segments(self, prepared: Path) -> None:
        check = read_split(prepared, "val", ())
        torch.manual_seed(0)
        network = build(recipe().model).train()
        scores = Pictures(recipe(), check).scores(network, check)
        assert scores.shape == (10,)
        for item, score in zip(check, scores, strict=True):
            with torch.inference_mode():
                logits, _ = network.eval()(torch.from_numpy(np.stack(read_segments(item, SIZE_PX))))
            assert score == pytest.approx(logits.mean().item(), abs=1e-5)


class TestStore:
    def test_beyond_its_budget_it_decodes_anew(self, items: list[Item]) -> None:
        kept, none = Store(items, SIZE_PX), Store(items, SIZE_PX, budget_bytes=0)
        assert len(none._kept) == 1
        for item in items:
            for mine, theirs in zip(kept.segments(item), none.segments(item), strict=True):
                np.testing.assert_array_equal(mine, theirs)

    def test_plain_goes_through_every_segment_untouched(self, prepared: Path) -> None:
        items = read_split(prepared, "val", ())
        plain = Plain(items, Store(items, SIZE_PX))
        assert len(plain) == 40
        np.testing.assert_array_equal(plain.owner, np.repeat(np.arange(10), 4))
        for owner, (pixels, label) in zip(plain.owner, (plain[i] for i in range(40)), strict=True):
            assert label.item() == items[owner].label
            assert any(np.array_equal(pixels, segment) for segment in read_segments(items[owner], SIZE_PX))


def test_describe_counts_for_the_card(items: list[Item]) -> None:
    assert describe(items) == [
        {"name": "alpha (fake)", "licence": "CC0", "items": 4},
        {"name": "alpha (real)", "licence": "CC0", "items": 4},
        {"name": "beta (fake)", "licence": "CC0", "items": 4},
        {"name": "beta (real)", "licence": "CC0", "items": 4},
        {"name": "gamma (fake)", "licence": "CC0", "items": 4},
    ]
    assert describe([Item(Path("x"), REAL)]) == [{"name": "data (real)", "licence": "not stated", "items": 1}]


def test_the_recipe_says_what_an_epoch_holds(items: list[Item], store: Store) -> None:
    chosen: Recipe = recipe(train={"pictures_per_epoch": 17})
    assert len(Epoch(items, store, chosen, 0)) == 16, "pairs"


class TestClassWeights:
    """A class weighs what it lacks, as it is drawn and not as it is counted."""

    ITEMS = (
        *(Item(Path(f"a{n}"), REAL, source="a") for n in range(100)),
        *(Item(Path(f"b{n}"), FAKE, source="b") for n in range(4)),
    )

    @pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
    def test_both_classes_weigh_the_same_over_an_epoch(self, power: float) -> None:
        data = Data(balance="weights", made=0.0, source_power=power)
        weights = class_weights(self.ITEMS, data)
        drawn = draw_epoch(self.ITEMS, data, 20_000, np.random.default_rng(0))
        totals = [sum(weights[label] for draw in drawn if draw.label == label) for label in (REAL, FAKE)]
        assert totals[0] == pytest.approx(totals[1], rel=0.1)
        assert sum(totals) == pytest.approx(20_000, rel=0.1)

    def test_pairs_need_no_weights(self) -> None:
        assert class_weights(self.ITEMS, Data()) == (1.0, 1.0)


@pytest.mark.parametrize("balance", ["sampler", "none"])
def test_draws_without_pairs(balance: str, items: list[Item]) -> None:
    data = Data.model_validate({"balance": balance, "made": 0.0, "source_power": 1.0})
    mostly_real = [*items, *(Item(Path(f"more{n}"), REAL, source="alpha") for n in range(200))]
    drawn = draw_epoch(mostly_real, data, 2000, np.random.default_rng(0))
    share = sum(draw.label == FAKE for draw in drawn) / len(drawn)
    expected = 0.5 if balance == "sampler" else sum(item.label == FAKE for item in mostly_real) / len(mostly_real)
    assert share == pytest.approx(expected, abs=0.05)
    assert not any(draw.maker for draw in drawn)
