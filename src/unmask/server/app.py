"""The app: routes, guard, and the description of the API."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.types import ASGIApp, Message, Receive, Scope, Send

import unmask
from unmask.server import api_jobs, api_reports, api_state, api_uploads, pages, problems, rendering
from unmask.server.guard import Guard
from unmask.server.problems import Problem
from unmask.server.service import Service
from unmask.server.settings import Settings

_METHODS: Final = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")  # a label for any word would fill the memory
_ABOUT: Final = (
    "Is a photo, a video or a voice recording real or fake? Errors are problem details (RFC 9457), each with what to "
    "do about it. A file that cannot be judged is no error: its report has a status and says why."
)


def create_app(settings: Settings, service: Service | None = None) -> FastAPI:
    """The server as an ASGI app.

    Args:
        settings: How it is set up.
        service: What is behind it, where the caller opened that; it closes it, too.

    Raises:
        UsageError: Folder, database, queue or models cannot be used.
    """
    behind = service or Service.opened(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        if service is None:
            behind.close()

    app = FastAPI(
        title="unmask",
        version=unmask.__version__,
        description=_ABOUT,
        lifespan=lifespan,
        docs_url=None,  # the framework's pages load scripts from elsewhere; ours is under /api
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = behind
    routers = [part.router for part in (api_uploads, api_jobs, api_reports, api_state, pages, rendering)]
    problems.add_to(app, [route for router in routers for route in router.routes], pages.of_problem)
    for router in routers:
        app.include_router(router)
    app.openapi = lambda: _described(app)  # type: ignore[method-assign]
    app.add_middleware(_Counted, service=behind)
    app.add_middleware(Guard, names=settings.names)
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        described = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        schemas = described["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        app.openapi_schema = described
    return app.openapi_schema


class _Counted:
    """Counts requests by route and status."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app, self._meters = app, service.meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            route = getattr(scope.get("route"), "path", "none")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            self._meters.requests.labels(method, route, str(status)).inc()
            self._meters.seconds.labels(route).observe(time.perf_counter() - started)
