"""What attack.json says: accuracy before and after attacks, by method and strength."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import numpy as np

from unmask.comparison.lines import Line
from unmask.comparison.runs import Run, number
from unmask.metrics import Interval

_CLEAN: Final = "none"


def strengths(lines: Sequence[Line]) -> dict[str, dict[str, dict[int, Interval]]]:
    """Method to strength, rising from 0 for the clean pictures, to number of the line to accuracy.

    Means over seeds, of the intervals' ends too; only strengths that every seed of a line was attacked with.
    """
    found: dict[str, dict[float, dict[int, Interval]]] = {}
    for line in lines:
        by_seed = [dict(_rows(run)) for run in line.runs]
        for method, strength in set.intersection(*(set(one) for one in by_seed)):
            ends = np.mean([one[method, strength] for one in by_seed], axis=0)
            found.setdefault(method, {}).setdefault(strength, {})[line.number] = Interval(*map(float, ends))
    clean = found.pop(_CLEAN, {})
    together = {method: _with_clean(clean, found[method]) for method in sorted(found)}
    return {method.upper(): {f"{at:g}": of[at] for at in sorted(of)} for method, of in together.items()}


def _with_clean(
    clean: Mapping[float, dict[int, Interval]], of: Mapping[float, dict[int, Interval]]
) -> dict[float, dict[int, Interval]]:
    """The clean pictures as strength 0, of the lines that were attacked with this method."""
    attacked = {line for values in of.values() for line in values}
    start = {line: value for values in clean.values() for line, value in values.items() if line in attacked}
    return {0.0: start, **of} if start else dict(of)


def _rows(run: Run) -> Iterator[tuple[tuple[str, float], Interval]]:
    listed = run.attack.get("attacks")
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, Mapping):
            strength, accuracy = number(one.get("strength")), _interval(one.get("accuracy"))
            if strength is not None and accuracy is not None:
                yield (str(one.get("method")), strength), accuracy


def _interval(said: Any) -> Interval | None:
    ends = [number(said.get(end)) for end in Interval._fields] if isinstance(said, Mapping) else []
    known = [end for end in ends if end is not None]
    return Interval(*known) if len(known) == len(Interval._fields) else None
