"""Write the numbers of the published MobileFaceNet graph as safetensors with the key names of our own network.

    python scripts/mobilefacenet_weights.py mobilefacenet.onnx weights/mobilefacenet.safetensors

The graph (Apache-2.0) holds nothing but convolutions, in the order of ours; shapes, strides and groups are checked,
and then what both compute, on noise and on the portrait that ships for the demonstration.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from unmask import demo
from unmask.runtime import Session
from unmask.train.networks.mobilefacenet import MobileFaceNet

TOLERANCE = 1e-4


def main(graph: Path, out: Path) -> None:
    """Convert, or stop with a sentence."""
    network = MobileFaceNet().eval()
    fill(network, onnx.load(graph).graph)
    pictures = {"noise": noise(), "a picture": portrait()}
    for name, batch in pictures.items():
        difference = compare(network, graph, batch)
        print(f"largest difference to the graph on {name}: {difference:.2g}")
        if not difference < TOLERANCE:
            sys.exit(f"our network does not compute what {graph} computes")
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, out)
    print(f"{out}: {len(network.state_dict())} tensors")


def fill(network: nn.Module, graph: onnx.GraphProto) -> None:
    """Copy the graph's convolutions into the network's, in order."""
    stored = {tensor.name: torch.from_numpy(numpy_helper.to_array(tensor).copy()) for tensor in graph.initializer}
    theirs = [node for node in graph.node if node.op_type == "Conv"]
    ours = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    if len(ours) != len(theirs):
        sys.exit(f"the graph has {len(theirs)} convolutions, our network {len(ours)}")
    for layer, node in zip(ours, theirs, strict=True):
        weight, bias = (stored[name] for name in node.input[1:])
        options = {option.name: onnx.helper.get_attribute_value(option) for option in node.attribute}
        same = layer.weight.shape == weight.shape and layer.groups == options["group"]
        if not same or [*layer.stride] != options["strides"] or [*layer.padding] != options["pads"][:2]:
            sys.exit(f"the graph's {node.name} is not our {layer}")
        layer.load_state_dict({"weight": weight, "bias": bias})


def compare(network: MobileFaceNet, graph: Path, batch: Tensor) -> float:
    """The largest difference in any number of the embeddings of (N, 3, 112, 112)."""
    with torch.inference_mode():
        ours = network(batch)[-1].flatten(1).numpy()
    session = Session(graph)
    theirs = [next(iter(session.run(one[None].numpy()).values())) for one in batch]  # the graph takes one at a time
    return float(np.abs(ours - np.concatenate(theirs)).max())


def noise() -> Tensor:
    """Eight pictures of random numbers, already normalised."""
    return torch.randn((8, 3, 112, 112), generator=torch.Generator().manual_seed(0))


def portrait() -> Tensor:
    """The portrait of the demonstration, whole, normalised."""
    with Image.open(demo.portrait_path()) as picture:
        pixels = np.asarray(picture.convert("RGB").resize((112, 112)), np.float32) / 255
    normal = (pixels - np.array(MobileFaceNet.mean, np.float32)) / np.array(MobileFaceNet.std, np.float32)
    return torch.from_numpy(normal).permute(2, 0, 1)[None]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
