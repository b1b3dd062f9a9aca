from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.data.scenes import scene
from tests.data.voices import utterance, write_coded, write_wav
from unmask.errors import ManifestError, UsageError
from unmask.manifest import FAKE, REAL, Item
from unmask.splits import assign, same, without_leaks

FRACTIONS = {"train": 0.6, "val": 0.2, "test": 0.2}


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    """Two sources of both labels, 20 distinct pictures each."""
    root = tmp_path_factory.mktemp("splits")
    found = []
    for number in range(80):
        path = root / f"{number}.png"
        scene(number, 64).save(path)
        found.append(Item(path, label=number % 2, source="ab"[number // 40]))
    return found


def where(items: list[Item]) -> dict[Path, str]:
    return {item.path: item.split for item in items}


def test_every_source_and_label_is_split_alike(items: list[Item]) -> None:
    counts = Counter((item.source, item.label, item.split) for item in assign(items, FRACTIONS))
    for source in "ab":
        for label in (REAL, FAKE):
            assert [counts[source, label, split] for split in FRACTIONS] == [12, 4, 4]


def test_the_order_of_items_and_their_folder_do_not_matter(items: list[Item], tmp_path: Path) -> None:
    moved = []
    for item in items:
        path = tmp_path / item.path.name
        path.write_bytes(item.path.read_bytes())
        moved.append(replace(item, path=path))
    here, there = where(assign(items, FRACTIONS)), where(assign(moved[::-1], FRACTIONS))
    assert {path.name: split for path, split in here.items()} == {path.name: split for path, split in there.items()}


def test_another_seed_gives_another_partition(items: list[Item]) -> None:
    assert where(assign(items, FRACTIONS, seed=0)) != where(assign(items, FRACTIONS, seed=1))


def test_recorded_splits_never_move_and_added_items_hardly_move_others(items: list[Item]) -> None:
    before = assign(items[:72], FRACTIONS)
    recorded = where(assign([*before, *items[72:]], FRACTIONS))
    assert all(recorded[item.path] == item.split for item in before)
    afresh = where(assign(items, FRACTIONS))
    assert sum(afresh[item.path] != item.split for item in before) <= 4


def test_groups_stay_together(items: list[Item]) -> None:
    grouped = [replace(item, group=f"person {number // 4}") for number, item in enumerate(items)]
    splits: dict[str, set[str]] = {}
    for item in assign(grouped, FRACTIONS):
        splits.setdefault(item.group, set()).add(item.split)
    assert all(len(found) == 1 for found in splits.values())
    assert {split for found in splits.values() for split in found} == set(FRACTIONS)


def test_copies_stay_together(items: list[Item], tmp_path: Path) -> None:
    copies = []
    for item in items[:20]:
        equal, near = tmp_path / f"equal-{item.path.name}", tmp_path / f"{item.path.stem}.jpg"
        equal.write_bytes(item.path.read_bytes())
        scene(int(item.path.stem), 64).save(near, quality=60)
        copies += [replace(item, path=equal), replace(item, path=near, label=1 - item.label)]
    found = where(assign([*items, *copies], FRACTIONS))
    for item in items[:20]:
        names = (item.path, tmp_path / f"equal-{item.path.name}", tmp_path / f"{item.path.stem}.jpg")
        assert len({found[name] for name in names}) == 1


def test_a_recorded_item_draws_its_relatives(items: list[Item]) -> None:
    rows = [replace(items[0], group="one", split="fairness"), replace(items[1], group="one")]
    assert [item.split for item in assign(rows, FRACTIONS)] == ["fairness", "fairness"]


def test_contradicting_records_are_refused(items: list[Item]) -> None:
    rows = [replace(items[0], group="one", split="train"), replace(items[1], group="one", split="test")]
    with pytest.raises(ManifestError, match=r"1\.png in test, 0\.png in train"):
        assign(rows, FRACTIONS)


def test_leaks_are_dropped_from_train_and_test_stays_whole(items: list[Item], tmp_path: Path) -> None:
    near = tmp_path / "near.jpg"
    scene(0, 64).save(near, quality=60)
    rows = [
        replace(items[0], split="test"),
        Item(near, FAKE, split="train"),
        replace(items[1], split="train", group="anna"),
        replace(items[2], split="val", group="anna"),
        replace(items[3], split="val", group="bert"),
        replace(items[4], split="fairness", group="bert"),
        replace(items[5], split="train"),
    ]
    assert without_leaks(rows) == [rows[0], rows[3], rows[5], rows[6]]


def test_files_that_cannot_be_read_get_a_split_too(tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no picture")
    rows = [Item(tmp_path / "text.jpg", REAL), Item(tmp_path / "absent.jpg", FAKE)]
    assert all(item.split in FRACTIONS for item in assign(rows, FRACTIONS))
    assert assign([], FRACTIONS) == []


@pytest.mark.parametrize("fractions", [{}, {"train": 0.5}, {"train": 1.5, "test": -0.5}, {"": 1.0}])
def test_impossible_fractions_are_refused(fractions: dict[str, float]) -> None:
    with pytest.raises(UsageError, match="add up to 1"):
        assign([], fractions)


def test_empty_keys_equal_nothing() -> None:
    assert same(["a", "", "b", "a", "", "a"]) == [(0, 3), (0, 5)]


def test_copies_of_recordings_stay_together(tmp_path: Path) -> None:
    rows = []
    for number in range(20):
        voice = utterance(number)
        wav = write_wav(tmp_path / f"{number}.wav", voice)
        equal = write_coded(tmp_path / f"{number}.flac", voice, "flac")
        near = write_wav(tmp_path / f"near-{number}.wav", 0.3 * voice[3000:])
        rows += [Item(wav, REAL), Item(equal, REAL), Item(near, FAKE)]
    found = where(assign(rows, FRACTIONS))
    for number in range(20):
        names = (f"{number}.wav", f"{number}.flac", f"near-{number}.wav")
        assert len({found[tmp_path / name] for name in names}) == 1
    assert set(found.values()) == set(FRACTIONS)
