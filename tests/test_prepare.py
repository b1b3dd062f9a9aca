"""Preparing: the pixels that scanning sees, work that goes on where it stopped, and nothing left out in silence."""

from __future__ import annotations

import csv
import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.make import HOSTILE
from tests.data.scenes import scene
from unmask import manifest, prepare
from unmask.card import Cut
from unmask.errors import ManifestError, UnmaskError, UsageError
from unmask.faces import FaceFinder
from unmask.journal import Written
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import image as image_modality
from unmask.prepare import read_cut, read_segments

FACE = Cut(kind="face", size_px=64)
PATCH = Cut(kind="patch", size_px=64, patches=4)


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory, astronaut: Image.Image) -> Path:
    """A photo of one face, about 80 px tall."""
    path = tmp_path_factory.mktemp("portrait") / "portrait.png"
    astronaut.crop((100, 0, 356, 256)).save(path)
    return path


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A manifest of six pictures without faces: three real, three fake."""
    folder = tmp_path_factory.mktemp("scenes")
    items = []
    for number in range(6):
        path = folder / f"{number}.png"
        scene(number).save(path)
        items.append(Item(path, number % 2, source="drawn", split="train", attributes={"note": f"n{number}"}))
    return table(folder, items)


def table(folder: Path, items: list[Item]) -> Path:
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


def work(path: Path, out: Path, cut: Cut) -> Written:
    return prepare.prepare(path, out, cut, jobs=1)


class Stopped(Exception):
    """Stands for an interruption at any moment."""


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that were worked on, in order; the test may set a limit with `stop_after`."""
    names: list[str] = []
    one = prepare._prepare_one

    def counting(task: prepare.Task) -> dict[str, object]:
        names.append(task[0].path.name)
        return one(task)

    monkeypatch.setattr(prepare, "_prepare_one", counting)
    return names


class TestPixels:
    def test_a_face_is_cut_as_scanning_cuts_it(self, portrait: Path, tmp_path: Path, finder: FaceFinder) -> None:
        made = work(table(tmp_path, [Item(portrait, REAL)]), tmp_path / "out", FACE)
        (item,) = manifest.read(made.manifest)
        photo = image_modality.load(portrait)
        faces, _ = finder.find(photo.image)
        (expected,) = image_modality.segments(photo, FACE, faces)
        (found,) = read_segments(item, FACE.size_px)
        np.testing.assert_array_equal(found, expected.pixels)
        marks = np.array(item.attributes["landmarks_px"].split(), np.float32).reshape(5, 2)
        assert expected.landmarks_px is not None
        np.testing.assert_allclose(marks, expected.landmarks_px, atol=0.01)

    def test_patches_are_cut_as_scanning_cuts_them(self, scenes: Path, tmp_path: Path) -> None:
        made = work(scenes, tmp_path / "out", PATCH)
        for original, item in zip(manifest.read(scenes), manifest.read(made.manifest), strict=True):
            expected = image_modality.segments(image_modality.load(original.path), PATCH)
            found = read_segments(item, PATCH.size_px)
            assert len(found) == len(expected) == 4
            for mine, theirs in zip(found, expected, strict=True):
                np.testing.assert_array_equal(mine, theirs.pixels)
            assert "landmarks_px" not in item.attributes

    def test_what_comes_out_is_a_data_set_again(self, scenes: Path, tmp_path: Path) -> None:
        made = work(scenes, tmp_path / "out", PATCH)
        originals, items = manifest.read(scenes), manifest.read(made.manifest)
        assert made == Written(tmp_path / "out" / "manifest.csv", 6, {})
        assert read_cut(tmp_path / "out") == PATCH
        for original, item in zip(originals, items, strict=True):
            assert (item.label, item.source, item.split) == (original.label, "drawn", "train")
            assert item.attributes["note"] == original.attributes["note"]
            assert item.attributes["original"] == str(original.path)
            assert item.attributes["original_sha256"] == item.path.stem
        with made.manifest.open(newline="") as file:
            assert all(row["path"].startswith("segments/") for row in csv.DictReader(file)), "so the folder can move"
        formats = set()
        for item in items:
            with Image.open(item.path) as picture:
                formats.add((picture.format, picture.mode, picture.size))
        assert formats == {("PNG", "RGB", (64, 256))}, "no trace of which class a file is"

    def test_a_source_may_be_saved_once_more_before_it_is_cut(
        self, scenes: Path, tmp_path: Path, begun: list[str]
    ) -> None:
        items = [replace(item, source="ab"[number < 2]) for number, item in enumerate(manifest.read(scenes))]
        path = table(tmp_path, items)
        plain = manifest.read(work(path, tmp_path / "plain", PATCH).manifest)
        begun.clear()
        for _ in range(2):
            made = prepare.prepare(path, tmp_path / "again", PATCH, reencode={"b": 60, "else": 5}, jobs=1)
        assert len(begun) == 6
        for number, (one, other) in enumerate(zip(plain, manifest.read(made.manifest), strict=True)):
            changes = np.concatenate(read_segments(one, 64)) != np.concatenate(read_segments(other, 64))
            assert changes.any() == (number < 2)
            assert other.attributes["reencoded"] == ("60" if number < 2 else "")
        with Image.open(items[0].path) as picture:
            picture.convert("RGB").save(tmp_path / "saved.jpg", quality=60)
        expected = image_modality.segments(image_modality.load(tmp_path / "saved.jpg"), PATCH)
        found = read_segments(manifest.read(made.manifest)[0], 64)
        np.testing.assert_array_equal(np.stack(found), np.stack([segment.pixels for segment in expected]))
        begun.clear()
        prepare.prepare(path, tmp_path / "again", PATCH, reencode={"b": 50}, jobs=1)
        assert begun == ["0.png", "1.png"], "another quality is other work"

    def test_several_processes_make_the_same(self, scenes: Path, tmp_path: Path) -> None:
        alone = work(scenes, tmp_path / "one", PATCH)
        together = prepare.prepare(scenes, tmp_path / "two", PATCH, jobs=2)
        assert alone.manifest.read_bytes() == together.manifest.read_bytes()
        for item in manifest.read(alone.manifest):
            other = tmp_path / "two" / "segments" / item.path.name
            assert item.path.read_bytes() == other.read_bytes()


