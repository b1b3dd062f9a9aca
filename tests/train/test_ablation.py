"""An ablation on drawn data: what is left out, what is ranked, and what a second run does not do again."""

from __future__ import annotations

import csv
import inspect
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.train.conftest import FrozenRun
from tests.train.tiny import frozen, recipe
from unmask import cli_options, manifest, metrics
from unmask.ablation_page import Ablation
from unmask.cli import app
from unmask.errors import ManifestError, RecipeError, UsageError
from unmask.manifest import FAKE, REAL, is_of
from unmask.prepare import MANIFEST
from unmask.scores import read_scores
from unmask.train import ablation, loop
from unmask.train import run as run_folder
from unmask.train.ablation import FILE, PAGE, SCORES, Training, Variant, ablate
from unmask.train.data import Pictures
from unmask.train.variations import changes, varied

BASE = recipe(train={"epochs": 1, "precision": "32-true"}, data={"leave_out": ["alpha"]}, seed=9)
"""It leaves alpha out by itself."""

OTHER = frozen(train={"epochs": 1, "precision": "32-true"})
SLOWER = varied(OTHER, changes("train.learning_rate=1e-3"))
NEVER = "it trains"


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ablation")


@pytest.fixture(scope="module")
def variants(frozen_run: FrozenRun) -> list[Variant]:
    """Its folder already holds what the backbone says."""
    prepared = frozen_run.prepared
    return [Variant("base", OTHER, prepared), Variant("slower, much", SLOWER, prepared)]


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def found(out: Path, variants: list[Variant], steps: list[tuple[str, int, int]], weights: Path) -> Ablation:
    def tell(what: str, done: int, of: int) -> None:
        steps.append((what, done, of))

    return ablate(variants, ["beta"], out, seeds=2, weights=weights, command="unmask ablation", progress=tell)


def test_each_variant_learns_without_each_source_and_with_all(found: Ablation, out: Path) -> None:
    folders = sorted(path.relative_to(out / "runs").as_posix() for path in (out / "runs").glob("*/*"))
    ways = ("with-all", "without-beta")
    names = ("base", "slower-much")
    assert folders == [f"{name}/{way}-seed-{seed}" for name in names for way in ways for seed in (0, 1)]
    for name, base in zip(names, (OTHER, SLOWER), strict=True):
        kept = run_folder.read_recipe(out / "runs" / name / "without-beta-seed-1")
        assert kept.data.leave_out == ("beta",)
        assert kept.seed == 1
        assert kept.model_copy(update={"data": base.data, "seed": 0}) == base
    described = json.loads((out / "runs" / "base" / "without-beta-seed-0" / run_folder.DATA).read_text())
    assert not any("beta" in one["name"] for split in ("train", "val") for one in described[split])


def test_ranked_are_val_fakes_of_the_source_against_the_real_photos_of_all(
    found: Ablation, out: Path, variants: list[Variant]
) -> None:
    val = [item for item in manifest.read(variants[0].prepared / MANIFEST) if item.split == "val"]
    rows = read_scores(out / SCORES)
    for name in ("base", "slower, much"):
        for left_out in ("beta", ""):
            for seed in ("0", "1"):
                this = {"variant": name, "left_out": left_out, "seed": seed}
                mine = [row for row in rows if row.attributes == this]
                wanted = [i for i in val if i.label == REAL or not left_out or is_of(i, left_out)]
                assert {row.path for row in mine} == {item.attributes["original"] for item in wanted}
                assert len(mine) == len(wanted)
                assert {row.split for row in mine} == {"val"}
                line = next(line for line in found.lines if line.variant == name)
                area = line.auc[f"without {left_out}" if left_out else "within"]
                logits = [row.logit for row in mine if row.logit is not None]
                assert area.seeds[int(seed)] == pytest.approx(metrics.auc([row.label for row in mine], logits))
    assert (found.reals, found.fakes, found.dropped) == (4, {"beta": 2}, 0)


