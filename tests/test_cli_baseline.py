from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from tests.test_baseline import Save, better, data, plain
from unmask import cli_baseline, manifest, metrics
from unmask.errors import RecipeError


@pytest.fixture(autouse=True)
def _few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    """Intervals as rough as tests need them."""
    monkeypatch.setattr(metrics, "bootstrap", partial(metrics.bootstrap, resamples=100))


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(pretty_exceptions_enable=False)
    cli_baseline.add_to(app)
    return app


@pytest.mark.parametrize(("save", "code"), [(plain, 0), (better, 1)], ids=["clean", "telling"])
def test_it_exits_with_1_where_the_alarm_is_raised(tmp_path: Path, app: typer.Typer, save: Save, code: int) -> None:
    manifest.write(tmp_path / "table.csv", data(tmp_path / "files", save, count=80))
    done = CliRunner().invoke(app, [str(tmp_path / "table.csv"), str(tmp_path / "run")])
    assert done.exit_code == code, done.output
    assert ("alarm raised: " in done.stdout) == bool(code)
    assert "val and test  all" in done.stdout
    assert (tmp_path / "run" / "metadata.json").is_file()


def test_the_recipe_of_a_network_is_refused(tmp_path: Path, app: typer.Typer) -> None:
    done = CliRunner().invoke(app, [str(tmp_path / "table.csv"), str(tmp_path / "run"), "--recipe", "face"])
    assert isinstance(done.exception, RecipeError)
    assert "not valid for the metadata baseline" in str(done.exception)
