"""Connections that send nothing: uvicorn waits for them for ever, this closes them."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol


def within(head_s: float) -> type[H11Protocol]:
    """A protocol that gives a connection so many seconds for the head of its first request.

    After an answer, uvicorn's own limit for idle connections holds. Bodies have limits of their own (`uploads`).
    """

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._head_timer = self.loop.call_later(head_s, self._close_if_silent)

        def connection_lost(self, exc: Exception | None) -> None:
            self._head_timer.cancel()
            super().connection_lost(exc)

        def _close_if_silent(self) -> None:
            cycle: Any = self.cycle
            if cycle is None and not self.transport.is_closing():
                self.transport.close()

    return Protocol
