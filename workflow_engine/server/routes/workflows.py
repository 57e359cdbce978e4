"""Run and check workflows: the ecosystem's routes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from workflow_engine.compiler import LANGUAGE_VERSION
from workflow_engine.server.answers import answer, written
from workflow_engine.server.requests import RunRequest
from workflow_engine.server.work import Job, Workers


def router(workers: Workers) -> APIRouter:
    """Return the routes; their work is done by ``workers``."""
    routes = APIRouter()

    async def run(request: Request) -> Response:
        """Run an inline workflow once."""
        return written(await workers.run(Job(task="run", body=await request.body()), request))

    async def validate(request: Request) -> Response:
        """Check a workflow without running it."""
        return written(await workers.run(Job(task="validate", body=await request.body()), request))

    async def versions() -> Response:
        """The versions of the workflow language that this engine speaks."""
        return answer({"versions": [LANGUAGE_VERSION]})

    asked, document = _described(RunRequest.model_json_schema()), _described({"type": "object"})
    routes.add_api_route("/workflows/run", run, methods=["POST"], openapi_extra=asked)
    routes.add_api_route("/infer/workflows", run, methods=["POST"], openapi_extra=asked, deprecated=True)
    routes.add_api_route("/workflows/validate", validate, methods=["POST"], openapi_extra=document)
    routes.add_api_route("/workflows/execution_engine/versions", versions, methods=["GET"])
    return routes


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """How the OpenAPI page describes a body that the route reads by itself, off the event loop."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
