"""Responses: JSON written by orjson, and errors in the form that ``problems`` gives them."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import orjson
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import Scope

from workflow_engine.errors import InputError, Problem, WorkflowError
from workflow_engine.faults import misfits
from workflow_engine.server.logs import FIELDS
from workflow_engine.server.problems import body, rule_of
from workflow_engine.server.requests import misfit_problem

_log = logging.getLogger("segflow.server")


def answer(content: Any, *, status: int = 200) -> Response:
    """Return ``content`` as a JSON response; numbers that JSON cannot write become null."""
    return written(orjson.dumps(content), status=status)


def written(content: bytes, *, status: int = 200) -> Response:
    """Return ``content``, which is JSON already, as a response."""
    return Response(content, status_code=status, media_type="application/json")


def refusal(error: WorkflowError, scope: Scope, *, debug: bool = False) -> Response:
    """Return the response that tells of ``error``, and log what the client is not told."""
    request_id = scope["state"]["request_id"]
    status = rule_of(error).status
    if error.problem.whose not in ("author", "caller"):
        _log.error("request failed", exc_info=error, extra={FIELDS: {"request_id": request_id}})
    response = answer(body(error, request_id=request_id, debug=debug), status=status)
    if status == 503:
        response.headers["retry-after"] = str(random.randint(1, 3))  # noqa: S311 -- spreads clients out, keeps no secret
    if status == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response


def misdirected(request: Request, status: int, routes: Iterable[BaseRoute]) -> Response:
    """Return the response for a request that none of ``routes`` takes: 404, or 405 with the methods that some take."""
    if status == 405:
        code, message = "method_not_allowed", f"This address does not take {request.method[:20]}."
    else:
        code, message = "not_found", "There is nothing at this address."
    problem = Problem(code=code, message=message, hint="The page /docs lists what there is.", whose="caller")
    response = refusal(WorkflowError(problem), request.scope)
    if status == 405:
        fitting = (route for route in routes if route.matches(request.scope)[0] is not Match.NONE)
        response.headers["allow"] = ", ".join(sorted({m for route in fitting for m in getattr(route, "methods", ())}))
    return response


async def misshapen(request: Request, error: Exception) -> Response:
    """Return the response for a path or query that does not fit its route."""
    assert isinstance(error, RequestValidationError), "registered for nothing else"
    sent = {"path": request.path_params, "query": request.query_params, "header": request.headers}
    found = misfits(error.errors(), sent)
    problems = (misfit_problem(replace(one, location=one.location[1:]), f"the {one.location[0]}") for one in found)
    return refusal(InputError(replace(problem, at="") for problem in problems), request.scope)


async def internal_error(request: Request, error: Exception) -> Response:
    """Return the response for an error that nobody foresaw; the traceback goes to the log."""
    problem = Problem(code="internal", message="Internal error.", whose="engine")
    internal = WorkflowError(problem).with_traceback(error.__traceback__)
    response = refusal(internal, request.scope)
    response.headers["x-request-id"] = request.scope["state"]["request_id"]  # no middleware sees this response
    return response
