"""Responses: JSON written by orjson, and errors in the form that ``problems`` gives them."""

from __future__ import annotations

import logging
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Scope

from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.server.problems import body, rule_of

_log = logging.getLogger("segflow.server")


def answer(content: Any, *, status: int = 200) -> Response:
    """Return ``content`` as a JSON response; numbers that JSON cannot write become null."""
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


def refusal(error: WorkflowError, scope: Scope, *, debug: bool = False) -> Response:
    """Return the response that tells of ``error``, and log what the client is not told."""
    request_id = scope["state"]["request_id"]
    status = rule_of(error).status
    if error.problem.whose not in ("author", "caller"):
        _log.error("request %s: %s", request_id, error, exc_info=error)
    response = answer(body(error, request_id=request_id, debug=debug), status=status)
    if status == 401:
        response.headers["www-authenticate"] = "Bearer"
    return response


async def internal_error(request: Request, error: Exception) -> Response:
    """Return the response for an error that nobody foresaw; the traceback goes to the log."""
    problem = Problem(
        code="internal",
        message="Internal error.",
        hint="The server's log has the details under the request's id.",
        whose="operator",
    )
    request_id = request.scope["state"]["request_id"]
    _log.error("request %s failed", request_id, exc_info=error)
    content = body(WorkflowError(problem), request_id=request_id) | {"error_type": "InternalError", "context": "server"}
    response = answer(content, status=500)
    response.headers["x-request-id"] = request_id  # no middleware sees this response
    return response
