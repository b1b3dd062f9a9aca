"""Offline deepfake detection: a calibrated verdict with its evidence, and an honest answer when it cannot know.

`unmask.scan(path)` judges one photo, `unmask.Scanner` many; both answer with a `Report`.
"""

from unmask.errors import UnmaskError

# Bound here and not on first use: importing the module unmask.scan later would put the module in the function's place.
# It stays light, for it loads Pillow and onnxruntime only with the first Scanner.
from unmask.scan import Scanner, scan
from unmask.types import Evidence, Label, Report, Status, Verdict

__all__ = [
    "Evidence",
    "Label",
    "Report",
    "Scanner",
    "Status",
    "UnmaskError",
    "Verdict",
    "__version__",
    "scan",
]


def __getattr__(name: str) -> str:
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import version

    return version("unmask")
