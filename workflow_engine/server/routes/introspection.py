"""Blocks and workflows described: the ecosystem's routes, and ours for an editor.

What depends only on the installed blocks is written once by a worker, compressed, and kept.
"""

from __future__ import annotations

import gzip
from hashlib import sha256

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from workflow_engine.errors import InputError, Problem
from workflow_engine.server.answers import written
from workflow_engine.server.openapi import (
    ASKED,
    OBJECT,
    SENT,
    TEXT,
    VERDICT,
    WORK,
    WORKFLOW,
    array,
    described,
    members,
)
from workflow_engine.server.requests import BlocksRequest, InterfaceRequest, OutputsRequest, SavedInterfaceRequest, read
from workflow_engine.server.work import Job, Workers

_BLOCKS = members(
    blocks=array(OBJECT),
    declared_kinds=array(OBJECT),
    kinds_connections=OBJECT,
    primitives_connections=array(OBJECT),
    universal_query_language_description=OBJECT,
    dynamic_block_definition_schema=OBJECT,
)
_PALETTE = members(
    blocks=array(members(manifest=OBJECT, form=OBJECT)),
    kinds=OBJECT,
    operations=OBJECT,
    load_errors=array(OBJECT),
    refused=array(OBJECT),
)
_INTERFACE = members(inputs=OBJECT, outputs=OBJECT, typing_hints=OBJECT, kinds_schemas=OBJECT)
_SHOWN_INTERFACE = {
    "inputs": {"image": ["image"]},
    "outputs": {"counts": ["dictionary"]},
    "typing_hints": {"dictionary": "dict", "image": "dict"},
    "kinds_schemas": {},
}


class _Kept:
    """An answer that is the same as long as the server runs."""

    def __init__(self, workers: Workers, task: str) -> None:
        self._workers, self._task = workers, task
        self._plain, self._small, self._tag = b"", b"", ""

    async def __call__(self, request: Request) -> Response:
        """Answer with it, compressed where the client reads that, or say that the client's copy is still good."""
        if not self._tag:
            plain = await self._workers.run(Job(task=self._task), request)
            self._small = await run_sync(gzip.compress, plain)
            self._plain, self._tag = plain, f'"{sha256(plain).hexdigest()[:32]}"'
        headers = {"etag": self._tag, "vary": "accept-encoding", "cache-control": "no-cache"}
        if self._tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if "gzip" not in request.headers.get("accept-encoding", ""):
            return _with(written(self._plain), headers)
        return _with(written(self._small), {**headers, "content-encoding": "gzip"})


def _with(response: Response, headers: dict[str, str]) -> Response:
    response.headers.update(headers)
    return response


def _check_asked(body: bytes) -> None:
    asked = read(BlocksRequest, body or b"{}", hint="Send a JSON object, or nothing.")
    if asked.dynamic_blocks_definitions:
        message = "The request carries Python code (dynamic_blocks_definitions), which segflow never runs."
        hint = "Make it a block of your own: segflow blocks new NAME writes the manifest, the function and a test."
        raise InputError(Problem(code="custom_code", message=message, hint=hint, whose="caller"))


def router(workers: Workers) -> APIRouter:
    """Return the routes; their work is done by ``workers``."""
    routes = APIRouter(tags=["Descriptions"])
    every_block = _Kept(workers, "describe_blocks")
    any_workflow = _Kept(workers, "definition_schema")
    whole_palette = _Kept(workers, "palette")

    async def blocks(request: Request) -> Response:
        """Describe every block in the ecosystem's form."""
        return await every_block(request)

    async def blocks_asked(request: Request) -> Response:
        """Describe every block in the ecosystem's form. Blocks made of code that comes in a request are refused."""
        await run_sync(_check_asked, await request.body())
        return await every_block(request)

    async def schema(request: Request) -> Response:
        """The JSON Schema of a workflow of the blocks that are installed."""
        return await any_workflow(request)

    async def palette(request: Request) -> Response:
        """Every block's manifest and form, the kinds, the operations language, and what keeps blocks from loading."""
        return await whole_palette(request)

    async def interface(request: Request) -> Response:
        """Describe what an inline workflow takes and gives."""
        return written(await workers.run(Job(task="interface", body=await request.body()), request))

    async def saved_interface(request: Request, workspace: str, workflow_id: str) -> Response:
        """Describe what a saved workflow takes and gives; the workspace may be any word."""
        job = Job(task="saved_interface", body=await request.body(), options={"id": workflow_id})
        return written(await workers.run(job, request))

    async def outputs(request: Request) -> Response:
        """The outputs of a step, those that depend on its fields included."""
        return written(await workers.run(Job(task="dynamic_outputs", body=await request.body()), request))

    async def check(request: Request) -> Response:
        """Everything that is wrong with a workflow, told as an answer: what an editor asks at every change."""
        return written(await workers.run(Job(task="check", body=await request.body()), request))

    kept, sent = (*ASKED, *WORK), (*SENT, *WORK, 400)
    told = described(answer=_BLOCKS, errors=kept)
    optional = described(body=BlocksRequest, example={}, optional=True, answer=_BLOCKS, errors=(*SENT, *WORK, 400))
    wanted = described(
        body=InterfaceRequest,
        example={"specification": WORKFLOW},
        answer=_INTERFACE,
        shown=_SHOWN_INTERFACE,
        errors=sent,
    )
    wanted_of_saved = described(
        body=SavedInterfaceRequest,
        example={},
        optional=True,
        answer=_INTERFACE,
        shown=_SHOWN_INTERFACE,
        errors=(*sent, 404),
    )
    step = described(
        body=OutputsRequest,
        example=WORKFLOW["steps"][1],
        answer=array(members(name=TEXT, kind=array(OBJECT))),
        errors=sent,
    )
    verdict = described(
        body=OBJECT,
        example=WORKFLOW,
        answer=members(**VERDICT),
        shown={"ok": True, "problems": [], "warnings": []},
        errors=(*SENT, *WORK),
    )
    get, post = ["GET"], ["POST"]
    routes.add_api_route("/workflows/blocks/describe", blocks, methods=get, **told)
    routes.add_api_route("/workflows/blocks/describe", blocks_asked, methods=post, **optional)
    routes.add_api_route("/workflows/blocks/dynamic_outputs", outputs, methods=post, **step)
    described_schema = described(answer=members(schema=OBJECT), errors=kept)
    routes.add_api_route("/workflows/definition/schema", schema, methods=get, **described_schema)
    routes.add_api_route("/workflows/describe_interface", interface, methods=post, **wanted)
    path = "/{workspace:workspace}/workflows/{workflow_id}/describe_interface"
    routes.add_api_route(path, saved_interface, methods=post, **wanted_of_saved)
    routes.add_api_route("/api/blocks", palette, methods=get, **described(answer=_PALETTE, errors=kept))
    routes.add_api_route("/api/check", check, methods=post, **verdict)
    return routes
