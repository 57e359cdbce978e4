"""Probes, and who answers here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from workflow_engine.compiler import LANGUAGE_VERSION
from workflow_engine.server.answers import answer
from workflow_engine.server.metrics import CONTENT_TYPE, Metrics
from workflow_engine.server.openapi import TEXT, error, members
from workflow_engine.server.work import Workers

_FOREIGN: dict[str, Any] = error(403)
_TOKEN: dict[str, Any] = error(401)
_STATE: dict[str, Any] = {
    "description": "Whether it takes work.",
    "content": {"application/json": {"schema": members(status=TEXT), "example": {"status": "ready"}}},
}


def router(version: str, unsafe: Sequence[str], workers: Workers, metrics: Metrics) -> APIRouter:
    """Return the routes of a server of this distribution's ``version``, with the switches that are ``unsafe``."""
    routes = APIRouter(tags=["The server"])
    identity = str(uuid4())

    @routes.get("/healthz", responses={403: _FOREIGN})
    async def healthz() -> dict[str, str]:
        """Alive."""
        return {"status": "healthy"}

    @routes.get("/readiness", responses={200: _STATE, 403: _FOREIGN, 503: _STATE})
    async def readiness() -> Response:
        """Ready to take work; a full server is, one that starts or stops is not."""
        return answer({"status": workers.state}, status=200 if workers.state == "ready" else 503)

    @routes.get("/info", responses={403: _FOREIGN})
    async def info() -> dict[str, Any]:
        """Who answers; clients of the ecosystem look for the first three members.

        ``unsafe`` says what is switched on that is fit for trusted callers only.
        """
        told = {"name": "segflow", "version": version, "uuid": identity, "language_version": LANGUAGE_VERSION}
        return {**told, "unsafe": list(unsafe)}

    for path, probe in (("/healthz", healthz), ("/readiness", readiness), ("/info", info)):
        routes.add_api_route(path, probe, methods=["HEAD"], include_in_schema=False)  # as some monitors ask

    @routes.get("/metrics", response_class=PlainTextResponse, responses={401: _TOKEN, 403: _FOREIGN})
    async def figures() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    return routes