class TestResuming:
    def test_work_that_was_interrupted_goes_on_where_it_stopped(
        self, scenes: Path, tmp_path: Path, begun: list[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        whole = work(scenes, tmp_path / "whole", PATCH)
        begun.clear()
        with monkeypatch.context() as patch:
            counting = prepare._prepare_one

            def stopping(task: prepare.Task) -> dict[str, object]:
                if len(begun) == 4:
                    raise Stopped
                return counting(task)

            patch.setattr(prepare, "_prepare_one", stopping)
            with pytest.raises(Stopped):
                work(scenes, tmp_path / "out", PATCH)
        assert begun == ["0.png", "1.png", "2.png", "3.png"]
        seen: list[tuple[int, int]] = []
        resumed = prepare.prepare(scenes, tmp_path / "out", PATCH, jobs=1, progress=lambda n, of: seen.append((n, of)))
        assert begun[4:] == ["4.png", "5.png"]
        assert seen == [(5, 6), (6, 6)]
        assert resumed.manifest.read_bytes() == whole.manifest.read_bytes()
        again = work(scenes, tmp_path / "out", PATCH)
        assert len(begun) == 6
        assert again == resumed

    @pytest.mark.parametrize("kept_bytes", [1, 25, -2, -1])
    def test_a_torn_last_line_costs_one_item_once(
        self, scenes: Path, tmp_path: Path, begun: list[str], kept_bytes: int
    ) -> None:
        whole = work(scenes, tmp_path / "out", PATCH).manifest.read_bytes()
        journal = tmp_path / "out" / "done.jsonl"
        *lines, last = journal.read_text(encoding="utf-8").splitlines(keepends=True)
        journal.write_text("".join(lines) + last[:kept_bytes], encoding="utf-8")
        begun.clear()
        assert work(scenes, tmp_path / "out", PATCH).manifest.read_bytes() == whole
        assert begun == ([] if kept_bytes == -1 else ["5.png"]), "-1 cuts the line's end and nothing else"
        assert work(scenes, tmp_path / "out", PATCH).manifest.read_bytes() == whole
        assert len(begun) <= 1, "what was written after the torn line counts too"

    def test_new_items_join_an_old_folder(self, scenes: Path, tmp_path: Path, begun: list[str]) -> None:
        items = manifest.read(scenes)
        work(table(tmp_path, items[:4]), tmp_path / "out", PATCH)
        begun.clear()
        assert work(table(tmp_path, items), tmp_path / "out", PATCH).items == 6
        assert begun == ["4.png", "5.png"]

    def test_another_cut_is_refused_and_nothing_is_changed(self, scenes: Path, tmp_path: Path) -> None:
        made = work(scenes, tmp_path / "out", PATCH)
        before = made.manifest.read_bytes()
        with pytest.raises(UsageError, match="segments of another cut: choose another folder"):
            work(scenes, tmp_path / "out", PATCH.model_copy(update={"size_px": 32}))
        assert made.manifest.read_bytes() == before
        assert read_cut(tmp_path / "out") == PATCH

    @pytest.mark.parametrize("text", ["", "{}", '{"kind": "face", "size_px": 64, "of_a_later_version": 1}'])
    def test_a_cut_that_cannot_be_read_is_one_sentence(self, scenes: Path, tmp_path: Path, text: str) -> None:
        (tmp_path / "cut.json").write_text(text)
        for call in (lambda: read_cut(tmp_path), lambda: work(scenes, tmp_path, PATCH)):
            with pytest.raises(UsageError, match=r"cut\.json is not valid: make the folder anew with unmask prepare"):
                call()

    def test_a_folder_that_prepare_never_saw(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match=r"holds no cut\.json: make the folder with unmask prepare"):
            read_cut(tmp_path)


class TestLeftOut:
    def test_reasons_are_counted(self, portrait: Path, tmp_path: Path, astronaut: Image.Image) -> None:
        for number in range(3):
            scene(number).save(tmp_path / f"nobody-{number}.png")
        astronaut.resize((128, 128)).save(tmp_path / "distant.png")
        scene(9, 40).save(tmp_path / "tiny.png")
        names = ["nobody-0.png", "nobody-1.png", "nobody-2.png", "distant.png", "tiny.png"]
        items = [Item(portrait, REAL), *(Item(tmp_path / name, FAKE) for name in names)]
        made = work(table(tmp_path, items), tmp_path / "out", FACE)
        distant = [reason for reason in made.left_out if "at least 40 px are needed" in reason]
        assert made.items == 1
        assert len(distant) == 1
        assert made.left_out == {
            "no face was found": 3,
            distant[0]: 1,
            "the picture is 40 x 40 px; each side needs at least 64 px": 1,
        }

    def test_a_blurred_face_is_left_out(self, portrait: Path, tmp_path: Path) -> None:
        sharp = FACE.model_copy(update={"least_sharpness": 1000.0})
        made = work(table(tmp_path, [Item(portrait, REAL)]), tmp_path / "out", sharp)
        assert made == Written(tmp_path / "out" / "manifest.csv", 0, {"the face is too blurred to judge": 1})

    def test_a_picture_smaller_than_a_patch(self, scenes: Path, tmp_path: Path) -> None:
        large = PATCH.model_copy(update={"size_px": 97})
        assert work(scenes, tmp_path / "out", large).left_out == {"smaller than one patch": 6}

    @pytest.mark.parametrize("cut", [FACE, PATCH], ids=["face", "patch"])
    def test_no_bad_file_ends_it(self, media: Path, scenes: Path, tmp_path: Path, cut: Cut) -> None:
        bad = [Item(media / "hostile" / name, FAKE) for name in HOSTILE]
        good = manifest.read(scenes)[0]
        made = work(table(tmp_path, [*bad, good]), tmp_path / "out", cut)
        assert made.items == (cut.kind == "patch")
        assert sum(made.left_out.values()) + made.items == len(HOSTILE) + 1
        assert all(reason and "\n" not in reason for reason in made.left_out)
        notes = [json.loads(line) for line in (tmp_path / "out" / "done.jsonl").read_text().splitlines() if line]
        assert len(notes) == len(HOSTILE) + 1

    def test_look_alikes_of_what_is_tested_leave_train(
        self, portrait: Path, tmp_path: Path, astronaut: Image.Image
    ) -> None:
        """Two photos of different size whose faces are the same: only among the cuts can that be seen."""
        wide = tmp_path / "wide.jpg"
        astronaut.save(wide, quality=95)
        scene(3).save(tmp_path / "scene.png")
        items = [
            Item(portrait, REAL, split="train"),
            Item(wide, FAKE, split="test"),
            Item(tmp_path / "scene.png", REAL, split="train", attributes={"cropped": "yes"}),
        ]
        made = work(table(tmp_path, items), tmp_path / "out", FACE)
        kept = manifest.read(made.manifest)
        assert [Path(item.attributes["original"]).name for item in kept] == ["wide.jpg", "scene.png"]
        assert made.left_out == {"looks like an item of a split that is tested or validated on": 1}

    def test_a_table_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="cannot be read"):
            work(tmp_path / "none.csv", tmp_path / "out", FACE)


class TestWhichFace:
    def test_a_data_set_of_face_crops_needs_no_face_found(self, tmp_path: Path) -> None:
        items = []
        for number, cropped in enumerate(["yes", "no", ""]):
            scene(number).save(tmp_path / f"{number}.png")
            items.append(Item(tmp_path / f"{number}.png", REAL, attributes={"cropped": cropped}))
        made = work(table(tmp_path, items), tmp_path / "out", FACE)
        assert made.left_out == {"no face was found": 2}
        (item,) = manifest.read(made.manifest)
        (pixels,) = read_segments(item, 64)
        with Image.open(tmp_path / "0.png") as whole:
            expected = np.asarray(whole.resize((64, 64), Image.Resampling.BICUBIC))
        np.testing.assert_array_equal(pixels, expected)
        marks = np.array(item.attributes["landmarks_px"].split(), np.float32).reshape(5, 2)
        assert marks.min() > 0
        assert marks.max() < 64
        assert marks[0, 0] < marks[2, 0] < marks[1, 0], "left eye, nose, right eye"
        assert marks[0, 1] < marks[2, 1] < marks[3, 1], "eyes, nose, mouth"

    def test_a_face_that_is_found_counts_even_there(self, portrait: Path, tmp_path: Path) -> None:
        plain = work(table(tmp_path, [Item(portrait, REAL)]), tmp_path / "plain", FACE)
        cropped = Item(portrait, REAL, attributes={"cropped": "yes"})
        told = work(table(tmp_path, [cropped]), tmp_path / "told", FACE)
        (one,), (other,) = manifest.read(plain.manifest), manifest.read(told.manifest)
        np.testing.assert_array_equal(read_segments(one, 64)[0], read_segments(other, 64)[0])

    def test_a_single_patch_lies_around_the_face_as_scanning_cuts_it(
        self, astronaut_path: Path, tmp_path: Path, finder: FaceFinder
    ) -> None:
        cut = Cut(kind="patch", size_px=224, patches=1)
        made = work(table(tmp_path, [Item(astronaut_path, REAL)]), tmp_path / "out", cut)
        (item,) = manifest.read(made.manifest)
        photo = image_modality.load(astronaut_path)
        (expected,) = image_modality.segments(photo, cut, finder.find(photo.image)[0])
        (found,) = read_segments(item, 224)
        np.testing.assert_array_equal(found, expected.pixels)
        assert expected.landmarks_px is not None
        marks = np.array(item.attributes["landmarks_px"].split(), np.float32).reshape(5, 2)
        np.testing.assert_allclose(marks, expected.landmarks_px, atol=0.01)

    def test_of_several_patches_none_is_said_to_hold_the_face(self, astronaut_path: Path, tmp_path: Path) -> None:
        cut = Cut(kind="patch", size_px=224, patches=4)
        made = work(table(tmp_path, [Item(astronaut_path, REAL)]), tmp_path / "out", cut)
        (item,) = manifest.read(made.manifest)
        assert len(read_segments(item, 224)) == 4
        assert "landmarks_px" not in item.attributes

    def test_two_entries_of_one_file_share_one_cut(self, scenes: Path, tmp_path: Path) -> None:
        first = manifest.read(scenes)[0]
        made = work(table(tmp_path, [first, first]), tmp_path / "out", PATCH)
        assert made.items == 2
        assert len(list((tmp_path / "out" / "segments").iterdir())) == 1


class TestRefused:
    def test_videos_are_sent_to_frames(self, scenes: Path, tmp_path: Path) -> None:
        items = [*manifest.read(scenes), Item(tmp_path / "clip.MP4", FAKE)]
        path = table(tmp_path, items)
        with pytest.raises(UsageError, match=r"1 of 7 items are videos \(clip\.MP4\): .*unmask frames .*table\.csv"):
            work(path, tmp_path / "out", PATCH)
        assert not (tmp_path / "out").exists()

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("path,method\na.png,real\n", "has no column label"),
            ("path,label\na.png,maybe\n", 'line 2: label is "maybe", but must be "real" or "fake"'),
        ],
    )
    def test_wrong_tables_end_before_any_work(self, tmp_path: Path, text: str, words: str) -> None:
        (tmp_path / "table.csv").write_text(text)
        with pytest.raises(ManifestError, match=words):
            work(tmp_path / "table.csv", tmp_path / "out", PATCH)
        assert not (tmp_path / "out").exists()


