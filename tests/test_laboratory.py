"""The verbs of the laboratory as people type them: from a folder of pictures to a bundle that scans."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.command import Run
from tests.data.scenes import scene
from tests.make_bundle import make_bundle, make_ensemble
from unmask import bundles, cli_options, ensemble, manifest
from unmask.card import Card, Figure
from unmask.errors import MissingExtraError
from unmask.manifest import FAKE, REAL, Item
from unmask.train.recipes import Recipe

RECIPE = """
name = "tiny"
summary = "A recipe for tests"
pooling = "mean"
[cut]
kind = "patch"
size_px = 64
patches = 4
[[model.backbones]]
name = "test_efficientnet"
weights = "none"
[train]
epochs = 1
pictures_per_epoch = 64
batch = 8
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipes") / "tiny.toml"
    path.write_text(RECIPE, encoding="utf-8")
    return path


def draw(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = scene(seed)
    if "fake" in path.parts:
        striped = np.asarray(picture, np.int16).copy()
        striped[:, ::2] += 24
        picture = Image.fromarray(np.clip(striped, 0, 255).astype(np.uint8))
    picture.save(path)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten pictures in real/, ten in fake/."""
    folder = tmp_path_factory.mktemp("own") / "photos"
    for number in range(20):
        draw(folder / ("real", "fake")[number % 2] / f"{number}.png", number)
    return folder


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve reddish fakes and twelve blueish reals, all in test, and one broken file."""
    folder = tmp_path_factory.mktemp("table")
    items = []
    for number in range(24):
        tint = (-40, 40)[number % 2]
        noise = np.random.default_rng(number).normal(0, 20, (70, 70, 3))
        pixels = np.clip(np.array([128 + tint, 128, 128 - tint]) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
        items.append(Item(folder / f"{number}.png", number % 2, source="drawn", split="test"))
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    items.append(Item(folder / "broken.png", REAL, source="drawn", split="test"))
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


def test_three_commands_make_a_detector_of_a_folder(run: Run, photos: Path, recipe: Path, tmp_path: Path) -> None:
    cuts, runs, bundle = tmp_path / "cuts", tmp_path / "run", tmp_path / "mine"
    done = run("prepare", photos, cuts, "--recipe", recipe, "--jobs", "1")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"20 items: {cuts / 'manifest.csv'}\n"
    originals = manifest.read(cuts / "originals.csv")
    for split, count in {"train": 8, "val": 1, "test": 1}.items():
        for label in (REAL, FAKE):
            assert sum(item.split == split and item.label == label for item in originals) == count

    done = run("train", recipe, cuts, runs, "--workers", "0")
    assert done.code == 0
    assert done.out.startswith(f"{runs}: 1 epochs; on val crops: auc ")

    done = run("export", runs, bundle, "--manifest", cuts / "originals.csv")
    assert done.code == 0
    assert done.out.startswith(f"{bundle}: on the calibration set, 0 of 1 reals reach")
    card = Card.read(bundle / "card.json")
    assert (card.name, card.calibration.set, card.calibration.reals, card.calibration.fakes) == (
        "tiny",
        "val of photos",
        1,
        1,
    )

    assert run("models", "check", bundle).code == 0
    done = run("scan", photos, "--models", bundle, "--json")
    assert done.code == 0
    reports = json.loads(done.out)
    assert len(reports) == 20
    assert all(report["status"] == "ok" and report["verdict"]["detector"] == "tiny" for report in reports)

    done = run("evaluate", cuts / "originals.csv", "--model", bundle, "--out", tmp_path / "figures")
    assert done.code == 0
    assert "| AUC | test pooled, by logit of tiny |" in done.out


class TestPrepare:
    def test_a_resumed_preparation_keeps_its_splits(
        self, run: Run, photos: Path, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        first = run("prepare", photos, tmp_path, "--recipe", recipe, "--jobs", "1")
        before = (tmp_path / "originals.csv").read_bytes()
        monkeypatch.chdir(photos.parent)
        assert run("prepare", "photos", tmp_path, "--recipe", recipe, "--jobs", "1") == first
        assert (tmp_path / "originals.csv").read_bytes() == before

    def test_pictures_that_were_added_join_and_move_no_other(self, run: Run, recipe: Path, tmp_path: Path) -> None:
        folder, out = tmp_path / "own", tmp_path / "out"
        for number in range(12):
            draw(folder / ("real", "fake")[number % 2] / f"{number}.png", number)
        run("prepare", folder, out, "--recipe", recipe, "--jobs", "1")
        before = {item.path: item.split for item in manifest.read(out / "originals.csv")}
        for number in range(12, 32):
            draw(folder / ("real", "fake")[number % 2] / f"{number}.png", number)
        (folder / "real" / "0.png").unlink()
        done = run("prepare", folder, out, "--recipe", recipe, "--jobs", "1")
        assert done.out.startswith("31 items")
        after = {item.path: item.split for item in manifest.read(out / "originals.csv")}
        assert set(before) - set(after) == {folder / "real" / "0.png"}
        assert all(after[path] == before[path] for path in set(before) & set(after))
        assert all(after.values())

    def test_a_manifest_keeps_its_own_splits(self, run: Run, table: Path, recipe: Path, tmp_path: Path) -> None:
        done = run("prepare", table, tmp_path, "--recipe", recipe, "--jobs", "1")
        assert done.out == f"24 items: {tmp_path / 'manifest.csv'}\n"
        assert done.err.startswith("left out 1: the file starts like a picture")
        assert {item.split for item in manifest.read(tmp_path / "manifest.csv")} == {"test"}
        assert not (tmp_path / "originals.csv").exists()

    @pytest.mark.parametrize("name", ["nowhere", "nowhere.csv"])
    def test_data_that_is_not_there(self, run: Run, tmp_path: Path, name: str) -> None:
        done = run("prepare", tmp_path / name, tmp_path / "out")
        assert (done.code, done.out) == (1, "")
        assert "cannot be read: No such file" in done.err

    def test_a_folder_that_is_laid_out_otherwise(self, run: Run, tmp_path: Path) -> None:
        done = run("prepare", tmp_path, tmp_path / "out")
        assert done.code == 1
        assert "put pictures, videos or recordings in real/ and fake/" in done.err

    def test_a_name_that_is_no_text_is_named(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "own"
        for number in range(4):
            draw(folder / ("real", "fake")[number % 2] / f"{number}.png", number)
        try:
            (folder / "real" / "0.png").rename(os.fsdecode(os.fsencode(folder) + b"/real/caf\xe9.png"))
        except OSError:
            pytest.skip("this file system takes only UTF-8")
        done = run("prepare", folder, tmp_path / "out", "--jobs", "1")
        assert done.code == 1
        assert "is no Unicode text, and a manifest is: rename the file" in done.err
        assert not (tmp_path / "out" / "originals.csv").exists()


class TestRecipes:
    @pytest.mark.parametrize("argv", [("prepare", "x", "y", "--recipe", "fase"), ("train", "fase", "x", "y")])
    def test_a_wrong_name_lists_the_right_ones(self, run: Run, argv: tuple[str, ...]) -> None:
        done = run(*argv)
        assert (done.code, done.out) == (2, "")
        assert 'no recipe file "fase"' in done.err
        assert " face, " in done.err
        assert " picture, " in done.err

    def test_the_command_line_changes_what_it_names_and_nothing_else(
        self, run: Run, recipe: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from unmask.train import loop
        from unmask.train import run as runs

        asked: list[tuple[Recipe, Path | None, int]] = []

        def train(
            chosen: Recipe, prepared: Path, folder: Path, *, weights: Path | None, workers: int, **_: Any
        ) -> runs.Run:
            asked.append((chosen, weights, workers))
            return runs.Run(folder, {"epoch": 1, "auc": 0.5})

        monkeypatch.setattr(loop, "train", train)
        written = Recipe.read(recipe)
        done = run("train", recipe, "cuts", "run")
        assert done.out == "run: 1 epochs; on val crops: auc 0.500\n"
        run("train", recipe, "cuts", "run", "--seed", "7", "--leave-out", "a", "--leave-out", "b", "--workers", "3")
        run("train", recipe, "cuts", "run", "--weights", "folder")
        run("train", "face", "cuts", "run", "--weights", "hub")
        assert asked[0] == (written, None, 1)
        changed = written.model_copy(
            update={"seed": 7, "data": written.data.model_copy(update={"leave_out": ("a", "b")})}
        )
        assert asked[1] == (changed, None, 3)
        assert asked[2] == (written, Path("folder"), 1)
        hub, folder, _ = asked[3]
        assert folder is None
        assert {(eye.weights, eye.mean, eye.std) for eye in hub.model.backbones} == {("hub", None, None)}
        assert run("train", recipe, "cuts", "run", "--seed", "-1").code == 2
        assert len(asked) == 4

    def test_a_run_that_cannot_begin_is_one_sentence(self, run: Run, recipe: Path, tmp_path: Path) -> None:
        done = run("train", recipe, tmp_path, tmp_path / "run")
        assert (done.code, done.out) == (2, "")
        assert "make the folder with unmask prepare" in done.err
        done = run("export", tmp_path / "run", tmp_path / "bundle", "--manifest", "table.csv")
        assert (done.code, done.out) == (2, "")
        assert "run unmask train first" in done.err


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Fakes are smaller than reals, and differ in nothing else."""
    folder = tmp_path_factory.mktemp("failing")
    items = []
    for number in range(60):
        side_px = (90, 70)[number % 2]
        scene(number, 90).crop((0, 0, side_px, side_px)).save(folder / f"{number}.png")
        items.append(Item(folder / f"{number}.png", number % 2, method=("real", "gan")[number % 2], split="train"))
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


class TestAudit:
    def test_data_that_teach_a_shortcut_exit_with_1(self, run: Run, failing: Path) -> None:
        done = run("audit", failing)
        assert done.code == 1
        assert "probe size" in done.out
        assert "run `unmask prepare`" in done.out
        assert "FAILED" in done.out.splitlines()[-1]

    def test_json(self, run: Run, failing: Path) -> None:
        done = run("audit", failing, "--json")
        assert done.code == 1
        found = json.loads(done.out)
        assert (found["passed"], found["items"]) == (False, 60)

    def test_once_prepared_they_pass(self, run: Run, failing: Path, recipe: Path, tmp_path: Path) -> None:
        assert run("prepare", failing, tmp_path, "--recipe", recipe, "--jobs", "1").code == 0
        done = run("audit", tmp_path / "manifest.csv")
        assert "FAIL  probe size" not in done.out
        assert "run `unmask prepare`" not in done.out

    def test_a_table_without_labels(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "table.csv").write_text("path\na.png\n")
        done = run("audit", tmp_path / "table.csv")
        assert (done.code, done.out) == (1, "")
        assert "has no column label" in done.err


class TestEvaluate:
    @pytest.fixture
    def bundle(self, tmp_path: Path) -> Path:
        return make_bundle(tmp_path / "red", name="red", kind="patch").folder

    def test_figures_on_stdout_and_what_was_not_judged_on_stderr(
        self, run: Run, table: Path, bundle: Path, tmp_path: Path
    ) -> None:
        before = (bundle / "card.json").read_bytes()
        done = run("evaluate", table, "--model", bundle, "--out", tmp_path / "out", "--perturb", "jpeg-q50")
        assert done.code == 0
        assert "| AUC | test pooled, by logit of red | 1.000 |" in done.out
        assert "jpeg-q50" in done.out
        assert done.err.startswith(f"not judged: {table.parent / 'broken.png'}: ")
        assert done.err.count("\n") == 1
        assert done.out == (tmp_path / "out" / "figures.md").read_text()
        assert (bundle / "card.json").read_bytes() == before, "nothing is recorded unasked"

    def test_record_writes_into_the_card(self, run: Run, table: Path, bundle: Path, tmp_path: Path) -> None:
        argv = ("evaluate", table, "--model", bundle, "--out", tmp_path / "out", "--record", bundle)
        for _ in range(2):
            assert run(*argv).code == 0
        figures = Card.read(bundle / "card.json").metrics
        assert len({(figure.name, figure.on) for figure in figures}) == len(figures) > 5
        assert {figure.command for figure in figures} == {"unmask evaluate table.csv --model red --split test"}

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (["--model", "red", "--record", "nowhere"], "nowhere"),
            (["--model", "nowhere"], 'no model "nowhere"'),
            (["--model", "red", "--perturb", "rain"], "no perturbation rain"),
        ],
    )
    def test_wrong_use_exits_with_2_before_the_work(
        self,
        run: Run,
        table: Path,
        bundle: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        options: list[str],
        message: str,
    ) -> None:
        monkeypatch.chdir(tmp_path)
        done = run("evaluate", table, *options)
        assert (done.code, done.out) == (2, "")
        assert message in done.err
        assert not (tmp_path / "evaluation").exists()

    def test_a_split_that_is_not_there(self, run: Run, table: Path, bundle: Path, tmp_path: Path) -> None:
        done = run("evaluate", table, "--model", bundle, "--split", "val", "--out", tmp_path)
        assert done.code == 1
        assert 'no item is in the split "val"; there are: test' in done.err


class TestJoin:
    @pytest.fixture
    def val(self, table: Path, tmp_path: Path) -> Path:
        """The same pictures in val."""
        items = [replace(item, split="val") for item in manifest.read(table)]
        manifest.write(tmp_path / "val.csv", items)
        return tmp_path / "val.csv"

    @pytest.fixture
    def pair(self, tmp_path: Path) -> tuple[Path, Path]:
        folder = tmp_path / "models"
        first = make_bundle(folder / "one", name="one", kind="patch")
        second = make_bundle(folder / "two", name="two", kind="patch", weights=(9.0, 0.0, 0.0), constant=-5.0)
        return first.folder, second.folder

    def test_joined_bundles_scan_evaluate_and_are_recorded_together(
        self, run: Run, table: Path, val: Path, pair: tuple[Path, Path], tmp_path: Path
    ) -> None:
        done = run("join", *pair, "--manifest", val)
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("one+two: on the calibration set, 0 of 12 reals reach ")
        models = tmp_path / "models"
        done = run("scan", table.parent / "0.png", "--models", models, "--json")
        (report,) = json.loads(done.out)
        assert report["verdict"]["detector"] == "one+two"
        done = run("evaluate", table, "--model", models, "--out", tmp_path / "figures", "--record", models)
        assert done.code == 0
        assert "| AUC | test pooled, by logit of one+two | 1.000 |" in done.out
        together = ensemble.read(models)
        assert together is not None
        assert len(together.metrics) > 5
        assert Card.read(pair[0] / "card.json").metrics == ()

    def test_what_members_count_can_be_said(self, run: Run, val: Path, pair: tuple[Path, Path]) -> None:
        done = run("join", *pair, "--manifest", val, "--weigh", "one=3", "--least", "two=0.5")
        assert (done.code, done.err) == (0, "")
        made = ensemble.read(pair[0].parent)
        assert made is not None
        assert (made.weights, made.leasts) == ((0.75, 0.25), (None, 0.5))
        assert "above the mean of real photos: two 0.5" in done.out

    @pytest.mark.parametrize("count", [0, 1])
    def test_one_alone_cannot_be_joined(self, run: Run, val: Path, pair: tuple[Path, Path], count: int) -> None:
        done = run("join", *pair[:count], "--manifest", val)
        assert (done.code, done.out) == (2, "")
        assert ("BUNDLE", "at least two bundles")[count] in done.err

    def test_without_val_files_nothing_is_written(self, run: Run, table: Path, pair: tuple[Path, Path]) -> None:
        done = run("join", *pair, "--manifest", table)
        assert done.code == 1
        assert 'no item is in the split "val"' in done.err
        assert ensemble.read(pair[0].parent) is None


class TestUnseen:
    FIGURE = Figure(name="mean unseen-generator AUC", on="1 sources", value=0.7, command="unmask unseen")

    def test_figures_are_printed_and_recorded(
        self, run: Run, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from unmask.train import unseen

        asked: dict[str, Any] = {}

        def stand_in(learn: list[tuple[Recipe, Path]], *places: Any, **options: Any) -> list[Figure]:
            asked.update(options, learn=learn, places=places)
            return [self.FIGURE]

        monkeypatch.setattr(unseen, "unseen", stand_in)
        bundle = make_bundle(tmp_path / "bundle").folder
        argv = ("unseen", "table.csv", f"{recipe}=cuts", "--leave-out", "a", "--leave-out", "b", "--record", bundle)
        done = run(*argv, "--runs", "there", "--split", "val", "--epochs", "tiny=2", "--weights", "folder")
        assert done.code == 0
        assert "| mean unseen-generator AUC | 1 sources | 0.700 |" in done.out
        assert asked["learn"] == [(Recipe.read(recipe), Path("cuts"))]
        assert asked["places"] == (Path("table.csv"), Path("there"), ["a", "b"])
        assert (asked["split"], asked["epochs"], asked["weights"]) == ("val", {"tiny": 2}, Path("folder"))
        assert Card.read(bundle / "card.json").metrics == (self.FIGURE,)

    def test_a_bundle_that_is_not_there_is_noticed_before_the_training(
        self, run: Run, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from unmask.train import unseen

        monkeypatch.setattr(unseen, "unseen", lambda *_, **__: pytest.fail("it trains"))
        done = run("unseen", "table.csv", f"{recipe}=cuts", "--leave-out", "a", "--record", tmp_path / "nowhere")
        assert done.code == 2
        assert "there is no model" in done.err

    def test_a_source_must_be_named(self, run: Run, recipe: Path) -> None:
        done = run("unseen", "table.csv", f"{recipe}=cuts")
        assert done.code == 2
        assert "--leave-out" in done.err

    def test_several_recipes_take_the_same_seed_and_figures_of_all(
        self, run: Run, recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from unmask.train import unseen

        asked: list[tuple[Recipe, Path]] = []

        def stand_in(learn: list[tuple[Recipe, Path]], *_: Any, **options: Any) -> list[Figure]:
            asked.extend(learn)
            return [self.FIGURE]

        monkeypatch.setattr(unseen, "unseen", stand_in)
        make_ensemble(make_bundle(tmp_path / "face"), make_bundle(tmp_path / "picture", name="picture", kind="patch"))
        pairs = (f"{recipe}=one", f"{recipe}=two=2")
        done = run("unseen", "table.csv", *pairs, "--leave-out", "a", "--seed", "3", "--record", tmp_path)
        assert (done.code, done.err) == (0, "")
        seeded = Recipe.read(recipe).model_copy(update={"seed": 3})
        assert asked == [(seeded, Path("one")), (seeded, Path("two=2"))]
        together = ensemble.read(tmp_path)
        assert together is not None
        assert together.metrics == (self.FIGURE,)

    @pytest.mark.parametrize("word", ["2", "tiny", "tiny=0", "tiny=-1", "tiny=two", "other=2"])
    def test_epochs_belong_to_a_recipe_that_is_trained(
        self, run: Run, recipe: Path, word: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from unmask.train import unseen

        monkeypatch.setattr(unseen, "unseen", lambda *_, **__: pytest.fail("it trains"))
        done = run("unseen", "table.csv", f"{recipe}=cuts", "--leave-out", "a", "--epochs", word)
        assert (done.code, done.out) == (2, "")
        assert done.err == f'unmask: "{word}" is not RECIPE=N with one of tiny and a number of epochs\n'

    @pytest.mark.parametrize("pair", ["face", "cuts"])
    def test_a_recipe_needs_its_data(self, run: Run, pair: str) -> None:
        done = run("unseen", "table.csv", pair, "--leave-out", "a")
        assert (done.code, done.out) == (2, "")
        assert f'"{pair}" names no data: write RECIPE=PREPARED, such as face=prepared/face' in done.err


class TestLightInstall:
    """What an install without the extra answers; asked in a process that can import nothing of it."""

    CODE = """
import contextlib, io, json, sys
BLOCKED = ("torch", "torchvision", "timm", "lightning", "safetensors", "sklearn", "scipy", "pandas", "pyarrow",
           "matplotlib", "seaborn", "onnx", "onnxscript")
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in BLOCKED:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from unmask import cli
answers = []
for argv in json.loads(sys.argv[1]):
    sys.argv = ["unmask", *argv]
    out, err, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code
    answers.append([code, out.getvalue(), err.getvalue(), "onnxruntime" in sys.modules])
print(json.dumps(answers))
"""

    def ask(self, *commands: Sequence[str | Path]) -> list[list[Any]]:
        words = json.dumps([[str(word) for word in argv] for argv in commands])
        argv = [sys.executable, "-W", "error", "-c", self.CODE, words]
        answers: list[list[Any]] = json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
        return answers

    def test_each_verb_says_what_to_install(self, photos: Path, recipe: Path, table: Path, tmp_path: Path) -> None:
        make_bundle(tmp_path / "red", kind="patch")
        cuts = tmp_path / "cuts"
        verbs = ("audit", "prepare", "train", "export", "join", "evaluate", "unseen")
        answers = self.ask(
            *([verb, "--help"] for verb in verbs),
            ["train", recipe, cuts, tmp_path / "run"],
            ["export", tmp_path / "run", tmp_path / "bundle", "--manifest", table],
            ["unseen", table, f"{recipe}={cuts}", "--leave-out", "a"],
            ["audit", table],
            ["prepare", photos, cuts, "--recipe", recipe, "--jobs", "1"],
            ["evaluate", table, "--model", tmp_path / "red", "--out", tmp_path / "figures"],
            ["join", tmp_path / "red", "--manifest", table],
        )
        helped, missing, (prepared, evaluated, alone) = answers[:7], answers[7:11], answers[11:]
        for verb, (code, out, err, heavy) in zip(verbs, helped, strict=True):
            assert (code, err, heavy) == (0, "", False)
            assert f"unmask {verb} " in out
        tasks = ("training a detector", "exporting a detector", "training a detector", "auditing a manifest")
        for task, (code, out, err, _) in zip(tasks, missing, strict=True):
            assert (code, out) == (2, "")
            assert err == f'unmask: {task} needs more than the base install: pip install "unmask[train]"\n'
        assert prepared[0] == 0, "cutting needs no extra"
        assert prepared[1].startswith("20 items")
        assert evaluated[0] == 0, "nor does measuring"
        assert "at least two bundles" in alone[2], "nor does joining"

    def test_a_missing_part_of_our_own_is_a_defect_and_not_an_extra(self) -> None:
        with pytest.raises(ModuleNotFoundError, match=r"unmask\.nothing"), cli_options.extra("dreaming"):
            raise ModuleNotFoundError("No module named 'unmask.nothing'", name="unmask.nothing")
        line = r'dreaming needs .* pip install "unmask\[train\]"'
        with pytest.raises(MissingExtraError, match=line), cli_options.extra("dreaming"):
            raise ModuleNotFoundError("No module named 'torch._C'", name="torch._C")


def test_export_scans_val_without_the_sources_that_the_run_left_out(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recipe: Path
) -> None:
    from unmask import release
    from unmask.train import export
    from unmask.train import run as runs

    asked: list[tuple[Path, Path, tuple[str, ...]]] = []
    chosen = Recipe.read(recipe)
    chosen = chosen.model_copy(update={"data": chosen.data.model_copy(update={"leave_out": ("a",)})})

    def calibrate(folder: Path, table: Path, *, leave_out: tuple[str, ...], **_: Any) -> bundles.Bundle:
        asked.append((folder, table, leave_out))
        return make_bundle(folder)

    monkeypatch.setattr(export, "export_together", lambda runs, bundle: (make_bundle(bundle),))
    monkeypatch.setattr(runs, "read_recipe", lambda run: chosen)
    monkeypatch.setattr(release, "calibrate_bundle", calibrate)
    assert run("export", "run", tmp_path / "bundle", "--manifest", "table.csv").code == 0
    assert asked == [(tmp_path / "bundle", Path("table.csv"), ("a",))]
