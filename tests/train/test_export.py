"""Export: a bundle that computes what the network computes, or nothing; and no picture of a data set leaves in it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from tests.train.conftest import FrozenRun
from tests.train.tiny import frozen, recipe
from unmask import bundles, demo, manifest
from unmask.bundles import Bundle
from unmask.card import Cut
from unmask.cli import app
from unmask.detectors.onnx import OnnxDetector
from unmask.errors import BundleError, ExportError, UsageError
from unmask.prepare import read_segments
from unmask.runtime import Session
from unmask.scan import Scanner
from unmask.train import export as exporter
from unmask.train import loop
from unmask.train import run as runs
from unmask.train.design import Model
from unmask.train.export import export, export_together, golden_inputs
from unmask.train.graph import write_graph
from unmask.train.models import Detector, build, parameters
from unmask.train.recipes import Recipe
from unmask.types import Score


@pytest.fixture(scope="module")
def bundle(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export(finished, tmp_path_factory.mktemp("bundles") / "tiny")


@pytest.fixture(scope="module")
def frozen_bundle(frozen_run: FrozenRun, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return export(frozen_run.folder, tmp_path_factory.mktemp("bundles") / "frozen")


def pixels(count: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.random.default_rng(count).integers(0, 256, (count, 64, 64, 3), np.uint8)


def test_the_bundle_is_whole_and_passes_its_own_check(bundle: Bundle) -> None:
    assert sorted(path.name for path in bundle.folder.iterdir()) == ["card.json", "golden.npz", "model.onnx"]
    assert bundles.find(str(bundle.folder)) == bundle
    bundles.verify(bundle)
    assert bundles.check(bundle) <= bundles.TOLERANCE


def test_the_graph_computes_what_the_network_computes_for_any_batch(bundle: Bundle, finished: Path) -> None:
    _, network = runs.load(finished)
    session = Session(bundle.model_path)
    for count in (1, 2, 5):
        batch = pixels(count)
        out = session.run(batch)
        with torch.inference_mode():
            logit, activation = network(torch.from_numpy(batch))
            embedding = network.head.embed(network.maps(torch.from_numpy(batch)))
        assert set(out) == {"logit", "activation", "embedding"}
        np.testing.assert_allclose(out["embedding"], embedding.numpy(), atol=bundles.TOLERANCE)
        assert out["logit"].dtype == out["activation"].dtype == np.float32
        np.testing.assert_allclose(out["logit"], logit.numpy(), atol=bundles.TOLERANCE)
        np.testing.assert_allclose(out["activation"], activation.numpy(), atol=bundles.TOLERANCE)


def test_the_graph_takes_bytes_and_resizes_nothing(bundle: Bundle) -> None:
    graph = onnx.load(bundle.model_path, load_external_data=False).graph
    (given,) = graph.input
    assert given.name == "pixels"
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    batch, *rest = given.type.tensor_type.shape.dim
    assert batch.dim_param
    assert [side.dim_value for side in rest] == [64, 64, 3]
    assert not {node.op_type for node in graph.node} & {"Resize", "Upsample", "GridSample"}
    assert not [tensor for tensor in graph.initializer if tensor.external_data]


def test_the_card_says_what_was_done_and_that_nothing_is_calibrated(bundle: Bundle, finished: Path) -> None:
    card, chosen = bundle.card, recipe()
    assert (card.name, card.summary, card.cut, card.pooling) == ("tiny", chosen.summary, chosen.cut, "mean")
    assert card.training.recipe == "tiny.toml"
    assert card.training.backbone == "test_efficientnet"
    assert card.training.epochs == 2
    assert card.training.parameters == parameters(runs.load(finished)[1]) > 10_000
    assert "50% of all fakes" in card.training.made_fakes
    assert {source.name: source.items for source in card.sources} == {
        "alpha (fake)": 4,
        "alpha (real)": 4,
        "beta (fake)": 4,
        "beta (real)": 4,
        "gamma (fake)": 4,
    }
    assert card.calibration.set == exporter.UNCALIBRATED
    assert (card.thresholds.fake_above, card.thresholds.real_below) == (1.0, 0.0)
    assert card.metrics == ()
    assert str(finished.parent) not in card.model_dump_json(), "no path of this machine"


class TestFrozen:
    """A head of statistics over a backbone that never learned: the run's graph is whole, backbone and all."""

    def test_it_passes_its_own_check(self, frozen_bundle: Bundle, frozen_run: FrozenRun) -> None:
        assert bundles.check(frozen_bundle) <= bundles.TOLERANCE
        _, network = runs.load(frozen_run.folder)
        for count in (1, 3):
            out = Session(frozen_bundle.model_path).run(pixels(count))
            with torch.inference_mode():
                logit, activation = network(torch.from_numpy(pixels(count)))
            assert activation.shape == (count, 2, 2)
            np.testing.assert_allclose(out["logit"], logit.numpy(), atol=bundles.TOLERANCE)
            np.testing.assert_allclose(out["activation"], activation.numpy(), atol=bundles.TOLERANCE)
            np.testing.assert_allclose(out["activation"].mean(axis=(1, 2)), out["logit"], atol=bundles.TOLERANCE)

    def test_the_card_counts_what_learned(self, frozen_bundle: Bundle) -> None:
        training = frozen_bundle.card.training
        assert training.parameters == 2 * (24 + 64) * 8 + 8 + 8 + 1
        assert (training.backbone, training.initial_weights) == ("test_efficientnet", "own.safetensors")

    def test_the_card_names_every_backbone(self, frozen_run: FrozenRun) -> None:
        eyes = frozen().model.backbones + recipe().model.backbones
        several = frozen().model_copy(update={"model": frozen().model.model_copy(update={"backbones": eyes})})
        network = build(several.model.initialised("none"))
        training = exporter._card(several, network, frozen_run.folder, "0" * 64).training
        assert training.backbone == "test_efficientnet + test_efficientnet"
        assert training.initial_weights == "own.safetensors + none"


