"""From a graph to a bundle one may trust: calibrated on val and on nothing else, with its figures in the card."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.make_bundle import make_bundle, make_ensemble
from unmask import bundles, calibrate, ensemble, evaluation, fuse, joining, manifest, thresholding
from unmask.bundles import Bundle
from unmask.card import Card, Figure
from unmask.errors import BundleError, ManifestError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.release import calibrate_bundle, join, record, recordable
from unmask.scan import Scanner

SPLITS = ("train", "val", "test")


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Per split and source "a" and "b", five blueish reals and five reddish fakes, which overlap a little."""
    folder = tmp_path_factory.mktemp("originals")
    rng = np.random.default_rng(0)
    found = []
    for number in range(60):
        label, split, source = number % 2, SPLITS[number // 2 % 3], "ab"[number // 6 % 2]
        tint = rng.normal((-12, 12)[label], 9)
        pixels = np.array([128 + tint, 128, 128 - tint]) + rng.normal(0, 20, (66, 66, 3))
        Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / f"{number}.png")
        found.append(Item(folder / f"{number}.png", label, source=source, split=split))
    return found


@pytest.fixture
def bundle(tmp_path: Path) -> Bundle:
    return make_bundle(tmp_path / "picture", name="picture", kind="patch")


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Bundle, Bundle]:
    """Two detectors of whole pictures, side by side."""
    return (
        make_bundle(tmp_path / "blue", name="red-blue", kind="patch"),
        make_bundle(tmp_path / "green", name="red-green", kind="patch", weights=(9.0, -9.0, 0.0), constant=0.5),
    )


def table(folder: Path, items: list[Item]) -> Path:
    manifest.write(folder / "originals.csv", items)
    return folder / "originals.csv"


def figure(name: str, on: str, value: float) -> Figure:
    return Figure(name=name, on=on, value=value, command="unmask evaluate")


