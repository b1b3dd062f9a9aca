from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.draw_speech import speech, write
from tests.make_bundle import make_bundle, make_voice_bundle
from unmask import manifest
from unmask.errors import ManifestError, UsageError
from unmask.evaluate import collect, evaluate, select
from unmask.manifest import FAKE, REAL, Item
from unmask.scores import read_scores
from unmask.types import Label, Report, Score, Source, Status, Verdict

COLOURS = {REAL: (40, 60, 200), FAKE: (200, 60, 40)}


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Red fakes and blue reals with grain: what the drawn detector of tests/make_bundle.py tells apart."""
    root = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(0)
    found = []
    for number in range(24):
        label, split = number % 2, ("val", "test")[number // 2 % 2]
        pixels = np.clip(np.array(COLOURS[label]) + rng.normal(0, 30, (130, 130, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(root / f"{number}.png")
        found.append(Item(root / f"{number}.png", label, source="ab"[number % 3 == 0], split=split))
    return found


def scan(paths: Iterable[Path]) -> Iterator[Report]:
    """A scanner that reads the red of the first pixel, and reads one path ahead, as the real one does."""
    waiting: list[Path] = []
    for path in paths:
        waiting.append(path)
        if len(waiting) > 1:
            yield judged(waiting.pop(0))
    yield from map(judged, waiting)


def judged(path: Path) -> Report:
    source = Source(path=str(path))
    try:
        with Image.open(path) as picture:
            red = float(np.asarray(picture.convert("RGB"))[:, :, 0].mean() / 255)
    except OSError:
        return Report(source=source, status=Status.UNREADABLE, message="the file is broken")
    verdict = Verdict(label=Label.UNCERTAIN, probability=red, reason="drawn", detector="red")
    scores = {"red": Score(logit=red - 0.5, probability=red)}
    return Report(source=source, status=Status.OK, verdict=verdict, scores=scores)


def test_every_item_has_a_row_for_itself_and_each_perturbation(items: list[Item], tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    chosen = [items[0], Item(tmp_path / "broken.png", FAKE), items[1]]
    rows = list(collect(chosen, scan, ["half-size", "jpeg-q50"]))
    assert [(Path(one.path).name, one.perturbation) for one in rows] == [
        ("0.png", ""),
        ("broken.png", ""),
        ("1.png", ""),
        ("0.png", "half-size"),
        ("1.png", "half-size"),
        ("0.png", "jpeg-q50"),
        ("1.png", "jpeg-q50"),
    ]
    assert rows[1].message == "the file is broken"
    blue, red = (one.probability for one in rows[-2:])
    assert blue is not None
    assert red is not None
    assert blue < 0.3 < 0.7 < red


def test_selects_splits_and_a_held_out_source(items: list[Item]) -> None:
    assert {item.split for item in select(items, ["test"])} == {"test"}
    assert len(select(items, ["val", "test"])) == len(items)
    held = select(items, ["test"], hold_out="b")
    assert {item.source for item in held if item.label == FAKE} == {"b"}
    assert {item.source for item in held if item.label == REAL} == {"a", "b"}
    with pytest.raises(ManifestError, match='"tset"; there are: test, val'):
        select(items, ["tset"])
    with pytest.raises(ManifestError, match="no fake of c is in test"):
        select(items, ["test"], hold_out="c")


def test_scans_the_original_files_as_users_do(items: list[Item], tmp_path: Path) -> None:
    bundle = make_bundle(tmp_path / "drawn", name="picture", kind="patch")
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    manifest.write(tmp_path / "manifest.csv", [*items, replace(items[0], path=tmp_path / "broken.jpg", split="test")])
    seen: list[tuple[int, int]] = []
    found = evaluate(
        tmp_path / "manifest.csv",
        models=[bundle.folder],
        splits=("val", "test"),
        out=tmp_path / "out",
        perturbations=("blur-sigma-1",),
        progress=lambda done, of: seen.append((done, of)),
    )
    assert seen[0] == (1, 50)
    assert [Path(one.path).name for one in found.unjudged] == ["broken.jpg"]
    assert read_scores(tmp_path / "out" / "scores.csv") == list(found.rows)
    named = {(one.name, one.on): one for one in found.figures}
    assert named["AUC", "test pooled, by logit of picture"].value == 1.0
    assert named["AUC lost", "test pooled, blur-sigma-1, by logit of picture"].value == 0.0
    assert named["real photos unjudged", "test pooled"].value == pytest.approx(1 / 7)
    assert ("expected calibration error, 15 bins", "val and test pooled") in named
    assert {one.command for one in found.figures} == {
        "unmask evaluate manifest.csv --model drawn --split val --split test --perturb blur-sigma-1"
    }
    assert "| AUC | test pooled, by logit of picture | 1.000 |" in (tmp_path / "out" / "figures.md").read_text()


def test_refuses_before_it_scans(items: list[Item], tmp_path: Path) -> None:
    manifest.write(tmp_path / "manifest.csv", items)
    with pytest.raises(UsageError, match="no perturbation sepia; there are: jpeg-q50"):
        evaluate(tmp_path / "manifest.csv", out=tmp_path / "out", perturbations=("sepia",))
    assert not (tmp_path / "out").exists()


def test_recordings_are_scanned_and_their_copies_too(tmp_path: Path) -> None:
    bundle = make_voice_bundle(tmp_path / "voice")
    found = []
    for number in range(6):
        path = write(tmp_path / f"{number}.wav", (0.5, 1.9)[number % 2] * speech(6.0, seed=number // 2))
        kind = {"kind": ("synthesis", "conversion")[number // 2 % 2]} if number % 2 else {}
        found.append(Item(path, number % 2, source="drawn", split="test", attributes=kind))
    silence = write(tmp_path / "silence.wav", np.zeros(16_000, np.float32))
    manifest.write(tmp_path / "manifest.csv", [*found, Item(silence, REAL, source="drawn", split="test")])
    done = evaluate(
        tmp_path / "manifest.csv",
        models=[bundle.folder],
        splits=("test",),
        out=tmp_path / "out",
        perturbations=("mp3-64k",),
    )
    assert [Path(one.path).name for one in done.unjudged] == ["silence.wav"]
    assert [one.perturbation for one in done.rows].count("mp3-64k") == 7
    copies = {one.path: one for one in done.rows if one.perturbation}
    for one in done.rows:
        if not one.perturbation and one.logit is not None:
            after = copies[one.path].logit
            assert after is not None
            assert (after > 0) == (one.logit > 0)
            assert after != one.logit
    named = {(one.name, one.on): one for one in done.figures}
    assert named["AUC", "test pooled, by logit of voice"].value == 1.0
    assert named["AUC lost", "test pooled, mp3-64k, by logit of voice"].value == 0.0
    assert named["real recordings unjudged", "test pooled"].value == pytest.approx(1 / 4)
    assert ("AUC", "conversion test, against the real recordings of all sources, by logit of voice") in named


def test_what_recordings_cannot_go_through_is_refused_before_it_scans(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", speech(6.0))
    manifest.write(tmp_path / "manifest.csv", [Item(path, label, source="a", split="test") for label in (REAL,)])
    with pytest.raises(UsageError, match=r"jpeg-q50 cannot be done to recordings, and 1 of 1 items are such"):
        evaluate(tmp_path / "manifest.csv", splits=("test",), out=tmp_path / "out", perturbations=("jpeg-q50",))
    assert not (tmp_path / "out").exists()