class TestManyAndLittleRoom:
    def test_a_corrupt_picture_among_many_is_one_counted_skip(self, tmp_path: Path) -> None:
        items = []
        for number in range(200):
            path = tmp_path / f"{number:03d}.png"
            pixels = np.random.default_rng(number).integers(0, 255, (64, 64, 3), np.uint8)
            Image.fromarray(pixels).save(path, compress_level=0)
            items.append(Item(path, number % 2, split="train"))
        data = items[77].path.read_bytes()
        items[77].path.write_bytes(data[:300])
        (tmp_path / "out").mkdir()
        whole = Cut(kind="whole", size_px=32)
        made = work(table(tmp_path, items), tmp_path / "out", whole)
        assert made.items == 199
        ((reason, count),) = made.left_out.items()
        assert reason.startswith("the picture is broken")
        assert count == 1

    def test_whole_pictures_need_no_face_finder(
        self, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(prepare, "own_finder", None)  # would fail if asked
        assert work(scenes, tmp_path / "out", Cut(kind="whole", size_px=32)).items == 6

    def test_a_full_disk_is_one_sentence_and_what_was_done_stays(
        self, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: list[str]
    ) -> None:
        save = Image.Image.save
        out = tmp_path / "out"

        def filling(self: Image.Image, path: Path, *rest: object) -> None:
            if len(list(path.parent.iterdir())) == 3:
                path.write_bytes(b"half")
                raise OSError(errno.ENOSPC, "No space left on device")
            save(self, path, "PNG")

        with monkeypatch.context() as patch:
            patch.setattr(Image.Image, "save", filling)
            with pytest.raises(UnmaskError, match=r"the disk of .*out is full: make room and give the same command"):
                work(scenes, out, PATCH)
        assert len(list((out / "segments").iterdir())) == 3, "and no half of a fourth"
        assert not (out / "manifest.csv").exists()
        begun.clear()
        assert work(scenes, out, PATCH).items == 6
        assert begun == ["3.png", "4.png", "5.png"]

    def test_a_full_disk_at_the_end_keeps_the_manifest_that_was_there(
        self, scenes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made = work(scenes, tmp_path / "out", PATCH)
        before = made.manifest.read_bytes()

        def full(*_: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", full)
            with pytest.raises(UnmaskError, match="is full"):
                work(scenes, tmp_path / "out", PATCH)
        assert made.manifest.read_bytes() == before
        assert read_cut(tmp_path / "out") == PATCH
        assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
            "cut.json",
            "done.jsonl",
            "manifest.csv",
            "segments",
        ]


def test_several_manifests_are_cut_into_one_folder(scenes: Path, tmp_path: Path) -> None:
    items = manifest.read(scenes)
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = table(tmp_path / "a", items[:4]), table(tmp_path / "b", items[4:])
    made = prepare.prepare(first, tmp_path / "out", PATCH, also=[second], jobs=1)
    whole = prepare.prepare(scenes, tmp_path / "whole", PATCH, jobs=1)
    assert made.items == whole.items == 6
    assert [item.label for item in manifest.read(made.manifest)] == [
        item.label for item in manifest.read(whole.manifest)
    ]
