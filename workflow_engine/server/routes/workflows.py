"""Run and check workflows, inline and saved: the ecosystem's routes."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.convertors import StringConvertor, register_url_convertor

from workflow_engine.compiler import LANGUAGE_VERSION
from workflow_engine.server.answers import answer, written
from workflow_engine.server.openapi import (
    OBJECT,
    PICTURE,
    PROBLEMS,
    SENT,
    TEXT,
    WORK,
    WORKFLOW,
    array,
    described,
    members,
)
from workflow_engine.server.requests import RunRequest, SavedRunRequest
from workflow_engine.server.work import Job, Workers

_OUTPUTS = members(outputs=array(OBJECT), profiler_trace=array(OBJECT))
_RESULT = {"outputs": [{"counts": {"bolt": 3, "nut": 4}}], "profiler_trace": []}
_ERRORS = (*SENT, *WORK, 400, 404)


class _Workspace(StringConvertor):
    """Any word but the one under which our own routes are."""

    regex = "(?!api/)[^/]+"


register_url_convertor("workspace", _Workspace())


def router(workers: Workers) -> APIRouter:
    """Return the routes; their work is done by ``workers``."""
    routes = APIRouter(tags=["Workflows"])

    async def run(request: Request) -> Response:
        """Run an inline workflow once."""
        return written(await workers.run(Job(task="run", body=await request.body()), request))

    async def run_saved(request: Request, workspace: str, workflow_id: str) -> Response:
        """Run a saved workflow once. The workspace may be any word: this server has one folder of workflows."""
        job = Job(task="run_saved", body=await request.body(), options={"id": workflow_id})
        return written(await workers.run(job, request))

    async def validate(request: Request) -> Response:
        """Check a workflow without running it."""
        return written(await workers.run(Job(task="validate", body=await request.body()), request))

    async def versions() -> Response:
        """The versions of the workflow language that this engine speaks."""
        return answer({"versions": [LANGUAGE_VERSION]})

    asked = described(
        body=RunRequest,
        example={"specification": WORKFLOW, "inputs": {"image": PICTURE}},
        answer=_OUTPUTS,
        shown=_RESULT,
        errors=_ERRORS,
    )
    asked_of_saved = described(
        body=SavedRunRequest, example={"inputs": {"image": PICTURE}}, answer=_OUTPUTS, shown=_RESULT, errors=_ERRORS
    )
    fine: dict[str, Any] = members(status={"const": "ok"}, warnings=PROBLEMS)
    checked = described(body=OBJECT, example=WORKFLOW, answer=fine, errors=(*SENT, *WORK, 400))
    told = described(answer=members(versions=array(TEXT)), shown={"versions": [LANGUAGE_VERSION]})
    post = ["POST"]
    routes.add_api_route("/workflows/run", run, methods=post, **asked)
    routes.add_api_route("/workflows/validate", validate, methods=post, **checked)
    routes.add_api_route("/workflows/execution_engine/versions", versions, methods=["GET"], **told)
    routes.add_api_route("/{workspace:workspace}/workflows/{workflow_id}", run_saved, methods=post, **asked_of_saved)
    old: dict[str, Any] = {"methods": post, "deprecated": True}
    routes.add_api_route("/infer/workflows", run, name="run_old", **old, **asked)
    path = "/infer/workflows/{workspace}/{workflow_id}"
    routes.add_api_route(path, run_saved, name="run_saved_old", **old, **asked_of_saved)
    return routes
