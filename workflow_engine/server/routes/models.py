"""Single models: the ecosystem's registry and inference routes, and the list that an editor chooses from."""

from __future__ import annotations

from typing import Any

import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Request, Response

from workflow_engine.server.answers import answer, written
from workflow_engine.server.openapi import (
    ASKED,
    OBJECT,
    PICTURE,
    SENT,
    TEXT,
    WORK,
    array,
    described,
    members,
)
from workflow_engine.server.requests import InferRequest, ModelRequest, read
from workflow_engine.server.work import Job, Workers

_REGISTERED = members(
    models=array(
        members(
            model_id=TEXT,
            task_type=TEXT,
            batch_size=TEXT,
            input_height={"type": "integer"},
            input_width={"type": "integer"},
        )
    )
)
_SHOWN = {
    "models": [
        {
            "model_id": "demo/fasteners",
            "task_type": "instance-segmentation",
            "batch_size": "dynamic",
            "input_height": 312,
            "input_width": 312,
        }
    ]
}
_ROW = members(
    x={"type": "number"},
    y={"type": "number"},
    width={"type": "number"},
    height={"type": "number"},
    confidence={"type": "number"},
    class_id={"type": "integer"},
    **{"class": TEXT},
    detection_id=TEXT,
)
_FOUND = members(inference_id=TEXT, time={"type": "number"}, image=OBJECT, predictions=array(_ROW))


def _named(body: bytes) -> str:
    return read(ModelRequest, body, hint="Send a JSON object with model_id.").model_id


def router(workers: Workers) -> APIRouter:
    """Return the routes; their work is done by ``workers``."""
    routes = APIRouter(tags=["Models"])
    registered: dict[str, Any] = {}

    def registry() -> Response:
        return answer({"models": list(registered.values())})

    async def listed() -> Response:
        """The models that were added to the registry; each was loaded then, and makes room when others need it."""
        return registry()

    async def add(request: Request) -> Response:
        """Load a model, pulling it if it is published and not here, and add it to the registry."""
        told = orjson.loads(await workers.run(Job(task="load_model", body=await request.body()), request))
        registered[told["model_id"]] = told
        return registry()

    async def remove(request: Request) -> Response:
        """Take a model from the registry; it leaves memory when others need the room."""
        registered.pop(await run_sync(_named, await request.body()), None)
        return registry()

    async def clear() -> Response:
        """Empty the registry."""
        registered.clear()
        return registry()

    async def masks(request: Request) -> Response:
        """Find the objects of an image, or of each of a list of images, with their masks."""
        job = Job(task="infer", body=await request.body(), options={"masks": True})
        return written(await workers.run(job, request))

    async def boxes(request: Request) -> Response:
        """Find the objects of an image, or of each of a list of images, as boxes."""
        job = Job(task="infer", body=await request.body(), options={"masks": False})
        return written(await workers.run(job, request))

    async def catalogue(request: Request) -> Response:
        """Every model of this machine and those that could be pulled, with sizes, classes and figures to choose by."""
        return written(await workers.run(Job(task="models"), request))

    async def classes(request: Request, model_id: str) -> Response:
        """The classes of a model, as choices of a form."""
        return written(await workers.run(Job(task="classes", options={"model_id": model_id}), request))

    one = {"model_id": "demo/fasteners"}
    known = described(answer=_REGISTERED, shown=_SHOWN)
    sent = (*SENT, *WORK, 400, 404)
    adding = described(body=ModelRequest, example=one, answer=_REGISTERED, shown=_SHOWN, errors=sent)
    removing = described(body=ModelRequest, example=one, answer=_REGISTERED, shown=_SHOWN, errors=SENT)
    looking = described(
        body=InferRequest,
        example={**one, "image": PICTURE, "confidence": 0.5},
        answer={"anyOf": [_FOUND, array(_FOUND)]},
        shown={"inference_id": "…", "time": 0.1, "image": {"width": 16, "height": 16}, "predictions": []},
        errors=sent,
    )
    get, post = ["GET"], ["POST"]
    routes.add_api_route("/model/registry", listed, methods=get, **known)
    routes.add_api_route("/model/add", add, methods=post, **adding)
    routes.add_api_route("/model/remove", remove, methods=post, **removing)
    routes.add_api_route("/model/clear", clear, methods=post, **known)
    routes.add_api_route("/infer/instance_segmentation", masks, methods=post, **looking)
    routes.add_api_route("/infer/object_detection", boxes, methods=post, **looking)
    every = described(answer=members(models=array(OBJECT)), errors=(*ASKED, *WORK))
    routes.add_api_route("/api/models", catalogue, methods=get, **every)
    choices = described(
        answer=members(options=array(members(const=TEXT, title=TEXT))), errors=(*ASKED, *WORK, 400, 404)
    )
    routes.add_api_route("/api/options/classes", classes, methods=get, **choices)
    return routes
