"""Windows of looks: described once, changed alike in all looks, learned from, exported."""

from __future__ import annotations

import shutil
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from tests.data.scenes import scene
from tests.train.test_temporal import watching
from unmask import bundles, manifest
from unmask.bundles import Bundle
from unmask.card import Cut
from unmask.detectors.onnx import OnnxDetector
from unmask.errors import ExportError, RecipeError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import CUT, MANIFEST
from unmask.runtime import Session
from unmask.strips import read_windows, write_strip
from unmask.train import ablation, attacked, loop, mislabelled, views, windows
from unmask.train import export as exporter
from unmask.train import run as runs
from unmask.train.data import read_split
from unmask.train.export import export, golden_inputs
from unmask.train.models import Detector, Eye, build
from unmask.train.solving import figures
from unmask.train.temporal import Temporal
from unmask.train.windows import DescribedWindows, Strips, described
from unmask.types import Pixels

RECIPE = watching(train={"views": 2, "plain_views": 1, "learning_rate": 0.01})
FRAMES, SIZE = 4, 32
CHANGES = ("flip", "zoom", "colour", "resize", "blur", "noise", "jpeg")
COUNTS = {"train": 6, "val": 4}


@pytest.fixture(scope="module")
def tracks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prepared folder of persons with one to three windows; what is fake flickers."""
    folder = tmp_path_factory.mktemp("tracks")
    (folder / CUT).write_text(RECIPE.cut.model_dump_json(), encoding="utf-8")
    items: list[Item] = []
    for split, count in COUNTS.items():
        for label in (REAL, FAKE):
            for k in range(count):
                number = len(items)
                path = folder / f"{number:02}.png"
                write_strip(path, drawn(number, label, 1 + k % 3))
                method = "flicker" if label == FAKE else "real"
                items.append(Item(path, label, method=method, source=f"source{k % 2}", split=split))
    manifest.write(folder / MANIFEST, items)
    return folder


@pytest.fixture(scope="module")
def run(tracks: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    loop.train(RECIPE, tracks, folder, workers=0)
    return folder


@pytest.fixture(scope="module")
def bundle(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export(run, tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def network() -> Detector:
    torch.manual_seed(0)
    return build(RECIPE.model)


class Watched(NamedTuple):
    """What the backbones say of a folder, and its train items."""

    feed: DescribedWindows
    folder: Path
    learn: list[Item]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No export, which costs seconds, where it does not matter what is said."""

    class Quiet:
        def run(self, looks: Pixels) -> dict[str, Any]:
            return {"described": looks.mean(axis=(1, 2))}

    monkeypatch.setattr("unmask.train.kept.describer", lambda *_: Quiet())


