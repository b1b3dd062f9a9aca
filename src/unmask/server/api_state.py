"""Routes about the server itself: models, health, metrics."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response, Security
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from unmask.server import metrics
from unmask.server.auth import Caller, allowed, bearer
from unmask.server.problems import documented
from unmask.server.service import service_of
from unmask.server.wire import Health, Models

router = APIRouter(tags=["server"])

_NOT_YET: Final[dict[int | str, dict[str, Any]]] = {503: {"model": Health, "description": "Not yet."}}
_METRICS: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/plain": {}}}}


@router.get(
    "/v1/models",
    response_model=Models,
    responses=documented(),
    dependencies=[Security(bearer)],
    summary="The detectors in use, with their cards",
)
def models(request: Request, _: Annotated[Caller, Depends(allowed("read"))]) -> Models:
    """A report belongs to the fingerprint: the same file is judged anew when that changes."""
    return service_of(request).models


@router.get("/healthz", response_model=Health, summary="Whether the server lives")
def healthy() -> Health:
    """Needs no key."""
    return Health(status="ok")


@router.get("/readyz", response_model=Health, responses=_NOT_YET, summary="Whether it can judge")
def ready(request: Request, response: Response) -> Health:
    """Needs no key."""
    service = service_of(request)
    waits_for = [] if service.judging.ready else [service.judging.unfit or "the models are being loaded"]
    try:
        with service.database.reading() as connection:
            connection.execute(text("SELECT 1"))
    except SQLAlchemyError:
        waits_for.append("the database cannot be reached")
    if waits_for:
        response.status_code = 503
        return Health(status="starting", waits_for=tuple(waits_for))
    return Health(status="ok")


@router.get(
    "/metrics",
    response_class=Response,
    responses=documented() | _METRICS,
    dependencies=[Security(bearer)],
    summary="Figures for Prometheus",
)
def figures(request: Request, _: Annotated[Caller, Depends(allowed("metrics"))]) -> Response:
    """In the text form of Prometheus."""
    service = service_of(request)
    return Response(service.meters.text(service.database, service.judging), media_type=metrics.MEDIA_TYPE)
