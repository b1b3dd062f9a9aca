from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PIL import Image

from tests.data.scenes import scene
from unmask import baseline, manifest, metrics
from unmask.baseline import MetadataRecipe, is_metadata, load
from unmask.baseline_outcome import Alarm, Outcome
from unmask.errors import ManifestError, RecipeError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.scores import read_scores
from unmask.traits import read_all

Save = Callable[[Image.Image, Path, int], None]
SPLITS = ("train", "train", "val", "test")
RECIPES = Path(__file__).parent.parent / "recipes"
SHIPPED = RECIPES / "metadata-baseline.toml"
TOML = """
name = "mine"
summary = "A recipe for tests"
[metadata]
families = ["size"]
"""


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals as rough as tests need them."""
    monkeypatch.setattr(metrics, "bootstrap", partial(metrics.bootstrap, resamples=100))


def plain(picture: Image.Image, path: Path, label: int) -> None:
    picture.save(path, "PNG")


def better(picture: Image.Image, path: Path, label: int) -> None:
    picture.save(path, "JPEG", quality=90 + 5 * label)


def with_exif(picture: Image.Image, path: Path, label: int) -> None:
    exif = Image.Exif()
    if label:
        exif[0x010F] = "Generator"
    picture.save(path, "PNG", exif=exif)


def data(root: Path, save: Save, *, count: int = 160, seed: int = 0) -> list[Item]:
    """Pictures of one size without any difference between the labels but those that `save` makes."""
    root.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        label, path = number % 2, root / f"{number}.png"
        save(scene(10_000 * seed + number, 64), path, label)
        items.append(Item(path, label, ("real", "gan")[label], "a", SPLITS[number // 2 % 4]))
    return items


def run(items: Sequence[Item], folder: Path, recipe: MetadataRecipe | None = None) -> Outcome:
    folder.mkdir(parents=True, exist_ok=True)
    manifest.write(folder / "table.csv", items)
    return baseline.run(recipe or MetadataRecipe.read(SHIPPED), folder / "table.csv", folder / "run")


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    return data(tmp_path_factory.mktemp("sound"), plain)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_where_metadata_carry_nothing_no_alarm_is_raised(tmp_path: Path, seed: int) -> None:
    found = run(data(tmp_path / "files", plain, seed=seed), tmp_path)
    assert found.alarm is not Alarm.RAISED
    assert found.measured[0].balanced_accuracy.low < 0.5 < found.measured[0].balanced_accuracy.high


@pytest.mark.parametrize(
    ("save", "family"), [(better, "compression: "), (with_exif, "metadata: ")], ids=["quality", "exif"]
)
def test_where_metadata_tell_the_label_the_alarm_is_raised(tmp_path: Path, save: Save, family: str) -> None:
    found = run(data(tmp_path / "files", save, count=120), tmp_path)
    assert found.alarm is Alarm.RAISED
    assert found.measured[0].balanced_accuracy.value > 0.95
    assert found.model.strongest(1)[0].name.startswith(family)
    assert "the files' metadata alone tell the label" in found.sentence


def test_the_folder_holds_a_run_like_any_other(sound: list[Item], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nno picture")
    lost = [Item(broken, FAKE, "gan", "a", split) for split in ("train", "test", "test")]
    apart = Item(tmp_path / "never read", REAL, split="fairness")
    manifest.write(tmp_path / "table.csv", [*sound, *lost, apart])
    recipe = MetadataRecipe.read(SHIPPED)
    found = baseline.run(recipe, tmp_path / "table.csv", tmp_path / "run", lambda *step: seen.append(step))
    assert seen[-1] == (163, 163)
    assert found.files == {"train": 80, "val": 40, "test": 40}
    assert found.unreadable == {"train": 1, "test": 2}

    rows = read_scores(tmp_path / "run" / "evaluation" / "scores.csv")
    assert len(rows) == 82
    unjudged = [row for row in rows if row.status != "ok"]
    assert len(unjudged) == 2
    for row in unjudged:
        assert (row.status, row.logit, row.probability, row.verdict) == ("unreadable", None, None, "")
        assert row.message
    judged = [row for row in rows if row.status == "ok"]
    assert {row.detector for row in judged} == {"metadata-baseline"}
    assert all((row.verdict == "fake") == ((row.probability or 0) >= 0.5) for row in judged)
    again = load(tmp_path / "run").score(read_all([Path(row.path) for row in judged]))
    assert again.tolist() == pytest.approx([row.logit for row in judged])

    assert "| fakes unjudged | test pooled |" in (tmp_path / "run" / "evaluation" / "figures.md").read_text("utf-8")
    kept = json.loads((tmp_path / "run" / "recipe.json").read_text("utf-8"))
    assert MetadataRecipe.model_validate(kept) == recipe
    cost = json.loads((tmp_path / "run" / "cost.json").read_text("utf-8"))
    assert cost["parameters"] == cost["trained"] == found.model.parameters
    assert cost["pictures_per_s"] > 0
    assert cost["ms_per_picture"] > 0
    assert cost["machine"].endswith(" threads")
    result = json.loads((tmp_path / "run" / "metadata.json").read_text("utf-8"))
    assert result["command"] == "unmask baseline table.csv run --recipe metadata-baseline"
    assert result["alarm"] == found.alarm.value
    assert len(result["manifest_sha256"]) == 64


def test_columns_of_the_manifest_count_where_the_recipe_names_them(sound: list[Item], tmp_path: Path) -> None:
    told = [replace(item, attributes={"camera": ("Canon", "none")[item.label]}) for item in sound]
    (tmp_path / "mine.toml").write_text(TOML.replace("families", 'columns = ["camera"]\nfamilies'), encoding="utf-8")
    recipe = MetadataRecipe.read(tmp_path / "mine.toml")
    found = run(told, tmp_path, recipe)
    assert found.alarm is Alarm.RAISED
    assert [term.fact for term in found.model.terms] == ["manifest: camera"] * 2
    with pytest.raises(ManifestError, match="has no column camera, which the recipe names; its further columns are: i"):
        run([replace(item, attributes={"iso": "100"}) for item in sound], tmp_path, recipe)
    with pytest.raises(ManifestError, match="it has no further columns"):
        run(sound, tmp_path, recipe)


@pytest.mark.parametrize(
    ("label", "splits", "said"),
    [
        (FAKE, ("train",), "no fakes in train"),
        (REAL, ("train",), "no real photos in train"),
        (FAKE, ("val", "test"), "no fakes in val and test together"),
        (REAL, ("val", "test"), "no real photos in val and test together"),
    ],
)
def test_a_class_that_is_missing_is_named(
    sound: list[Item], tmp_path: Path, label: int, splits: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ManifestError, match=said):
        run([item for item in sound if item.label != label or item.split not in splits], tmp_path)


def test_a_class_of_which_nothing_can_be_read_is_missing(sound: list[Item], tmp_path: Path) -> None:
    gone = [replace(item, path=tmp_path / item.path.name) if item.label else item for item in sound]
    with pytest.raises(ManifestError, match=r"no fakes that can be read \(1.png: .*\) in train"):
        run(gone, tmp_path)


def test_one_split_to_measure_on_is_enough(sound: list[Item], tmp_path: Path) -> None:
    found = run([item for item in sound if item.split != "val"], tmp_path)
    assert [one.split for one in found.measured] == ["val and test", "test"]


@pytest.mark.parametrize("column", ["path", "label", "method", "source", "split", "group", "licence"])
def test_columns_that_tell_the_label_by_construction_are_refused(tmp_path: Path, column: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TOML.replace("families", f'columns = ["{column}"]\nfamilies'), encoding="utf-8")
    with pytest.raises(RecipeError, match=f'column "{column}" may tell the label by construction'):
        MetadataRecipe.read(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"size"', '"weather"', "there is no family weather; there are: size, bytes"),
        ("families", "family", "metadata.family: Extra inputs are not permitted"),
        ("[metadata]", "[model]\n[metadata]", "model: Extra inputs are not permitted"),
        ("[metadata]", "[train]", "metadata: Field required"),
        ("[metadata]", "[metadata", "is no TOML"),
        ('["size"]', "[]", "names neither a family nor a column"),
    ],
)
def test_a_recipe_that_cannot_work_is_refused(tmp_path: Path, old: str, new: str, said: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(TOML.replace(old, new), encoding="utf-8")
    with pytest.raises(RecipeError, match=said):
        MetadataRecipe.read(path)
    with pytest.raises(RecipeError, match="cannot be read"):
        MetadataRecipe.read(tmp_path / "nowhere.toml")


def test_its_recipes_are_told_from_those_of_networks(tmp_path: Path) -> None:
    assert is_metadata(SHIPPED)
    assert not is_metadata(RECIPES / "face.toml")
    assert not is_metadata(tmp_path / "nowhere.toml")
    (tmp_path / "broken.toml").write_bytes(b"\xff[metadata")
    assert not is_metadata(tmp_path / "broken.toml")
    published = MetadataRecipe.read(SHIPPED).published
    assert published is not None
    assert published.figures == {"accuracy": 0.5}


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"model": {}}', "no JSON"])
def test_a_folder_without_a_run_is_an_error_that_says_what_makes_one(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "metadata.json").write_text(content, encoding="utf-8")
    with pytest.raises(UsageError, match="holds no metadata baseline that can be read; `unmask baseline` makes one"):
        load(tmp_path)
