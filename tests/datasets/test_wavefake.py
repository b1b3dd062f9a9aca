"""WaveFake: fakes of two voices by folder, and the recordings beside them; a sentence is a group."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.datasets.tree import by_path, touch
from unmask.datasets import wavefake
from unmask.errors import ManifestError
from unmask.manifest import FAKE, REAL

TTS = "generated_audio/common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    touch(tmp_path / "LJSpeech-1.1", "wavs/LJ001-0001.wav", "metadata.csv")
    touch(
        tmp_path / "generated_audio",
        "ljspeech_melgan/LJ001-0001_gen.wav",
        "jsut_parallel_wavegan/BASIC5000_0001_gen.wav",
    )
    touch(tmp_path, f"{TTS}/gen_0.wav", "generated_audio/notes/a.wav")
    return tmp_path


def test_a_sentence_is_a_group_and_a_folder_is_a_generator(root: Path) -> None:
    touch(root, "jsut_ver1.1/basic5000/wav/BASIC5000_0001.wav")
    found = by_path(root, wavefake.items(root))
    facts = {path: (item.label, item.method, item.group, item.attributes["corpus"]) for path, item in found.items()}
    assert facts == {
        "LJSpeech-1.1/wavs/LJ001-0001.wav": (REAL, "real", "LJ001-0001", "ljspeech"),
        "jsut_ver1.1/basic5000/wav/BASIC5000_0001.wav": (REAL, "real", "BASIC5000_0001", "jsut"),
        f"{TTS}/gen_0.wav": (FAKE, "conformer_fastspeech2_pwg", "", "ljspeech"),
        "generated_audio/jsut_parallel_wavegan/BASIC5000_0001_gen.wav": (
            FAKE,
            "parallel_wavegan",
            "BASIC5000_0001",
            "jsut",
        ),
        "generated_audio/ljspeech_melgan/LJ001-0001_gen.wav": (FAKE, "melgan", "LJ001-0001", "ljspeech"),
    }


def test_fakes_of_a_voice_without_its_recordings_are_left_out(root: Path) -> None:
    assert {item.attributes["corpus"] for item in wavefake.items(root)} == {"ljspeech"}


def test_without_any_recordings_it_says_where_to_get_them(root: Path) -> None:
    (root / "LJSpeech-1.1").rename(root / "elsewhere")
    with pytest.raises(ManifestError, match=r"no real file was found.*LJ-Speech-Dataset"):
        list(wavefake.items(root))
