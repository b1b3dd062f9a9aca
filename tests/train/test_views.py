"""Descriptions: what the network itself says, written down once, and believed for no other pictures."""

from __future__ import annotations

import shutil
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch.utils.data import Dataset

from tests.train.conftest import FrozenRun
from tests.train.tiny import PER_SPLIT, WEIGHTS, backbone, frozen
from unmask import makers, manifest
from unmask.card import Cut
from unmask.errors import ManifestError, RecipeError
from unmask.makers.reconstruct import by_generators
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare import MANIFEST, read_segments
from unmask.train import views
from unmask.train.data import Pictures, Sample, read_split
from unmask.train.graph import write_graph
from unmask.train.models import Describer, Detector, build
from unmask.train.recipes import Recipe
from unmask.train.run import find_weights
from unmask.train.views import Described

STILL = {"flip": 0, "zoom": 0, "colour": 0, "resize": 0, "blur": 0, "noise": 0, "jpeg": 0}
TRAIN = 20
MADE = 8
"""Fakes, one of each real train item."""
ROWS = TRAIN + MADE
VAL = 10 * 4
OF = 2 * ROWS + VAL

Floats = NDArray[np.float32]


class Stopped(Exception):
    """Stands for an interruption at any moment."""


@pytest.fixture(scope="module")
def network(weights: Path) -> Detector:
    torch.manual_seed(0)
    return build(frozen().model, [weights / WEIGHTS])


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory, prepared: Path, network: Detector, weights: Path) -> Path:
    """A prepared folder with descriptions of pictures that nothing was done to."""
    folder = tmp_path_factory.mktemp("still") / "prepared"
    shutil.copytree(prepared, folder)
    ask(network, folder, weights, frozen(augment=STILL))
    return folder


