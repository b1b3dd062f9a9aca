"""Recordings become windows of speech: cut as scanning cuts, in one format, and none of them in two splits."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest

from tests.data.scenes import scene
from tests.draw_speech import speech, write
from unmask import journal, manifest, passages, prepare, prepare_speech
from unmask.card import Cut
from unmask.errors import UsageError
from unmask.journal import Written
from unmask.manifest import FAKE, REAL, Item
from unmask.prepare_speech import as_samples, read_windows, write_windows
from unmask.types import RATE_HZ

CUT = Cut(kind="speech", window_s=2.0, step_s=1.0, least_speech_s=0.5)
LENGTH = 2 * RATE_HZ


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two voices, what was made of the first, one that is long, silence, and what is broken."""
    folder = tmp_path_factory.mktemp("sounds")
    (folder / "broken.wav").write_bytes(b"RIFF no sound")
    return {
        "one": write(folder / "one.wav", speech(6.0)),
        "two": write(folder / "two.mp3", np.stack([speech(6.0, seed=1)] * 2), codec="libmp3lame"),
        "made": write(folder / "made.flac", speech(6.0, seed=2), codec="flac"),
        "long": write(folder / "long.wav", speech(20.0, seed=3)),
        "silence": write(folder / "silence.wav", np.zeros(2 * RATE_HZ, np.float32)),
        "broken": folder / "broken.wav",
    }


def table(path: Path, items: list[Item]) -> Path:
    manifest.write(path, items)
    return path


def work(path: Path, out: Path, *also: Path) -> Written:
    return prepare.prepare(path, out, CUT, jobs=1, also=also)


