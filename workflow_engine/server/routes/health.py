"""Probes, and who answers here."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from fastapi import APIRouter

from workflow_engine.compiler import LANGUAGE_VERSION


def router(version: str) -> APIRouter:
    """Return the routes of a server of this distribution's ``version``."""
    routes = APIRouter()
    identity = str(uuid4())

    @routes.get("/healthz")
    async def healthz() -> dict[str, str]:
        """Alive."""
        return {"status": "healthy"}

    @routes.get("/readiness")
    async def readiness() -> dict[str, str]:
        """Ready to take work: the blocks are known before the first request is read."""
        return {"status": "ready"}

    @routes.get("/info")
    async def info() -> dict[str, Any]:
        """Who answers; clients of the ecosystem look for the first three members."""
        return {"name": "segflow", "version": version, "uuid": identity, "language_version": LANGUAGE_VERSION}

    return routes
