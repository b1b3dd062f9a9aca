"""The tutorial: every cell runs, offline and in one temporary folder, and shows what its words say."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, Final

import nbformat
import pytest
from nbclient import NotebookClient

pytestmark = pytest.mark.timeout(1200)  # half a minute of computing, of which a busy machine makes many

NOTEBOOK: Final = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"

_SEEN: Final = """
import json
from copy import deepcopy

def ends(one):
    return [one.value, one.low, one.high]

print(json.dumps({
    "work": str(WORK),
    "statuses": [report.status for report in reports],
    "verdicts": [report.verdict.label for report in reports],
    "sure": sure.label,
    "refused": [refused.status, refused.verdict],
    "alarm": alarm.alarm,
    "sound": sound.passed,
    "epochs": len(epochs),
    "auc": [ends(one.values["AUC"]) for one in both.measured],
    "page": (WORK / "compare.html").stat().st_size,
    "known": ends(known),
    "left out": ends(left_out),
    "heat map": [float(half.mean()) for half in np.hsplit(found, 2)],
    "cloth": verdict.label,
}))
"""


@pytest.fixture(scope="module")
def notebook() -> Any:
    return nbformat.read(NOTEBOOK, as_version=4)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tutorial")


@pytest.fixture(scope="module")
def executed(notebook: Any, folder: Path) -> Any:
    """The notebook with its outputs, and one more cell that tells what it found."""
    book = deepcopy(notebook)
    book.cells.append(nbformat.v4.new_code_cell(_SEEN))
    for name in ("here", "temporary", "home"):
        (folder / name).mkdir()
    places = {"TMPDIR": "temporary", "HOME": "home", "IPYTHONDIR": "home", "MPLCONFIGDIR": "home"}
    places |= {"JUPYTER_CONFIG_DIR": "home", "JUPYTER_DATA_DIR": "home", "JUPYTER_RUNTIME_DIR": "home"}
    with pytest.MonkeyPatch.context() as patch:
        for name, place in places.items():
            patch.setenv(name, str(folder / place))
        patch.setenv("HF_HUB_OFFLINE", "1")
        client = NotebookClient(book, timeout=None, resources={"metadata": {"path": str(folder / "here")}})
        client.execute()
    return book


@pytest.fixture(scope="module")
def seen(executed: Any) -> dict[str, Any]:
    (output,) = executed.cells[-1].outputs
    found: dict[str, Any] = json.loads(output.text)
    return found


def test_what_is_committed_holds_no_outputs(notebook: Any) -> None:
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > 20
    assert all(not cell.outputs and cell.execution_count is None for cell in code)


def test_no_cell_warns(executed: Any) -> None:
    outputs = [output for cell in executed.cells for output in cell.get("outputs", ())]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    assert sum("image/png" in output.get("data", ()) for output in outputs) >= 5


def test_everything_is_written_into_one_temporary_folder(seen: dict[str, Any], folder: Path) -> None:
    assert list((folder / "here").iterdir()) == []
    assert Path(seen["work"]).parent == folder / "temporary"


def test_scanning(seen: dict[str, Any]) -> None:
    assert seen["statuses"] == ["ok", "ok"]
    assert seen["verdicts"] == ["real", "uncertain"], "the words call the altered copy uncertain: rewrite them"
    assert seen["sure"] == "fake", "the words say that the detector of seams alone is sure: rewrite them"
    assert seen["refused"] == ["unsupported", None]


def test_the_trap_raises_the_alarm_and_is_mended(seen: dict[str, Any]) -> None:
    assert seen["alarm"] == "raised"
    assert seen["sound"]


def test_training_learns_and_scaling_wipes_the_traces_away(seen: dict[str, Any]) -> None:
    assert seen["epochs"] == 5
    (native, low, _), (_, _, half_high) = seen["auc"]
    assert native > 0.85
    assert low > half_high
    assert seen["page"] > 10_000


def test_a_generator_that_was_left_out_is_found_less(seen: dict[str, Any]) -> None:
    (_, low, _), (_, _, high) = seen["known"], seen["left out"]
    assert low > high


def test_the_heat_map_shows_where_and_the_limits_are_real(seen: dict[str, Any]) -> None:
    untouched, striped = seen["heat map"]
    assert striped > untouched + 0.5
    assert seen["cloth"] == "fake", "the words say that cloth is taken for a fake: rewrite them"
