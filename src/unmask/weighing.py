"""What members count among several: what was asked for, checked, and how it is told.

Learned or equal weights come from `joining`; here are those that somebody chose, for what the calibration set cannot
say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from unmask.errors import UsageError
from unmask.joining import Contest, Joint


def weights(given: Mapping[str, float] | None, names: Sequence[str]) -> list[float]:
    """The weights that were given, in the members' order, adding up to 1; who is not named weighs 1. Empty without any.

    Raises:
        UsageError: One is of no member, negative or no number, or none is above 0.
    """
    if not given:
        return []
    _of_members(given, names, "weights")
    found = [float(given.get(name, 1.0)) for name in names]
    if not all(math.isfinite(weight) and weight >= 0 for weight in found) or not sum(found):
        raise UsageError("the weights of members must be numbers from 0 on, and one of them above it")
    return [weight / sum(found) for weight in found]


def leasts(given: Mapping[str, float] | None, names: Sequence[str]) -> tuple[float | None, ...]:
    """The least that each counts, in the members' order, None for those not named; empty where none were given.

    Raises:
        UsageError: One is of no member, or not finite.
    """
    if not given:
        return ()
    _of_members(given, names, "leasts")
    if not all(math.isfinite(one) for one in given.values()):
        raise UsageError("the least that a member counts must be a finite number; leave it out where all counts")
    return tuple(given.get(name) for name in names)


def typed(weigh: Mapping[str, float] | None, least: Mapping[str, float] | None) -> list[str]:
    """The options that say the same on the command line."""
    given = [("--weigh", weigh), ("--least", least)]
    return [word for option, of in given for name, one in (of or {}).items() for word in (option, f"{name}={one:g}")]


def sentence(
    names: Sequence[str],
    contest: Contest | None,
    joint: Joint,
    chosen: Sequence[float],
    least: Sequence[float | None] = (),
) -> str:
    """How the weights came about, and who counts a least.

    Args:
        names: Of the members.
        contest: Learned weights against equal ones; None where the files were too few.
        joint: How they decide together.
        chosen: The weights that were given; none where none were.
        least: As `leasts` gives them.
    """
    limited = ", ".join(f"{name} {one:g}" for name, one in zip(names, least, strict=False) if one is not None)
    end = f"; counted at least, in standard deviations above the mean of real photos: {limited}" if limited else ""
    return _weights(names, contest, joint, chosen) + end


def _weights(names: Sequence[str], contest: Contest | None, joint: Joint, chosen: Sequence[float]) -> str:
    shares = ", ".join(f"{name} {weight:.2f}" for name, weight in zip(names, joint.weights, strict=True))
    if chosen:
        return f"weights were chosen before ({shares}), for generators that the calibration set does not hold"
    if contest is None:
        return "all weigh the same, and all was fitted on all files: they are too few to set any aside"
    found = f"{contest.saved.value:+.4f} ({contest.saved.low:+.4f} to {contest.saved.high:+.4f})"
    measured = f"out of fold, learned weights save {found} of the log loss"
    if not contest.learned_win:
        return f"all weigh the same: {measured}, which is no clear gain"
    return f"weights were learned ({shares}): {measured}"


def _of_members(given: Mapping[str, float], names: Sequence[str], what: str) -> None:
    strangers = [name for name in given if name not in names]
    if strangers:
        raise UsageError(f"{what} for {', '.join(strangers)}, but the members are {', '.join(names)}")
