"""What all networks of our own have in common: a chain of named parts, some of which end in a feature map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from torch import Tensor, nn

from unmask.errors import UsageError


class Stages(nn.Module):
    """A chain of parts; whoever inherits says which, and how its pictures, or features of sounds, are normalised.

    Args:
        parts: The chain, by the names under which weights are stored and parts are frozen.
        maps: Which parts end in a feature map, and how many channels it has.

    Attributes:
        mean: Of the three colours, in units of 1 (not 255): what the network wants subtracted. Of features of sounds
            (`unmask.train.hearing`) one number for all channels.
        std: Likewise, what it wants divided by.
        least_px: The smallest picture it takes.
        only_px: The one size it takes, where it takes only one.
    """

    mean: ClassVar[tuple[float, ...]]
    std: ClassVar[tuple[float, ...]]
    least_px: ClassVar[int] = 1
    only_px: ClassVar[int | None] = None

    def __init__(self, parts: Mapping[str, nn.Module], maps: Mapping[str, int]) -> None:
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)
        self._maps = dict(maps)

    @property
    def channels(self) -> list[int]:
        """Of each map, in the order in which `forward` gives them."""
        return list(self._maps.values())

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Feature maps.

        Args:
            pictures: Float (N, 3, S, S), or features of sounds (N, C, h, w); normalised.

        Returns:
            Maps (N, C, h, w), shallowest first, or those kept in the order of `keep`.

        Raises:
            UsageError: The network cannot take pictures of that size.
        """
        self._check(pictures.shape[-1])
        found: dict[str, Tensor] = {}
        now = pictures
        for name, part in self.named_children():
            now = found[name] = part(now)
        return [found[name] for name in self._maps]

    def keep(self, maps: Sequence[int]) -> None:
        """Give only these maps from now on, and cut off what lies behind: it would only cost, and learn nothing.

        Args:
            maps: Numbers of maps, negative ones from the end.

        Raises:
            IndexError: There is no such map.
        """
        names = list(self._maps)
        kept = [names[number] for number in maps]
        parts = [name for name, _ in self.named_children()]
        for part in parts[max(parts.index(name) for name in kept) + 1 :]:
            delattr(self, part)
        self._maps = {name: self._maps[name] for name in kept}

    def _check(self, size_px: int) -> None:
        name = type(self).__name__
        if self.only_px is not None and size_px != self.only_px:
            raise UsageError(f"{name} takes pictures of {self.only_px} px, not {size_px}: set cut.size_px to that")
        if size_px < self.least_px:
            raise UsageError(f"{name} takes pictures from {self.least_px} px up, not {size_px}: set cut.size_px higher")
