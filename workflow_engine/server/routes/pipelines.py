"""Workflows on videos: the ecosystem's routes, and ours to follow one live in a browser."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from typing import Annotated, Any, TypeAlias

import orjson
from anyio.to_thread import run_sync
from fastapi import APIRouter, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse

from workflow_engine.errors import InputError, Problem
from workflow_engine.server.answers import answer, written
from workflow_engine.server.openapi import ASKED, OBJECT, SENT, TEXT, WORK, WORKFLOW, array, described, members
from workflow_engine.server.pipelines.keeper import Pipelines
from workflow_engine.server.pipelines.requests import ConsumeRequest, InitialiseRequest, read_body
from workflow_engine.server.work import Job, Workers

_Id: TypeAlias = Annotated[str, Path(description="As initialise gave it.")]
_BOUNDARY = "segflow-frame"
_END = "end"
"""The id of the last event."""
_TURNED_AWAY = object()
_NUMBER = re.compile(r"[0-9]{1,15}")
_CONTEXT = members(request_id=TEXT, pipeline_id={"type": ["string", "null"]})
_DONE = members(status={"const": "success"}, context=_CONTEXT)
_EXAMPLE = {
    "video_configuration": {"type": "VideoConfiguration", "video_reference": "rtsp://camera.local/1", "max_fps": 5},
    "processing_configuration": {"type": "WorkflowConfiguration", "workflow_specification": WORKFLOW},
}


def router(workers: Workers, pipelines: Pipelines) -> APIRouter:
    """Return the routes of ``pipelines``; ``workers`` check what is asked for."""
    routes = APIRouter(tags=["Video"])

    async def initialise(request: Request) -> Response:
        """Start a pipeline: a workflow on one video or on several, each with a state of its own.

        It answers when the sources are open. A request may name only sources that the operator lists: streams from
        SEGFLOW_ALLOWED_HOSTS, files below SEGFLOW_VIDEO_FOLDER, cameras in SEGFLOW_CAMERAS.
        """
        pipelines.check_room()
        told = orjson.loads(await workers.run(Job(task="prepare_pipeline", body=await request.body()), request))
        pipeline_id = await pipelines.start(orjson.dumps(told["order"]), patience=told["consumption_timeout"])
        if await request.is_disconnected():
            await pipelines.stop(pipeline_id, "its client left while it started")
        return answer({"status": "success", "context": _context(request, pipeline_id)})

    async def initialise_webrtc() -> Response:
        """Say that video by WebRTC is not offered."""
        message = "Video by WebRTC is not offered by this server."
        hint = "Start a pipeline with /inference_pipelines/initialise, and watch it at /api/pipelines/ID/preview."
        raise InputError(Problem(code="not_offered", message=message, hint=hint, whose="caller"))

    async def listed(request: Request) -> Response:
        """The ids of the pipelines that are there, also of those whose videos are over."""
        return answer({"status": "success", "context": _context(request, None), "pipelines": pipelines.ids})

    async def status(request: Request, pipeline_id: _Id) -> Response:
        """How a pipeline is doing: speed, sources, and what happened to them lately."""
        return await ask(request, pipeline_id, "status")

    async def pause(request: Request, pipeline_id: _Id) -> Response:
        """Pause a pipeline: a file waits, a live source goes by."""
        return await ask(request, pipeline_id, "pause")

    async def resume(request: Request, pipeline_id: _Id) -> Response:
        """Let a paused pipeline go on."""
        return await ask(request, pipeline_id, "resume")

    async def terminate(request: Request, pipeline_id: _Id) -> Response:
        """End a pipeline and drop its results."""
        await pipelines.stop(pipeline_id, "it was terminated")
        return answer({"status": "success", "context": _context(request, pipeline_id)})

    async def consume(request: Request, pipeline_id: _Id) -> Response:
        """Take the oldest result that waits: one entry per source, or none at all.

        An entry is null where a source gave no frame, and outputs are null where the workflow failed on it.
        """
        body = await request.body() or b"{}"
        asked = await run_sync(_consume_request, body)
        return await ask(request, pipeline_id, "consume", without=asked.excluded_fields or [])

    async def ask(request: Request, pipeline_id: str, what: str, **more: Any) -> Response:
        return written(await pipelines.ask(pipeline_id, what, context=_context(request, pipeline_id), **more))

    async def events(
        pipeline_id: _Id,
        last_event_id: Annotated[str, Header(description="The id of the last event that was seen.")] = "",
    ) -> Response:
        """Follow a pipeline by server-sent events: a message for every result, pictures left out, and notices.

        Who is slow misses results, but not the last ones. The last event is called end; a browser that asks for more
        is answered with 204, after which it asks no more.
        """
        if last_event_id == _END:
            return Response(status_code=204)
        question = {"after": int(last_event_id) if _NUMBER.fullmatch(last_event_id) else 0}
        await pipelines.check_listener(pipeline_id, question)
        return _stream(_events(pipelines.follow(pipeline_id, question)), "text/event-stream")

    async def preview(
        pipeline_id: _Id,
        source: Annotated[str | None, Query(description="The number of the source; any, if left out.")] = None,
        output: Annotated[str | None, Query(description="The output with the picture; if left out, the first.")] = None,
    ) -> Response:
        """Watch a pipeline: a stream of JPEG pictures (MJPEG) that an image element of a page shows."""
        question = {"after": 0, "picture": True, "source": source, "output": output}
        await pipelines.check_listener(pipeline_id, question)
        pictures = _parts(pipelines.follow(pipeline_id, question))
        return _stream(pictures, f"multipart/x-mixed-replace; boundary={_BOUNDARY}")

    get, post = ["GET"], ["POST"]
    shown = {"status": "success", "context": {"request_id": "…", "pipeline_id": "…"}}
    known = (*ASKED, *WORK, 404)
    starting = described(body=InitialiseRequest, answer=_DONE, shown=shown, errors=(*SENT, *WORK, 400, 404))
    starting["openapi_extra"]["requestBody"]["content"]["application/json"]["examples"] = {
        "camera": {"value": _EXAMPLE}
    }
    listing = members(status={"const": "success"}, context=_CONTEXT, pipelines=array(TEXT))
    report = members(status={"const": "success"}, context=_CONTEXT, report=OBJECT)
    result = members(
        status={"const": "success"},
        context=_CONTEXT,
        outputs=array({"type": ["object", "null"]}),
        frames_metadata=array({"type": ["object", "null"]}),
    )
    done = described(answer=_DONE, shown=shown, errors=known)
    consuming = described(
        body=ConsumeRequest, example={}, optional=True, answer=result, errors=(*SENT, *WORK, 400, 404)
    )
    prefix, one = "/inference_pipelines", "/inference_pipelines/{pipeline_id}"
    routes.add_api_route(f"{prefix}/initialise", initialise, methods=post, **starting)
    webrtc = described(body=OBJECT, optional=True, errors=(*SENT, 400))
    routes.add_api_route(f"{prefix}/initialise_webrtc", initialise_webrtc, methods=post, **webrtc)
    routes.add_api_route(f"{prefix}/list", listed, methods=get, **described(answer=listing, errors=ASKED))
    routes.add_api_route(f"{one}/status", status, methods=get, **described(answer=report, errors=known))
    routes.add_api_route(f"{one}/pause", pause, methods=post, **done)
    routes.add_api_route(f"{one}/resume", resume, methods=post, **done)
    routes.add_api_route(f"{one}/terminate", terminate, methods=post, **done)
    routes.add_api_route(f"{one}/consume", consume, methods=get, **consuming)
    for name, follow, media_type in (
        ("events", events, "text/event-stream"),
        ("preview", preview, "multipart/x-mixed-replace"),
    ):
        told = described(errors=(*known, 400))
        told["responses"][200]["content"] = {media_type: {"schema": TEXT}}
        if follow is events:
            told["responses"][204] = {"description": "There is nothing after the end."}
        routes.add_api_route(f"/api/pipelines/{{pipeline_id}}/{name}", follow, methods=get, **told)
    return routes


def _consume_request(body: bytes) -> ConsumeRequest:
    return read_body(ConsumeRequest, body, hint="Send a JSON object such as {}, or nothing.")


def _context(request: Request, pipeline_id: str | None) -> dict[str, str | None]:
    return {"request_id": request.scope["state"]["request_id"], "pipeline_id": pipeline_id}


def _stream(content: AsyncIterator[bytes], media_type: str) -> Response:
    # Pages of other sites may not show it; nothing on the way may keep it.
    headers: Mapping[str, str] = {"cache-control": "no-store", "cross-origin-resource-policy": "same-site"}
    return StreamingResponse(content, media_type=media_type, headers=headers)


async def _events(told: AsyncIterator[bytes | None]) -> AsyncIterator[bytes]:
    if await anext(told, _TURNED_AWAY) is _TURNED_AWAY:
        return
    yield b": following\n\n"
    async for text in told:
        yield b": nothing new\n\n" if text is None else text
    yield b"id: %s\nevent: end\ndata: {}\n\n" % _END.encode()


async def _parts(told: AsyncIterator[bytes | None]) -> AsyncIterator[bytes]:
    """Frame each picture; between boundaries, so that a browser shows a picture as soon as it is there."""
    await anext(told, None)
    yield b"--%s\r\n" % _BOUNDARY.encode()
    async for picture in told:
        if picture is not None:
            head = b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture)
            yield b"%s%s\r\n--%s\r\n" % (head, picture, _BOUNDARY.encode())
