"""Networks: those that timm does not have, built here, and a way to get feature maps of any network that it has.

A recipe names either in `[model] backbone`. Ours keep this contract (`stages.Stages`): `forward` takes float
(N, 3, S, S), or features of sounds (N, C, h, w), already normalised, and returns a list of feature maps (N, C, h, w),
shallowest first; `channels` holds the C of each; `mean` and `std` say how to normalise; the names of their parts can be
frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from unmask.train.networks.aasist import Aasist
from unmask.train.networks.cnn_gru import CnnGru
from unmask.train.networks.inception_resnet_v1 import InceptionResnetV1
from unmask.train.networks.lcnn import Lcnn
from unmask.train.networks.mobilefacenet import MobileFaceNet
from unmask.train.networks.plain_cnn import PlainCnn
from unmask.train.networks.stages import Stages

OF_PICTURES: Final[Mapping[str, Callable[..., Stages]]] = {
    "plain_cnn": PlainCnn,
    "inception_resnet_v1": InceptionResnetV1,
    "mobilefacenet": MobileFaceNet,
}

OF_SOUNDS: Final[Mapping[str, Callable[..., Stages]]] = {
    "lcnn": Lcnn,
    "aasist": Aasist,
    "cnn_gru": CnnGru,
}

OWN: Final[Mapping[str, Callable[..., Stages]]] = {**OF_PICTURES, **OF_SOUNDS}
"""The name that a recipe writes, to what builds it."""
