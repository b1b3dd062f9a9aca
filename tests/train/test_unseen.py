"""The figure that counts: what is left out of training, and what it is measured on."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.train.conftest import FrozenRun
from tests.train.tiny import frozen, recipe
from unmask import bundles, cli_options, ensemble, manifest, metrics
from unmask.card import Figure
from unmask.cli import app
from unmask.errors import ManifestError, UsageError
from unmask.manifest import FAKE, REAL
from unmask.scores import read_scores
from unmask.train import loop, unseen
from unmask.train import run as run_folder
from unmask.train.recipes import Recipe
from unmask.train.unseen import without

CHOSEN = recipe(train={"epochs": 1}, data={"made": 0.3})
OTHER = frozen(name="other")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def figures(
    runs: Path, steps: list[tuple[str, int, int]], prepared: Path, originals: Path
) -> dict[tuple[str, str], Figure]:
    found = unseen.unseen(
        [(CHOSEN, prepared)],
        originals,
        runs,
        ["beta", "gamma"],
        progress=lambda what, n, of: steps.append((what.partition(",")[0], n, of)),
    )
    return {(figure.name, figure.on.split()[2]): figure for figure in found}


def test_one_more_source_is_left_out_and_nothing_else_is_changed() -> None:
    before = recipe(data={"leave_out": ["alpha"], "made": 0.2})
    after = without(before, "beta")
    assert after.data.leave_out == ("alpha", "beta")
    assert after.model_copy(update={"data": before.data}) == before
    assert without(before, "beta", epochs=1).train.epochs == 1
    assert before.data.leave_out == ("alpha",)


def test_the_source_is_not_in_training_neither_its_fakes_nor_its_photos(
    figures: dict[tuple[str, str], Figure], runs: Path
) -> None:
    for source, others in (
        ("beta", {"alpha (real)", "alpha (fake)", "gamma (fake)"}),
        ("gamma", {"alpha (real)", "alpha (fake)", "beta (real)", "beta (fake)"}),
    ):
        folder = runs / f"tiny-without-{source}"
        described = json.loads((folder / run_folder.DATA).read_text())
        for split in ("train", "val"):
            assert {one["name"] for one in described[split]} == others
        kept, _ = run_folder.load(folder)
        assert kept == without(CHOSEN, source)


def test_tested_are_its_fakes_against_all_real_photos_of_test(
    figures: dict[tuple[str, str], Figure], runs: Path, originals: Path
) -> None:
    items = [item for item in manifest.read(originals) if item.split == "test"]
    for source in ("beta", "gamma"):
        rows = read_scores(runs / f"without-{source}" / "scores-tiny-test.csv")
        wanted = {str(item.path) for item in items if item.label == REAL or item.source == source}
        assert {row.path for row in rows} == wanted
        assert {(row.source, row.label) for row in rows} == {("alpha", REAL), ("beta", REAL), (source, FAKE)}
        figure = figures["unseen-generator AUC", source]
        logits = [row.logit for row in rows if row.logit is not None]
        assert len(logits) == len(rows) == 6
        assert figure.value == metrics.auc([row.label for row in rows], logits)
        assert (figure.reals, figure.fakes) == (4, 2)


def test_mean_and_worst(figures: dict[tuple[str, str], Figure]) -> None:
    each = [figures["unseen-generator AUC", source].value for source in ("beta", "gamma")]
    by_name = {name: figure for (name, _), figure in figures.items()}
    assert by_name["mean unseen-generator AUC"].value == pytest.approx(sum(each) / 2)
    assert by_name["worst unseen-generator AUC"].value == min(each)
    assert len(figures) == 4


def test_progress_names_what_goes_on(figures: dict[tuple[str, str], Figure], steps: list[tuple[str, int, int]]) -> None:
    assert steps[:2] == [("without beta: training", 1, 2), ("without beta: training", 2, 2)]
    assert steps[2:8] == [("without beta: scanning", n, 6) for n in range(1, 7)]
    assert steps[8][0] == "without gamma: training"
    assert len(steps) == 16


def test_the_command_in_the_figures_can_be_typed(
    figures: dict[tuple[str, str], Figure], monkeypatch: pytest.MonkeyPatch, prepared: Path, originals: Path
) -> None:
    asked: list[tuple[object, ...]] = []

    def ask(
        learn: list[tuple[Recipe, Path]], table: Path, runs: Path, sources: list[str], *, split: str, **_: object
    ) -> list[Figure]:
        asked.append((learn, table, sources, split))
        return []

    monkeypatch.setattr(cli_options, "recipe_and_weights", lambda name, weights, seed=None: (CHOSEN, None))
    monkeypatch.setattr(unseen, "unseen", ask)
    (command,) = {figure.command for figure in figures.values()}
    program, *words = shlex.split(command)
    assert program == "unmask"
    assert CliRunner().invoke(app, words).exit_code == 0
    assert asked == [([(CHOSEN, Path(prepared.name))], Path(originals.name), ["beta", "gamma"], "test")]
    assert str(originals.parent) not in command, "it goes into a card"


@pytest.mark.parametrize(
    ("sources", "split", "message"),
    [
        (["gamma", "betta"], "test", "no fake of betta is in test"),
        (["gamma"], "tset", 'no item is in the split "tset"'),
    ],
)
def test_a_typo_is_found_before_anything_is_trained(
    prepared: Path,
    originals: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    sources: list[str],
    split: str,
    message: str,
) -> None:
    monkeypatch.setattr(loop, "train", lambda *_, **__: pytest.fail("it trains"))
    with pytest.raises(ManifestError, match=message):
        unseen.unseen([(CHOSEN, prepared)], originals, tmp_path, sources, split=split)


def test_finished_runs_are_not_trained_again(
    figures: dict[tuple[str, str], Figure],
    runs: Path,
    prepared: Path,
    originals: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On val the same networks answer, so a recipe can be chosen without looking at test."""
    before = (runs / "tiny-without-gamma" / run_folder.STATE).read_bytes()
    again = unseen.unseen([(CHOSEN, prepared)], originals, runs, ["gamma"], split="val")
    assert (runs / "tiny-without-gamma" / run_folder.STATE).read_bytes() == before
    assert {row.split for row in read_scores(runs / "without-gamma" / "scores-tiny-val.csv")} == {"val"}
    assert "--split val" in again[0].command


