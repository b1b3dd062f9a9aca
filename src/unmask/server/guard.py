"""What every request passes before any route sees it: the name we were called by, where it comes from, and headers.

Plain ASGI: a body that streams past must not be gathered here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unmask.server.problems import Refusal

UPLOADS: Final = ("/v1/scan", "/v1/jobs", "/upload")
_SMALL_BYTES: Final = 100_000
_HEAR_BYTES: Final = 4_000_000
_HEAR_S: Final = 2.0
_SAFE: Final = ("GET", "HEAD", "OPTIONS")
_PAGE_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob:",
        "media-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": _PAGE_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with none at all, browsers hide the origin of our own forms
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "Cache-Control": "no-store",
}
"""On every answer, unless a route has its own."""


class Guard:
    """Refuses what comes by a foreign name or from a foreign page; adds headers to what goes out.

    Args:
        app: What is behind.
        names: By which we may be called, without port; any when empty.
    """

    def __init__(self, app: ASGIApp, names: Iterable[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let it pass, or answer in its place."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        size = 0

        async def measured() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            small = scope["path"] in UPLOADS or size <= _SMALL_BYTES
            return message if small else {"type": "http.disconnect"}  # nobody waits for the rest

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                if size > _SMALL_BYTES and scope["path"] not in UPLOADS:
                    headers["Connection"] = "close"
            await send(message)

        headers = Headers(scope=scope)
        try:
            _check_size(scope["path"], headers)
            self._check_name(headers)
            if scope["method"] not in _SAFE:
                check_origin(headers)
        except Refusal as refusal:
            if "Connection" in refusal.headers:
                await let_it_hear(receive)
            await refusal.response()(scope, receive, dressed)
            return
        await self._app(scope, measured, dressed)

    def _check_name(self, headers: Headers) -> None:
        """A page elsewhere can point its own name at this machine, and would then be of our origin."""
        if self._names and _without_port(headers.get("host", "")) not in self._names:
            raise Refusal("wrong-host", "the Host header holds a name that is not ours")


def check_origin(headers: Headers) -> None:
    """A page of another site can post to us without reading the answer; browsers say where a request comes from.

    Programs send neither header and pass. Keys in the Authorization header cannot be sent from other sites at all.

    Raises:
        Refusal: It comes from another site.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Refusal("foreign-page", f"the browser says that it comes from a page that is {site}")
        return
    if origin is not None and (urlsplit(origin).netloc or origin).lower() != headers.get("host", "").lower():
        raise Refusal("foreign-page", "its Origin header is not ours")


def _check_size(path: str, headers: Headers) -> None:
    """Bodies of forms and JSON are read whole, so they must be small; those of uploads are measured where they go."""
    announced = headers.get("content-length", "0")
    if path not in UPLOADS and announced.isdecimal() and int(announced) > _SMALL_BYTES:
        refusal = Refusal("too-large", f"a body may have {_SMALL_BYTES:,} bytes here", "Send less.")
        refusal.headers["Connection"] = "close"
        raise refusal


async def let_it_hear(receive: Receive) -> None:
    """Take in a little more of a refused body: hung up on at once, the sender would not read why."""
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_HEAR_S):
            while size < _HEAR_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return


def _without_port(host: str) -> str:
    host = host.strip().lower()
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]
