"""Who is calling, and what they may do: a key in the header, a session's cookie, or anybody at this machine."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request
from fastapi.security import HTTPBearer
from starlette.concurrency import run_in_threadpool

from unmask.server import keys
from unmask.server.database import Database
from unmask.server.keys import Key
from unmask.server.problems import Refusal

COOKIE: Final = "unmask_session"
LOCAL: Final = "local"
"""Owns what is scanned without a key, by those who sit at this machine."""


@dataclass(frozen=True)
class Caller:
    """Who is calling.

    Attributes:
        owner: Whose reports and jobs they see and make.
        name: For the audit log.
        scopes: What they may do.
        address: Where the call comes from, or None.
        key: The key; None for those who sit at this machine.
    """

    owner: str
    name: str
    scopes: frozenset[str]
    address: str | None = None
    key: Key | None = None

    @property
    def sees(self) -> str | None:
        """Whose reports and jobs; None for everybody's."""
        return None if "all" in self.scopes else self.owner


THE_SERVER: Final = Caller("server", "the server itself", frozenset(keys.SCOPES))

bearer: Final = HTTPBearer(auto_error=False, description="A key that `unmask keys add` has made.")


def caller_of(request: Request, database: Database, needs_key: bool) -> Caller:
    """Who is calling.

    Raises:
        Refusal: Nobody we know.
    """
    address = request.client.host if request.client else None
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    token = request.cookies.get(COOKIE)
    if scheme:
        if scheme.lower() != "bearer":
            raise Refusal("bad-key", "the Authorization header holds no bearer key")
        with database.reading() as connection:
            key = keys.check(connection, sent.strip())
        if key is None:
            raise Refusal("bad-key", "no valid key is like this one")
        return _of(key, address)
    if token:
        with database.reading() as connection:
            key = keys.of_session(connection, token, database.clock())
        if key is not None:
            return _of(key, address)
    if needs_key:
        raise Refusal("no-key", "this server answers only those who have a key")
    return Caller(LOCAL, "this machine", frozenset(keys.SCOPES), address)


def allowed(scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency of routes: the caller, if they may do what the scope names and have not asked too often."""

    async def check(request: Request) -> Caller:
        service = request.app.state.service
        known = service.database, service.settings.needs_keys
        if "authorization" in request.headers or COOKIE in request.cookies:
            caller = await run_in_threadpool(caller_of, request, *known)
        else:
            caller = caller_of(request, *known)  # asks no database
        if scope not in caller.scopes:
            raise Refusal(
                "not-allowed", f'this key has no scope "{scope}"', f"Use a key that may {keys.SCOPES[scope]}."
            )
        if caller.key is not None:
            service.rates.count(caller.key)
        return caller

    return check


def _of(key: Key, address: str | None) -> Caller:
    return Caller(key.id, key.name, key.scopes, address, key)