@pytest.fixture(scope="module")
def watched(tracks: Path, network: Detector, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    folder = tmp_path_factory.mktemp("described") / "tracks"
    shutil.copytree(tracks, folder, ignore=shutil.ignore_patterns(views.FOLDER))
    feed = described(network, RECIPE, folder)
    assert isinstance(feed, DescribedWindows)
    return Watched(feed, folder, read_split(folder, "train", ()))


def drawn(number: int, label: int, count: int) -> list[Pixels]:
    """Windows that drift; what is fake flickers."""
    picture = np.asarray(scene(number), np.int16)[:SIZE, :SIZE]
    windows = np.stack([[np.roll(picture, k + w, 0) for k in range(FRAMES)] for w in range(count)])
    if label == FAKE:
        windows[:, ::2, ::2] += 40
    return list(np.clip(windows, 0, 255).astype(np.uint8))


@torch.inference_mode()
def said(network: Detector, item: Item) -> np.ndarray[Any, np.dtype[np.float32]]:
    """What the network itself says of the windows of an item: (W, F, D)."""
    pixels = torch.from_numpy(np.stack(read_windows(item, RECIPE.cut)))
    network.eval()
    assert isinstance(network.head, Temporal)
    found: np.ndarray[Any, np.dtype[np.float32]] = network.head.describe(network.maps(pixels)).numpy()
    return found


class OneMap(torch.nn.Module):
    """A backbone of one layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = torch.nn.Conv2d(3, channels, 5, 4)

    def forward(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        return [self.layer(pixels)]


def check_graph(detector: OnnxDetector, network: Detector) -> None:
    """It gives what the network gives, for windows of any length."""
    for count, looks in ((1, 1), (3, 2), (2, 4)):
        batch = np.random.default_rng(looks).integers(0, 256, (count, looks, SIZE, SIZE, 3), np.uint8)
        logit, activation = detector.explain(batch)
        with torch.inference_mode():
            expected, added = network(torch.from_numpy(batch))
        assert activation.shape == (count, looks)
        np.testing.assert_allclose(logit, expected.numpy(), atol=bundles.TOLERANCE)
        np.testing.assert_allclose(activation, added.numpy(), atol=bundles.TOLERANCE)


def rows(feed: Any, learn: list[Item], number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """All lessons of an epoch: (N, F, D)."""
    lessons = feed.epoch(learn, number)
    return np.stack([lessons[k][0].numpy() for k in range(len(lessons))])


class TestForms:
    def test_a_change_is_the_same_for_all_looks_of_a_window(self, tmp_path: Path) -> None:
        still = [np.repeat(window[:1], FRAMES, axis=0) for window in drawn(1, REAL, 3)]
        item = Item(tmp_path / "still.png", REAL)
        write_strip(item.path, still)
        changing = watching(augment=dict.fromkeys(CHANGES, 1.0))
        looks, again, other = (Strips([item], changing, number)[0][0].numpy() for number in (0, 0, 1))
        windows = looks.reshape(3, FRAMES, SIZE, SIZE, 3)
        assert all((window == window[0]).all() for window in windows), "nothing flickers"
        assert len({window.tobytes() for window in windows}) == 3
        assert not any((window == one).all() for window, one in zip(windows, still, strict=True))
        np.testing.assert_array_equal(looks, again)
        assert not np.array_equal(looks, other)

    def test_each_window_has_a_change_of_its_own(self, tmp_path: Path) -> None:
        item = Item(tmp_path / "same.png", REAL)
        write_strip(item.path, drawn(1, REAL, 1) * 3)
        looks = Strips([item], watching(augment=dict.fromkeys(CHANGES, 1.0)), 0)[0][0].numpy()
        assert len({window.tobytes() for window in looks.reshape(3, FRAMES, SIZE, SIZE, 3)}) == 3

    def test_plain_forms_are_as_they_are(self, tracks: Path) -> None:
        items = read_split(tracks, "train", ())
        for number, kept in ((None, 1.0), (0, 1.0), (1, 0.0)):
            forms = Strips(items, watching(train={"plain_views": 1}, augment=dict.fromkeys(CHANGES, 1.0)), number)
            same = [
                np.array_equal(forms[k][0].numpy(), np.concatenate(read_windows(item, RECIPE.cut)))
                for k, item in enumerate(items)
            ]
            assert np.mean(same) == kept


class TestEpochs:
    def test_a_lesson_is_a_window_of_what_was_drawn(self, watched: Watched, network: Detector) -> None:
        lessons = watched.feed.epoch(watched.learn, 0)
        assert [float(lessons[k][1]) for k in range(len(lessons))] == [0.0, 1.0] * 8
        known = {item.path: said(network, item) for item in watched.learn}
        plain = []
        for k, draw in enumerate(lessons.draws):
            one, label = lessons[k]
            assert float(label) == draw.item.label
            mine = known[draw.item.path]
            assert one.shape == mine.shape[1:]
            plain.append(np.abs(mine - one.numpy()).max(axis=(1, 2)).min() < 0.02)
        assert 0 < sum(plain) < len(plain), "of the plain form and of the changed one"

    def test_every_window_has_its_turn(self, watched: Watched) -> None:
        seen = {
            (view.shape, window)
            for number in range(9)
            for view, window, _ in watched.feed.epoch(watched.learn, number)._chosen
        }
        assert len(seen) == sum(len(read_windows(item, RECIPE.cut)) for item in watched.learn) == 24

    def test_the_same_seed_and_epoch_give_the_same_lessons(self, watched: Watched) -> None:
        first, again, other = (rows(watched.feed, watched.learn, number) for number in (3, 3, 4))
        np.testing.assert_array_equal(first, again)
        assert not np.array_equal(first, other)

    def test_the_look_before_stands_in_for_one_that_is_dropped(self, watched: Watched, network: Detector) -> None:
        dropping = RECIPE.model_copy(update={"data": RECIPE.data.model_copy(update={"drop_looks": 0.5})})
        fewer = rows(described(network, dropping, watched.folder), watched.learn, 0)
        left = set()
        for looks in fewer:
            places = [int(np.flatnonzero((looks == look).all(axis=1))[0]) for look in looks]
            assert places == sorted(places), "time goes on"
            left.add(len(set(places)))
        assert {1, FRAMES} & left != left, "some looks of some windows"
        whole = rows(watched.feed, watched.learn, 0)
        assert {len(np.unique(looks, axis=0)) for looks in whole} == {FRAMES}

    @pytest.mark.parametrize(
        ("stays", "expected"),
        [("1111", [0, 1, 2, 3]), ("1010", [0, 0, 2, 2]), ("0011", [2, 2, 2, 3]), ("0000", [0, 1, 2, 3])],
    )
    def test_which_look_stands_where(self, stays: str, expected: list[int]) -> None:
        assert windows._kept(np.array([one == "1" for one in stays])).tolist() == expected

    def test_what_is_left_out_is_not_drawn(self, watched: Watched) -> None:
        learn = read_split(watched.folder, "train", ("source1",))
        assert {draw.item.source for draw in watched.feed.epoch(learn, 0).draws} == {"source0"}

    def test_val_is_scored_as_the_network_scores_it(self, watched: Watched, network: Detector) -> None:
        for left_out in ((), ("source0",)):
            check = read_split(watched.folder, "val", left_out)
            with torch.inference_mode():
                strips = [torch.from_numpy(np.stack(read_windows(item, RECIPE.cut))) for item in check]
                expected = [float(network.eval()(strip)[0].mean()) for strip in strips]
            np.testing.assert_allclose(watched.feed.scores(network, check), expected, atol=5e-3)


class TestKept:
    def test_another_head_reads_what_the_first_wrote(
        self, watched: Watched, network: Detector, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(views, "write_graph", lambda *_: pytest.fail("it describes again"))
        for head in ("recurrent", "attentive", "alone"):
            other = watching(head, train={"views": 2, "plain_views": 1, "epochs": 9}, data={"drop_looks": 0.3})
            described(network, other, watched.folder, progress=lambda *_: pytest.fail("again"))
        (kept,) = (watched.folder / views.FOLDER).iterdir()
        assert sorted(path.name for path in kept.iterdir()) == ["val.npy", "view-000.npy", "view-001.npy"]

    def test_a_window_of_another_length_is_another_folder(self, watched: Watched) -> None:
        longer = watching(cut={"frames": 2}, train={"views": 2, "plain_views": 1})
        assert views.key(longer, watched.folder, []) != views.key(RECIPE, watched.folder, [])

    @pytest.mark.usefixtures("quick")
    def test_progress_counts_persons(self, tracks: Path, network: Detector, tmp_path: Path) -> None:
        shutil.copytree(tracks, tmp_path / "tracks", ignore=shutil.ignore_patterns(views.FOLDER))
        steps: list[tuple[int, int]] = []
        described(network, RECIPE, tmp_path / "tracks", progress=lambda *at: steps.append(at))
        assert steps == [(n, 32) for n in range(1, 33)]


class TestRefused:
    def test_a_folder_of_another_cut(self, tracks: Path, tmp_path: Path) -> None:
        with pytest.raises(RecipeError, match="prepared with another cut"):
            loop.train(watching(cut={"frames": 8}), tracks, tmp_path / "run", workers=0)

    @pytest.mark.usefixtures("quick")
    def test_a_file_that_is_no_strip(self, tracks: Path, network: Detector, tmp_path: Path) -> None:
        shutil.copytree(tracks, tmp_path / "tracks", ignore=shutil.ignore_patterns(views.FOLDER))
        write_strip(tmp_path / "tracks" / "00.png", [np.zeros((3, SIZE, SIZE, 3), np.uint8)])
        with pytest.raises(UsageError, match=r"00\.png has 32 x 96 px, which are no windows of 4 looks"):
            described(network, RECIPE, tmp_path / "tracks")

    def test_labels_of_videos_are_not_looked_through(self, tracks: Path) -> None:
        with pytest.raises(RecipeError, match="looks at videos"):
            mislabelled.mislabelled(RECIPE, tracks)


class TestRun:
    def test_a_run_learns_and_goes_on(self, run: Path, tracks: Path) -> None:
        lines = runs.lines(run)
        assert [line["epoch"] for line in lines] == [1, 2]
        assert loop.train(RECIPE, tracks, run, workers=0).last == lines[-1]
        _, network = runs.load(run)
        assert not network.training
        feed = described(network, RECIPE, tracks)
        check = read_split(tracks, "val", ())
        assert figures(check, feed.scores(network, check))["auc"] == pytest.approx(lines[-1]["auc"], abs=1e-4)

    def test_a_stop_changes_nothing(self, run: Path, tracks: Path, tmp_path: Path) -> None:
        class Stopped(Exception):
            pass

        def stop(what: str, done: int, of: int) -> None:
            if "training" in what and done == 3:
                raise Stopped

        with pytest.raises(Stopped):
            loop.train(RECIPE, tracks, tmp_path / "run", workers=0, progress=stop)
        loop.train(RECIPE, tracks, tmp_path / "run", workers=0)
        before, after = (runs.load(folder)[1].state_dict() for folder in (run, tmp_path / "run"))
        for name, tensor in before.items():
            torch.testing.assert_close(after[name], tensor)

    def test_an_ablation_ranks_persons(self, tracks: Path, tmp_path: Path) -> None:
        variant = ablation.Variant("tiny", RECIPE, tracks)
        rows = ablation.train(ablation.Training(variant, "source1", 0, tmp_path / "one"))
        check = read_split(tracks, "val", ())
        assert {row.path for row in rows} == {
            str(item.path) for item in check if item.label == REAL or item.source == "source1"
        }
        assert all(row.logit is not None and np.isfinite(row.logit) for row in rows)

    def test_only_networks_of_pictures_are_attacked(self, run: Path, tracks: Path) -> None:
        with pytest.raises(UsageError, match="judges videos: only networks that judge pictures are attacked"):
            attacked.attacked(run, tracks, "val")


class TestBundle:
    def test_it_computes_what_the_network_computes(self, bundle: Bundle, run: Path) -> None:
        assert bundles.check(bundle) <= bundles.TOLERANCE
        check_graph(OnnxDetector(bundle), runs.load(run)[1])

    @pytest.mark.parametrize("head", ["attentive", "alone"])
    def test_so_do_those_of_other_heads(
        self, head: str, run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With weights that never learned, and a backbone of one layer."""
        torch.manual_seed(1)
        whole = build(watching(head).model)
        layer = OneMap(24 + 64)
        eye = Eye(layer, layer, (0.5,) * 3, (0.5,) * 3)
        network = Detector([eye], whole.head).eval()
        monkeypatch.setattr(runs, "load", lambda folder: (watching(head), network))
        check_graph(OnnxDetector(export(run, tmp_path / "bundle")), network)

    def test_it_is_one_of_videos(self, bundle: Bundle) -> None:
        card = bundle.card
        assert (card.modality, card.cut.frames, card.training.made_fakes) == ("video", FRAMES, "none")
        out = Session(bundle.model_path).run(np.zeros((2, 3, SIZE, SIZE, 3), np.uint8))
        assert {name: array.shape for name, array in out.items()} == {
            "logit": (2,),
            "activation": (2, 3),
            "embedding": (2, 8),
        }

    def test_the_golden_windows_move_slowly_over_free_pictures(self, bundle: Bundle) -> None:
        with np.load(bundle.golden_path) as golden:
            kept = golden["pixels"]
        np.testing.assert_array_equal(kept, golden_inputs(RECIPE))
        assert kept.dtype == np.uint8
        assert kept.shape == (3, FRAMES, SIZE, SIZE, 3)
        for window in kept:
            for before, after in pairwise(window):
                np.testing.assert_array_equal(before[1:, 1:], after[:-1, :-1])
                assert not np.array_equal(before, after)

    def test_a_graph_that_fails_with_fewer_looks_is_not_kept(
        self, run: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def again(model: Detector, outputs: object, cut: Cut, path: Path) -> None:
            shutil.copy(bundle.model_path, path)

        def other(graph: Path, pixels: Pixels, *_: object) -> float:
            if pixels.shape[1] < FRAMES:
                raise ExportError("with fewer looks")
            return 0.0

        monkeypatch.setattr(exporter, "write_graph", again)
        monkeypatch.setattr(exporter, "compare", other)
        with pytest.raises(ExportError, match="with fewer looks"):
            export(run, tmp_path / "bundle")
        assert not list((tmp_path / "bundle").iterdir())