class TestCalibrate:
    def test_further_manifests_calibrate_too(self, bundle: Bundle, items: list[Item], tmp_path: Path) -> None:
        whole = calibrate_bundle(bundle.folder, table(tmp_path, items)).card
        (tmp_path / "more").mkdir()
        made = [replace(item, attributes={"coding": "h264"}) for item in items[1::2]]
        first, second = table(tmp_path, items[::2]), table(tmp_path / "more", made)
        parts = calibrate_bundle(bundle.folder, first, also=[second]).card
        assert parts.calibration.set == f"{whole.calibration.set}, with clips made of them"
        assert parts.thresholds.fake_above == pytest.approx(whole.thresholds.fake_above)
        assert parts.thresholds.real_below == pytest.approx(whole.thresholds.real_below)

    def test_the_card_gets_what_fits_the_val_files(self, bundle: Bundle, items: list[Item], tmp_path: Path) -> None:
        steps: list[tuple[int, int]] = []
        made = calibrate_bundle(bundle.folder, table(tmp_path, items), progress=lambda n, of: steps.append((n, of)))
        assert steps == [(n, 20) for n in range(1, 21)]
        card = made.card
        assert card == Card.read(bundle.folder / "card.json")
        assert (card.calibration.set, card.calibration.reals, card.calibration.fakes) == ("val of a, b", 10, 10)
        assert card.calibration.temperature != 1.0
        assert card.thresholds.reals_called_fake == 0.0
        assert card.thresholds.chosen.startswith("on the calibration set, 0 of 10 reals reach")
        rest = {"calibration", "thresholds"}
        assert card.model_dump(exclude=rest) == bundle.card.model_dump(exclude=rest)
        assert bundles.check(made) <= bundles.TOLERANCE

    def test_no_item_of_another_split_has_a_say(self, bundle: Bundle, items: list[Item], tmp_path: Path) -> None:
        expected = calibrate_bundle(bundle.folder, table(tmp_path, items)).card
        changed = []
        for number, item in enumerate(items):
            if item.split != "val":
                path = tmp_path / f"{number}.png"
                Image.new("RGB", (66, 66), "red" if item.label == REAL else "blue").save(path)
                item = replace(item, path=path, label=FAKE if item.label == REAL else REAL)
            changed.append(item)
        only_val = [item for item in items if item.split == "val"]
        missing = [replace(item, path=tmp_path / "gone.png") if item.split == "test" else item for item in items]
        for other in (changed, only_val, missing):
            assert calibrate_bundle(bundle.folder, table(tmp_path, other)).card == expected
        fewer = [item for item in items if item.split != "val"] + only_val[:-2]
        assert calibrate_bundle(bundle.folder, table(tmp_path, fewer)).card != expected, "val has"

    def test_the_old_calibration_has_no_say(self, bundle: Bundle, items: list[Item], tmp_path: Path) -> None:
        first = calibrate_bundle(bundle.folder, table(tmp_path, items)).card
        assert first.calibration != bundle.card.calibration
        assert calibrate_bundle(bundle.folder, table(tmp_path, items)).card == first

    def test_sources_that_training_left_out_are_left_out(
        self, bundle: Bundle, items: list[Item], tmp_path: Path
    ) -> None:
        made = calibrate_bundle(bundle.folder, table(tmp_path, items), leave_out=["b"]).card
        assert made.calibration.set == "val of a"
        alone = [item for item in items if item.source == "a"]
        assert made == calibrate_bundle(bundle.folder, table(tmp_path, alone)).card

    def test_a_source_may_be_left_out_that_has_nothing_in_val(
        self, bundle: Bundle, items: list[Item], tmp_path: Path
    ) -> None:
        mine = [item for item in items if item.source == "a" or item.split == "train"]
        made = calibrate_bundle(bundle.folder, table(tmp_path, mine), leave_out=iter(["b"]))
        assert made.card.calibration.set == "val of a"
        with pytest.raises(ManifestError, match="cannot hold out c: no item has that source"):
            calibrate_bundle(bundle.folder, table(tmp_path, mine), leave_out=["c"])

    def test_files_that_cannot_be_judged_are_passed_over(
        self, bundle: Bundle, items: list[Item], tmp_path: Path
    ) -> None:
        (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff broken")
        more = [*items, Item(tmp_path / "broken.jpg", REAL, source="a", split="val")]
        made = calibrate_bundle(bundle.folder, table(tmp_path, more)).card
        assert made == calibrate_bundle(bundle.folder, table(tmp_path, items)).card

    def test_nothing_to_calibrate_on(self, bundle: Bundle, items: list[Item], tmp_path: Path) -> None:
        before = (bundle.folder / "card.json").read_bytes()
        reals = [item for item in items if item.label == REAL]
        with pytest.raises(ManifestError, match="holds no scorable file of one of the classes"):
            calibrate_bundle(bundle.folder, table(tmp_path, reals))
        with pytest.raises(ManifestError, match='no item is in the split "val"'):
            calibrate_bundle(bundle.folder, table(tmp_path, [item for item in items if item.split == "test"]))
        blind = make_bundle(tmp_path / "blind", kind="patch", weights=(0, 0, 0), constant=1.0)
        with pytest.raises(UsageError, match="all logits are the same"):
            calibrate_bundle(blind.folder, table(tmp_path, items))
        assert (bundle.folder / "card.json").read_bytes() == before

    def test_a_promise_is_kept_on_val(self, bundle: Bundle, items: list[Item], tmp_path: Path) -> None:
        thresholds = calibrate_bundle(bundle.folder, table(tmp_path, items)).card.thresholds
        assert thresholds.reals_called_fake is not None
        assert thresholds.fakes_called_real is not None
        assert thresholds.reals_called_fake <= thresholding.REALS_CALLED_FAKE
        assert thresholds.fakes_called_real <= thresholding.FAKES_CALLED_REAL


class TestJoin:
    """Two detectors of other colours: red against blue, and red against green with another constant."""

    def test_each_and_all_are_calibrated_on_val(
        self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        steps: list[tuple[int, int]] = []
        folders = [one.folder for one in pair]
        made = join(folders, table(tmp_path, items), progress=lambda n, of: steps.append((n, of)))
        assert steps == [(n, 20) for n in range(1, 21)], "one scan for all"
        assert ensemble.read(tmp_path) == made
        assert made.name == "red-blue+red-green"
        assert made.fits(bundles.inside(tmp_path))
        assert (made.calibration.set, made.calibration.reals, made.calibration.fakes) == ("val of a, b", 10, 10)
        assert made.thresholds.reals_called_fake == 0.0
        assert {one.name: one.on for one in made.metrics} == dict.fromkeys(
            (
                "AUC out of fold, equal weights",
                "AUC out of fold, learned weights",
                "log loss out of fold, equal weights",
                "log loss out of fold, learned weights",
                "log loss saved by learned weights, out of fold",
            ),
            "val of a, b",
        )
        assert {one.command for one in made.metrics} == {"unmask join red-blue red-green --manifest originals.csv"}
        assert made.weights == ()
        assert made.weighing.startswith("all weigh the same: out of fold, learned weights save ")
        assert made.parts == (), "of two there is no part"
        for one in pair:
            joined = Card.read(one.folder / "card.json")
            assert joined == calibrate_bundle(one.folder, table(tmp_path, items)).card, "as calibrated alone"
            assert joined.calibration != one.card.calibration

    def test_the_logit_is_the_mean_of_the_calibrated_ones(
        self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        made = join([one.folder for one in pair], table(tmp_path, items))
        val = [item for item in items if item.split == "val"]
        logits, raw = [], []
        with Scanner([tmp_path]) as scanner:
            for report in scanner.scan_many(item.path for item in val):
                mine = [
                    fuse.calibrated_logit(report.scores[one.card.name].logit, one.card.calibration)
                    for one in bundles.inside(tmp_path)
                ]
                raw.append([report.scores[one.card.name].logit for one in pair])
                logits.append(report.scores[made.name].logit)
                assert logits[-1] == pytest.approx(sum(mine) / 2)
        said = joining.checked(
            [item.label for item in val],
            raw,
            [evaluation.relative(item.path, tmp_path / "originals.csv") for item in val],
        )
        expected = joining.fit(said, "val of a, b", joining.equal)
        assert made.calibration == expected.calibration
        assert made.thresholds == expected.thresholds
        on_itself = calibrate.fit(said.labels, logits, "val of a, b")
        assert made.calibration.temperature > on_itself.temperature, "files seen before would be believed more"

    def test_no_item_of_another_split_or_left_out_source_has_a_say(
        self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        folders = [one.folder for one in pair]
        expected = join(folders, table(tmp_path, items))
        flipped = [item if item.split == "val" else replace(item, label=1 - item.label) for item in items]
        assert join(folders, table(tmp_path, flipped)) == expected
        assert join(folders, table(tmp_path, [item for item in items if item.split == "val"])) == expected
        alone = join(folders, table(tmp_path, [item for item in items if item.source == "a"]))
        assert alone != expected
        assert join(folders, table(tmp_path, items), leave_out=["b"]) == alone
        assert alone.calibration.set == "val of a"

    def test_what_one_of_them_cannot_judge_has_no_say_in_all(self, items: list[Item], tmp_path: Path) -> None:
        small = make_bundle(tmp_path / "small", name="small", kind="patch")
        large = make_bundle(tmp_path / "large", name="large", kind="patch", size_px=66, grid=3, constant=0.5)
        more = list(items)
        for number, colour in enumerate(("red", "blue")):
            Image.new("RGB", (64, 64), colour).save(tmp_path / f"{colour}.png")
            more.append(Item(tmp_path / f"{colour}.png", 1 - number, source="a", split="val"))
        made = join([small.folder, large.folder], table(tmp_path, more))
        counts = [Card.read(one.folder / "card.json").calibration for one in (small, large)]
        assert [(one.reals, one.fakes) for one in (*counts, made.calibration)] == [(11, 11), (10, 10), (10, 10)]

    def test_of_three_those_that_can_judge_decide_together(self, items: list[Item], tmp_path: Path) -> None:
        first = make_bundle(tmp_path / "first", name="first", kind="patch")
        second = make_bundle(tmp_path / "second", name="second", kind="patch", weights=(9.0, -9.0, 0.0))
        large = make_bundle(tmp_path / "large", name="large", kind="patch", size_px=66, grid=3, constant=0.5)
        more = list(items)
        for number, colour in enumerate(("red", "blue")):
            Image.new("RGB", (64, 64), colour).save(tmp_path / f"{colour}.png")
            more.append(Item(tmp_path / f"{colour}.png", 1 - number, source="a", split="val"))
        made = join([first.folder, second.folder, large.folder], table(tmp_path, more))
        assert [part.members for part in made.parts] == [("first", "second")], "as two small pictures left it"
        assert (made.parts[0].calibration.reals, made.calibration.reals) == (11, 10)
        assert ensemble.read(tmp_path) == made
        with Scanner([tmp_path]) as scanner:
            small, whole = scanner.scan(tmp_path / "red.png"), scanner.scan(items[0].path)
        assert small.verdict is not None
        assert whole.verdict is not None
        assert (small.verdict.detector, whole.verdict.detector) == ("first+second", "first+second+large")
        (used,) = (model for model in small.models if model.name == "first+second")
        assert used.fake_above == made.parts[0].thresholds.fake_above

    def test_weights_that_were_chosen_before_are_kept(
        self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        folders = [one.folder for one in pair]
        made = join(folders, table(tmp_path, items), weigh={"red-green": 3.0})
        assert made.weights == (0.25, 0.75)
        assert made.weighing.startswith("weights were chosen before (red-blue 0.25, red-green 0.75)")
        assert made.metrics[0].command.endswith("--weigh red-green=3")

    @pytest.mark.parametrize(
        ("weigh", "message"),
        [
            ({"blue": 1.0}, "weights for blue, but the members are red-blue, red-green"),
            ({"red-blue": -1.0}, "numbers from 0 on"),
            ({"red-blue": 0.0, "red-green": 0.0}, "one of them above it"),
            ({"red-blue": float("nan")}, "numbers from 0 on"),
        ],
    )
    def test_impossible_weights_are_refused(
        self, weigh: dict[str, float], message: str, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match=message):
            join([one.folder for one in pair], table(tmp_path, items), weigh=weigh)
        assert ensemble.read(tmp_path) is None

    def test_the_least_that_a_member_counts_is_kept_and_scanned_by(
        self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        folders = [one.folder for one in pair]
        made = join(folders, table(tmp_path, items), least={"red-green": 0.5})
        assert made.leasts == (None, 0.5)
        assert made.metrics[0].command.endswith("--least red-green=0.5")
        assert ensemble.read(tmp_path) == made
        with Scanner([tmp_path]) as scanner:
            report = scanner.scan(items[0].path)
        first, second = (
            fuse.calibrated_logit(report.scores[member.name].logit, member.calibration) for member in made.members
        )
        assert report.scores[made.name].logit == pytest.approx((first + max(second, 0.5)) / 2)

    @pytest.mark.parametrize(
        ("least", "message"),
        [
            ({"blue": 1.0}, "leasts for blue, but the members are red-blue, red-green"),
            ({"red-blue": float("inf")}, "must be a finite number"),
        ],
    )
    def test_impossible_leasts_are_refused(
        self, least: dict[str, float], message: str, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match=message):
            join([one.folder for one in pair], table(tmp_path, items), least=least)
        assert ensemble.read(tmp_path) is None

    def test_few_files_are_not_set_aside(self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path) -> None:
        val = [item for item in items if item.split == "val"]
        lone = [*(item for item in val if item.label == REAL), next(item for item in val if item.label == FAKE)]
        made = join([one.folder for one in pair], table(tmp_path, lone))
        assert made.metrics == ()
        assert made.weighing.endswith("all was fitted on all files: they are too few to set any aside")

    def test_joining_again_replaces_it(self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path) -> None:
        folders = [one.folder for one in pair]
        first = join(folders, table(tmp_path, items))
        record(tmp_path, [figure("AUC", "a test", 0.7)])
        assert join(folders, table(tmp_path, items)) == first, "old figures would be of another calibration"
        assert join(folders[::-1], table(tmp_path, items)).name == "red-green+red-blue"

    def test_bundles_must_be_several_and_lie_side_by_side(
        self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path
    ) -> None:
        far = make_bundle(tmp_path / "far" / "away", name="away", kind="patch").folder
        one, other = (member.folder for member in pair)
        before = [(folder / "card.json").read_bytes() for folder in (one, other, far)]
        for folders in ([], [one], [one, far]):
            with pytest.raises(UsageError, match="at least two bundles that lie side by side in one folder"):
                join(folders, table(tmp_path, items))
        with pytest.raises(UsageError, match='two of the models are called "red-blue"'):
            join([one, one], table(tmp_path, items))
        with pytest.raises(UsageError, match="there is no model"):
            join([one, tmp_path / "nowhere"], table(tmp_path, items))
        with pytest.raises(ManifestError, match="cannot hold out c"):
            join([one, other], table(tmp_path, items), leave_out=["c"])
        assert [(folder / "card.json").read_bytes() for folder in (one, other, far)] == before
        assert ensemble.read(tmp_path) is None

    def test_folders_may_be_named_from_where_one_stands(
        self, pair: tuple[Bundle, Bundle], items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(pair[0].folder)
        made = join([Path(), Path("../green")], table(tmp_path, items))
        assert ensemble.read(tmp_path) == made


class TestRecord:
    def test_figures_join_the_card_and_replace_those_of_the_same_name_and_set(self, bundle: Bundle) -> None:
        record(bundle.folder, [figure("AUC", "a test", 0.7), figure("AUC", "b test", 0.8)])
        record(bundle.folder, iter([figure("AUC", "a test", 0.9), figure("EER", "a test", 0.1)]))
        card = Card.read(bundle.folder / "card.json")
        assert [(one.name, one.on, one.value) for one in card.metrics] == [
            ("AUC", "a test", 0.9),
            ("AUC", "b test", 0.8),
            ("EER", "a test", 0.1),
        ]
        assert card.model_copy(update={"metrics": ()}) == bundle.card

    def test_figures_of_several_go_into_their_ensemble(self, pair: tuple[Bundle, Bundle], tmp_path: Path) -> None:
        before = make_ensemble(*pair)
        cards = [(one.folder / "card.json").read_bytes() for one in pair]
        record(tmp_path, [figure("AUC", "a test", 0.7), figure("AUC", "b test", 0.8)])
        record(tmp_path, [figure("AUC", "a test", 0.9)])
        after = ensemble.read(tmp_path)
        assert after is not None
        assert [(one.on, one.value) for one in after.metrics] == [("a test", 0.9), ("b test", 0.8)]
        assert after.model_copy(update={"metrics": ()}) == before
        assert [(one.folder / "card.json").read_bytes() for one in pair] == cards

    @pytest.mark.parametrize("ask", [recordable, lambda folder: record(folder, [figure("AUC", "a test", 0.7)])])
    def test_a_folder_that_holds_neither(
        self, ask: Callable[[Path], None], pair: tuple[Bundle, Bundle], tmp_path: Path
    ) -> None:
        with pytest.raises(UsageError, match="there is no model"):
            ask(tmp_path / "nowhere")
        with pytest.raises(BundleError, match=r"card\.json cannot be read"):
            ask(tmp_path)
        (tmp_path / "ensemble.json").write_text("{")
        with pytest.raises(BundleError, match=r"ensemble\.json is not valid"):
            ask(tmp_path)

    def test_recordable_changes_nothing(self, pair: tuple[Bundle, Bundle], tmp_path: Path) -> None:
        make_ensemble(*pair)
        paths = [tmp_path / "ensemble.json", *(one.folder / "card.json" for one in pair)]
        before = [path.read_bytes() for path in paths]
        for folder in (tmp_path, pair[0].folder):
            recordable(folder)
        assert [path.read_bytes() for path in paths] == before


def test_a_folder_called_like_a_shipped_bundle_is_still_that_folder(
    bundle: Bundle, items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "shipped"
    shutil.copytree(bundle.folder, shelf / "picture")
    before = (shelf / "picture" / "card.json").read_bytes()
    monkeypatch.setattr(bundles, "FOLDER", shelf)
    monkeypatch.chdir(bundle.folder.parent)
    calibrate_bundle(Path("picture"), table(tmp_path, items))
    recordable(Path("picture"))
    record(Path("picture"), [figure("AUC", "a test", 0.7)])
    card = Card.read(bundle.folder / "card.json")
    assert [one.value for one in card.metrics] == [0.7]
    assert card.calibration.reals == 10
    assert (shelf / "picture" / "card.json").read_bytes() == before
