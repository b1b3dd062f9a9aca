import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.scenes import scene
from unmask import manifest
from unmask.audit import Audit, audit
from unmask.checks import Finding
from unmask.errors import AuditError, ManifestError
from unmask.manifest import FAKE, Item
from unmask.probes import probe, told_by
from unmask.traits import Traits

Save = Callable[[Image.Image, Path, int], None]
SPLITS = ("train", "train", "train", "val", "test")


def plain(picture: Image.Image, path: Path, label: int) -> None:
    picture.save(path, "JPEG", quality=90)


def data(root: Path, save: Save = plain, count: int = 120) -> list[Item]:
    """Pictures without any difference between the labels but those that `save` makes; half from each source."""
    root.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        label, path = number % 2, root / f"{number}.jpg"
        save(scene(number, 64), path, label)
        split, source = SPLITS[number // 2 % 5], "ab"[number // 2 % 2]
        items.append(Item(path, label, method=("real", "gan")[label], source=source, split=split, group=f"{number}"))
    return items


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    return data(tmp_path_factory.mktemp("sound"))


def audited(items: list[Item], folder: Path) -> Audit:
    manifest.write(folder / "manifest.csv", items)
    return audit(folder / "manifest.csv")


def failures(found: Audit) -> dict[str, str]:
    return {finding.check: finding.sentence for finding in found.findings if finding.severity == "fail"}


def of(found: Audit, check: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.check == check]


def test_sound_data_pass(sound: list[Item], tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    manifest.write(tmp_path / "manifest.csv", sound)
    found = audit(tmp_path / "manifest.csv", progress=lambda done, total: seen.append((done, total)))
    assert failures(found) == {}
    assert found.passed
    found.demand()
    assert seen[-1] == (120, 120)
    assert "1 of 1 generators in test are in train too (gan)" in of(found, "methods")[0].sentence
    assert of(found, "splits")[0].sentence == "real / fake: test 12 / 12, train 36 / 36, val 12 / 12"


def smaller(picture: Image.Image, path: Path, label: int) -> None:
    picture.resize((64 + label, 64)).save(path, "JPEG", quality=90)


def noisier(picture: Image.Image, path: Path, label: int) -> None:
    grain = np.random.default_rng(label).normal(0, 20 * label, (64, 64, 3))
    Image.fromarray(np.clip(np.asarray(picture) + grain, 0, 255).astype(np.uint8)).save(path, "JPEG", quality=90)


def better(picture: Image.Image, path: Path, label: int) -> None:
    picture.save(path, "JPEG", quality=90 + 5 * label)


def other_format(picture: Image.Image, path: Path, label: int) -> None:
    picture.save(path, "WEBP" if label else "JPEG", quality=90)


def commented(picture: Image.Image, path: Path, label: int) -> None:
    picture.save(path, "JPEG", quality=90, comment=b"made by" if label else b"")


@pytest.mark.parametrize(
    ("save", "family"),
    [
        (smaller, "size"),
        (noisier, "bytes"),
        (better, "compression"),
        (other_format, "format"),
        (commented, "metadata"),
    ],
)
def test_each_shortcut_fails_by_its_name(save: Save, family: str, tmp_path: Path) -> None:
    found = audited(data(tmp_path, save), tmp_path)
    assert {f"probe {family}", "probe all"} <= set(failures(found))
    assert "unmask prepare" in failures(found)[f"probe {family}"]
    with pytest.raises(AuditError, match=f"{family} of the file tells the label"):
        found.demand()


def test_a_large_clean_source_does_not_hide_a_small_one(tmp_path: Path) -> None:
    trap = [replace(item, source="trap") for item in data(tmp_path / "trap", better, count=40)]
    clean = [replace(item, source="clean", path=item.path) for item in data(tmp_path / "clean", count=400)]
    found = failures(audited([*trap, *clean], tmp_path))
    assert "bytes, compression, all of the file tell the label inside trap" in found["probe in trap"]
    assert "probe in clean" not in found


def test_a_split_of_one_class_is_not_probed(sound: list[Item], tmp_path: Path) -> None:
    for number in range(30):
        scene(1000 + number, 128).save(tmp_path / f"{number}.png")
    fair = [Item(tmp_path / f"{number}.png", 0, method="real", source="c", split="fairness") for number in range(30)]
    assert failures(audited([*sound, *fair], tmp_path)) == {}


def test_too_few_files_are_no_proof(tmp_path: Path) -> None:
    found = audited(data(tmp_path, better, count=14), tmp_path)
    assert "too few to probe" in of(found, "probes")[0].sentence


def test_copies_across_splits_fail(sound: list[Item], tmp_path: Path) -> None:
    equal, near = tmp_path / "equal.jpg", tmp_path / "near.jpg"
    equal.write_bytes(sound[0].path.read_bytes())
    scene(2, 64).save(near, "JPEG", quality=50)
    twins = [Item(equal, 0, split="test"), Item(near, 0, split="val")]
    found = failures(audited([*sound, *twins], tmp_path))
    assert (
        "1 pairs of exact duplicates lie in two splits (0.jpg in train, equal.jpg in test)" in found["exact duplicates"]
    )
    assert "1 pairs of near duplicates lie in two splits (2.jpg in train, near.jpg in val)" in found["near duplicates"]


def test_equal_files_with_both_labels_fail_and_look_alikes_are_told(sound: list[Item], tmp_path: Path) -> None:
    equal, near, again = (tmp_path / name for name in ("equal.jpg", "near.jpg", "again.jpg"))
    for path in (equal, again):
        path.write_bytes(sound[0].path.read_bytes())
    scene(2, 64).save(near, "JPEG", quality=50)
    twins = [Item(equal, 1, split="train"), Item(near, 1, split="train"), Item(again, 0, split="train")]
    found = audited([*sound, *twins], tmp_path)
    assert "real and fake at once (0.jpg in train, equal.jpg in train)" in failures(found)["exact duplicates"]
    assert [one.severity for one in of(found, "near duplicates")] == ["warn"]
    assert any("they count twice" in one.sentence for one in of(found, "exact duplicates"))


def test_a_torn_group_fails(sound: list[Item], tmp_path: Path) -> None:
    torn = [replace(item, group="anna") if item in (sound[0], sound[6]) else item for item in sound]
    assert "1 of 119 groups" in failures(audited(torn, tmp_path))["groups"]


def test_flipped_labels_fail(sound: list[Item], tmp_path: Path) -> None:
    flipped = [replace(item, label=1 - item.label) for item in sound]
    assert "120 of 120 labels contradict the method" in failures(audited(flipped, tmp_path))["label direction"]


def test_labels_against_the_folder_name_fail(tmp_path: Path) -> None:
    items = data(tmp_path / "fake") + data(tmp_path / "real")
    only = [replace(item, method="") for item in items if ("fake" in item.path.parts) == (item.label == FAKE)]
    wrong = replace(only[0], label=1 - only[0].label)
    found = failures(audited([wrong, *only[1:]], tmp_path))
    assert "1 of 120 labels contradict the folder name (1.jpg)" in found["label direction"]


def test_folders_above_the_manifest_say_nothing(tmp_path: Path) -> None:
    root = tmp_path / "fake" / "set"
    assert "label direction" not in failures(audited(data(root), root))


def test_missing_splits_and_classes_fail(sound: list[Item], tmp_path: Path) -> None:
    no_val = [item for item in sound if item.split != "val"]
    assert "there is no val split" in failures(audited(no_val, tmp_path))["splits"]
    no_fakes = [item for item in sound if (item.split, item.label) != ("test", FAKE)]
    assert "test holds 12 real and 0 fake items" in failures(audited(no_fakes, tmp_path))["splits"]
    unsplit = [replace(item, split="") for item in sound]
    assert "120 of 120 items have no split: run `unmask prepare`" in failures(audited(unsplit, tmp_path))["splits"]


def test_a_source_of_one_class_is_told(sound: list[Item], tmp_path: Path) -> None:
    telling = [replace(item, source=("a", "b")[item.label]) for item in sound]
    finding = of(audited(telling, tmp_path), "sources")[0]
    assert finding.figure == 1.0
    assert "a, b hold one class only" in finding.sentence


def test_broken_files_are_counted_not_dropped(sound: list[Item], media: Path, tmp_path: Path) -> None:
    broken = [Item(media / "hostile" / name, 0, split="train") for name in ("empty.jpg", "truncated.jpg")]
    found = audited([*sound, *broken], tmp_path)
    assert found.items == 122
    assert found.passed
    assert "2 of 122 files cannot be judged" in of(found, "readable")[0].sentence
    assert failures(audited([replace(broken[0], split=split) for split in SPLITS], tmp_path))["readable"]


def test_an_empty_manifest_is_refused(tmp_path: Path) -> None:
    manifest.write(tmp_path / "manifest.csv", [])
    with pytest.raises(ManifestError, match="lists no items"):
        audit(tmp_path / "manifest.csv")


def test_text_and_json_say_the_same(tmp_path: Path) -> None:
    found = audited(data(tmp_path, better), tmp_path)
    lines = found.to_text().splitlines()
    assert len(lines) == len(found.findings) + 1
    assert lines[0].startswith("FAIL  probe ")
    assert "1.000 [1.000, 1.000]" in lines[0]
    assert "FAILED" in lines[-1]
    told = json.loads(json.dumps(found.to_dict()))
    assert told["passed"] is False
    assert [one["check"] for one in told["findings"]] == [finding.check for finding in found.findings]
    assert told["findings"][0]["figure"] == {"value": 1.0, "low": 1.0, "high": 1.0}


def test_probes_do_not_see_relatives() -> None:
    """Every file appears twice with a number of its own, which alone tells nothing about other files."""
    rng = np.random.default_rng(0)
    labels = [number % 2 for number in range(200)]
    values = rng.random(200)
    traits = [Traits({name: {"x": float(value)} for name in ("size", "bytes", "compression", "format", "metadata")})
              for value in values]  # fmt: skip
    twice = probe(traits * 2, labels * 2, list(range(200)) * 2)
    assert all(abs(accuracy.value - 0.5) < 0.12 for accuracy in twice.values())
    careless = probe(traits * 2, labels * 2, list(range(400)))
    assert careless["size"].value > twice["size"].value + 0.1


def test_told_by_source_by_hand() -> None:
    # Reals: a a b; fakes: b c. Guess real for a, fake for b and c: reals 2/3 right, fakes all.
    assert told_by(["a", "a", "b", "b", "c"], [0, 0, 0, 1, 1]) == pytest.approx((2 / 3 + 1) / 2)
    assert told_by(["a", "a"], [0, 1]) == 0.5
