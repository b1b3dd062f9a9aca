"""What happens to recordings on their way through the world, as `perturb` does to pictures.

A copy is the recording as it is read, mono at 16 kHz, and then worse: so a copy differs from its original by the named
change, and by nothing that reading takes away anyhow. Chance is drawn from the bytes of the file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np

from unmask import sound_changes, sound_codecs
from unmask.errors import NothingToJudgeError, UsageError
from unmask.kinds import is_sound
from unmask.limits import DEFAULT_LIMITS
from unmask.manifest import Item
from unmask.modalities import audio
from unmask.sound_changes import Colour
from unmask.types import Samples

Change = Callable[[Samples, np.random.Generator], Samples]


@dataclass(frozen=True)
class Perturbation:
    """One way to change a recording.

    Attributes:
        family: Its kind; those of one family make a curve.
        strength: The number that the family varies: bits a second, decibels, a reverberation time in seconds, a rate in
            hertz, a factor, or bits.
        change: What it does to the samples before they are coded.
        codec: The coder of the copy, one of `sound_codecs.CODERS`, in the container that it is met in.
        bit_rate: Bits a second of the coder; its usual ones where None.
    """

    family: str
    strength: float
    change: Change = lambda samples, rng: samples
    codec: str = "flac"
    bit_rate: int | None = None


def check(names: Iterable[str], items: Sequence[Item]) -> None:
    """Refuse what recordings cannot go through, before the work and not in its midst.

    Raises:
        UsageError: Some items are recordings, and a name is not among `NAMES`; or some are not, and a name is.
    """
    wanted = list(names)
    heard = [item.path for item in items if is_sound(item.path, DEFAULT_LIMITS)] if wanted else []
    others = [name for name in wanted if name not in NAMES]
    if heard and others:
        what = f"{', '.join(others)} cannot be done to recordings, and {len(heard):,} of {len(items):,} items are "
        raise UsageError(f"{what}such ({heard[0].name}); recordings know {', '.join(NAMES)}")
    own = [name for name in wanted if name in NAMES]
    if own and len(heard) < len(items):
        what = f"{', '.join(own)} can be done to recordings only, and {len(items) - len(heard):,} of {len(items):,} "
        raise UsageError(f"{what}items are none")


def write(name: str, path: Path, stem: Path) -> Path:
    """Write a perturbed copy of a recording.

    Args:
        name: One of `NAMES`.
        path: The recording.
        stem: Where to; the suffix is added.

    Returns:
        The path of the copy. Its bytes are the same for the same file every time.

    Raises:
        UsageError: No such name, or this build of FFmpeg lacks the coder.
        MediaError: Nothing can be heard in the file.
    """
    if name not in PERTURBATIONS:
        raise UsageError(f"a recording knows no perturbation {name}; there are: {', '.join(NAMES)}")
    heard = audio.sound(path)
    if heard is None or not len(heard.samples):
        raise NothingToJudgeError("no sound of the file can be decoded")
    one = PERTURBATIONS[name]
    changed = one.change(heard.samples, _chance(path))
    copy = stem.with_name(stem.name + sound_codecs.CODERS[one.codec].suffix)
    copy.write_bytes(sound_codecs.encoded(changed, one.codec, one.bit_rate))
    return copy


def _chance(path: Path) -> np.random.Generator:
    with path.open("rb") as file:
        return np.random.default_rng(np.frombuffer(hashlib.file_digest(file, "sha256").digest(), np.uint32))


def _noisy(colour: Colour, snr_db: float) -> Change:
    return lambda samples, rng: sound_changes.noisy(samples, colour, snr_db, rng)


def _reverberated(rt60_s: float) -> Change:
    return lambda samples, rng: sound_changes.reverberated(samples, sound_changes.room(rt60_s, 3.0, rng))


def _low_passed(high_hz: float) -> Change:
    return lambda samples, rng: sound_changes.band_limited(samples, high_hz=high_hz)


def _at_speed(percent: int) -> Change:
    return lambda samples, rng: np.clip(sound_changes.resampled(samples, percent, 100), -1, 1)


def _coded(codec: str, *bit_rates: int) -> dict[str, Perturbation]:
    return {f"{codec}-{rate // 1000}k": Perturbation(codec, rate, codec=codec, bit_rate=rate) for rate in bit_rates}


PERTURBATIONS: Final[Mapping[str, Perturbation]] = MappingProxyType(
    {
        **_coded("mp3", 128_000, 64_000, 32_000),
        **_coded("aac", 96_000, 48_000, 24_000),
        **_coded("opus", 48_000, 24_000, 12_000),
        **_coded("amr", 12_200, 7_400, 4_750),
        **_coded("g722", 64_000),
        "telephone-8k": Perturbation(
            "telephone", 8000, lambda samples, rng: sound_changes.telephone(samples), codec="mu-law"
        ),
        **{f"noise-{snr}db": Perturbation("noise", snr, _noisy("white", snr)) for snr in (30, 20, 15, 10)},
        **{f"babble-{snr}db": Perturbation("babble", snr, _noisy("babble", snr)) for snr in (20, 10)},
        "reverb": Perturbation("reverb", 0.5, _reverberated(0.5)),
        "reverb-long": Perturbation("reverb", 0.9, _reverberated(0.9)),
        **{f"lowpass-{hz}hz": Perturbation("lowpass", hz, _low_passed(hz)) for hz in (6000, 4000)},
        **{
            f"speed-{percent / 100:g}": Perturbation("speed", percent / 100, _at_speed(percent))
            for percent in (90, 110)
        },
        "quiet-20db": Perturbation("quiet", 20, lambda samples, rng: sound_changes.louder(samples, -20)),
        "clip-10db": Perturbation("clip", 10, lambda samples, rng: sound_changes.clipped(samples, 10)),
        "bits-8": Perturbation("bits", 8, lambda samples, rng: sound_changes.requantised(samples, 8)),
    }
)
"""By name. Coders work at 16 kHz, AMR narrow band and the telephone's mu-law at 8 kHz; all else is saved without loss,
as FLAC of 16 bits. Noise has a mean power so many decibels below that of the whole recording. Rooms are drawn, the
direct sound 3 dB above the rest. A change of speed changes the length."""

NAMES: Final = tuple(PERTURBATIONS)
"""Those names of perturbations that recordings know."""
