"""The work of requests: admitted up to an exact limit, run by worker processes, given up in time.

Everything here happens on the event loop, which never computes, so the counts need no lock.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import Future
from collections import deque
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from itertools import chain, count, repeat
from typing import Any, Literal, TypeAlias

from starlette.requests import Request

from workflow_engine.errors import Problem, RunCancelled, WorkflowError
from workflow_engine.server.frames import Frame
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.process import Worker, lost, refused
from workflow_engine.settings import Settings
from workflow_engine.side_by_side import crowded

State: TypeAlias = Literal["starting", "ready", "restarting", "draining"]

_log = logging.getLogger("segflow.server")
_GRACE = 0.5
"""Seconds that a worker has, after a deadline, to end a call by itself."""
_PAUSES = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Seconds to wait before each further try to replace a worker that does not come up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What a route wants done.

    Attributes:
        task: Its name in ``tasks.TASKS``.
        body: The request's body, which goes to the task as it came.
        options: What the task needs besides; ``orjson`` must be able to write it, so a stored document that is JSON
            already goes in as an ``orjson.Fragment``.
    """

    task: str
    body: bytes = b""
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class _Call:
    """A job from its admission until its worker has answered, which may be after its client has left.

    ``seen`` is the request's state, where what is told of it afterwards is kept.
    """

    id: int
    job: Job
    deadline: float
    answer: Future[bytes]
    entered: float
    seen: MutableMapping[str, Any]
    worker: Worker | None = None


