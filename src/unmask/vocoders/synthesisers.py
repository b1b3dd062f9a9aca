"""Voices that never had a throat: text read out by programs that Linux distributions carry, where they are installed.

- espeak-ng: formants by rule, or Klatt's synthesiser; many languages and voices.
- flite: small voices of clustered frames (CLUSTERGEN), or of joined diphones.
- festival: joined diphones, or a hidden Markov model (HTS).

None is a network; they widen what a detector has met beyond the neural voices of our time. What they read is public
domain. They are run without a shell, on text of ours alone, and are stopped when they take too long.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType
from typing import Final

import numpy as np

from unmask.errors import UnreadableError, UsageError
from unmask.modalities import audio
from unmask.types import Samples
from unmask.vocoders.sentences import ENGLISH, OTHERS

_TIMEOUT_S: Final = 60.0


@dataclass(frozen=True, eq=False)
class Saying:
    """What a synthesiser said.

    Attributes:
        samples: The sound, as it came: loud, and silent in the pauses.
        voice: Its name in the program.
        speaker: Whose voice it was made from, where several programs have it; so that they can be kept together.
        language: As espeak-ng calls it.
    """

    samples: Samples
    voice: str
    speaker: str
    language: str


@dataclass(frozen=True)
class _Order:
    """A command that leaves a sound in the file `out` of its folder, reading the file `text` there."""

    command: tuple[str, ...]
    voice: str
    speaker: str
    language: str
    sentence: str


_ENGLISH_ACCENTS: Final = ("en-gb", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029")
_ENGLISH_SHARE: Final = 0.5
_VARIANTS: Final = ("", *(f"m{number}" for number in range(1, 8)), *(f"f{number}" for number in range(1, 6)))
_KLATT: Final = ("klatt", "klatt2", "klatt3", "klatt4")
_FLITE: Final = ("awb", "kal16", "rms", "slt")
_FESTIVAL: Final[Mapping[str, str]] = MappingProxyType({"kal_diphone": "kal", "cmu_us_slt_arctic_hts": "slt"})


def _espeak(rng: np.random.Generator, program: str) -> _Order:
    english = rng.random() < _ENGLISH_SHARE
    language = str(rng.choice(_ENGLISH_ACCENTS if english else list(OTHERS)))
    variant = str(rng.choice(_KLATT if rng.random() < 0.25 else _VARIANTS))
    voice = f"{language}+{variant}" if variant else language
    numbers = ("-s", str(rng.integers(130, 231)), "-p", str(rng.integers(15, 86)), "-g", str(rng.integers(0, 4)))
    command = (program, "-v", voice, *numbers, "-w", "out.wav", "-f", "text")
    speaker = f"espeak-ng {variant or 'plain'}"
    return _Order(command, voice, speaker, language, _one(rng, ENGLISH if english else OTHERS[language]))


def _flite(rng: np.random.Generator, program: str) -> _Order:
    voice = str(rng.choice(_FLITE))
    slow, high = f"duration_stretch={rng.uniform(0.8, 1.3):.2f}", f"int_f0_target_mean={rng.uniform(85, 210):.0f}"
    command = (program, "-voice", voice, "--setf", slow, "--setf", high, "-f", "text", "-o", "out.wav")
    return _Order(command, voice, voice.removesuffix("16"), "en-us", _one(rng, ENGLISH))


def _festival(rng: np.random.Generator, program: str) -> _Order:
    voices = _festival_voices()
    if not voices:
        raise UsageError("festival has none of the voices " + ", ".join(_FESTIVAL))
    voice = str(rng.choice(voices))
    slow = f"(Parameter.set 'Duration_Stretch {rng.uniform(0.8, 1.3):.2f})"
    command = (program, "-eval", f"(voice_{voice})", "-eval", slow, "-o", "out.wav", "text")
    return _Order(command, voice, _FESTIVAL[voice], "en-us", _one(rng, ENGLISH))


@lru_cache(maxsize=1)
def _festival_voices() -> tuple[str, ...]:
    """Those of ours that are installed; it says nothing of one that is not, and makes no sound."""
    program = shutil.which("festival")
    if program is None:
        return ()
    try:
        done = subprocess.run(
            (program, "-b", "(print (voice.list))"), capture_output=True, timeout=_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired):
        return ()
    installed = done.stdout.decode(errors="replace").strip("() \n").split()
    return tuple(voice for voice in _FESTIVAL if voice in installed)


def _one(rng: np.random.Generator, sentences: tuple[str, ...]) -> str:
    return sentences[int(rng.integers(len(sentences)))]


_PROGRAMS: Final[Mapping[str, tuple[str, Callable[[np.random.Generator, str], _Order]]]] = MappingProxyType(
    {"espeak-ng": ("espeak-ng", _espeak), "flite": ("flite", _flite), "festival": ("text2wave", _festival)}
)
SYNTHESISERS: Final = tuple(_PROGRAMS)
"""Their names, whether installed or not."""


def installed(name: str) -> bool:
    """Whether a synthesiser can be run here."""
    return shutil.which(_PROGRAMS[name][0]) is not None


def say(name: str, rng: np.random.Generator) -> Saying:
    """Have a sentence read out, in a voice, at a speed and a pitch that are drawn.

    Args:
        name: One of `SYNTHESISERS`.
        rng: Source of all chance; the same state gives the same sound, from the same version of the program.

    Raises:
        UsageError: There is no such synthesiser, or it is not installed, or has none of the voices we know.
        UnreadableError: It failed, said nothing, or took too long.
    """
    if name not in _PROGRAMS:
        raise UsageError(f"there is no synthesiser {name}; there are: {', '.join(SYNTHESISERS)}")
    file, draw = _PROGRAMS[name]
    program = shutil.which(file)
    if program is None:
        raise UsageError(f"{name} is not installed")
    order = draw(rng, program)
    return Saying(_run(name, order), order.voice, order.speaker, order.language)


def _run(name: str, order: _Order) -> Samples:
    with TemporaryDirectory() as folder:
        Path(folder, "text").write_text(order.sentence + "\n", encoding="utf-8")
        try:
            subprocess.run(
                order.command,
                cwd=folder,
                check=True,
                timeout=_TIMEOUT_S,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise UnreadableError(f"{name} failed") from error
        heard = audio.sound(Path(folder, "out.wav"))
    if heard is None or not np.any(heard.samples):
        raise UnreadableError(f"{name} said nothing")
    return heard.samples
