"""Made voices: fakes of real recordings of train and val alone, that can be interrupted and made again."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from tests.vocoders.speaking import draw, voice
from unmask import manifest, voices
from unmask.errors import ManifestError, UsageError
from unmask.journal import Written
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import audio
from unmask.types import Samples
from unmask.vocoders import synthesisers
from unmask.vocoders.synthesisers import SYNTHESISERS, Saying

QUICK = ("phase-noise", "lpc", "upsampled")


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three recordings of train, one of them long, and one of val; a fake, one of test, a broken and a silent one."""
    folder = tmp_path_factory.mktemp("real")
    for number in range(4):
        draw(folder / f"{number}.flac", voice(1.2, seed=number))
    draw(folder / "long.flac", np.tile(voice(1.5, seed=9), 12))
    draw(folder / "silent.flac", np.zeros(16_000, np.float32))
    (folder / "broken.flac").write_bytes(b"fLaC")
    base = Item(folder / "0.flac", REAL, "real", "drawn", "train", "ann", "CC0", {"speaker": "ann", "kind": ""})
    items = [
        base,
        replace(base, path=folder / "1.flac", group="", attributes={"speaker": "bea", "kind": ""}),
        replace(base, path=folder / "2.flac", split="val", group="cid"),
        replace(base, path=folder / "long.flac", group=""),
        replace(base, path=folder / "silent.flac"),
        replace(base, path=folder / "broken.flac"),
        replace(base, path=folder / "3.flac", split="test"),
        replace(base, path=folder / "1.flac", label=FAKE, method="x"),
    ]
    manifest.write(folder / "table.csv", items)
    return folder / "table.csv"


