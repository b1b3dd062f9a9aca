"""Feature maps of any timm network, channels first, whatever the network itself calls a feature.

How timm 1.0 gives them, found by asking every family it registers:

- By number: all families answer `forward_intermediates`, which reshapes tokens to maps and turns channels to the
  front (Swin and its like keep them last inside). Networks registered by others may not; of these the last map can
  still be had, from `forward_features`.
- A transformer adds up what its blocks say and normalises the sum at the very end; that norm belongs to its last map
  and is applied to it. Earlier maps come as they are.
- By the names of layers: by tracing (`create_feature_extractor`), which gives raw outputs; tokens and channels that
  come last are turned here.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

import timm
import torch
from timm.models import create_feature_extractor
from timm.models._features import FeatureGetterNet
from torch import Tensor, nn

from unmask.errors import RecipeError

Triple = tuple[float, float, float]
_FAULTS = (RuntimeError, TypeError, ValueError, LookupError, AttributeError, AssertionError, OSError)


class Maps(NamedTuple):
    """A network that gives feature maps.

    Attributes:
        backbone: Float (N, 3, S, S), normalised, to a list of maps (N, C, h, w).
        channels: The C of each map.
        mean: Of the three colours, in units of 1 (not 255), as its published weights were trained.
        std: Likewise.
        network: The network inside `backbone`, whose parts have their own names; what no map needs may be cut off.
    """

    backbone: nn.Module
    channels: list[int]
    mean: Triple
    std: Triple
    network: nn.Module


def timm_maps(network_name: str, options: Mapping[str, Any], maps: Sequence[int] | Sequence[str]) -> Maps:
    """Build a timm network and take it as far as its last map that is read.

    Weights may be loaded into `Maps.network`, and its parts frozen, afterwards: the backbone is made of the very same
    layers. To put other layers in the place of some would not reach a traced network.

    Args:
        network_name: What timm calls it.
        options: Passed on to `timm.create_model`.
        maps: Which maps: all by timm's stage numbers (-1 is the last) or all by the names of layers.

    Raises:
        RecipeError: timm knows no such network, option, stage or layer, or the download failed.
    """
    try:
        network = timm.create_model(network_name, num_classes=0, **options)
        backbone, channels = _taken(network, maps, options)
    except _FAULTS as error:
        raise RecipeError(f'the backbone "{network_name}" cannot be built: {error}') from error
    config = cast("dict[str, Any]", network.pretrained_cfg)
    return Maps(backbone, channels, tuple(config["mean"]), tuple(config["std"]), network)


def _taken(
    network: nn.Module, maps: Sequence[int] | Sequence[str], options: Mapping[str, Any]
) -> tuple[nn.Module, list[int]]:
    numbers = [one for one in maps if isinstance(one, int)]
    if not numbers:
        layers = _Layers(network, [str(one) for one in maps])
        return layers, _widths(layers, network, options)
    if hasattr(network, "forward_intermediates"):
        ends_in_norm = numbers == [-1] and hasattr(network, "norm")
        stages = FeatureGetterNet(network, out_indices=tuple(numbers), norm=ends_in_norm, prune=True)
        return stages, stages.feature_info.channels()
    if numbers == [-1]:
        last = _Last(network)
        return last, _widths(last, network, options)
    raise ValueError("it only gives its last map by number: write maps = [-1], or the names of layers")


class _Layers(nn.Module):
    """Maps by the names of layers, for those between timm's stages."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self._turn = _Turn(network)
        with warnings.catch_warnings():
            # Dropout makes the trace for learning longer than that for scoring; a layer's name is good in both.
            warnings.filterwarnings("ignore", "NOTE: The nodes obtained by tracing")
            self.network = create_feature_extractor(network, list(names))

    def forward(self, pictures: Tensor) -> list[Tensor]:
        return [self._turn(one) for one in self.network(pictures).values()]


class _Last(nn.Module):
    """The last map of a network that knows no stages."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._turn = _Turn(network)
        self.network = network

    def forward(self, pictures: Tensor) -> list[Tensor]:
        network = cast("Any", self.network)
        return [self._turn(network.forward_features(pictures))]


class _Turn:
    """Brings what a layer gives to (N, C, h, w).

    Args:
        network: Says whether its channels come last, and how many of its tokens stand for no place.
    """

    def __init__(self, network: nn.Module) -> None:
        self._channels_last = getattr(network, "output_fmt", "NCHW") == "NHWC"
        self._no_places = int(getattr(network, "num_prefix_tokens", 0))

    def __call__(self, found: Tensor) -> Tensor:
        if found.ndim == 2:
            return found[:, :, None, None]
        if found.ndim == 3:
            tokens = found[:, self._no_places :]
            side = math.isqrt(tokens.shape[1])
            if side * side != tokens.shape[1]:
                raise ValueError(f"its {tokens.shape[1]} tokens make no square map")
            return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, side, side)
        # Not all layers inside such a network do as it says: what is square in its last two is a map already.
        turned = self._channels_last and found.shape[1] == found.shape[2]
        return found.permute(0, 3, 1, 2) if turned else found


@torch.no_grad()
def _widths(backbone: nn.Module, network: nn.Module, options: Mapping[str, Any]) -> list[int]:
    """The channels of each map, by trying one black picture of the size the network is made for."""
    config = cast("dict[str, Any]", network.pretrained_cfg)
    side = int(options.get("img_size", config["input_size"][-1]))
    was = backbone.training
    found = backbone.eval()(torch.zeros(1, 3, side, side))
    backbone.train(was)
    return [one.shape[1] for one in found]