def test_the_scores_are_those_of_the_network(found: Ablation, out: Path, variants: list[Variant]) -> None:
    """What `loop.train` itself said of val, where it saw every source."""
    with (out / "runs" / "base" / "with-all-seed-0" / run_folder.LOG).open(newline="") as file:
        (line,) = csv.DictReader(file)
    assert found.lines[0].auc["within"].seeds[0] == pytest.approx(float(line["auc"]))


def test_networks_are_removed_and_progress_is_told(
    found: Ablation, out: Path, steps: list[tuple[str, int, int]]
) -> None:
    assert not list(out.rglob(run_folder.STATE))
    trained = [step for step in steps if step[0].startswith("trained")]
    assert trained[0] == ("trained base without beta, seed 0", 1, 8)
    assert trained[3] == ("trained slower, much with all, seed 0", 4, 8), "a whole table with one seed comes first"
    assert [done for _, done, _ in trained] == list(range(1, 9))
    assert steps[0][0].startswith("base without beta, seed 0: training, loss")


def test_page_and_file_say_the_same(found: Ablation, out: Path) -> None:
    assert Ablation.model_validate_json((out / FILE).read_bytes()) == found
    page = (out / PAGE).read_text()
    assert "| slower, much |" in page
    assert "`unmask ablation`" in page
    assert found.lines[1].recipe["train"]["learning_rate"] == 1e-3
    assert found.seeds == (0, 1)


def test_finished_trainings_are_not_done_again(
    found: Ablation, out: Path, variants: list[Variant], weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "train", lambda *_, **__: pytest.fail(NEVER))
    again = ablate(variants, ["beta"], out, seeds=1, weights=weights)
    assert again.lines[0].auc["without beta"].seeds == found.lines[0].auc["without beta"].seeds[:1]
    with pytest.raises(UsageError, match="holds the scores of another recipe"):
        ablate([Variant("base", SLOWER, variants[0].prepared)], ["beta"], out, seeds=1, weights=weights)
    scores = out / "runs" / "base" / "without-beta-seed-0" / SCORES
    whole = scores.read_bytes()
    scores.write_bytes(b"\n".join(whole.splitlines()[:3]) + b"\n")
    with pytest.raises(UsageError, match="was cut off: remove the folder"):
        ablate(variants, ["beta"], out, seeds=1, weights=weights)
    scores.write_bytes(whole)
    mark = scores.with_name("finished.json")
    mark.write_text('{"sha256": "0"}')
    with pytest.raises(UsageError, match="scores on other data"):
        ablate(variants, ["beta"], out, seeds=1, weights=weights)


def test_two_processes_say_what_one_says(
    found: Ablation, variants: list[Variant], weights: Path, tmp_path: Path
) -> None:
    both = ablate(variants[:1], ["beta"], tmp_path, seeds=1, weights=weights, jobs=2)
    for name in ("without beta", "within"):
        assert both.lines[0].auc[name].seeds[0] == pytest.approx(found.lines[0].auc[name].seeds[0], abs=0.13)
    assert len(read_scores(tmp_path / SCORES)) == 6 + 10