@pytest.fixture(scope="module")
def tables(sounds: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A data set, and the made fakes that are given with `--also`."""
    folder = tmp_path_factory.mktemp("tables")
    real = [Item(sounds[name], REAL, method="real", source=name, split="train") for name in ("one", "long")]
    fake = [Item(sounds["two"], FAKE, method="vits", source="two", split="val", attributes={"kind": "synthesis"})]
    bad = [Item(sounds[name], REAL, method="real", source=name, split="train") for name in ("silence", "broken")]
    marks = {"kind": "made", "made": "world", "original": journal.key(sounds["one"])}
    made = [Item(sounds["made"], FAKE, "made-world", "one", "train", "one.wav", attributes=marks)]
    return table(folder / "own.csv", [*real, *fake, *bad]), table(folder / "made.csv", made)


@pytest.fixture(scope="module")
def done(tables: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Written]:
    out = tmp_path_factory.mktemp("prepared")
    return out, work(tables[0], out, tables[1])


def test_every_recording_becomes_one_file_of_windows(done: tuple[Path, Written], sounds: dict[str, Path]) -> None:
    out, written = done
    items = {item.source + item.method: item for item in manifest.read(written.manifest)}
    assert set(items) == {"onereal", "longreal", "twovits", "onemade-world"}
    assert written.items == 4
    assert written.left_out["nobody speaks in it"] == 1
    assert sum(written.left_out.values()) == 2
    for item in items.values():
        assert item.path.parent == out / "segments"
        assert item.path.suffix == ".wav"
        assert item.attributes["original_sha256"] == item.path.stem
    assert items["onereal"].attributes["original"] == journal.key(sounds["one"])
    assert (items["twovits"].split, items["twovits"].attributes["kind"]) == ("val", "synthesis")
    made = items["onemade-world"].attributes
    assert (made["kind"], made["made"]) == ("made", "world")


def test_windows_are_those_that_scanning_hears(done: tuple[Path, Written], sounds: dict[str, Path]) -> None:
    items = {item.source: item for item in manifest.read(done[1].manifest) if item.method in ("real", "vits")}
    for name in ("one", "two"):
        found = [one for one in passages.of_file(sounds[name], CUT)[0] if one.unfit is None]
        windows = read_windows(items[name], CUT)
        np.testing.assert_array_equal(as_samples(windows), np.stack([one.samples for one in found]))
        times = [f"{one.region.start_s:.2f}-{one.region.end_s:.2f}" for one in found]
        assert items[name].attributes["times_s"].split() == times


def test_of_a_long_recording_a_few_windows_are_kept_from_all_of_it(
    done: tuple[Path, Written], sounds: dict[str, Path]
) -> None:
    (item,) = [item for item in manifest.read(done[1].manifest) if item.source == "long"]
    assert len(read_windows(item, CUT)) == prepare_speech.WINDOWS
    found = [one for one in passages.of_file(sounds["long"], CUT)[0] if one.unfit is None]
    assert len(found) > prepare_speech.WINDOWS
    times = item.attributes["times_s"].split()
    assert times[0].startswith(f"{found[0].region.start_s:.2f}")
    assert times[-1].startswith(f"{found[-1].region.start_s:.2f}")
    assert len(set(times)) == prepare_speech.WINDOWS


def test_all_files_have_one_format(done: tuple[Path, Written]) -> None:
    for item in manifest.read(done[1].manifest):
        with wave.open(str(item.path), "rb") as file:
            assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, RATE_HZ)
            assert file.getnframes() % LENGTH == 0
        assert item.path.stat().st_size == 44 + 2 * LENGTH * len(read_windows(item, CUT)), "no tags, no padding"


def test_a_second_run_does_nothing(done: tuple[Path, Written], tables: tuple[Path, Path]) -> None:
    out, written = done
    before = {path: path.stat().st_mtime_ns for path in (out / "segments").iterdir()}
    assert work(tables[0], out, tables[1]) == written
    assert {path: path.stat().st_mtime_ns for path in (out / "segments").iterdir()} == before


def test_another_cut_takes_another_folder(done: tuple[Path, Written], tables: tuple[Path, Path]) -> None:
    with pytest.raises(UsageError, match="holds segments of another cut"):
        prepare.prepare(tables[0], done[0], CUT.model_copy(update={"window_s": 3.0}), jobs=1)


def test_a_recording_that_is_tested_on_is_not_learned_from(sounds: dict[str, Path], tmp_path: Path) -> None:
    louder = write(tmp_path / "louder.flac", 0.7 * speech(6.0)[3000:], codec="flac")
    items = [
        Item(sounds["one"], REAL, source="a", split="test"),
        Item(louder, REAL, source="b", split="train"),
        Item(sounds["long"], REAL, source="c", split="train"),
    ]
    written = work(table(tmp_path / "table.csv", items), tmp_path / "out")
    assert {item.source for item in manifest.read(written.manifest)} == {"a", "c"}
    assert written.left_out == {"looks like an item of a split that is tested or validated on": 1}


def test_pictures_and_reencoding_are_refused_before_the_work(sounds: dict[str, Path], tmp_path: Path) -> None:
    scene(1).save(tmp_path / "a.jpg")
    voice = Item(sounds["one"], REAL, source="here", split="train")
    mixed = table(tmp_path / "table.csv", [voice, Item(tmp_path / "a.jpg", FAKE)])
    with pytest.raises(UsageError, match=r"1 of 2 items of .* are pictures \(a\.jpg\), and this cut listens to voices"):
        work(mixed, tmp_path / "out")
    with pytest.raises(UsageError, match="leave `reencode` out"):
        prepare.prepare(table(tmp_path / "own.csv", [voice]), tmp_path / "out", CUT, reencode={"here": 70})
    assert not (tmp_path / "out").exists()


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    steps = rng.integers(-(2**15), 2**15, (3, LENGTH)).astype(np.int16)
    write_windows(tmp_path / "a.wav", list(as_samples(steps)))
    np.testing.assert_array_equal(read_windows(Item(tmp_path / "a.wav", REAL), CUT), steps)
    assert as_samples(steps).dtype == np.float32
    write_windows(tmp_path / "b.wav", [np.array([1.0, -1.0, 0.0], np.float32).repeat(LENGTH)[:LENGTH]])
    assert read_windows(Item(tmp_path / "b.wav", REAL), CUT).max() == 2**15 - 1, "full scale does not wrap around"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.wav", "b.wav"], "no draft is left"


def test_a_stop_while_writing_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError("no space")

    monkeypatch.setattr(wave.Wave_write, "writeframes", full)
    with pytest.raises(OSError, match="no space"):
        write_windows(tmp_path / "a.wav", [np.zeros(LENGTH, np.float32)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", ["another length", "another rate", "empty", "no sound", "missing"])
def test_files_that_hold_no_such_windows_are_refused(tmp_path: Path, wrong: str) -> None:
    path = tmp_path / "a.wav"
    if wrong == "no sound":
        path.write_bytes(b"RIFF")
    elif wrong != "missing":
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000 if wrong == "another rate" else RATE_HZ)
            length = {"another length": LENGTH + 1, "empty": 0}.get(wrong, LENGTH)
            file.writeframes(bytes(2 * length))
    with pytest.raises(UsageError, match="make the folder anew with unmask prepare"):
        read_windows(Item(path, REAL), CUT)
