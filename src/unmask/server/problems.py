"""Errors as problem details (RFC 9457): what happened, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from pydantic import Field
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Route

from unmask.types import Value
from unmask.wording import visible

MEDIA_TYPE: Final = "application/problem+json"


class Problem(Value):
    """What a refused request gets.

    Attributes:
        type: Names the kind of problem, for programs.
        title: The same in words.
        status: Of HTTP.
        detail: What happened this time.
        todo: What to do about it.
        errors: Of a request that is not of the form that the API describes, what is wrong with it, part by part.
    """

    type: str
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    todo: str
    errors: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of problem: its status, its title, and what to do unless the place where it happens knows better."""

    status: int
    title: str
    todo: str


KINDS: Final[Mapping[str, Kind]] = {
    "bad-request": Kind(400, "The request cannot be read", "Compare it with the description of the API under /api."),
    "bad-body": Kind(400, "The body cannot be read", "Send multipart/form-data with at least one part called file."),
    "no-key": Kind(401, "A key is needed", "Send one as Authorization: Bearer KEY; `unmask keys add NAME` makes it."),
    "bad-key": Kind(401, "The key is not valid", "Check it for typing errors; if it was revoked, ask for a new one."),
    "not-allowed": Kind(403, "The key may not do this", "Use a key with the scope that is named."),
    "foreign-page": Kind(403, "The request comes from another site", "Open the page of this server and use its form."),
    "not-found": Kind(404, "There is no such thing here", "Check the id; what was deleted is gone for good."),
    "gone": Kind(404, "The file is no longer kept", "The report is; upload the file again if you need its picture."),
    "no-method": Kind(
        405, "This address does not do that", "Compare method and address with the description under /api."
    ),
    "too-slow": Kind(408, "The body came too slowly", "Try again over a faster line."),
    "under-way": Kind(409, "A request with this Idempotency-Key is under way", "Wait a moment and send it again."),
    "finished": Kind(409, "The job has ended", "Look at its state; a finished job cannot be cancelled."),
    "too-large": Kind(413, "The file is too large", "Send large files to POST /v1/jobs, or cut out what matters."),
    "too-many": Kind(413, "Too many files", "Deal them over several jobs."),
    "no-form": Kind(415, "The body is no form", "Send multipart/form-data with at least one part called file."),
    "wrong-host": Kind(421, "This server is not called that", "Open it by the address that `unmask serve` printed."),
    "not-valid": Kind(422, "The request is not of the form that is described", "See `errors`, and /api."),
    "other-request": Kind(
        422, "This Idempotency-Key was used for something else", "Use a fresh key for a new request."
    ),
    "too-often": Kind(429, "Too many requests", "Wait for as many seconds as Retry-After says."),
    "quota": Kind(429, "The quota of this key is used up", "Wait for as many seconds as Retry-After says."),
    "failed": Kind(500, "The server failed", "Try again; if it happens again, its log says more."),
    "busy": Kind(503, "The server is busy", "Try again after as many seconds as Retry-After says."),
    "no-judge": Kind(503, "Files cannot be judged now", "Try again soon; `/readyz` says when it can."),
    "no-room": Kind(
        507, "The disk is full", "Make room on the disk of the server, or let media be kept for fewer days."
    ),
}
"""By the last part of their type."""


class Refusal(Exception):
    """A request is refused; the API answers with problem details.

    Args:
        kind: One of `KINDS`.
        detail: What happened this time.
        todo: What to do about it; what the kind says when None.
        retry_s: After how many seconds to try again.
        errors: What is wrong, part by part.
    """

    def __init__(
        self,
        kind: str,
        detail: str,
        todo: str | None = None,
        *,
        retry_s: float | None = None,
        errors: tuple[str, ...] | None = None,
    ) -> None:
        super().__init__(detail)
        known = KINDS[kind]
        self.problem = Problem(
            type=f"urn:unmask:problem:{kind}",
            title=known.title,
            status=known.status,
            detail=visible(detail),
            todo=todo or known.todo,
            errors=errors,
        )
        self.headers: dict[str, str] = {}
        if retry_s is not None:
            self.headers["Retry-After"] = str(max(1, round(retry_s)))
        if known.status == 401:
            self.headers["WWW-Authenticate"] = 'Bearer realm="unmask"'

    def response(self) -> JSONResponse:
        """The answer."""
        content = self.problem.model_dump(mode="json", exclude_none=True)
        return JSONResponse(content, self.problem.status, self.headers, MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """What a route says in the API's description of the problems it may answer with."""
    found: dict[int | str, dict[str, Any]] = {}
    for status in (400, 401, 403, 421, 422, 429, 500, 503, *statuses):
        titles = [kind.title for kind in KINDS.values() if kind.status == status]
        schema = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
        found[status] = {"description": "; ".join(titles), "content": schema}
    return found


def _methods(routes: Sequence[BaseRoute], request: Request) -> set[str]:
    """What an address does do; a route of its own for each method would name only itself."""
    matching = (one for one in routes if isinstance(one, Route) and one.matches(request.scope)[0] != Match.NONE)
    return {method for route in matching for method in route.methods or ()}


def add_to(app: FastAPI, routes: Sequence[BaseRoute], as_page: Callable[[Request, Refusal], Response | None]) -> None:
    """Let the app answer with problem details, whatever goes wrong.

    Args:
        app: The app.
        routes: All of its routes.
        as_page: Gives the same as a page for people; None where a program asks.
    """

    def answer(request: Request, refusal: Refusal) -> Response:
        return as_page(request, refusal) or refusal.response()

    @app.exception_handler(Refusal)
    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        return answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def not_valid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        wrong = tuple(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()[:20])
        return answer(request, Refusal("not-valid", "some of its parts are not what they should be", errors=wrong))

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        kind = {404: "not-found", 405: "no-method"}.get(error.status_code, "bad-request")
        said = answer(request, Refusal(kind, str(error.detail)))
        said.headers.update(error.headers or {})
        if error.status_code == 405:
            said.headers["Allow"] = ", ".join(sorted(_methods(routes, request)))
        return said

    @app.exception_handler(Exception)
    async def failed(request: Request, error: Exception) -> Response:
        return answer(request, Refusal("failed", type(error).__name__))
