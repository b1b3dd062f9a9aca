"""The audit of recordings: each shortcut fails by its name, and what to do is said in words of sound."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.data import clips
from tests.data.scenes import scene
from tests.data.voices import utterance, write_coded, write_wav
from unmask import manifest
from unmask.audit import Audit, audit
from unmask.checks import Finding
from unmask.manifest import Item
from unmask.sound_traits import FAMILIES

Save = Callable[[NDArray[np.float64], Path, int], Path]
SPLITS = ("train", "train", "train", "val", "test")
RATE_HZ = 16_000


def plain(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    return write_wav(path.with_suffix(".wav"), voice)


def data(root: Path, save: Save = plain, count: int = 120) -> list[Item]:
    """Utterances without any difference between the labels but those that `save` makes; half from each source."""
    root.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        label = number % 2
        path = save(utterance(number, 1.5), root / f"{number}", label)
        split, source = SPLITS[number // 2 % 5], "ab"[number // 2 % 2]
        items.append(Item(path, label, method=("real", "vits")[label], source=source, split=split, group=f"{number}"))
    return items


@pytest.fixture(scope="module")
def voices(tmp_path_factory: pytest.TempPathFactory) -> list[Item]:
    return data(tmp_path_factory.mktemp("voices"))


def audited(items: list[Item], folder: Path) -> Audit:
    manifest.write(folder / "manifest.csv", items)
    return audit(folder / "manifest.csv")


def failures(found: Audit) -> dict[str, str]:
    return {finding.check: finding.sentence for finding in found.findings if finding.severity == "fail"}


def of(found: Audit, check: str) -> list[Finding]:
    return [finding for finding in found.findings if finding.check == check]


def test_sound_data_pass(voices: list[Item], tmp_path: Path) -> None:
    found = audited(voices, tmp_path)
    assert failures(found) == {}
    assert {f"probe {family}" for family in FAMILIES} <= {finding.check for finding in found.findings}
    assert not of(found, "probe size"), "a recording has no width"


def longer(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    return plain(voice if label else voice[:-800], path, label)


def padded(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    pause = np.random.default_rng(0).normal(0, 1e-4, 3200)
    return plain(np.concatenate([voice, pause]) if label else np.concatenate([pause, voice]), path, label)


def coarser(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    return plain(np.round(voice * 2**10) / 2**10 if label else voice, path, label)


def louder(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    return plain(voice * (1.0 + 0.5 * label), path, label)


def shifted(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    return plain(voice + 0.002 * label, path, label)


def muffled(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    hz = np.fft.rfftfreq(len(voice), 1 / RATE_HZ)
    return plain(np.fft.irfft(np.fft.rfft(voice) * ((hz < 7000) | (label == 0)), len(voice)), path, label)


def in_another_container(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    return write_coded(path.with_suffix(".flac"), voice, "flac") if label else plain(voice, path, label)


def tagged(voice: NDArray[np.float64], path: Path, label: int) -> Path:
    return write_coded(path.with_suffix(".flac"), voice, "flac", tags={"artist": "nobody"} if label else {})


@pytest.mark.parametrize(
    ("save", "family"),
    [
        (longer, "length"),
        (padded, "silence"),
        (coarser, "bit depth"),
        (louder, "loudness"),
        (shifted, "offset"),
        (muffled, "bandwidth"),
        (in_another_container, "format"),
        (in_another_container, "bytes"),
        (tagged, "metadata"),
    ],
)
def test_each_shortcut_fails_by_its_name(save: Save, family: str, tmp_path: Path) -> None:
    found = failures(audited(data(tmp_path, save, 60), tmp_path))
    assert {f"probe {family}", "probe all"} <= set(found)
    assert "that hears no word: run `unmask prepare`, which cuts both classes to windows" in found[f"probe {family}"]
    assert "picture" not in found[f"probe {family}"]


def test_copies_across_splits_fail(voices: list[Item], tmp_path: Path) -> None:
    equal = write_coded(tmp_path / "equal.flac", utterance(0, 1.5), "flac")
    near = write_wav(tmp_path / "near.wav", 0.5 * utterance(2, 1.5)[1000:])
    twins = [Item(equal, 0, method="real", split="test"), Item(near, 0, method="real", split="val")]
    found = failures(audited([*voices, *twins], tmp_path))
    assert (
        "1 pairs of exact duplicates lie in two splits (0.wav in train, equal.flac in test)"
        in found["exact duplicates"]
    )
    assert "1 pairs of near duplicates lie in two splits (2.wav in train, near.wav in val)" in found["near duplicates"]


def test_what_a_vocoder_made_of_a_voice_is_told_and_is_fine_in_its_split(voices: list[Item], tmp_path: Path) -> None:
    made = [
        Item(write_wav(tmp_path / f"{method}.wav", gain * utterance(0, 1.5)), 1, method=method, split="train")
        for method, gain in (("world", 0.5), ("griffin-lim", 0.3))
    ]
    found = audited([*voices, *made], tmp_path)
    assert failures(found) == {}
    told = of(found, "near duplicates")
    assert [one.severity for one in told] == ["warn"]
    assert "pairs look or sound alike and differ in label or method (0.wav in train, world.wav" in told[0].sentence
    assert "a voice and what a vocoder made of it" in told[0].sentence


def drawn(folder: Path, count: int = 60) -> list[Item]:
    folder.mkdir(parents=True, exist_ok=True)
    items = []
    for number in range(count):
        path = folder / f"{number}.jpg"
        scene(number, 64).save(path, quality=90)
        method = ("real", "gan")[number % 2]
        items.append(Item(path, number % 2, method=method, source="drawn", split=SPLITS[number // 2 % 5]))
    return items


def test_pictures_and_recordings_are_probed_apart(tmp_path: Path) -> None:
    found = audited([*drawn(tmp_path / "drawn"), *data(tmp_path / "voices", louder, 60)], tmp_path)
    failed = failures(found)
    assert "probe loudness of recordings" in failed
    assert not any("of pictures" in check for check in failed)
    assert of(found, "probe compression of pictures")
    assert of(found, "kinds")[0].severity == "info"


def test_a_kind_that_tells_the_label_fails(tmp_path: Path) -> None:
    pictures, voices = drawn(tmp_path / "drawn"), data(tmp_path / "voices", count=60)
    telling = [item for item in (*pictures, *voices) if item.label == (item.source != "drawn")]
    found = failures(audited(telling, tmp_path))
    assert "whether it is a picture or a recording tells the label" in found["kinds"]


def test_videos_are_left_out_as_before(voices: list[Item], tmp_path: Path) -> None:
    clip = clips.draw(tmp_path / "a.mp4", clips.staying(scene(0)), seconds=0.5, tone=440)
    found = audited([*voices, replace(voices[0], path=clip, group="")], tmp_path)
    assert failures(found) == {}
    assert "1 of 121 files cannot be judged" in of(found, "readable")[0].sentence


def test_a_prepared_folder_is_audited_alike(tmp_path: Path) -> None:
    """Windows one after the other: length says how many there are, and here that tells the label."""

    def windows(voice: NDArray[np.float64], path: Path, label: int) -> Path:
        return plain(np.tile(voice[:RATE_HZ], 2 + label), path, label)

    found = failures(audited(data(tmp_path, windows, 60), tmp_path))
    assert "probe length" in found
    assert "probe format" not in found
