"""Templates to answers, and the files that pages need beside them: styles, scripts, all from this package."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader

import unmask
from unmask import heatmap, measured_map
from unmask.report import environment_of
from unmask.server.problems import Refusal

router = APIRouter(include_in_schema=False)

_OURS: Final = {
    "page.css": "text/css; charset=utf-8",
    "page.js": "text/javascript; charset=utf-8",
    "report.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_OF_REPORTS: Final = ("report.css", "video.css", "sound.css", "provenance.css")


def render(template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page."""
    return HTMLResponse(_environment().get_template(template).render(values), status)


@router.get("/static/{name}")
def static(request: Request, name: str) -> Response:
    """A file that pages need; nothing is looked up on the disk by what a request says."""
    found = _static().get(name)
    if found is None:
        raise Refusal("not-found", "there is no such file")
    content, kind, tag = found
    headers = {"Cache-Control": "no-cache", "ETag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, kind)


@cache
def _static() -> dict[str, tuple[bytes, str, str]]:
    here, reports = files("unmask.server") / "static", files("unmask") / "templates"
    found = {name: ((here / name).read_bytes(), kind) for name, kind in _OURS.items()}
    found |= {name: ((reports / name).read_bytes(), "text/css; charset=utf-8") for name in _OF_REPORTS}
    found["legend.png"] = (heatmap.legend(), "image/png")
    found["cells.png"] = (base64.b64decode(measured_map.legend().partition(",")[2]), "image/png")
    return {name: (data, kind, f'"{hashlib.sha256(data).hexdigest()[:20]}"') for name, (data, kind) in found.items()}


@cache
def _environment() -> Environment:
    environment = environment_of(PackageLoader("unmask.server"))
    environment.globals.update(
        legend="/static/legend.png", measured_legend="/static/cells.png", version=unmask.__version__
    )
    environment.filters.update(bytes=_bytes, day=lambda time: time.strftime("%d %b %Y, %H:%M UTC").lstrip("0"))
    return environment


def _bytes(count: int) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
        count = count / 1000  # type: ignore[assignment]
    return f"{count:.3g} GB"
