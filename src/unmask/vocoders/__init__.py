"""Fakes made of real recordings: taken apart and synthesised anew, the words, the length and the loudness kept.

Training on speech that was resynthesised by vocoders makes detectors of synthetic speech nearly as good as training on
collected fakes, and better beside them: Wang and Yamagishi, Spoofed training data for speech spoofing countermeasure
can be efficiently created using neural vocoders, 2023. Each is one file; what all go through last is `finishing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from unmask.errors import UsageError
from unmask.vocoders.finishing import Vocoder, finished
from unmask.vocoders.griffin_lim import griffin_lim, griffin_lim_mel
from unmask.vocoders.harmonic import harmonic
from unmask.vocoders.lpc import lpc, lpc_coded
from unmask.vocoders.minimum_phase import minimum_phase
from unmask.vocoders.phases import phase_noise
from unmask.vocoders.units import units
from unmask.vocoders.upsampling import upsampled
from unmask.vocoders.world import library, world, world_converted

__all__ = ["VOCODERS", "Vocoder", "check"]

VOCODERS: Final[Mapping[str, Vocoder]] = MappingProxyType(
    {
        "griffin-lim": finished(griffin_lim),
        "griffin-lim-mel": finished(griffin_lim_mel),
        "harmonic": finished(harmonic),
        "lpc": finished(lpc),
        "lpc-coded": finished(lpc_coded),
        "minimum-phase": finished(minimum_phase),
        "phase-noise": finished(phase_noise),
        "units": finished(units),
        "upsampled": finished(upsampled),
        "world": finished(world),
        "world-converted": finished(world_converted),
    }
)
"""Every way to make a fake of a real recording, by name; see `Vocoder` for what each takes and gives.

All but the two of WORLD need nothing beside the base install.
"""

_WITH_WORLD: Final = ("world", "world-converted")


def check(names: Iterable[str]) -> None:
    """Refuse what could not work, before the work.

    Raises:
        UsageError: There is no vocoder of a name.
        MissingExtraError: One needs more than is installed.
    """
    names = tuple(names)
    unknown = [name for name in names if name not in VOCODERS]
    if unknown:
        raise UsageError(f"there is no vocoder {', '.join(unknown)}; there are: {', '.join(VOCODERS)}")
    if any(name in _WITH_WORLD for name in names):
        library()
