"""Recipes: no typo passes as a default, and every recipe that ships is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from tests.train.tiny import backbone, frozen, recipe, values
from unmask import recipe_file
from unmask.errors import RecipeError
from unmask.train.design import Model
from unmask.train.recipes import Recipe, find

DETECTORS = ("face", "picture")
BASELINE = "metadata-baseline"
SHIPPED = sorted(path for path in (Path(__file__).parents[2] / "recipes").glob("*.toml") if path.stem != BASELINE)

TOML = """
name = "own"
summary = "A recipe of a user"
pooling = "mean"
[cut]
kind = "patch"
size_px = 64
[model]
dropout = 0.1
[[model.backbones]]
name = "test_efficientnet"
[train]
epochs = 3
"""


def test_a_recipe_is_read(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(TOML, encoding="utf-8")
    found = Recipe.read(path)
    assert (found.name, found.train.epochs, found.cut.size_px) == ("own", 3, 64)
    assert (found.data.made, found.data.leave_out) == (0.5, ())
    assert Recipe.model_validate_json(found.model_dump_json()) == found, "as a run's folder keeps it"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_recipe_that_ships_is_valid(path: Path) -> None:
    found = Recipe.read(path)
    assert found.name == path.stem
    assert find(path.stem) == path
    assert found.summary
    assert found.card.limits, "a card that names no limit is not honest"
    weights = {backbone.weights for backbone in found.model.backbones}
    assert "none" not in weights or path.stem not in DETECTORS, "a detector that ships does not start from nothing"


def test_detectors_and_published_systems_have_a_recipe() -> None:
    published = {"mobilenetv2-140k", "cnn-128", "efficientnet-128", "resnet-128", "facenet-128", "resnet50-140k"}
    compared = {"mobilenetv2-ffpp", "vgg16", "xception", "regularised", "attention", "attention-vit", "adversarial"}
    there = {path.stem for path in SHIPPED}
    assert {*DETECTORS, *published, *compared} <= there
    assert published <= {path.stem for path in SHIPPED if Recipe.read(path).published}


def test_the_baseline_is_no_networks_recipe() -> None:
    with pytest.raises(RecipeError, match="not one of a network: unmask baseline runs it"):
        Recipe.read(find(BASELINE))


class TestBackboneByName:
    def test_one_word_is_a_backbone(self) -> None:
        one = Model.model_validate({"backbone": "resnet18"})
        assert one == Model.model_validate({"backbones": [{"name": "resnet18"}]})
        table = Model.model_validate({"backbone": {"name": "resnet18", "weights": "none"}})
        assert table.backbones[0].weights == "none"

    def test_one_and_several_exclude_each_other(self) -> None:
        with pytest.raises(ValidationError, match="backbone or backbones, not both"):
            Model.model_validate({"backbone": "resnet18", "backbones": [{"name": "resnet18"}]})

    def test_thawing(self) -> None:
        one = Model.model_validate({"backbone": backbone(freeze=["a", "b"], thaw={"b": 3})}).backbones[0]
        assert [one.held(epoch) for epoch in (1, 2, 3, 9)] == [("a", "b"), ("a", "b"), ("a",), ("a",)]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"thaw": {"b": 2}}, "which freeze does not"),
            ({"freeze": "all", "thaw": {"b": 2}}, "cannot thaw"),
            ({"freeze": ["b"], "thaw": {"b": 1}}, "epochs from 2 on"),
        ],
    )
    def test_thawing_that_cannot_be(self, options: dict[str, Any], message: str) -> None:
        with pytest.raises(ValidationError, match=message):
            Model.model_validate({"backbone": backbone(**options)})


class TestShortened:
    def test_it_changes_the_length_and_nothing_else(self) -> None:
        short = recipe().shortened(1, 8)
        assert (short.train.epochs, short.train.pictures_per_epoch) == (1, 8)
        assert short == recipe(train={"epochs": 1, "pictures_per_epoch": 8})
        assert recipe().shortened() == recipe()

    def test_less_than_a_batch_is_refused(self) -> None:
        with pytest.raises(RecipeError, match=r"the recipe tiny cannot be so short: .*at least one batch"):
            recipe().shortened(1, 2)


@pytest.mark.parametrize("table", ["", "cut", "data", "augment", "model", "train", "card"])
def test_an_unknown_option_is_refused_by_its_name(tmp_path: Path, table: str) -> None:
    path = tmp_path / "own.toml"
    head = f"[{table}]\n" if table else ""
    if f"[{table}]" in TOML:
        path.write_text(TOML.replace(f"[{table}]", f"[{table}]\nlerning_rate = 1"), encoding="utf-8")
    else:
        path.write_text(TOML + f"{head}lerning_rate = 1" if table else f"lerning_rate = 1\n{TOML}", encoding="utf-8")
    name = f"{table}.lerning_rate" if table else "lerning_rate"
    with pytest.raises(RecipeError, match=rf"own\.toml is not valid: {name}: Extra inputs are not permitted"):
        Recipe.read(path)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"train": {"batch": 7}}, "train.batch must be even"),
        ({"train": {"batch": 0}}, "train.batch"),
        ({"train": {"pictures_per_epoch": 6}}, "pictures_per_epoch must hold at least one batch"),
        ({"train": {"epochs": 0}}, "train.epochs"),
        ({"train": {"learning_rate": 0}}, "train.learning_rate"),
        ({"train": {"average": 1.0}}, "train.average"),
        ({"data": {"made": 1.1}}, "data.made"),
        ({"data": {"makers": {"self_bland": 1}}}, "there is no maker self_bland; there are: self_blend, "),
        ({"data": {"makers": {"swap": 0}}}, "data.makers.swap"),
        ({"data": {"makers": {}}}, "data.makers"),
        ({"data": {"crop_px": 65}}, "data.crop_px must not be larger than cut.size_px"),
        ({"data": {"reencode": {"alpha": 101}}}, "data.reencode.alpha"),
        ({"augment": {"jpeg": -0.1}}, "augment.jpeg"),
        ({"augment": {"jpeg_quality": [90, 40]}}, "the lower end first"),
        ({"augment": {"jpeg_quality": [0, 40]}}, "augment.jpeg_quality"),
        ({"model": {"dropout": 1.0}}, "model.dropout"),
        ({"model": {"backbones": []}}, "model.backbones"),
        ({"model": {"backbones": [backbone(mean=[0.5, 0.5])]}}, r"model.backbones.0.mean"),
        ({"model": {"backbones": [backbone(maps=[])]}}, r"model.backbones.0.maps"),
        ({"model": {"backbones": [backbone(maps=[1, "blocks.2"])]}}, r"model.backbones.0.maps"),
        ({"model": {"backbones": [backbone(freeze="most")]}}, r"model.backbones.0.freeze"),
        ({"model": {"backbones": [backbone(lerning_rate=1)]}}, "lerning_rate: Extra inputs are not permitted"),
        ({"model": {"backbones": [backbone(maps=[1, 2])]}}, 'model: .*several maps need head = "statistics"'),
        ({"model": {"backbones": [backbone(), backbone()]}}, 'model: .*several maps need head = "statistics"'),
        ({"model": {"backbones": [backbone(freeze="all")]}}, 'model: .*frozen whole need head = "statistics"'),
        ({"model": {"head": "faces"}}, "model.head"),
        ({"model": {"head": "statistics", "hidden": 0}}, "model.hidden"),
        (
            {
                "model": {"backbones": [backbone(freeze="all")], "head": "statistics"},
                "data": {"crop_px": 32},
            },
            "data.crop_px is for networks that learn whole",
        ),
        ({"train": {"views": 0}}, "train.views"),
        ({"cut": {"kind": "ear"}}, "cut.kind"),
        ({"pooling": "sum"}, "pooling"),
        ({"seed": -1}, "seed"),
    ],
    ids=lambda value: value.split()[0] if isinstance(value, str) else None,
)
def test_impossible_values_are_refused(tmp_path: Path, tables: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError):
        recipe(**tables)
    path = tmp_path / "own.toml"
    path.write_text(to_toml(values(**tables)), encoding="utf-8")
    with pytest.raises(RecipeError, match=message):
        Recipe.read(path)


def to_toml(tables: dict[str, Any]) -> str:
    plain = {name: value for name, value in tables.items() if not isinstance(value, dict)}
    lines = [f"{name} = {value!r}" for name, value in plain.items()]
    for name, table in tables.items():
        if isinstance(table, dict):
            lines += [f"[{name}]", *(f"{key} = {_inline(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(inner)}" for key, inner in value.items()) + "}"
    return f"[{', '.join(map(_inline, value))}]" if isinstance(value, list) else repr(value)


def test_a_model_is_frozen_where_no_backbone_learns() -> None:
    whole, partly = backbone(freeze="all"), backbone(freeze=["conv_stem"])
    for eyes, is_frozen in (([whole], True), ([whole, whole], True), ([whole, partly], False), ([backbone()], False)):
        assert Model.model_validate({"backbones": eyes, "head": "statistics"}).frozen is is_frozen
    assert frozen().model.frozen
    assert not recipe().model.frozen


def test_other_weights_bring_their_own_normalisation() -> None:
    eye = backbone(weights="own.safetensors", mean=[0.5] * 3, std=[0.5] * 3, maps=[1], freeze=["conv_stem"])
    chosen = recipe(model={"backbones": [eye, eye], "head": "statistics"}).model
    for weights, mean in (("hub", None), ("none", (0.5, 0.5, 0.5))):
        changed = chosen.initialised(weights)
        for one, other in zip(chosen.backbones, changed.backbones, strict=True):
            assert (other.weights, other.mean, other.std) == (weights, mean, mean)
            assert other.model_copy(update={"weights": one.weights, "mean": one.mean, "std": one.std}) == one
        assert changed.model_copy(update={"backbones": chosen.backbones}) == chosen


def test_a_recipe_that_is_no_toml(tmp_path: Path) -> None:
    for number, data in enumerate([b"name = ", b"\xff\xfe", b"name = 'caf\xe9'"]):
        path = tmp_path / f"{number}.toml"
        path.write_bytes(data)
        with pytest.raises(RecipeError, match=rf"{number}\.toml is no TOML"):
            Recipe.read(path)


def test_a_recipe_that_cannot_be_opened(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(RecipeError, match="cannot be read"):
            Recipe.read(path)


def test_a_file_comes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = find("face")
    assert shipped.is_file()
    (tmp_path / "face").write_text(TOML, encoding="utf-8")
    assert find("face").resolve() == tmp_path / "face"
    assert find(str(shipped)) == shipped


def test_an_unknown_name_lists_those_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ", ".join(sorted([BASELINE, *(path.stem for path in SHIPPED)]))
    with pytest.raises(RecipeError, match=rf'no recipe file "fase", .* there are: {names}$'):
        find("fase")
    monkeypatch.setattr(recipe_file, "_SHIPPED", (tmp_path,))
    (tmp_path / "other.toml").write_text(TOML, encoding="utf-8")
    with pytest.raises(RecipeError, match=r"there are: other$"):
        find("face")


def test_a_recipe_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        recipe().train.epochs = 5  # type: ignore[misc]
