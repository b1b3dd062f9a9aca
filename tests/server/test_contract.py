"""The API keeps to its own description, whatever is sent: schemathesis finds no 5xx and no answer it does not name.

It asks a server that wants keys, so that it also finds routes that answer without one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

from tests.server.running import Served, served
from tests.server.test_keys_api import add, bearer
from unmask.server import keys
from unmask.server.app import create_app
from unmask.server.metrics import Meters
from unmask.server.service import Service
from unmask.server.settings import Settings

_EXAMPLES: Final = 25
_nothing = cast(Service, SimpleNamespace(meters=Meters()))
_schema = schemathesis.openapi.from_dict(create_app(Settings(), _nothing).openapi())
OPERATIONS: Final[list[Any]] = [cast(Any, found).ok() for found in _schema.get_all_operations()]
POSITIVE: Final = GenerationMode.POSITIVE


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    where = Settings(folder=tmp_path_factory.mktemp("contract"), port=0, free_bytes=0, require_keys=True)
    key = add(where, "schemathesis", *keys.SCOPES)
    with served(where) as found:
        found.http.headers.update(bearer(key))
        yield found


@pytest.fixture(scope="module")
def known(guarded: Served, uploads: Path) -> dict[str, str]:
    """Ids of things that are there, which chance would not find."""
    job: dict[str, Any] = guarded.until_job_ended(guarded.post("/v1/jobs", uploads / "portrait.jpg").json()["id"])
    return {"job_id": job["id"], "report_id": job["files"][0]["report"], "name": "thumbnail.jpg"}


@pytest.mark.parametrize("operation", OPERATIONS, ids=[operation.label for operation in OPERATIONS])
def test_answers_are_as_described(operation: Any, guarded: Served, known: dict[str, str]) -> None:
    options: dict[str, Any] = {
        "base_url": guarded.url.rstrip("/"),
        "headers": {"Authorization": guarded.http.headers["Authorization"]},
        "timeout": 30,
    }
    modes = list(GenerationMode) if operation.path_parameters or operation.query or operation.body else [POSITIVE]

    @settings(max_examples=_EXAMPLES, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(strategies.one_of([operation.as_strategy(generation_mode=mode) for mode in modes]))
    def check(case: schemathesis.Case[Any]) -> None:
        answer = case.call(**options)
        reused = "other-request" in answer.text  # one Idempotency-Key may come with different bodies
        case.validate_response(answer, excluded_checks=[positive_data_acceptance] if reused else [])
        if case.path_parameters and case.method != "DELETE":  # and the same of what is there
            case.path_parameters.update({name: known[name] for name in case.path_parameters})
            case.call_and_validate(**options, excluded_checks=[negative_data_rejection])  # the path is right now

    check()