def test_the_card_of_a_run_that_was_stopped_counts_its_epochs(prepared: Path, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(what: str, done: int, of: int) -> None:
        if done == 3:
            raise Stopped

    with pytest.raises(Stopped):
        loop.train(recipe(), prepared, tmp_path / "run", workers=0, progress=stop)
    found, network = runs.load(tmp_path / "run")
    assert exporter._card(found, network, tmp_path / "run", "0" * 64).training.epochs == 1


class TestGolden:
    def test_it_holds_no_picture_of_the_data(self, bundle: Bundle, prepared: Path) -> None:
        with np.load(bundle.golden_path) as golden:
            kept = golden["pixels"]
            assert set(golden.files) == {"pixels", "logit"}
        np.testing.assert_array_equal(kept, golden_inputs(recipe(name="other", seed=9)), "made of the recipe's size")
        items = manifest.read(prepared / "manifest.csv")
        known = np.stack([segment for item in items for segment in read_segments(item, 64)]).reshape(-1, 64 * 64 * 3)
        for one in kept.reshape(len(kept), -1).astype(np.float32):
            nearest = np.abs(known.astype(np.float32) - one).mean(axis=1).min()
            assert nearest > 10

    def test_it_is_drawn_but_for_two_crops_of_the_public_domain_portrait(self) -> None:
        made = golden_inputs(recipe())
        assert made.dtype == np.uint8
        assert made.shape[1:] == (64, 64, 3)
        with Image.open(demo.portrait_path()) as portrait:
            whole = np.asarray(portrait.convert("RGB"))
        np.testing.assert_array_equal(made[1], whole[60:124, 200:264])
        np.testing.assert_array_equal(made, golden_inputs(recipe()))
        assert len({one.tobytes() for one in made}) == len(made) == 8

    def test_a_large_cut_works_too(self) -> None:
        assert golden_inputs(recipe(cut={"size_px": 400})).shape[1:] == (400, 400, 3)


class TestRefused:
    def test_a_graph_that_differs_is_not_kept(
        self, finished: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def other(model: Detector, outputs: object, cut: Cut, path: Path) -> None:
            changed = onnx.load(bundle.model_path)
            (place,) = (t for t in changed.graph.initializer if t.name.endswith("head.constant"))
            value = onnx.numpy_helper.to_array(place) + np.float32(0.01)
            place.CopyFrom(onnx.numpy_helper.from_array(value, place.name))
            onnx.save_model(changed, path)

        monkeypatch.setattr(exporter, "write_graph", other)
        shutil.copytree(bundle.folder, tmp_path / "old")
        before = {path.name: path.read_bytes() for path in bundle.folder.iterdir()}
        for folder, kept in (("new", {}), ("old", before)):
            with pytest.raises(ExportError, match=r"differs from the trained network by 0\.01 logits; at most 0\.001"):
                export(finished, tmp_path / folder)
            assert {path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} == kept

    def test_a_graph_that_gives_no_number_is_refused(self, bundle: Bundle) -> None:
        with pytest.raises(ExportError, match="differs from the trained network by nan"):
            exporter.compare(bundle.model_path, pixels(2), np.array([np.nan, 0], np.float32))

    def test_a_run_without_an_epoch(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="run unmask train first"):
            export(tmp_path, tmp_path / "bundle")
        assert not (tmp_path / "bundle").exists()

    def test_a_bundle_altered_afterwards_is_noticed(self, bundle: Bundle, tmp_path: Path) -> None:
        shutil.copytree(bundle.folder, tmp_path / "copy")
        path = tmp_path / "copy" / "model.onnx"
        path.write_bytes(path.read_bytes() + b"\0")
        with pytest.raises(BundleError, match="is not the one its card describes"):
            bundles.check(bundles.find(str(tmp_path / "copy")))


def test_a_folder_called_like_a_shipped_bundle_is_still_that_folder(
    finished: Path, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def again(model: Detector, outputs: object, cut: Cut, path: Path) -> None:
        shutil.copy(bundle.model_path, path)

    monkeypatch.setattr(exporter, "write_graph", again)
    monkeypatch.setattr(bundles, "FOLDER", bundle.folder.parent)
    monkeypatch.chdir(tmp_path)
    made = export(finished, Path("tiny"))
    assert made.folder.resolve() == tmp_path / "tiny"
    assert json.loads((tmp_path / "tiny" / "card.json").read_text()) == json.loads(made.card.model_dump_json())


def test_the_graph_does_not_tell_where_it_was_made(bundle: Bundle) -> None:
    assert b"train/models.py" not in bundle.model_path.read_bytes()


@pytest.fixture(scope="module")
def solved(frozen_run: FrozenRun, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("solved") / "run"
    loop.train(discriminant(), frozen_run.prepared, run, weights=weights, workers=0)
    return run


def test_a_network_for_pictures_of_another_size_says_so_in_a_sentence(tmp_path: Path) -> None:
    face = {"name": "mobilefacenet", "weights": "none", "maps": [3], "freeze": "all"}
    model = build(Model.model_validate(frozen().model.model_dump() | {"backbones": [face]}))
    with pytest.raises(UsageError, match=r"takes pictures of 112 px, not .*: set cut\.size_px"):
        write_graph(model, ("logit", "activation"), frozen().cut, tmp_path / "model.onnx")
    assert not list(tmp_path.iterdir())


def test_a_network_that_sees_two_things_has_its_weights_once(
    solved: Path, frozen_run: FrozenRun, weights: Path, tmp_path: Path
) -> None:
    recipe = discriminant()
    (eye,) = recipe.model.backbones
    eyes = (eye, eye.model_copy(update={"sees": "neighbours"}))
    model = recipe.model.model_copy(update={"backbones": eyes, "together": ((0,), (1,))})
    loop.train(
        recipe.model_copy(update={"model": model}), frozen_run.prepared, tmp_path / "run", weights=weights, workers=0
    )
    one, two = (export(run, tmp_path / name) for run, name in ((solved, "one"), (tmp_path / "run", "two")))
    assert _numbers(two.model_path) < 1.1 * _numbers(one.model_path)
    assert two.card.training.backbone == f"{eye.name} + {eye.name} (neighbours)"


def _numbers(graph: Path) -> int:
    """How many numbers the larger tensors of a graph hold."""
    sizes = [int(np.prod(tensor.dims)) for tensor in onnx.load(graph).graph.initializer]
    return sum(size for size in sizes if size > 16)


@pytest.fixture(scope="module")
def shared(frozen_run: FrozenRun, solved: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shared")
    export_together([frozen_run.folder, solved], folder / "tiny")
    return folder


class TestSharedGraph:
    """Two heads on the same frozen network: one graph, two bundles."""

    def test_each_computes_what_it_does_alone(
        self, shared: Path, frozen_run: FrozenRun, solved: Path, tmp_path: Path
    ) -> None:
        first, second = (bundles.find(str(shared / name)) for name in ("tiny", "solved"))
        assert (first.card.graph, second.card.graph) == ("", "tiny")
        assert first.card.sha256 == second.card.sha256
        assert sorted(path.name for path in second.folder.iterdir()) == ["card.json", "golden.npz"]
        assert '"graph"' not in (first.folder / "card.json").read_text()
        for one, run in ((first, frozen_run.folder), (second, solved)):
            assert bundles.check(one) <= bundles.TOLERANCE
            alone = OnnxDetector(export(run, tmp_path / one.card.name))
            for mine, other in zip(OnnxDetector(one).explain(pixels(3)), alone.explain(pixels(3)), strict=True):
                np.testing.assert_allclose(mine, other, atol=bundles.TOLERANCE)

    def test_scanned_together_the_graph_is_loaded_and_run_once(
        self, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runs_of_graph: list[int] = []
        feed = Session.feed

        def counting(self: Session, inputs: Any) -> Any:
            (batch,) = inputs.values()
            runs_of_graph.append(int(batch.any()))
            return feed(self, inputs)

        Image.fromarray(pixels(1)[0]).resize((200, 100)).save(tmp_path / "picture.png")
        alone: dict[str, Score] = {}
        for name in ("tiny", "solved"):
            with Scanner([shared / name]) as scanner:
                alone |= scanner.scan(tmp_path / "picture.png").scores
        monkeypatch.setattr(Session, "feed", counting)
        with Scanner([shared], evidence=True) as scanner:
            report = scanner.scan(tmp_path / "picture.png")
        assert report.scores == alone
        assert len(report.scores) == 2
        assert sum(runs_of_graph) == 1
        maps = {one.detector: one.heat_map for one in report.evidence if one.detector in alone}
        assert maps["tiny"] != maps["solved"]

    def test_both_are_calibrated_by_one_command(
        self, frozen_run: FrozenRun, solved: Path, originals: Path, tmp_path: Path
    ) -> None:
        words = ["export", frozen_run.folder, tmp_path / "tiny", "--head", solved, "--manifest", originals]
        done = CliRunner().invoke(app, list(map(str, words)))
        assert done.exit_code == 0, done.output
        cards = [bundles.find(str(tmp_path / name)).card for name in ("tiny", "solved")]
        assert all(card.calibration.set.startswith("val of") for card in cards)
        assert [card.graph for card in cards] == ["", "tiny"]
        assert done.output.count("on the calibration set") == 2

    def test_without_the_bundle_beside_it_the_graph_is_missing(self, shared: Path, tmp_path: Path) -> None:
        shutil.copytree(shared / "solved", tmp_path / "solved")
        with pytest.raises(BundleError, match=r"tiny.model\.onnx cannot be read"):
            bundles.verify(bundles.find(str(tmp_path / "solved")))

    def test_networks_that_learn_or_differ_share_nothing(
        self, finished: Path, frozen_run: FrozenRun, solved: Path, tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="the same cut and the same networks, frozen whole"):
            export_together([finished, solved], tmp_path / "tiny")
        with pytest.raises(UsageError, match="recipes of different names"):
            export_together([frozen_run.folder, frozen_run.folder], tmp_path / "tiny")
        assert not list(tmp_path.iterdir())


def discriminant() -> Recipe:
    """The tiny frozen recipe, solved at once."""
    base = frozen(train={"epochs": 1})
    model = base.model.model_copy(update={"head": "discriminant"})
    return Recipe.model_validate(base.model_copy(update={"name": "solved", "model": model}).model_dump())
