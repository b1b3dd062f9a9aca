"""Tiny runs: the folders that an experiment fills, with drawn scores instead of trained networks."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from PIL import Image

from tests.make_bundle import make_bundle
from unmask.bundles import Bundle
from unmask.scores import Row, write_scores

PUBLISHED: Mapping[str, Any] = {"data": "140k faces", "source": "a notebook", "figures": {"accuracy": 0.7, "auc": 0.8}}
ROBUST = ("jpeg-q90", "jpeg-q50", "blur-sigma-1", "blur-sigma-2")


def make_rows(
    *,
    each: int = 40,
    skill: float = 2.0,
    seed: int = 0,
    split: str = "test",
    perturbation: str = "",
    folder: str = "/data",
    sources: Sequence[str] = ("stylegan", "faces"),
) -> list[Row]:
    """`each` reals and fakes of every source; logits are normal, those of fakes shifted up by `skill`."""
    rng = np.random.default_rng([seed, len(perturbation)])
    rows = []
    for source in sources:
        for index in range(2 * each):
            label = index % 2
            logit = float(rng.normal() + skill * (label - 0.5))
            name = f"{folder}/{source}/{'fake' if label else 'real'}-{index}.png"
            rows.append(
                Row(
                    path=name,
                    label=label,
                    method="gan" if label else "real",
                    source=source,
                    split=split,
                    perturbation=perturbation,
                    detector="drawn",
                    logit=logit,
                    probability=float(1 / (1 + np.exp(-logit))),
                    verdict="fake" if logit > 0 else "real",
                )
            )
    return rows


def make_recipe(name: str = "drawn", seed: int = 0, **more: Any) -> dict[str, Any]:
    """What recipe.json holds, as far as comparisons read it."""
    model = {"backbones": [{"name": "mobilenetv2_100"}], "head": "places"}
    return {"name": name, "summary": "Drawn for tests", "seed": seed, "model": model, "published": PUBLISHED, **more}


def make_run(
    folder: Path,
    *,
    recipe: Mapping[str, Any] | None = None,
    rows: Sequence[Row] | None = None,
    seed: int = 0,
    skill: float = 2.0,
    whole: bool = True,
) -> Path:
    """A run's folder; with `whole` False nothing but recipe.json and the scores."""
    recipe = make_recipe(seed=seed) if recipe is None else recipe
    rows = make_rows(seed=seed, skill=skill) if rows is None else rows
    evaluation = folder / "evaluation"
    evaluation.mkdir(parents=True)
    write_scores(evaluation / "scores.csv", rows)
    write_json(folder / "recipe.json", recipe)
    if not whole:
        return folder
    data = {"manifest": "/data/manifest.csv", "sha256": "a" * 64, "data_sha256": "b" * 64}
    write_json(evaluation / "evaluation.json", {"command": "unmask evaluate manifest.csv", "data": data})
    rng = np.random.default_rng(seed)
    cost = {"parameters": 2_200_000, "trained": 1000, "pictures_per_s": 100.0 + seed, "ms_per_picture": 7.25}
    write_json(folder / "cost.json", {**cost, "machine": "two cores"})
    lines = ["epoch,loss,auc", *(f"{epoch},{0.7 / epoch + 0.01 * seed},{1 - 0.4 / epoch}" for epoch in range(1, 5))]
    (folder / "metrics.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    copies = [
        replace(one, perturbation=name, logit=(one.logit or 0.0) + (index % 2 + 1) * float(rng.normal()))
        for index, name in enumerate(ROBUST)
        for one in rows
    ]
    (folder / "robustness").mkdir()
    write_scores(folder / "robustness" / "scores.csv", [*rows, *copies])
    return folder


def write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def make_embedding_bundle(folder: Path) -> Bundle:
    """A bundle of whole pictures whose graph also gives an embedding: the colours of its 16 cells, float32 (N, 48)."""
    bundle = make_bundle(folder, name="embedded")
    model = onnx.load(bundle.model_path)
    model.graph.node.append(helper.make_node("Flatten", ["cells"], ["embedding"], axis=1))
    model.graph.output.append(helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", 48]))
    onnx.save_model(model, bundle.model_path)
    cut = bundle.card.cut.model_copy(update={"kind": "whole"})
    sha256 = hashlib.sha256(bundle.model_path.read_bytes()).hexdigest()
    card = bundle.card.model_copy(update={"cut": cut, "sha256": sha256})
    card.write(folder / "card.json")
    return Bundle(folder, card)


def draw_pictures(rows: Sequence[Row]) -> None:
    """A picture of 64 px for each row: fakes reddish, reals bluish, with some noise."""
    rng = np.random.default_rng(0)
    for one in rows:
        pixels = rng.integers(0, 120, (64, 64, 3), dtype=np.uint8)
        pixels[..., 0 if one.label else 2] += np.uint8(rng.integers(60, 130))
        path = Path(one.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
