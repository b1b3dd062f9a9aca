"""Changed copies of recordings: in the files that they would come in, the same every time."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest

from tests.data.scenes import scene
from tests.test_sound_changes import level_db, speech_like
from unmask import perturb, perturb_sound, perturb_video, sound_codecs
from unmask.errors import MediaError, UsageError
from unmask.kinds import is_sound
from unmask.limits import DEFAULT_LIMITS
from unmask.manifest import FAKE, REAL, Item
from unmask.modalities import audio
from unmask.modalities.audio import RATE_HZ
from unmask.perturb_sound import NAMES, PERTURBATIONS
from unmask.types import Samples

VOICE = speech_like(seconds=0.6)


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recordings") / "voice.flac"
    path.write_bytes(sound_codecs.encoded(VOICE, "flac"))
    return path


def read(path: Path) -> Samples:
    heard = audio.sound(path)
    assert heard is not None
    return heard.samples


def coding(path: Path) -> str:
    with av.open(str(path)) as container:
        return str(container.streams.audio[0].codec_context.codec.canonical_name)


def test_the_names_are_no_others_names() -> None:
    assert not set(NAMES) & {*perturb.PERTURBATIONS, *perturb_video.NAMES}
    assert {one.family for one in PERTURBATIONS.values()} >= {"mp3", "aac", "opus", "telephone", "noise", "reverb"}
    assert {"mp3-64k", "opus-24k", "telephone-8k", "noise-15db", "amr-12k", "aac-48k", "reverb"} <= set(NAMES)
    strengths = [(one.family, one.strength) for one in PERTURBATIONS.values()]
    assert len(set(strengths)) == len(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_copy_can_be_read_and_is_as_long(name: str, recording: Path, tmp_path: Path) -> None:
    copy = perturb_sound.write(name, recording, tmp_path / "a.b")
    assert copy.name == "a.b" + sound_codecs.CODERS[PERTURBATIONS[name].codec].suffix
    after = read(copy)
    factor = PERTURBATIONS[name].strength if PERTURBATIONS[name].family == "speed" else 1
    assert abs(len(after) - len(VOICE) / factor) < 0.1 * RATE_HZ
    assert np.isfinite(after).all()
    assert copy.read_bytes() == perturb_sound.write(name, recording, tmp_path / "again").read_bytes()
    assert is_sound(copy, DEFAULT_LIMITS)


def test_copies_are_in_the_files_that_they_would_come_in(recording: Path, tmp_path: Path) -> None:
    wanted = {
        "mp3-64k": (".mp3", "mp3"),
        "aac-48k": (".m4a", "aac"),
        "opus-24k": (".opus", "opus"),
        "amr-12k": (".amr", "amr_nb"),
        "telephone-8k": (".wav", "pcm_mulaw"),
        "noise-15db": (".flac", "flac"),
    }
    for name, (suffix, codec) in wanted.items():
        copy = perturb_sound.write(name, recording, tmp_path / name)
        assert (copy.suffix, coding(copy)) == (suffix, codec)


def test_harm_grows_along_a_family(recording: Path, tmp_path: Path) -> None:
    def lost_db(name: str) -> float:
        after = read(perturb_sound.write(name, recording, tmp_path / name))
        return level_db(VOICE) - level_db(after - VOICE)

    assert lost_db("noise-30db") == pytest.approx(30, abs=0.1)
    assert lost_db("babble-10db") == pytest.approx(10, abs=0.1)
    assert lost_db("lowpass-6000hz") > lost_db("lowpass-4000hz")
    assert level_db(read(tmp_path / "noise-30db.flac")) == pytest.approx(level_db(VOICE), abs=0.1)
    quiet = read(perturb_sound.write("quiet-20db", recording, tmp_path / "quiet"))
    assert level_db(quiet) == pytest.approx(level_db(VOICE) - 20, abs=0.1)


def test_chance_is_drawn_from_the_file(recording: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.flac"
    other.write_bytes(sound_codecs.encoded(VOICE * np.float32(0.999), "flac"))
    one, two = (read(perturb_sound.write("noise-10db", path, tmp_path / path.stem)) for path in (recording, other))
    noises = one - VOICE, two - VOICE
    assert abs(np.corrcoef(*noises)[0, 1]) < 0.1


def test_names_and_items_must_fit(recording: Path, tmp_path: Path) -> None:
    scene(0).save(tmp_path / "a.png")
    sounds, pictures = [Item(recording, REAL)], [Item(tmp_path / "a.png", FAKE)]
    perturb_sound.check(["mp3-64k", "reverb"], sounds)
    perturb_sound.check(["jpeg-q50"], pictures)
    perturb_sound.check([], [*sounds, *pictures])
    with pytest.raises(UsageError, match=r"jpeg-q50 cannot be done to recordings, and 1 of 2 items are such \(voice"):
        perturb_sound.check(["jpeg-q50"], [*sounds, *pictures])
    with pytest.raises(UsageError, match="reverb can be done to recordings only, and 1 of 2 items are none"):
        perturb_sound.check(["reverb"], [*sounds, *pictures])
    with pytest.raises(UsageError, match="a recording knows no perturbation jpeg-q50; there are: mp3-128k"):
        perturb_sound.write("jpeg-q50", recording, tmp_path / "copy")


def test_a_broken_recording_has_no_copy(tmp_path: Path) -> None:
    (tmp_path / "a.flac").write_bytes(b"fLaC and no more")
    with pytest.raises(MediaError, match="no sound of the file can be decoded"):
        perturb_sound.write("mp3-64k", tmp_path / "a.flac", tmp_path / "copy")