def test_a_source_may_be_ranked_whole_against_its_own_real_items(
    figures: dict[tuple[str, str], Figure], runs: Path, prepared: Path, originals: Path
) -> None:
    found = unseen.unseen([(CHOSEN, prepared)], originals, runs, ["beta"], own=True)
    rows = read_scores(runs / "without-beta" / "scores-tiny-own.csv")
    mine = [item for item in manifest.read(originals) if item.source == "beta"]
    assert len(rows) == len(mine)
    assert {row.source for row in rows} == {"beta"}
    assert len({row.split for row in rows}) > 1
    assert found[0].on.startswith("fakes of beta against its own real ones")
    assert "--own --leave-out beta" in found[0].command


def test_a_source_without_real_items_of_its_own_is_refused(prepared: Path, originals: Path, tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match='"gamma" does not hold both'):
        unseen.unseen([(CHOSEN, prepared)], originals, tmp_path, ["gamma"], own=True)


def test_copies_may_be_ranked_beside_the_files(
    figures: dict[tuple[str, str], Figure], runs: Path, prepared: Path, originals: Path
) -> None:
    pairs = [(CHOSEN, prepared)]
    found = unseen.unseen(pairs, originals, runs, ["gamma"], perturbation="blur-sigma-1")
    ranked = [figure.on.endswith(", all blur-sigma-1") for figure in found]
    assert ranked == [False] * (len(found) // 2) + [True] * (len(found) // 2)
    assert all(figure.command.endswith(" --perturb blur-sigma-1") for figure in found)
    files = read_scores(runs / "without-gamma" / "scores-tiny-test.csv")
    copies = read_scores(runs / "without-gamma" / "scores-tiny-test-blur-sigma-1.csv")
    assert [row.path for row in copies] == [row.path for row in files]
    assert [row.logit for row in copies] != [row.logit for row in files]
    with pytest.raises(UsageError, match="there is no perturbation blurr; there are: jpeg-q50"):
        unseen.unseen(pairs, originals, runs, ["gamma"], perturbation="blurr")


@pytest.fixture(scope="module")
def together(
    figures: dict[tuple[str, str], Figure],
    runs: Path,
    prepared: Path,
    frozen_run: FrozenRun,
    originals: Path,
    weights: Path,
) -> dict[str, Figure]:
    """The same recipe, of which a run is there already, beside another."""
    steps: list[str] = []
    made = unseen.unseen(
        [(CHOSEN, prepared), (OTHER, frozen_run.prepared)],
        originals,
        runs,
        ["gamma"],
        epochs={"other": 1},
        weights=weights,
        progress=lambda what, n, of: steps.append(what.partition(",")[0]),
    )
    goes_on = ["without gamma: training", "without gamma: scanning val", "without gamma: scanning"]
    assert list(dict.fromkeys(steps)) == goes_on
    assert steps.count(goes_on[1]) == 8, "the val files of the source are left out too"
    return {figure.name: figure for figure in made}


class TestTogether:
    """Two recipes, calibrated without the source, decide together."""

    NAME = "tiny+other"

    def test_the_ensemble_is_that_of_the_two(self, together: dict[str, Figure], runs: Path) -> None:
        written = ensemble.read(runs / "without-gamma")
        assert written is not None
        assert written.name == self.NAME
        assert written.fits(bundles.inside(runs / "without-gamma"))
        assert written.calibration.set == "val of alpha, beta"
        assert (written.calibration.reals, written.calibration.fakes) == (4, 4)

    def test_its_scores_are_those_that_rank(self, together: dict[str, Figure], runs: Path) -> None:
        rows = read_scores(runs / "without-gamma" / f"scores-{self.NAME}-test.csv")
        assert {row.detector for row in rows} == {self.NAME}
        logits = [row.logit for row in rows if row.logit is not None]
        assert len(logits) == len(rows) == 6
        assert together["unseen-generator AUC"].value == metrics.auc([row.label for row in rows], logits)

    def test_the_command_names_both(self, together: dict[str, Figure], prepared: Path, frozen_run: FrozenRun) -> None:
        (command,) = {figure.command for figure in together.values()}
        assert shlex.split(command)[3:5] == [f"tiny={prepared.name}", f"other={frozen_run.prepared.name}"]

    def test_one_of_them_may_learn_for_fewer_epochs(self, together: dict[str, Figure], runs: Path) -> None:
        assert run_folder.epochs_done(runs / "other-without-gamma") == 1 < OTHER.train.epochs
        assert run_folder.load(runs / "other-without-gamma")[0] == without(OTHER, "gamma", 1)
        assert together["unseen-generator AUC"].command.endswith("--leave-out gamma --epochs other=1")

    def test_one_alone_afterwards_is_judged_alone(
        self, together: dict[str, Figure], runs: Path, prepared: Path, originals: Path
    ) -> None:
        before = (runs / "without-gamma" / "scores-tiny-test.csv").read_bytes()
        unseen.unseen([(CHOSEN, prepared)], originals, runs, ["gamma"])
        assert (runs / "without-gamma" / "scores-tiny-test.csv").read_bytes() == before


@pytest.fixture(scope="module")
def twice(figures: dict[tuple[str, str], Figure], runs: Path, prepared: Path, originals: Path) -> dict[str, Figure]:
    """The first seed is there already."""
    found = unseen.unseen([(CHOSEN, prepared)], originals, runs, ["gamma"], seeds=2)
    return {figure.name: figure for figure in found}


class TestSeveralSeeds:
    """All of it, done again with the next seeds."""

    def test_each_seed_has_a_run_of_its_own(self, twice: dict[str, Figure], runs: Path) -> None:
        first, second = (run_folder.load(runs / f"tiny-without-gamma{end}")[0] for end in ("", "-seed-2"))
        assert (first.seed, second.seed) == (CHOSEN.seed, CHOSEN.seed + 1)
        assert first == second.model_copy(update={"seed": first.seed})

    def test_the_figure_is_their_mean(self, twice: dict[str, Figure], runs: Path) -> None:
        singles = []
        for end in ("", "-seed-2"):
            rows = read_scores(runs / f"without-gamma{end}" / "scores-tiny-test.csv")
            singles.append(
                metrics.auc([row.label for row in rows], [row.logit for row in rows if row.logit is not None])
            )
        figure = twice["unseen-generator AUC"]
        assert figure.value == pytest.approx(sum(singles) / 2)
        assert figure.on.endswith(f"mean of 2 seeds ({min(singles):.3f} to {max(singles):.3f})")
        assert (figure.reals, figure.fakes) == (4, 2)
        assert twice["mean unseen-generator AUC"].value == pytest.approx(figure.value)
        assert figure.command.endswith("--leave-out gamma --seeds 2")

    def test_no_seed_is_no_figure(self, prepared: Path, originals: Path, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="at least one seed"):
            unseen.unseen([(CHOSEN, prepared)], originals, tmp_path, ["gamma"], seeds=0)
