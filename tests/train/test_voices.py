"""Voices to learn from: drawn in pairs, described once, learned whole or solved, exported and judged by."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.train.hearing_tiny import SOURCES, listening, prepared, solvable
from unmask import bundles, manifest
from unmask.detectors.onnx import OnnxDetector
from unmask.errors import UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import MANIFEST
from unmask.prepare_speech import as_samples, read_windows
from unmask.train import export, loop, views
from unmask.train import run as runs
from unmask.train.data import read_split
from unmask.train.discriminant import Discriminant
from unmask.train.models import Detector, build
from unmask.train.recipes import Data
from unmask.train.voices import DescribedVoices, VoiceForms, Voices, collected, draw_voices
from unmask.train.windows import described, shown
from unmask.voices import made

STILL = {name: 0.0 for name in ("speed", "reverb", "noise", "equalise", "gain", "clip", "band", "requantise", "codec")}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepared(tmp_path_factory.mktemp("voices") / "prepared")


@pytest.fixture(scope="module")
def learn(folder: Path) -> list[Item]:
    return read_split(folder, "train", ())


@pytest.fixture(scope="module")
def check(folder: Path) -> list[Item]:
    return collected(read_split(folder, "val", ()))


@pytest.fixture(scope="module")
def network() -> Detector:
    torch.manual_seed(0)
    return build(solvable().model)


@pytest.fixture(scope="module")
def feed(folder: Path, network: Detector, tmp_path_factory: pytest.TempPathFactory) -> DescribedVoices:
    copy = tmp_path_factory.mktemp("described") / "prepared"
    shutil.copytree(folder, copy)
    table = manifest.read(copy / MANIFEST)
    assert all(one.path.parent == copy for one in table)
    found = described(network, solvable(), copy)
    assert isinstance(found, DescribedVoices)
    return found


def draws(learn: list[Item], count: int = 400, **data: Any) -> Any:
    return draw_voices(learn, Data(**data), count, np.random.default_rng(0))


class TestDraw:
    def test_half_is_real_and_half_is_fake_in_turn(self, learn: list[Item]) -> None:
        found = draws(learn, made=0.5)
        assert [one.label for one in found] == [REAL, FAKE] * 200

    def test_a_made_fake_stands_beside_its_original(self, learn: list[Item]) -> None:
        found = draws(learn, made=1.0)
        for real, fake in zip(found[::2], found[1::2], strict=True):
            assert made(fake.item)
            assert real.item.attributes["original"].endswith(fake.item.group)

    @pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
    def test_as_many_are_made_as_the_recipe_says(self, learn: list[Item], share: float) -> None:
        fakes = [one.item for one in draws(learn, made=share)[1::2]]
        assert np.mean([made(one) for one in fakes]) == pytest.approx(share, abs=0.08)

    def test_what_is_not_there_is_not_drawn(self, learn: list[Item]) -> None:
        for kept in ([one for one in learn if not made(one)], [one for one in learn if one.label == REAL or made(one)]):
            fakes = [one.item for one in draws(kept, made=0.5)[1::2]]
            assert len({made(one) for one in fakes}) == 1

    def test_a_made_fake_without_its_original_is_drawn_too(self, learn: list[Item]) -> None:
        reals = [one for one in learn if one.label == REAL]
        orphans = [one for one in learn if made(one) and one.source == "alpha"]
        found = draws([*reals, *orphans], made=1.0)
        assert {one.item.path for one in found[1::2]} == {one.path for one in orphans}

    def test_the_same_chance_draws_the_same(self, learn: list[Item]) -> None:
        assert draws(learn, made=0.5) == draws(learn, made=0.5)

    def test_made_ones_are_told_by_their_kind(self, learn: list[Item]) -> None:
        assert {one.method for one in collected(learn)} == {"real", "vits"}

    def test_where_all_fakes_were_made_they_stay(self, learn: list[Item]) -> None:
        """Or there were nothing to tell reals from, on val."""
        ours = [one for one in learn if one.label == REAL or made(one)]
        assert collected(ours) == ours
        assert [one.label for one in draws(ours, made=0.3)] == [REAL, FAKE] * 200


class TestWhole:
    def test_the_same_seed_and_epoch_give_the_same_windows(self, learn: list[Item]) -> None:
        def first(number: int, seed: int = 0) -> list[Any]:
            epoch = Voices(listening(seed=seed), learn, 10**9).epoch(learn, number)
            return [(sample.numpy(), float(label)) for sample, label in (epoch[index] for index in range(len(epoch)))]

        one, again, other, seeded = first(0), first(0), first(1), first(0, seed=1)
        assert len(one) == 16
        for (sample, label), (same, label_too) in zip(one, again, strict=True):
            np.testing.assert_array_equal(sample, same)
            assert label == label_too
            assert (sample.dtype, sample.shape) == (np.float32, (16_000,))
            assert np.abs(sample).max() <= 1
        for others in (other, seeded):
            assert any(not np.array_equal(a, b) for (a, _), (b, _) in zip(one, others, strict=True))

    def test_a_pair_shares_its_place_and_is_changed_apart(self, learn: list[Item]) -> None:
        epoch = Voices(listening(data={"made": 1.0}, sound=STILL), learn, 10**9).epoch(learn, 0)
        for index in range(0, len(epoch), 2):
            real, fake = (epoch[index + step][0].numpy() for step in (0, 1))
            items = [epoch.draws[index + step].item for step in (0, 1)]
            places = [_place(one, item) for one, item in zip((real, fake), items, strict=True)]
            counts = [len(read_windows(item, listening().cut)) for item in items]
            if counts[0] == counts[1]:
                assert places[0] == places[1]

    def test_what_does_not_fit_into_memory_is_read_each_time(self, learn: list[Item]) -> None:
        recipe = listening(sound=STILL)
        all_kept, none_kept = Voices(recipe, learn, 10**9), Voices(recipe, learn, 0)
        assert len(none_kept._kept) == 1
        assert len(all_kept._kept) == len(learn)
        for index in range(4):
            one, other = (feed.epoch(learn, 0)[index][0] for feed in (all_kept, none_kept))
            assert torch.equal(one, other)

    def test_scores_are_the_means_of_each_items_windows(self, check: list[Item], network: Detector) -> None:
        recipe = solvable()
        feed = shown(recipe, check, 10**9)
        assert isinstance(feed, Voices)
        network.eval()
        expected = []
        with torch.inference_mode():
            for item in check:
                windows = torch.from_numpy(as_samples(read_windows(item, recipe.cut)))
                expected.append(float(network(windows)[0].mean()))
        assert len({len(read_windows(item, recipe.cut)) for item in check}) > 1
        np.testing.assert_allclose(feed.scores(network, check), expected, atol=1e-4)

    def test_windows_of_another_length_are_refused(self, learn: list[Item]) -> None:
        recipe = listening(cut={"window_s": 0.7})
        with pytest.raises(UsageError, match=r"holds no windows of 0\.7 s at 16 kHz"):
            Voices(recipe, learn, 10**9)


class TestDescribed:
    def test_it_says_what_the_network_says(
        self, feed: DescribedVoices, network: Detector, folder: Path, check: list[Item]
    ) -> None:
        there = _beside(feed, check)
        assert isinstance(network.head, Discriminant)
        network.eval()
        expected = []
        with torch.inference_mode():
            for item in check:
                windows = torch.from_numpy(as_samples(read_windows(item, solvable().cut)))
                expected.append(float(network.judge(network.head.describe(network.maps(windows))).mean()))
        np.testing.assert_allclose(feed.scores(network, there), expected, atol=2e-2)

    def test_every_form_is_weighed_as_an_epoch_would_draw_it(self, feed: DescribedVoices, learn: list[Item]) -> None:
        there = _beside(feed, learn)
        table = feed.table(there)
        windows = sum(len(read_windows(item, solvable().cut)) for item in learn)
        assert len(table.rows) == len(table.labels) == len(table.weights) == len(table.groups) == 2 * windows
        assert table.weights[table.labels == REAL].sum() == pytest.approx(1)
        assert table.weights[table.labels == FAKE].sum() == pytest.approx(1)
        names = {f"made {source} {by}" for source in SOURCES for by in ("world", "lpc")}
        expected = len({f"made {one.source} {one.attributes['made']}" for one in learn if made(one)} & names) + 4
        assert len(set(table.groups.tolist())) == expected, "real and collected of each source, and who made it"
        for group in set(table.groups.tolist()):
            assert len(set(table.labels[table.groups == group].tolist())) == 1

    def test_made_ones_weigh_what_the_recipe_says(
        self, feed: DescribedVoices, learn: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        there = _beside(feed, learn)
        monkeypatch.setattr(feed, "_recipe", solvable(data={"made": 0.2}))
        whole, ours = feed.table(there), feed.table([one for one in there if one.label == REAL or made(one)])
        assert whole.weights[whole.labels == FAKE].sum() == pytest.approx(1)
        assert ours.weights[ours.labels == FAKE].sum() == pytest.approx(0.2)

    def test_an_epoch_draws_a_window_of_each(self, feed: DescribedVoices, learn: list[Item]) -> None:
        there = _beside(feed, learn)
        one, again = feed.epoch(there, 3), feed.epoch(there, 3)
        assert len(one) == 16
        for index in range(len(one)):
            assert torch.equal(one[index][0], again[index][0])
            assert float(one[index][1]) == index % 2

    def test_what_was_described_is_not_described_again(
        self, feed: DescribedVoices, network: Detector, learn: list[Item], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = _folder(feed)
        monkeypatch.setattr(views, "write_graph", lambda *_: pytest.fail("it describes again"))
        described(network, solvable(), folder)
        described(network, solvable(train={"batch": 4}), folder)
        with pytest.raises(pytest.fail.Exception, match="it describes again"):
            described(network, solvable(sound={"gain": 0.9}), folder)

    def test_forms_are_all_windows_and_the_plain_one_is_as_it_was(self, learn: list[Item]) -> None:
        recipe = solvable()
        for index, item in enumerate(learn[:3]):
            windows = as_samples(read_windows(item, recipe.cut))
            for number in (None, 0):
                forms, label = VoiceForms(learn, recipe, number)[index]
                np.testing.assert_array_equal(forms.numpy(), windows)
                assert float(label) == item.label
        changed = VoiceForms(learn, recipe, 1)
        assert not all(
            np.array_equal(changed[index][0].numpy(), as_samples(read_windows(learn[index], recipe.cut)))
            for index in range(6)
        )


@pytest.mark.parametrize("kind", ["solved", "learned"])
def test_from_a_folder_to_a_detector(folder: Path, check: list[Item], tmp_path: Path, kind: str) -> None:
    recipe = solvable() if kind == "solved" else listening()
    shutil.copytree(folder, tmp_path / "prepared", ignore=shutil.ignore_patterns(views.FOLDER))
    done = loop.train(recipe, tmp_path / "prepared", tmp_path / "run", workers=0)
    assert 0 <= done.last["auc"] <= 1
    assert runs.lines(tmp_path / "run")[-1] == pytest.approx(done.last)
    bundle = export.export(tmp_path / "run", tmp_path / "bundle")
    assert bundles.check(bundle) <= bundles.TOLERANCE
    card = bundle.card
    assert (card.modality, card.name, card.cut) == ("audio", "tiny-voice", recipe.cut)
    assert card.training.backbone == "lcnn"
    assert {source.name for source in card.sources} >= {"alpha (real)", "beta (fake)"}
    with np.load(bundle.golden_path) as golden:
        assert set(golden.files) == {"samples", "logit"}
        np.testing.assert_array_equal(golden["samples"], export.golden_inputs(recipe))
    detector = OnnxDetector(bundle)
    _, network = runs.load(tmp_path / "run")
    windows = as_samples(np.concatenate([read_windows(item, recipe.cut) for item in check[:4]]))
    logits, maps = detector.explain(windows)
    with torch.inference_mode():
        expected = network(torch.from_numpy(windows))[0].numpy()
    np.testing.assert_allclose(logits, expected, atol=bundles.TOLERANCE)
    assert maps.ndim == 3
    apart = logits - maps.mean(axis=(1, 2))
    assert np.ptp(apart) < 1e-2, "the map's mean is the logit but for a constant"
    with pytest.raises(UsageError, match=r"takes float32 \(N, 16000\), not float32"):
        detector.score(windows[:, :8000])


def test_the_golden_sounds_are_drawn() -> None:
    sounds = export.golden_inputs(listening())
    assert sounds.dtype == np.float32
    assert sounds.shape[1:] == (16_000,)
    assert len({one.tobytes() for one in sounds}) == len(sounds) == 5
    assert np.abs(sounds).max() <= 1
    np.testing.assert_array_equal(sounds * 2**15, np.rint(sounds * 2**15))
    np.testing.assert_array_equal(sounds, export.golden_inputs(listening(name="other", seed=9)))
    assert export.golden_inputs(listening(cut={"window_s": 2.5})).shape == (5, 40_000)


def _place(window: np.ndarray[Any, Any], item: Item) -> int:
    windows = as_samples(read_windows(item, listening().cut))
    (found,) = [place for place, one in enumerate(windows) if np.array_equal(one, window)]
    return found


def _folder(feed: DescribedVoices) -> Path:
    return next(iter(feed._windows)).parent


def _beside(feed: DescribedVoices, items: list[Item]) -> list[Item]:
    """The same items in the folder that the feed describes."""
    there = {one.path.name: one for one in manifest.read(_folder(feed) / MANIFEST)}
    return [there[item.path.name] for item in items]