@pytest.fixture(scope="module")
def graph(network: Detector, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The graph of the network, exported once, for tests that describe again and again."""
    path = tmp_path_factory.mktemp("graph") / "backbones.onnx"
    write_graph(Describer(network), ("described",), frozen().cut, path)
    return path


@pytest.fixture
def quick(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take that graph; an export costs seconds."""

    def copy(model: Describer, outputs: object, cut: Cut, path: Path) -> None:
        shutil.copy(graph, path)

    monkeypatch.setattr(views, "write_graph", copy)


def ask(network: Detector, folder: Path, weights: Path, recipe: Recipe | None = None, **options: Any) -> Described:
    recipe = recipe or frozen()
    return Described(network, recipe, folder, weights=find_weights(recipe, weights), **options)


def made(number: int, maker: str = "self_blend") -> str:
    """The name of the file that holds the made fakes of a view."""
    return f"view-{number:03}-{maker}-{views._maker(maker)}.npy"


def lent(name: str) -> str:
    """The name of the file that says which faces went into them."""
    return name.replace(".npy", "-lent.npy")


ORDER = [["view-000.npy"], ["view-001.npy"], [made(0), lent(made(0))], [made(1), lent(made(1))], ["val.npy"]]
"""What is written, in this order."""
ENDS = [TRAIN, 2 * TRAIN, 2 * TRAIN + MADE, 2 * ROWS, OF]
"""How many are described when each is."""


def folders(prepared: Path) -> list[Path]:
    return sorted((prepared / "views").iterdir())


def lessons(data: Dataset[Sample]) -> tuple[Floats, list[float]]:
    """All descriptions of an epoch, and their labels."""
    samples = [data[number] for number in range(len(data))]  # type: ignore[arg-type]
    return torch.stack([row for row, _ in samples]).numpy(), [label.item() for _, label in samples]


@torch.inference_mode()
def said(network: Detector, item: Item) -> Floats:
    """What the network itself says of an item's segments."""
    described: Floats = Describer(network.eval())(torch.from_numpy(np.stack(read_segments(item, 64)))).numpy()
    return described


def nearest(row: Floats, among: Floats) -> float:
    """The largest difference to the row that is most alike, in parts of half precision's own step."""
    step = np.maximum(np.abs(among), 2**-4) * 2**-10
    return float((np.abs(among - row) / step).max(axis=1).min())


class TestDescriptions:
    def test_they_are_those_of_the_network_itself(self, still: Path, network: Detector) -> None:
        (folder,) = folders(still)
        assert sorted(path.name for path in folder.iterdir()) == sorted(chain(*ORDER))
        learn, check = read_split(still, "train", ()), read_split(still, "val", ())
        first, second, val = (np.load(folder / f"{name}.npy") for name in ("view-000", "view-001", "val"))
        assert first.dtype == val.dtype == np.float16
        assert first.shape == second.shape == (TRAIN, 2 * (24 + 64))
        assert val.shape == (VAL, 2 * (24 + 64))
        for view in (first, second):
            assert max(nearest(row, said(network, item)) for row, item in zip(view, learn, strict=True)) < 1
        assert (first != second).any(axis=1).any(), "a view chooses a segment of its own"
        expected = np.concatenate([said(network, item) for item in check])
        assert max(nearest(row, one[None]) for row, one in zip(val, expected, strict=True)) < 1

    def test_fakes_are_made_of_real_pictures_and_of_no_others(self, still: Path, network: Detector) -> None:
        """As many as there are reals, each near its own original and unlike it."""
        (folder,) = folders(still)
        reals = [item for item in read_split(still, "train", ()) if item.label == REAL]
        fakes = np.load(folder / made(0))
        assert len(fakes) == len(reals) == MADE
        assert sum(nearest(row, said(network, item)) > 1 for row, item in zip(fakes, reals, strict=True)) >= 6
        assert (np.load(folder / lent(made(0))) == -1).all(), "a blend with itself needs no other face"

    def test_every_view_shows_other_changes(self, frozen_run: FrozenRun) -> None:
        (folder,) = folders(frozen_run.prepared)
        for names in (("view-000.npy", "view-001.npy"), (made(0), made(1))):
            first, second = (np.load(folder / name) for name in names)
            assert (first != second).any(axis=1).all()

    @pytest.mark.usefixtures("quick")
    def test_it_does_not_matter_how_many_are_worked_on_at_a_time(
        self, frozen_run: FrozenRun, prepared: Path, network: Detector, weights: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(prepared, tmp_path / "prepared")
        ask(network, tmp_path / "prepared", weights, jobs=1)
        (mine,), (theirs,) = folders(tmp_path / "prepared"), folders(frozen_run.prepared)
        assert mine.name == theirs.name, "nor where the folder lies"
        for path in mine.iterdir():
            assert path.read_bytes() == (theirs / path.name).read_bytes()

    def test_what_half_precision_cannot_hold_is_refused(self, prepared: Path, weights: Path, tmp_path: Path) -> None:
        shutil.copytree(prepared, tmp_path / "prepared")
        model = frozen().model
        eye = model.backbones[0].model_copy(update={"mean": (0.0, 0.0, 0.0), "std": (1e-7, 1e-7, 1e-7)})
        recipe = frozen().model_copy(update={"model": model.model_copy(update={"backbones": (eye,)})})
        network = build(recipe.model, [weights / WEIGHTS])
        with pytest.raises(RecipeError, match="too large for half precision; choose other maps"):
            ask(network, tmp_path / "prepared", weights, recipe)
        (folder,) = folders(tmp_path / "prepared")
        assert list(folder.iterdir()) == []

    def test_a_split_that_is_missing(self, prepared: Path, network: Detector, weights: Path, tmp_path: Path) -> None:
        shutil.copytree(prepared, tmp_path / "prepared")
        table = tmp_path / "prepared" / MANIFEST
        manifest.write(table, [item for item in manifest.read(table) if item.split != "val"])
        with pytest.raises(ManifestError, match=r"the split val of .* needs both real and fake"):
            ask(network, tmp_path / "prepared", weights)


class TestEpochs:
    def test_a_lesson_is_a_row_with_its_label(self, still: Path, network: Detector, weights: Path) -> None:
        recipe = frozen(augment=STILL, data={"made": 0.0}, train={"pictures_per_epoch": 32})
        learn = read_split(still, "train", ())
        rows, labels = lessons(ask(network, still, weights, recipe).epoch(learn, 0))
        assert rows.dtype == np.float32
        assert labels == [0.0, 1.0] * 16
        for kind in (REAL, FAKE):
            known = np.concatenate([said(network, item) for item in learn if item.label == kind])
            assert max(nearest(row, known) for row in rows[kind::2]) < 1

    def test_a_made_fake_is_one_of_the_made_rows(self, still: Path, network: Detector, weights: Path) -> None:
        (folder,) = folders(still)
        recipe = frozen(augment=STILL, data={"made": 1.0}, train={"pictures_per_epoch": 32})
        rows, labels = lessons(ask(network, still, weights, recipe).epoch(read_split(still, "train", ()), 0))
        files = {REAL: ("view-000.npy", "view-001.npy"), FAKE: (made(0), made(1))}
        seen = set()
        for row, label in zip(rows, labels, strict=True):
            known = [np.load(folder / name).astype(np.float32) for name in files[int(label)]]
            found = [(label, view) for view, kept in enumerate(known) if (kept == row).all(axis=1).any()]
            assert found
            seen |= set(found)
        assert seen == {(label, view) for label in (REAL, FAKE) for view in (0, 1)}, "of every view"

    def test_the_same_seed_and_epoch_give_the_same_lessons(self, still: Path, network: Detector, weights: Path) -> None:
        learn = read_split(still, "train", ())
        recipe = frozen(augment=STILL)
        first, again = (lessons(ask(network, still, weights, recipe).epoch(learn, 3))[0] for _ in range(2))
        np.testing.assert_array_equal(first, again)
        for seed, number in ((0, 4), (1, 3)):
            other = ask(network, still, weights, frozen(augment=STILL, seed=seed)).epoch(learn, number)
            assert not np.array_equal(first, lessons(other)[0])

    def test_only_what_is_to_be_learned_is_drawn(self, still: Path, network: Detector, weights: Path) -> None:
        learn = read_split(still, "train", ("beta", "gamma"))
        recipe = frozen(augment=STILL, data={"made": 0.0}, train={"pictures_per_epoch": 64})
        rows, _ = lessons(ask(network, still, weights, recipe).epoch(learn, 0))
        known = np.concatenate([said(network, item) for item in learn])
        assert max(nearest(row, known) for row in rows) < 1

    def test_val_is_scored_as_from_the_pictures(self, still: Path, network: Detector, weights: Path) -> None:
        recipe = frozen(augment=STILL)
        described = ask(network, still, weights, recipe)
        for left_out in ((), ("alpha",), ("gamma",)):
            check = read_split(still, "val", left_out)
            assert len(check) == PER_SPLIT["val"] * (5 - sum({"alpha": 2, "gamma": 1}[name] for name in left_out))
            expected = Pictures(recipe, check).scores(network, check)
            np.testing.assert_allclose(described.scores(network, check), expected, atol=2e-3)


class TestKept:
    def test_another_run_reads_what_the_first_wrote(
        self, still: Path, network: Detector, weights: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Another seed, head, share of made fakes, length, and sources left out: none changes a description."""
        monkeypatch.setattr(views, "write_graph", lambda *_: pytest.fail("it describes again"))
        other = frozen(
            augment=STILL,
            seed=7,
            pooling="max",
            data={"made": 0.1, "leave_out": ["beta"]},
            train={"epochs": 9, "pictures_per_epoch": 64},
        )
        wider = other.model.model_copy(update={"hidden": 32, "dropout": 0.5})
        ask(
            network, still, weights, other.model_copy(update={"model": wider}), progress=lambda *_: pytest.fail("again")
        )
        assert len(folders(still)) == 1

    @pytest.mark.usefixtures("quick")
    def test_more_views_are_added_to_those_there_are(
        self, still: Path, network: Detector, weights: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(still, tmp_path / "prepared")
        (folder,) = folders(tmp_path / "prepared")
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        steps: list[tuple[int, int]] = []
        more = frozen(augment=STILL, train={"views": 3})
        ask(network, tmp_path / "prepared", weights, more, progress=lambda n, of: steps.append((n, of)))
        assert steps == [(n, OF + ROWS) for n in range(OF + 1, OF + ROWS + 1)]
        after = {path.name: path.read_bytes() for path in folder.iterdir()}
        assert after.keys() - before.keys() == {"view-002.npy", made(2), lent(made(2))}
        assert {name: after[name] for name in before} == before

    @pytest.mark.usefixtures("quick")
    @pytest.mark.parametrize("step", [1, TRAIN + 5, 2 * TRAIN + MADE + 1, 2 * ROWS + 1])
    def test_an_interruption_loses_one_view_at_most(
        self,
        frozen_run: FrozenRun,
        prepared: Path,
        network: Detector,
        weights: Path,
        tmp_path: Path,
        step: int,
    ) -> None:
        shutil.copytree(prepared, tmp_path / "prepared")

        def stop(done: int, of: int) -> None:
            if done == step:
                raise Stopped

        with pytest.raises(Stopped):
            ask(network, tmp_path / "prepared", weights, progress=stop)
        (mine,), (theirs,) = folders(tmp_path / "prepared"), folders(frozen_run.prepared)
        whole = sum(step > end for end in ENDS)
        assert sorted(path.name for path in mine.iterdir()) == sorted(chain(*ORDER[:whole]))
        steps: list[tuple[int, int]] = []
        ask(network, tmp_path / "prepared", weights, progress=lambda n, of: steps.append((n, of)))
        assert steps == [(n, OF) for n in range([0, *ENDS][whole] + 1, OF + 1)]
        assert {path.name: path.read_bytes() for path in mine.iterdir()} == {
            path.name: path.read_bytes() for path in theirs.iterdir()
        }

    @pytest.mark.usefixtures("quick")
    def test_a_file_that_was_cut_off_while_it_was_written_is_not_believed(
        self, still: Path, network: Detector, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(still, tmp_path / "prepared")
        (folder,) = folders(tmp_path / "prepared")
        expected = (folder / "val.npy").read_bytes()
        (folder / "val.npy").unlink()

        def stop(file: Any, rows: NDArray[np.float16]) -> None:
            file.write(b"half a file")
            raise Stopped

        with monkeypatch.context() as patch:
            patch.setattr(np, "save", stop)
            with pytest.raises(Stopped):
                ask(network, tmp_path / "prepared", weights, frozen(augment=STILL))
        ask(network, tmp_path / "prepared", weights, frozen(augment=STILL))
        assert (folder / "val.npy").read_bytes() == expected

    def test_whatever_a_description_depends_on_makes_a_new_folder(
        self, prepared: Path, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(prepared, tmp_path / "prepared")
        file = tmp_path / WEIGHTS
        shutil.copy(weights / WEIGHTS, file)

        def key(**tables: Any) -> str:
            return views.key(frozen(**tables), tmp_path / "prepared", [file])

        def with_eye(**options: Any) -> str:
            model = frozen().model
            eye = model.backbones[0].model_copy(update=options)
            changed = frozen().model_copy(update={"model": model.model_copy(update={"backbones": (eye,)})})
            return views.key(changed, tmp_path / "prepared", [file])

        keys = [key()]
        keys += [key(augment={name: 0.123}) for name in STILL]
        keys += [key(augment={"jpeg_quality": [50, 60]}), key(cut={"size_px": 32})]
        keys += [with_eye(maps=(1,)), with_eye(mean=(0.5, 0.5, 0.5)), with_eye(options={"pad_type": "same"})]
        save_file({"other": torch.zeros(1)}, file)
        keys.append(key())
        table = tmp_path / "prepared" / MANIFEST
        manifest.write(table, manifest.read(table)[:-1])
        keys.append(key())
        assert len(set(keys)) == len(keys) == 15
        assert key() == keys[-1]

    def test_a_view_that_is_plain_among_so_many_is_not_taken_for_one_that_is_changed_among_others(
        self, prepared: Path
    ) -> None:
        def key(**train: int) -> str:
            return views.key(frozen(train=train), prepared, [None])

        # The third view of a solved recipe's second seed is plain where every second is; among four it is changed.
        assert key(views=2, plain_views=1) != key(views=4, plain_views=1)
        assert key(views=2) == key(views=4), "where none is plain all are of one kind"

    @pytest.mark.usefixtures("quick")
    def test_another_way_to_make_fakes_leaves_what_is_not_made_alone(
        self, still: Path, network: Detector, weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shutil.copytree(still, tmp_path / "prepared")
        shutil.copytree(Path(makers.__file__).parent, tmp_path / "makers")
        monkeypatch.setattr(makers, "__file__", str(tmp_path / "makers" / "__init__.py"))
        steps: list[tuple[int, int]] = []
        ask(network, tmp_path / "prepared", weights, frozen(augment=STILL), progress=lambda *at: steps.append(at))
        assert steps == [], "wherever the package lies"
        (tmp_path / "makers" / "weights.onnx").write_bytes(b"a generator")
        ask(network, tmp_path / "prepared", weights, frozen(augment=STILL), progress=lambda *at: steps.append(at))
        assert steps == [(n, OF) for n in range(OF - 2 * MADE + 1, OF + 1)]

    def test_fakes_of_other_generators_are_other_fakes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        before = {name: views._maker(name) for name in makers.MAKERS}
        monkeypatch.setattr(type(by_generators), "pin", lambda self: "others")
        after = {name: views._maker(name) for name in makers.MAKERS}
        assert {name for name in before if before[name] != after[name]} == {"reconstruct"}

    @pytest.mark.usefixtures("quick")
    def test_a_maker_that_joins_is_described_beside_those_there_are(
        self, still: Path, network: Detector, weights: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(still, tmp_path / "prepared")
        steps: list[tuple[int, int]] = []
        two = frozen(augment=STILL, data={"makers": {"self_blend": 5.0, "frequency_blend": 1.0}})
        ask(network, tmp_path / "prepared", weights, two, progress=lambda *at: steps.append(at))
        assert steps == [(n, OF + 2 * MADE) for n in range(OF + 1, OF + 2 * MADE + 1)]
        (folder,) = folders(tmp_path / "prepared")
        first, second = (np.load(folder / made(0, name)) for name in ("self_blend", "frequency_blend"))
        assert (first != second).any(axis=1).all()

    @pytest.mark.usefixtures("quick")
    def test_a_changed_option_describes_anew(
        self, still: Path, network: Detector, weights: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(still, tmp_path / "prepared")
        ask(network, tmp_path / "prepared", weights, frozen(augment=STILL | {"noise": 1.0}, train={"views": 1}))
        first, second = (np.load(folder / "view-000.npy") for folder in folders(tmp_path / "prepared"))
        assert (first != second).any(axis=1).all()

    def test_networks_that_start_at_random_share_nothing_across_seeds(self, prepared: Path) -> None:
        def key(seed: int, weights: str) -> str:
            eye = backbone(weights=weights, freeze="all")
            recipe = Recipe.model_validate(
                {**frozen().model_dump(), "model": {"backbones": [eye], "head": "statistics"}, "seed": seed}
            )
            return views.key(recipe, prepared, [None])

        assert key(0, "none") == key(0, "none") != key(1, "none")
        assert key(0, "hub") == key(1, "hub")


FACE = "20 25 40 25 30 37 22 46 38 46"


class TestLentFaces:
    """A fake that another's face went into is learned from only where that other is."""

    RECIPE = frozen(
        augment=STILL, data={"made": 1.0, "makers": {"graft": 1.0, "swap": 1.0}}, train={"pictures_per_epoch": 64}
    )

    @pytest.fixture
    def described(self, prepared: Path, network: Detector, weights: Path, tmp_path: Path, quick: None) -> Described:
        folder = tmp_path / "prepared"
        shutil.copytree(prepared, folder)
        items = [manifest.recut(item, item.path, landmarks_px=FACE) for item in manifest.read(folder / MANIFEST)]
        manifest.write(folder / MANIFEST, items)
        return ask(network, folder, weights, self.RECIPE)

    def test_it_is_noted_whose_face_went_into_each(self, described: Described, tmp_path: Path) -> None:
        everything = read_split(tmp_path / "prepared", "train", ())
        reals = [item for item in everything if item.label == REAL]
        for name, label in (("swap", REAL), ("graft", FAKE)):
            for _, lenders in described._made[name]:
                assert len(lenders) == MADE
                assert (lenders >= 0).sum() >= 4
                for real, lender in zip(reals, lenders, strict=True):
                    if lender >= 0:
                        assert everything[lender].label == label
                        assert everything[lender] != real

    @pytest.mark.parametrize("left_out", ["alpha", "beta", "method:stripes"])
    def test_nothing_of_a_face_that_is_left_out_is_learned(
        self, described: Described, tmp_path: Path, left_out: str
    ) -> None:
        everything = read_split(tmp_path / "prepared", "train", ())
        kept = manifest.hold_out(everything, [left_out])
        collected = [item for item in everything if item.label == FAKE]
        learn = kept if left_out != "method:stripes" else [*kept, collected[-1]]
        lenders = {id(rows): who for pairs in described._made.values() for rows, who in pairs}
        seen = set()
        lessons = described.epoch(learn, 0)
        for draw, (rows, row) in zip(lessons.draws, lessons._lessons, strict=True):
            assert draw.item in learn
            if draw.maker:
                lender = int(lenders[id(rows)][row])
                seen.add(lender)
                assert lender == -1 or everything[lender] in learn
            else:
                assert any(rows is view for view in described._views)
                assert everything[row] == draw.item
        assert len(seen) > 1
        assert [draw.label for draw in lessons.draws] == [REAL, FAKE] * 32

    def test_where_no_view_will_do_a_collected_fake_takes_the_place(self, described: Described, tmp_path: Path) -> None:
        everything = read_split(tmp_path / "prepared", "train", ())
        learn = manifest.hold_out(everything, ["beta"])
        away = next(number for number, item in enumerate(everything) if item.source == "beta")
        for pairs in described._made.values():
            for _, lenders in pairs:
                lenders[:] = away
        draws = described.epoch(learn, 0).draws
        assert [draw.label for draw in draws] == [REAL, FAKE] * 32
        assert all(draw.maker is None and draw.item in learn for draw in draws)
        assert len({draw.item.path for draw in draws[1::2]}) > 4