class Workers:
    """The worker processes of a server, and the one queue before them."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Plan for ``settings.workers`` processes of ``settings.threads`` slots each; ``start`` starts them."""
        self._settings = settings
        self._limits = settings.limits
        self._most = settings.slots + settings.limits.queue
        self._ids = count()
        self._calls: dict[int, _Call] = {}
        self._queue: deque[_Call] = deque()
        self._workers: list[Worker] = []
        self._metrics = metrics
        metrics.gauge("slots", "Runs that may happen at once.", lambda: settings.slots)
        metrics.gauge("slots_busy", "Runs that happen now.", lambda: sum(w.busy for w in self._workers))
        metrics.gauge("queue_length", "Runs that wait for a slot.", lambda: len(self._queue))
        metrics.gauge("workers_up", "Workers that are ready.", lambda: len(self._workers))
        self._started = False
        self.draining = False
        """Whether the server is about to end: accepted requests are finished, and probes say so."""
        self._keepers: set[asyncio.Task[None]] = set()
        self._arriving: set[Callable[[], None]] = set()

    @property
    def full(self) -> bool:
        """Whether one more job would be refused."""
        return len(self._calls) >= self._most

    @property
    def state(self) -> State:
        """What a readiness probe is told; a full server is ready, for its queue moves."""
        if self.draining:
            return "draining"
        if not self._started:
            return "starting"
        return "ready" if self._workers else "restarting"

    async def start(self) -> None:
        """Start the workers and wait until all are ready.

        Raises:
            WorkflowError: If one cannot be: a broken installation, or a model to preload that cannot be had.
        """
        for worker in await asyncio.gather(*(self._one() for _ in range(self._settings.workers))):
            self._keep(worker)
        self._started = True

    async def close(self) -> None:
        """End every worker, whatever it is doing."""
        for keeper in self._keepers:
            keeper.cancel()
        for worker in self._workers:
            worker.kill()
        await asyncio.gather(*self._keepers, return_exceptions=True)

    @contextmanager
    def cutting_off(self, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` if the server ends meanwhile: for a request that is not admitted, for its body still arrives."""
        self._arriving.add(end)
        try:
            yield
        finally:
            self._arriving.discard(end)

    def cut_off(self) -> int:
        """Give up every request, for the server ends now; return how many had been admitted."""
        for end in self._arriving:
            end()
        for call in self._calls.values():
            _fail(call, stopping())
        return len(self._calls)

    async def run(self, job: Job, request: Request) -> bytes:
        """Have ``job`` done and return the JSON of its answer.

        The request's body must have been read. The time that ``limits.run_seconds`` allows covers the wait for a slot.

        Raises:
            WorkflowError: What the task raised; or the server is full (code ``overloaded``), or the worker was lost
                (``worker_lost``).
            RunCancelled: If the time was up (``deadline``), or the client has left (``cancelled``).
        """
        call = self._admit(job, request.scope["state"])
        gone = asyncio.ensure_future(_left(request))
        gone.add_done_callback(lambda _: _fail(call, _left_early()))
        late = asyncio.get_running_loop().call_at(call.deadline, _fail, call, self._too_late())
        try:
            return await call.answer
        finally:
            gone.cancel()
            late.cancel()
            if call.id in self._calls:
                self._abandon(call)

    def _admit(self, job: Job, seen: MutableMapping[str, Any]) -> _Call:
        if self.full:
            raise overloaded()
        loop = asyncio.get_running_loop()
        now = loop.time()
        call = _Call(next(self._ids), job, now + self._limits.run_seconds, loop.create_future(), now, seen)
        self._calls[call.id] = call
        self._queue.append(call)
        self._dispatch()
        return call

    def _dispatch(self) -> None:
        """Hand waiting calls to free slots, of the worker used last, which is the warmest."""
        while self._queue and (worker := self._free()) is not None:
            call = self._queue.popleft()
            call.worker = worker
            now = asyncio.get_running_loop().time()
            call.seen["queue_seconds"] = now - call.entered
            job, left = call.job, call.deadline - now
            full = crowded(1 + sum(worker.busy for worker in self._workers))
            head = {"id": call.id, "task": job.task, "seconds": left, "options": job.options, "crowded": full}
            worker.call(head, job.body)

    def _free(self) -> Worker | None:
        return next((worker for worker in self._workers if worker.busy < self._settings.threads), None)

    def _answered(self, worker: Worker, frame: Frame) -> None:
        head, body = frame
        worker.busy -= 1
        self._workers.sort(key=lambda other: other is not worker)
        call = self._calls.pop(head["id"])
        call.seen["steps"] = head["steps"]
        if "error" in head:
            _fail(call, refused(head))
        elif not call.answer.done():
            call.answer.set_result(bytes(body))
        self._dispatch()

    def _too_late(self) -> RunCancelled:
        message = f"The request was not done within {self._limits.run_seconds:g} s."
        hint = "Use a smaller model or picture, or fewer pictures at once."
        return RunCancelled(Problem(code="deadline", message=message, hint=hint, whose="caller"))

    def _abandon(self, call: _Call) -> None:
        """Nobody waits for a call any more: it leaves the queue, or is told to stop and made to at its deadline."""
        if call.worker is None:
            self._queue.remove(call)
            del self._calls[call.id]
            return
        call.worker.cancel(call.id)
        asyncio.get_running_loop().call_at(call.deadline + _GRACE, self._end, call)

    def _end(self, call: _Call) -> None:
        if call.id in self._calls and call.worker is not None:
            _log.warning("worker %d ended: a step did not stop at its deadline", call.worker.pid)
            call.worker.kill()

    async def _one(self) -> Worker:
        settings = self._settings
        told = {"limits": asdict(self._limits), "preload": settings.preload, "json_logs": settings.json_logs}
        try:
            return await Worker.start({"threads": settings.threads, "workers": settings.workers, "settings": told})
        except WorkflowError as error:
            if error.problem.code not in ("worker_lost", "out_of_memory"):
                raise
            raise _stillborn() from error

    def _keep(self, worker: Worker) -> None:
        self._workers.append(worker)
        keeper = asyncio.create_task(self._watched(worker))
        self._keepers.add(keeper)
        keeper.add_done_callback(self._keepers.discard)
        self._dispatch()

    async def _watched(self, worker: Worker) -> None:
        """Follow a worker to its end, then put another in its place."""
        await worker.watch(lambda frame: self._answered(worker, frame))
        self._workers.remove(worker)
        calls = [call for call in self._calls.values() if call.worker is worker]
        self._metrics.lost_worker()
        _log.warning("worker %d is gone with %d unfinished requests", worker.pid, len(calls))
        for call in calls:
            del self._calls[call.id]
            _fail(call, lost())
        await self._replace(worker)

    async def _replace(self, worker: Worker) -> None:
        for pause in chain(_PAUSES, repeat(_PAUSES[-1])):
            await asyncio.sleep(pause)
            try:
                replacement = await self._one()
            except WorkflowError as error:
                _log.error("no worker in the place of %d: %s", worker.pid, error)
            else:
                self._keep(replacement)
                return


def _fail(call: _Call, error: WorkflowError) -> None:
    """Give ``error`` to whoever still waits for the call."""
    if not call.answer.done():
        call.answer.set_exception(error)


async def _left(request: Request) -> None:
    """Return when the client has left."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _stillborn() -> WorkflowError:
    message = "A worker ended before it was ready."
    hint = "The lines above may say why; SEGFLOW_WORKER_BYTES may be too few."
    return WorkflowError(Problem(code="worker_lost", message=message, hint=hint, whose="operator"))


def overloaded() -> WorkflowError:
    """Return the error for a request that finds the server full."""
    message = "The server has as many requests as it can take."
    problem = Problem(code="overloaded", message=message, hint="Try again in a moment.", whose="caller")
    return WorkflowError(problem)


def stopping() -> WorkflowError:
    """Return the error for a request that was not done when the server had to end."""
    message = "The server is stopping, and this request was not done in time."
    return WorkflowError(Problem(code="stopping", message=message, hint="Try again in a moment.", whose="caller"))


def _left_early() -> RunCancelled:
    return RunCancelled(Problem(code="cancelled", message="The client has left.", whose="caller"))
