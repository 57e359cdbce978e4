"""How routes are described in OpenAPI: bodies that workers read, answers that workers write, and every error."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field


class ProblemBody(BaseModel):
    """One thing that is wrong."""

    code: str = Field(description="Stable name of it.")
    at: str = Field(
        description="JSON pointer to it in the document, below /inputs in the inputs, or in the request; empty for all."
    )
    message: str
    hint: str = Field(description="What to do about it, or empty.")
    step: str | None
    field: str | None


class BlockErrorBody(BaseModel):
    """A problem of a step, as the ecosystem tells it."""

    block_id: str
    block_type: str | None
    block_details: str | None
    property_name: str | None
    property_details: str | None
    block_traceback: str | None


class ErrorBody(BaseModel):
    """What went wrong: the ecosystem's members, then ours, of which the last has every problem that was found."""

    message: str
    error_type: str
    context: str
    inner_error_type: str | None
    inner_error_message: str | None
    blocks_errors: list[BlockErrorBody]
    python_blocks_output_streams: Any
    python_blocks_debug_traces: Any
    code: str
    at: str
    hint: str
    request_id: str
    problems: list[ProblemBody]


_MEANINGS = {
    400: "The workflow, the inputs or a name is wrong.",
    401: "The server wants its token, and the request shows none that fits.",
    403: "A server without a token was asked by a page, or under a name, of another machine.",
    404: "There is no such workflow, version, model or pipeline.",
    408: "The body did not arrive in time.",
    409: "Somebody saved another version meanwhile.",
    413: "The body is too large.",
    422: "The request is not of this form.",
    500: "A step failed, or the server made a mistake; its log says more under the request's id.",
    503: "The server is full or lost a worker; Retry-After says when to try again.",
    504: "The time was up.",
    507: "The folder of saved workflows cannot take or give it.",
}

ASKED = (401, 403, 500)
"""What any request may be answered with."""
SENT = (*ASKED, 408, 413, 422)
"""The same for a request with a body."""
WORK = (503, 504)
"""What a request for work may be answered with besides."""

OBJECT: dict[str, Any] = {"type": "object"}


def described(
    *,
    body: type[BaseModel] | dict[str, Any] | None = None,
    example: Any = None,
    optional: bool = False,
    answer: dict[str, Any] | None = None,
    shown: Any = None,
    errors: tuple[int, ...] = ASKED,
    status: int = 200,
) -> dict[str, Any]:
    """Return the arguments of ``add_api_route`` that describe a route.

    Args:
        body: What the request's body is, a model or a JSON Schema.
        example: A body.
        optional: Whether it may be left out.
        answer: JSON Schema of what comes back; ``None`` for an answer without a body.
        shown: An answer.
        errors: Statuses of errors.
        status: Status of the answer.
    """
    content = {"application/json": _with_example(answer, shown)} if answer is not None else {}
    responses: dict[int | str, Any] = {
        status: {"description": "Done.", **({"content": content} if content else {})},
        **{code: error(code) for code in sorted({*errors, 422})},
    }
    described: dict[str, Any] = {"responses": responses, "status_code": status}
    if body is not None:
        schema = body if isinstance(body, dict) else body.model_json_schema()
        content = {"application/json": _with_example(schema, example)}
        described["openapi_extra"] = {"requestBody": {"required": not optional, "content": content}}
    return described


def error(status: int) -> dict[str, Any]:
    """Return how an answer with this status of an error is described."""
    return {"model": ErrorBody, "description": _MEANINGS[status]}


def _with_example(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"schema": schema} | ({} if example is None else {"example": example})


def array(of: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a list."""
    return {"type": "array", "items": of}


def members(**members: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an object that has all of ``members``."""
    return {"type": "object", "required": [*members], "properties": members}


TEXT: dict[str, Any] = {"type": "string"}
PROBLEMS = array(ProblemBody.model_json_schema())
VERDICT = {"ok": {"type": "boolean"}, "problems": PROBLEMS, "warnings": PROBLEMS}
VERSION = {
    "id": TEXT,
    "version": {"type": "integer"},
    "saved_at": {"type": "string", "format": "date-time"},
    "bytes": {"type": "integer"},
}

WORKFLOW: dict[str, Any] = {
    "version": "1.0",
    "inputs": [{"type": "WorkflowImage", "name": "image"}],
    "steps": [
        {
            "type": "core/instance_segmentation@v1",
            "name": "parts",
            "images": "$inputs.image",
            "model_id": "demo/fasteners",
        },
        {"type": "core/count_by_class@v1", "name": "count", "predictions": "$steps.parts.predictions"},
    ],
    "outputs": [{"type": "JsonField", "name": "counts", "selector": "$steps.count.counts"}],
}
"""An example: it counts fasteners."""

PICTURE = {
    "type": "base64",
    "value": "iVBORw0KGgoAAAANSUhEUgAAABAAAAAQCAIAAACQkWg2AAAANElEQVQoFZXBAQEAAAABIJ433QZV5FHkUeRR5FHkUeRR5FHkUeRR5FHkU"
    "eRR5FHkUeRR5DH7UhgRpIrbBwAAAABJRU5ErkJggg==",
}
"""An example: a grey PNG of 16 by 16 pixels."""
