"""Sentences read out: by the programs themselves where they are installed, and by stand-ins for what may go wrong."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from unmask.errors import UnreadableError, UsageError
from unmask.vocoders import synthesisers
from unmask.vocoders.sentences import ENGLISH, OTHERS
from unmask.vocoders.synthesisers import SYNTHESISERS, installed, say


@pytest.mark.parametrize("name", SYNTHESISERS)
def test_it_speaks_the_same_way_twice_and_another_way_with_another_seed(name: str) -> None:
    if not installed(name):
        pytest.skip(f"{name} is not installed")
    first, again, other = (say(name, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first.samples.dtype == np.float32
    assert 4_000 < len(first.samples) < 60 * 16_000
    assert np.abs(first.samples).max() > 0.05
    np.testing.assert_array_equal(first.samples, again.samples)
    assert (first.voice, first.speaker, first.language) == (again.voice, again.speaker, again.language)
    assert first.samples.shape != other.samples.shape


def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = tmp_path / "espeak-ng"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setattr(shutil, "which", lambda name: str(program) if name == "espeak-ng" else None)


def test_it_reads_a_sentence_of_ours_in_a_voice_of_its_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, f'printf "%s\\n" "$*" >> {tmp_path}/asked; cat text >> {tmp_path}/read; exit 1')
    for seed in range(20):
        with pytest.raises(UnreadableError, match="espeak-ng failed"):
            say("espeak-ng", np.random.default_rng(seed))
    asked, read = ((tmp_path / name).read_text(encoding="utf-8").splitlines() for name in ("asked", "read"))
    languages = [words.split()[1].split("+")[0] for words in asked]
    assert len(set(languages)) > 5
    for language, sentence in zip(languages, read, strict=True):
        assert sentence in (ENGLISH if language.startswith("en") else OTHERS[language])


def test_what_says_nothing_or_never_ends_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "exit 0")
    with pytest.raises(UnreadableError, match="espeak-ng said nothing"):
        say("espeak-ng", np.random.default_rng(0))
    stand_in(tmp_path, monkeypatch, "exec sleep 30")
    monkeypatch.setattr(synthesisers, "_TIMEOUT_S", 0.2)
    with pytest.raises(UnreadableError, match="espeak-ng failed"):
        say("espeak-ng", np.random.default_rng(0))


def test_festival_without_a_voice_of_ours_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: str(tmp_path / name))
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: subprocess.CompletedProcess(command, 0, b"(don_diphone)")
    )
    synthesisers._festival_voices.cache_clear()
    try:
        with pytest.raises(UsageError, match="festival has none of the voices kal_diphone"):
            say("festival", np.random.default_rng(0))
    finally:
        synthesisers._festival_voices.cache_clear()


def test_what_is_absent_or_unknown_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert not any(installed(name) for name in SYNTHESISERS)
    with pytest.raises(UsageError, match="flite is not installed"):
        say("flite", np.random.default_rng(0))
    with pytest.raises(UsageError, match="no synthesiser siri; there are: espeak-ng, flite, festival"):
        say("siri", np.random.default_rng(0))


def test_there_are_sixty_sentences_and_none_twice() -> None:
    every = [*ENGLISH, *(sentence for some in OTHERS.values() for sentence in some)]
    assert len(every) == len(set(every)) >= 60
