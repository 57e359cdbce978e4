"""The pipelines of a server: started up to a limit, asked, watched, and ended in time.

Everything here happens on the event loop. What a pipeline holds, its results included, is in its own process.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import Future
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from itertools import count
from typing import Any
from uuid import uuid4

from workflow_engine.errors import Problem, RunCancelled, WorkflowError
from workflow_engine.recent import Recent
from workflow_engine.server.frames import Frame
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.process import Worker, refused
from workflow_engine.settings import Settings

PROGRAM = "workflow_engine.server.pipelines.process"
STOP_SECONDS = 1.5
"""For a pipeline to end by itself before it is ended."""
OVER_SECONDS = 300.0
"""How long what a pipeline has found is kept when its videos are over and nobody asks for it."""
LOOK_SECONDS = 5.0
SILENCE_SECONDS = 15.0
"""After which those who follow are sent a sign that there is still somebody."""

_log = logging.getLogger("segflow.server")


class Pipeline:
    """One pipeline as the server sees it: its process, and the questions that it has not answered yet."""

    def __init__(self, worker: Worker, patience: float | None) -> None:
        """Wrap a process that has just been started; it ends when nobody asks for ``patience`` seconds."""
        self.id = str(uuid4())
        self.patience = patience
        self.worker = worker
        self.reason = "its process has ended"
        """Why it is gone, once it is."""
        self.keeper: asyncio.Task[None] | None = None
        self.followers = 0
        self._questions = count()
        self._answers: dict[int, Future[Frame]] = {}
        self._ended = False
        self.wanted()

    def wanted(self) -> None:
        """Somebody is interested."""
        self._wanted_at = asyncio.get_running_loop().time()

    @property
    def ignored_for(self) -> float:
        """Seconds since somebody was interested; those who follow are."""
        if self.followers:
            return 0.0
        return asyncio.get_running_loop().time() - self._wanted_at

    def ask(self, what: str, **more: Any) -> Future[Frame]:
        """Ask the process; the future is its answer."""
        number = next(self._questions)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self.worker.call({"id": number, "ask": what, **more}, b"")
        if self._ended:
            self.gone()  # tells of it
        return answer

    def forget(self, answer: Future[Frame]) -> None:
        """Nobody waits for this answer any more."""
        for number, one in self._answers.items():
            if one is answer:
                self.worker.call({"id": number, "ask": "forget"}, b"")

    def heard(self, frame: Frame) -> None:
        """Take what the process says."""
        head, _ = frame
        if "over" in head and "id" not in head:
            self.patience = OVER_SECONDS if self.patience is None else min(self.patience, OVER_SECONDS)
            self.wanted()
            return
        answer = self._answers.pop(head["id"])
        if answer.done():
            return
        if "error" in head:
            answer.set_exception(refused(head))
        else:
            answer.set_result(frame)

    def gone(self) -> None:
        """The process has ended: nothing will be answered any more."""
        self._ended = True
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(_lost(self))
                answer.exception()  # whoever asked may have left
        self._answers.clear()


class Pipelines:
    """Every pipeline of a server, by id."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Keep as many as ``settings.limits.pipelines``."""
        self._settings, self._limits = settings, settings.limits
        self._running: dict[str, Pipeline] = {}
        self._reasons: Recent[str, str] = Recent()
        self._starting = 0
        self._listeners = 0
        self._closed = False
        metrics.gauge("pipelines", "Pipelines that are there.", lambda: len(self._running))

    @property
    def ids(self) -> list[str]:
        """The pipelines that are there, oldest first."""
        return list(self._running)

    def check_room(self) -> None:
        """Refuse one pipeline more than fit.

        Raises:
            WorkflowError: There are as many as may be (``pipelines_full``), or the server is stopping.
        """
        if self._closed:
            raise _refusal("stopping", "The server is stopping.", "Try again in a moment.")
        if len(self._running) + self._starting >= self._limits.pipelines:
            message = f"The server has {self._limits.pipelines} pipelines, as many as it may."
            raise _refusal("pipelines_full", message, "Terminate one; the operator's limit is SEGFLOW_PIPELINES.")

    async def start(self, order: bytes, *, patience: float | None) -> str:
        """Start a pipeline and return its id once its sources are open.

        Raises:
            WorkflowError: It cannot be what was asked for, no source can be opened, or there is no room.
            RunCancelled: It was not there in time (``deadline``).
        """
        self.check_room()
        self._starting += 1
        try:
            async with asyncio.timeout(self._limits.run_seconds):
                worker = await Worker.start(self._greeting(), order, program=PROGRAM)
        except TimeoutError as error:
            raise _late("The pipeline did not start", self._limits.run_seconds) from error
        finally:
            self._starting -= 1
        pipeline = Pipeline(worker, patience)
        self._running[pipeline.id] = pipeline
        pipeline.keeper = asyncio.create_task(self._kept(pipeline))
        _log.info("pipeline %s started", pipeline.id)
        if self._closed:
            await self.stop(pipeline.id, "the server stopped")
        return pipeline.id

    async def ask(self, pipeline_id: str, what: str, **more: Any) -> bytes:
        """Ask a pipeline and return the JSON of its answer.

        Raises:
            WorkflowError: There is no such pipeline, or it ended meanwhile.
            RunCancelled: It did not answer in time (``deadline``).
        """
        pipeline = self._find(pipeline_id)
        pipeline.wanted()
        try:
            async with asyncio.timeout(self._limits.run_seconds):
                _, body = await pipeline.ask(what, **more)
        except TimeoutError as error:
            raise _late("The pipeline did not answer", self._limits.run_seconds) from error
        return bytes(body)

    async def stop(self, pipeline_id: str, reason: str) -> None:
        """End a pipeline: it may finish what it is at, but not for long.

        Raises:
            WorkflowError: There is no such pipeline.
        """
        pipeline = self._find(pipeline_id)
        assert pipeline.keeper is not None, "set when it was started"
        pipeline.reason = reason
        pipeline.ask("stop")
        await asyncio.wait({pipeline.keeper}, timeout=STOP_SECONDS)
        pipeline.worker.kill()
        await asyncio.wait({pipeline.keeper})

    async def close(self) -> None:
        """End every pipeline, and with them the answers to those who follow."""
        self._closed = True
        await asyncio.gather(*(self.stop(one, "the server stopped") for one in self.ids), return_exceptions=True)

    async def check_listener(self, pipeline_id: str, question: Mapping[str, Any]) -> None:
        """Check that somebody may follow a pipeline.

        Raises:
            WorkflowError: There is no such pipeline, too many follow already, or the question does not fit.
        """
        self._find(pipeline_id)
        if self._listeners >= self._limits.listeners:
            message = f"{self._limits.listeners} clients follow pipelines already, as many as may."
            raise _refusal("pipelines_full", message, "Close one; the operator's limit is SEGFLOW_LISTENERS.")
        await self.ask(pipeline_id, "check", question=question)

    async def follow(self, pipeline_id: str, question: Mapping[str, Any]) -> AsyncIterator[bytes | None]:
        """Yield what a pipeline tells until it is over; ``None`` where it has been silent for a while.

        The pipeline is asked for more only when what it told has been taken, so one that is slow misses something.
        """
        pipeline = self._running.get(pipeline_id)
        if pipeline is None or self._listeners >= self._limits.listeners:  # meanwhile
            return
        self._listeners += 1
        pipeline.followers += 1
        answer = pipeline.ask("follow", question=question)
        try:
            yield None  # it counts from here on
            while True:
                await asyncio.wait({answer}, timeout=SILENCE_SECONDS)
                if not answer.done():
                    yield None
                    continue
                head, body = answer.result()
                if body:
                    yield bytes(body)
                if head["over"]:
                    return
                answer = pipeline.ask("follow", question={**question, "after": head["at"]})
        except WorkflowError:
            return  # it has ended
        finally:
            pipeline.forget(answer)
            self._listeners -= 1
            pipeline.followers -= 1
            pipeline.wanted()

    def _find(self, pipeline_id: str) -> Pipeline:
        pipeline = self._running.get(pipeline_id)
        if pipeline is None:
            reason = self._reasons.get(pipeline_id)
            message = f"There is no pipeline {pipeline_id[:40]!r}" + (f" any more: {reason}." if reason else ".")
            raise _refusal("pipeline_unknown", message, "The list of pipelines is at /inference_pipelines/list.")
        return pipeline

    async def _kept(self, pipeline: Pipeline) -> None:
        """Follow a pipeline to its end."""
        watching = asyncio.create_task(self._watch(pipeline))
        try:
            await pipeline.worker.watch(pipeline.heard)
        finally:
            watching.cancel()
            del self._running[pipeline.id]
            self._reasons.put(pipeline.id, pipeline.reason)
            pipeline.gone()
            _log.info("pipeline %s is gone: %s", pipeline.id, pipeline.reason)

    async def _watch(self, pipeline: Pipeline) -> None:
        """End a pipeline that nobody wants, or that hangs."""
        most = self._limits.frame_seconds
        while True:
            await asyncio.sleep(min(LOOK_SECONDS, most / 4, (pipeline.patience or most) / 2))
            if pipeline.patience is not None and pipeline.ignored_for > pipeline.patience:
                await self._end(pipeline, f"nobody asked for its results for {pipeline.patience:g} s")
            if await _busy_for(pipeline, most) >= most:
                await self._end(pipeline, f"it was not done with a frame within {most:g} s")

    async def _end(self, pipeline: Pipeline, reason: str) -> None:
        _log.warning("pipeline %s is ended: %s", pipeline.id, reason)
        await asyncio.shield(self.stop(pipeline.id, reason))

    def _greeting(self) -> dict[str, Any]:
        settings = self._settings
        told = {"limits": asdict(self._limits), "preload": (), "json_logs": settings.json_logs}
        return {"workers": settings.workers, "settings": told}


async def _busy_for(pipeline: Pipeline, most: float) -> float:
    """Return since how many seconds a pipeline is at the same frame; one that does not answer is busy with it."""
    try:
        async with asyncio.timeout(most):
            head, _ = await pipeline.ask("alive")
    except TimeoutError:
        return most
    busy: float = head["busy"]
    return busy


def _lost(pipeline: Pipeline) -> WorkflowError:
    message = f"The pipeline {pipeline.id!r} has ended: {pipeline.reason}."
    return _refusal("pipeline_lost", message, "Start it again.")


def _late(what: str, seconds: float) -> RunCancelled:
    hint = "A source that is slow to open, or a model that is still to be pulled, may be the reason."
    return RunCancelled(Problem(code="deadline", message=f"{what} within {seconds:g} s.", hint=hint, whose="caller"))


def _refusal(code: str, message: str, hint: str) -> WorkflowError:
    return WorkflowError(Problem(code=code, message=message, hint=hint, whose="caller"))
