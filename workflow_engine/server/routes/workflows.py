"""Run and check workflows: the ecosystem's routes."""

from __future__ import annotations

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflow_engine.compiler import LANGUAGE_VERSION
from workflow_engine.context import Stop
from workflow_engine.errors import InputError, Problem, pointer
from workflow_engine.plan import Plan
from workflow_engine.server import access
from workflow_engine.server.answers import answer
from workflow_engine.server.problems import told
from workflow_engine.server.work import Workers
from workflow_engine.trace import Trace
from workflow_engine.workflow import Engine


class RunRequest(BaseModel):
    """What a run is asked for with; members that mean nothing here are ignored, as the ecosystem's server does."""

    model_config = ConfigDict(extra="ignore")

    specification: dict[str, Any] = Field(description="The workflow.")
    inputs: dict[str, Any] = Field(description="A value for each input, by name.")
    api_key: str | None = Field(default=None, description="The server's token, if it has one.")
    excluded_fields: list[str] | None = Field(default=None, description="Names of outputs to leave out.")
    enable_profiling: bool = Field(default=False, description="Whether to tell where the time went.")
    disable_sinks: bool = Field(default=False, description="Whether blocks write no files and call no other machines.")


def router(engine: Engine, workers: Workers) -> APIRouter:
    """Return the routes, with ``engine`` behind them and their work on ``workers``."""
    routes = APIRouter()

    async def run(request: Request) -> Response:
        """Run an inline workflow once."""
        keys, body = access.shown(request), await request.body()
        return await workers.do(lambda stop: answer(_run(engine, body, keys, stop)))

    async def validate(request: Request) -> Response:
        """Check a workflow without running it."""
        access.check(engine.settings.api_token, access.shown(request))
        body = await request.body()
        return await workers.do(lambda _: answer(_validate(engine, body)))

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


def _run(engine: Engine, body: bytes, keys: list[str], stop: Stop) -> dict[str, Any]:
    asked = _read(body)
    access.check(engine.settings.api_token, [*keys, asked.api_key or ""])
    trace = Trace()
    with trace.span("workflow_compilation"):
        plan = engine.compile(orjson.dumps(asked.specification))
    _check_batch(plan, asked.inputs, engine.settings.limits.batch)
    result = engine.session(plan).run(
        asked.inputs,
        serialised=True,
        without=frozenset(asked.excluded_fields or ()),
        sinks=not asked.disable_sinks,
        stop=stop,
        observers=(trace.observe,),
    )
    return {"outputs": result.outputs, "profiler_trace": trace.events if asked.enable_profiling else []}


def _validate(engine: Engine, body: bytes) -> dict[str, Any]:
    plan = engine.compile(body)
    return {"status": "ok", "warnings": [told(warning) for warning in plan.warnings]}


def _read(body: bytes) -> RunRequest:
    try:
        return RunRequest.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"The request's body is not JSON: {error}.") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise _bad_request(f"The request's body does not fit: {where}: {first['msg'].lower()}.") from error


def _bad_request(message: str) -> InputError:
    hint = "Send a JSON object with the members specification (the workflow) and inputs (an object)."
    return InputError(Problem(code="bad_request", message=message, hint=hint, whose="caller"))


def _check_batch(plan: Plan, given: dict[str, Any], most: int) -> None:
    for declared in plan.inputs:
        value = given.get(declared.name)
        if declared.dimensionality and isinstance(value, list) and len(value) > most:
            message = f"The input {declared.name!r} has {len(value)} elements; one request may have {most}."
            at = pointer("inputs", declared.name)
            problem = Problem(
                code="batch_too_large", message=message, at=at, hint="Send them in parts.", whose="caller"
            )
            raise InputError(problem)
