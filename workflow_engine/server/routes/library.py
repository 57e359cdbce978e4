"""Saved workflows: listed, read, created, updated, deleted."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Path, Query, Request, Response

from workflow_engine.server.answers import written
from workflow_engine.server.openapi import (
    ASKED,
    OBJECT,
    SENT,
    VERDICT,
    VERSION,
    WORK,
    WORKFLOW,
    array,
    described,
    members,
)
from workflow_engine.server.requests import NAME, CreateRequest, SaveRequest
from workflow_engine.server.work import Job, Workers

_Name: TypeAlias = Annotated[str, Path(json_schema_extra=NAME)]
_SAVED = members(**VERSION, definition=OBJECT, **VERDICT)
_SHOWN = {
    "id": "count-parts",
    "version": 3,
    "saved_at": "2026-11-20T22:13:46.120000+00:00",
    "bytes": 512,
    "definition": WORKFLOW,
    "ok": True,
    "problems": [],
    "warnings": [],
}
_DISK = (*WORK, 507)


def router(workers: Workers) -> APIRouter:
    """Return the routes; their work is done by ``workers``."""
    routes = APIRouter(prefix="/api/workflows", tags=["Saved workflows"])

    async def listed(request: Request) -> Response:
        """The latest version of every saved workflow."""
        return written(await workers.run(Job(task="list_workflows"), request))

    async def create(request: Request) -> Response:
        """Save a workflow under a name that is free. One that does not run yet is saved as well, its problems told."""
        job = Job(task="create_workflow", body=await request.body())
        return written(await workers.run(job, request), status=201)

    async def shown(
        request: Request, workflow_id: _Name, version: Annotated[int | None, Query(ge=1, le=999_999_999)] = None
    ) -> Response:
        """One version of a workflow, by default the latest, and what is wrong with it."""
        job = Job(task="show_workflow", options={"id": workflow_id, "version": version})
        return written(await workers.run(job, request))

    async def versions(request: Request, workflow_id: _Name) -> Response:
        """Every version of a workflow, the latest first. Versions are kept until the workflow is deleted."""
        return written(await workers.run(Job(task="list_versions", options={"id": workflow_id}), request))

    async def save(request: Request, workflow_id: _Name) -> Response:
        """Save the next version of a workflow, which may be its first.

        With ``expected_version``, only if nobody saved another one since (409).
        """
        job = Job(task="save_workflow", body=await request.body(), options={"id": workflow_id})
        return written(await workers.run(job, request))

    async def delete(request: Request, workflow_id: _Name) -> Response:
        """Delete a workflow with all its versions."""
        await workers.run(Job(task="delete_workflow", options={"id": workflow_id}), request)
        return Response(status_code=204)

    found = (*ASKED, *_DISK, 404)
    kept = (*SENT, *_DISK, 400, 409)
    everything = described(answer=members(workflows=array(members(**VERSION))), errors=(*ASKED, *_DISK))
    creating = described(
        body=CreateRequest,
        example={"id": "count-parts", "definition": WORKFLOW},
        answer=_SAVED,
        shown=_SHOWN,
        errors=kept,
        status=201,
    )
    saving = described(
        body=SaveRequest,
        example={"definition": WORKFLOW, "expected_version": 2},
        answer=_SAVED,
        shown=_SHOWN,
        errors=kept,
    )
    one = described(answer=_SAVED, shown=_SHOWN, errors=found)
    several = described(answer=members(versions=array(members(**VERSION))), errors=found)
    routes.add_api_route("", listed, methods=["GET"], **everything)
    routes.add_api_route("", create, methods=["POST"], **creating)
    routes.add_api_route("/{workflow_id}", shown, methods=["GET"], **one)
    routes.add_api_route("/{workflow_id}", save, methods=["PUT"], **saving)
    routes.add_api_route("/{workflow_id}", delete, methods=["DELETE"], **described(errors=found, status=204))
    routes.add_api_route("/{workflow_id}/versions", versions, methods=["GET"], **several)
    return routes