def test_an_interruption_loses_one_epoch_at_most(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here of a network that learns whole, and leaves out a source by itself."""
    training = Training(Variant("whole", BASE, prepared), "gamma", 0, tmp_path / "runs" / "whole" / "x", keep=True)
    assert training.recipe.data.leave_out == ("alpha", "gamma")
    variant, whole = training.variant, Pictures.scores
    monkeypatch.setattr(Pictures, "scores", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        ablate([variant], ["gamma"], tmp_path, seeds=1, workers=0, keep=True)
    assert not list(tmp_path.rglob(SCORES))
    monkeypatch.setattr(Pictures, "scores", whole)
    found = ablate([variant], ["gamma"], tmp_path, seeds=1, workers=0, keep=True)
    assert (found.reals, found.fakes) == (4, {"gamma": 2}), "the real photos of alpha are ranked all the same"
    assert len(list(tmp_path.rglob(run_folder.STATE))) == 2


@pytest.mark.parametrize(
    ("names", "sources", "seeds", "message"),
    [
        (["a", "a"], ["gamma"], 1, "two variants are called a"),
        (["more fakes", "More-fakes"], ["gamma"], 1, "two variants are called More-fakes, more fakes"),
        (["a"], ["gamma", "gamma"], 1, "two sources are called gamma"),
        (["a"], [], 1, "at least one recipe, one source"),
        ([], ["gamma"], 1, "at least one recipe, one source"),
        (["a"], ["gamma"], 0, "one seed"),
    ],
)
def test_what_makes_no_table_is_refused(
    names: list[str], sources: list[str], seeds: int, message: str, prepared: Path, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        ablate([Variant(name, BASE, prepared) for name in names], sources, tmp_path, seeds=seeds)


def test_a_typo_is_found_before_anything_is_trained(
    prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "train", lambda *_, **__: pytest.fail(NEVER))
    with pytest.raises(ManifestError, match="no fake of gama is in val"):
        ablate([Variant("a", BASE, prepared)], ["gama"], tmp_path)
    other = varied(BASE, changes("cut.patches=1"))
    with pytest.raises(RecipeError, match="another cut than that of b"):
        ablate([Variant("a", BASE, prepared), Variant("b", other, prepared)], ["gamma"], tmp_path)
    with pytest.raises(RecipeError, match=r"no file .*own\.safetensors"):
        ablate([Variant("a", OTHER, prepared)], ["gamma"], tmp_path)
    assert not list(tmp_path.rglob(f"*/{run_folder.RECIPE}"))


def test_nothing_reads_test(prepared: Path, tmp_path: Path) -> None:
    items = [one for one in manifest.read(prepared / MANIFEST) if one.split == "test"]
    assert {one.label for one in items} == {REAL, FAKE}
    assert not {one.split for one in ablation._val(Variant("a", BASE, prepared), ["gamma"])} - {"val"}
    assert "split" not in inspect.signature(ablate).parameters


def test_the_command_makes_variants_of_the_first_recipe(
    found: Ablation, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[list[Variant], list[str], Path, dict[str, object]]] = []

    def ask(variants: list[Variant], sources: list[str], out: Path, **options: object) -> Ablation:
        asked.append((variants, sources, out, options))
        return found

    recipes = {"base": BASE.model_copy(update={"name": "base"}), "other": OTHER}
    monkeypatch.setattr(cli_options, "recipe_and_weights", lambda name, weights, seed=None: (recipes[name], None))
    monkeypatch.setattr(ablation, "ablate", ask)
    more = tmp_path / "more.toml"
    more.write_text('["no colour".augment]\ncolour = 0\n')
    words = ["ablation", f"base={prepared}", f"other={prepared}", "--leave-out", "beta", "--leave-out", "gamma"]
    words += ["--out", "folder", "--seeds", "2", "--vary", "even:data.source_power=0", "--variations", str(more)]
    words += ["--set", "train.epochs=7", "--jobs", "2"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    assert "| gain over base |" in done.stdout
    ((variants, sources, out, options),) = asked
    assert [one.name for one in variants] == ["base", OTHER.name, "even", "no colour"]
    assert {one.recipe.train.epochs for one in variants} == {7}
    assert [one.recipe.data.source_power for one in variants] == [0.5, 0.5, 0, 0.5]
    assert variants[3].recipe.augment.colour == 0
    assert (sources, out, options["seeds"], options["jobs"]) == (["beta", "gamma"], Path("folder"), 2, 2)
    command = str(options["command"])
    assert command.startswith(f"unmask ablation base={prepared} other={prepared} --leave-out beta --leave-out gamma")
    assert "--vary even:data.source_power=0" in command
    assert "--set train.epochs=7" in command