@pytest.fixture(scope="module")
def made(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Written:
    return voices.write(table, tmp_path_factory.mktemp("voices"), vocoders=QUICK, jobs=1)


def samples(path: Path) -> Samples:
    heard = audio.sound(path)
    assert heard is not None
    return heard.samples


def test_each_real_recording_of_train_and_val_has_a_fake_by_each_vocoder(made: Written, table: Path) -> None:
    assert made.items == 12
    assert made.left_out == {"the recording is silent": 3, "no sound can be read": 3}
    items = manifest.read(made.manifest)
    assert {item.label for item in items} == {FAKE}
    names = [(Path(item.attributes["original"]).name, item.attributes["made"]) for item in items]
    assert names == [(f"{one}.flac", by) for one in ("0", "1", "2", "long") for by in QUICK]
    for item in items:
        assert voices.made(item)
        assert item.method == f"made-{item.attributes['made']}"
        assert (item.source, item.licence) == ("drawn", "CC0")
    assert [item.split for item in items[::3]] == ["train", "train", "val", "train"]
    assert [item.group for item in items[::3]] == ["ann", "1.flac", "cid", "long.flac"]
    assert [item.attributes["speaker"] for item in items[::3]] == ["ann", "bea", "ann", "ann"]
    assert not any(voices.made(item) for item in manifest.read(table))


def test_the_files_are_what_recordings_are(made: Written) -> None:
    for item in manifest.read(made.manifest):
        with av.open(str(item.path)) as container:
            (stream,) = container.streams.audio
            assert (stream.codec_context.name, stream.rate, stream.channels) == ("flac", 16_000, 1)
            assert stream.codec_context.format.name == "s16"
        original, fake = samples(Path(item.attributes["original"])), samples(item.path)
        if item.attributes["start_s"]:
            start = round(float(item.attributes["start_s"]) * 16_000)
            original = original[start : start + round(voices.MOST_S * 16_000)]
            assert start > 0
        assert len(fake) == len(original)
        assert fake.std() == pytest.approx(original.std(), rel=0.02)
        assert np.abs(fake - original).max() > 0.01
    long = [item for item in manifest.read(made.manifest) if item.attributes["start_s"]]
    assert {Path(item.attributes["original"]).name for item in long} == {"long.flac"}


def test_the_same_seed_makes_the_same_fakes_in_any_number_of_processes(
    made: Written, table: Path, tmp_path: Path
) -> None:
    again = voices.write(table, tmp_path, vocoders=QUICK, jobs=2)
    assert again.manifest.read_bytes() == made.manifest.read_bytes()
    for item in manifest.read(made.manifest):
        assert item.path.read_bytes() == (tmp_path / item.path.relative_to(made.manifest.parent)).read_bytes()
    with pytest.raises(UsageError, match="another seed"):
        voices.write(table, tmp_path, vocoders=QUICK, seed=1)


def test_another_seed_makes_other_fakes(made: Written, table: Path, tmp_path: Path) -> None:
    other = voices.write(table, tmp_path, vocoders=["lpc"], seed=1, jobs=1)
    before = {item.path.name: item.path for item in manifest.read(made.manifest)}
    for item in manifest.read(other.manifest):
        assert item.path.read_bytes() != before[item.path.name].read_bytes()


def test_some_of_the_vocoders_are_drawn_and_more_are_added_to_them(table: Path, tmp_path: Path) -> None:
    drawn = {}
    for count in (1, 2):
        written = voices.write(table, tmp_path, vocoders=QUICK, per_item=count, jobs=1)
        assert written.items == 4 * count
        drawn[count] = {item.path.name for item in manifest.read(written.manifest)}
    assert drawn[1] < drawn[2]
    assert len({name.split("-", 1)[1] for name in drawn[2]}) > 1
    with pytest.raises(UsageError, match="4 fakes of each recording need as many vocoders, and 3 are given"):
        voices.write(table, tmp_path, vocoders=QUICK, per_item=4)


def test_work_that_was_stopped_goes_on(
    made: Written, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []
    one = voices._make

    def stopping(fake: voices.Fake, out: Path) -> dict[str, object]:
        begun.append(fake.name)
        if len(begun) == 5:
            raise KeyboardInterrupt
        return one(fake, out)

    monkeypatch.setattr(voices, "_make", stopping)
    with pytest.raises(KeyboardInterrupt):
        voices.write(table, tmp_path, vocoders=QUICK, jobs=1)
    resumed = voices.write(table, tmp_path, vocoders=QUICK, jobs=1)
    assert resumed.manifest.read_bytes() == made.manifest.read_bytes()
    assert resumed.left_out == made.left_out
    assert len(begun) == len(set(begun)) + 1


def test_progress_names_what_is_done(table: Path, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    voices.write(table, tmp_path, vocoders=["phase-noise"], jobs=1, progress=lambda *words: told.append(words))
    assert told == [("resynthesising", number, 6) for number in range(1, 7)]


def test_sentences_take_the_channel_of_a_recording_and_speakers_stay_in_one_split(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def say(name: str, rng: np.random.Generator) -> Saying:
        speaker = f"speaker {rng.integers(12)}"
        return Saying(voice(0.8, seed=int(rng.integers(99)), floor=0.0, rms=0.3), "a voice", speaker, "en")

    monkeypatch.setattr(voices, "say", say)
    monkeypatch.setattr(voices, "installed", lambda name: name != "flite")
    items = [one for one in manifest.read(table) if Path(one.path).stem in "012" and one.label == REAL]
    manifest.write(tmp_path / "table.csv", items)
    written = voices.write(tmp_path / "table.csv", tmp_path / "out", vocoders=[], synthesised=60, jobs=1)
    assert written.left_out == {"flite is not installed": 20}
    said = manifest.read(written.manifest)
    assert len(said) == 40
    assert {(item.source, item.method, item.attributes["made"]) for item in said} == {
        (name, f"made-{name}", name) for name in SYNTHESISERS if name != "flite"
    }
    assert {item.split for item in said} == {"train", "val"}
    splits: dict[str, set[str]] = {}
    for item in said:
        splits.setdefault(item.group, set()).add(item.split)
        assert (item.attributes["voice"], item.attributes["language"], item.attributes["kind"]) == (
            "a voice",
            "en",
            "made",
        )
        heard = samples(item.path)
        assert heard.std() == pytest.approx(samples(table.parent / "0.flac").std(), rel=0.1)
        assert np.abs(heard[9_700:14_000]).std() > 1e-4, "the noise of the recording, not digital silence"
    assert all(len(places) == 1 for places in splits.values())


def test_where_no_synthesiser_is_installed_the_vocoded_remain(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not synthesisers.installed("flite")
    written = voices.write(table, tmp_path, vocoders=["phase-noise"], synthesised=3, jobs=1)
    assert written.items == 4
    assert {f"{name} is not installed" for name in SYNTHESISERS} <= set(written.left_out)


def test_what_cannot_work_is_refused_before_the_work(table: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no vocoder wavenet"):
        voices.write(table, tmp_path / "out", vocoders=["wavenet"])
    manifest.write(tmp_path / "table.csv", [one for one in manifest.read(table) if one.split == "test"])
    with pytest.raises(ManifestError, match="no real item in the splits train and val"):
        voices.write(tmp_path / "table.csv", tmp_path / "out")
    assert not (tmp_path / "out").exists()
