"""The process of one pipeline: it reads videos, runs the workflow, and answers what the server asks of it meanwhile.

It is started by ``server.process`` as a worker is, the order being the greeting's body, and ends when the server does.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import orjson

from workflow_engine import memory
from workflow_engine.errors import InputError, Problem, WorkflowError, nearest
from workflow_engine.server import child, logs
from workflow_engine.server.pipelines.delivery import Delivery, Question
from workflow_engine.server.pipelines.order import Order, begin
from workflow_engine.server.pipelines.report import Report
from workflow_engine.server.problems import discreet
from workflow_engine.stream.frame import Notice
from workflow_engine.stream.records import pictures
from workflow_engine.stream.run import FrameResult
from workflow_engine.stream.sinks.queued import Queued
from workflow_engine.workflow import Engine

_LOOK_SECONDS = 0.02
_log = logging.getLogger("segflow.pipeline")


def main() -> None:
    """Serve until the server hangs up or says stop."""
    channel = child.Channel()
    child.belong_to_the_server()
    memory.keep_freed()
    greeting = channel.read()
    if greeting is not None:
        try:
            pipeline = _open(channel, *greeting)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the client must be told why there is no pipeline
            channel.write(child.told(error))
        else:
            pipeline.serve()
    os._exit(0)  # a step may be in the middle of something; readers of streams end when their pipes close


def _open(channel: child.Channel, greeting: dict[str, Any], body: bytes | bytearray) -> _Pipeline:
    """Return the pipeline, with sources of which one at least gives frames.

    Raises:
        WorkflowError: It cannot be what it was asked to be, or no source can be opened.
    """
    settings = child.settings_from(greeting)
    logs.configure(as_json=settings.json_logs, secrets=settings.secrets.values())
    child.limit_memory(settings, shared_by=greeting["workers"])
    pipeline = _Pipeline(channel, Engine(settings, trusted=False), Order(**orjson.loads(body)))
    pipeline.start()
    child.settle_down()
    return pipeline


class _Pipeline:
    """The run on a thread of its own, and the answers of the thread that reads the channel."""

    def __init__(self, channel: child.Channel, engine: Engine, order: Order) -> None:
        self._channel, self._debug = channel, engine.settings.debug
        self._plan = engine.compile(order.document)
        self._run = begin(engine, self._plan, order, observers=[self._notify])
        self._report = Report(self._run, order)
        self._delivery = Delivery(self._plan, list(self._run.sources), order.buffer, self._answer)
        self._ready, self._going = threading.Event(), threading.Event()
        self._going.set()
        self._stopped = False
        self._failing: tuple[str, str | None] | None = None
        self._thread = threading.Thread(target=self._work, daemon=True, name="segflow-pipeline")
        self._asks = {
            "alive": self._alive,
            "status": self._status,
            "pause": self._pause,
            "resume": self._resume,
            "consume": self._consume,
            "check": self._check,
            "follow": self._follow,
            "forget": self._forget,
        }

    def start(self) -> None:
        """Begin to run, and wait until every source has given a frame or failed to.

        Raises:
            WorkflowError: All of them failed.
        """
        self._thread.start()
        while self._thread.is_alive() and not self._opened():
            time.sleep(_LOOK_SECONDS)
        if len(self._run.failures) == len(self._run.sources):
            raise next(iter(self._run.failures.values()))

    def _opened(self) -> bool:
        known = {source for source, (_, info) in self._run.sources.items() if info is not None}
        return known | set(self._run.failures) | self._run.ended == set(self._run.sources)

    def serve(self) -> None:
        """Answer questions until the server hangs up or says stop."""
        self._channel.write({"ready": True})
        self._ready.set()
        while (frame := self._channel.read()) is not None and frame[0]["ask"] != "stop":
            head = frame[0]
            try:
                self._asks[head["ask"]](head)
            except WorkflowError as error:
                self._answer(head["id"], child.told(error), b"")
        self._stopped = True
        self._going.set()
        self._run.close()

    def _answer(self, number: int, head: Mapping[str, Any], body: bytes = b"") -> None:
        with suppress(OSError):  # the server is gone, and so is this process in a moment
            self._channel.write({"id": number, **head}, body)

    def _say(self, head: Mapping[str, Any], **content: Any) -> None:
        """Answer with JSON for the client."""
        self._answer(head["id"], {}, orjson.dumps({"status": "success", "context": head["context"], **content}))

    def _alive(self, head: Mapping[str, Any]) -> None:
        since = self._run.running_since
        self._answer(head["id"], {"busy": 0.0 if since is None else time.monotonic() - since})

    def _status(self, head: Mapping[str, Any]) -> None:
        self._say(head, report=self._report.to_json())

    def _pause(self, head: Mapping[str, Any]) -> None:
        self._going.clear()
        self._report.paused = True
        self._say(head)

    def _resume(self, head: Mapping[str, Any]) -> None:
        self._report.paused = False
        self._going.set()
        self._say(head)

    def _consume(self, head: Mapping[str, Any]) -> None:
        self._say(head, **self._delivery.consume(head["without"]))

    def _check(self, head: Mapping[str, Any]) -> None:
        self._question(head)
        self._answer(head["id"], {})

    def _follow(self, head: Mapping[str, Any]) -> None:
        self._delivery.follow(self._question(head))

    def _forget(self, head: Mapping[str, Any]) -> None:
        self._delivery.forget(head["id"])

    def _question(self, head: Mapping[str, Any]) -> Question:
        """Return the question of one who follows.

        Raises:
            InputError: There is no such output or source.
        """
        question = Question(id=head["id"], **head["question"])
        if not question.picture:
            return question
        if question.source not in (None, *self._run.sources):
            raise _refused(f"There is no source {question.source!r}.", f"They are {', '.join(self._run.sources)}.")
        names = pictures(self._plan)
        if question.output is None:
            return replace(question, output=next(iter(names), None))
        if question.output not in names:
            hint = nearest(question.output, names) or f"Its pictures are {', '.join(names) or 'none'}."
            raise _refused(f"The workflow has no output {question.output!r} with one picture a frame.", hint)
        return question

    def _work(self) -> None:
        """Run to the end, and then tell the server that there will be no more."""
        try:
            self._deliver(Queued(self._delivery, called="The results"))
        except Exception as error:  # noqa: BLE001 -- the boundary between the run and those who watch it
            self._fail(error)
        self._run.close()
        self._report.over = True
        self._delivery.close()
        self._ready.wait()
        self._channel.write({"over": True})

    def _deliver(self, results: Queued) -> None:
        try:
            while (result := self._next()) is not None:
                self._report.note(result)
                results.write(self._told(result))
        finally:
            results.close()

    def _next(self) -> FrameResult | None:
        self._going.wait()
        return None if self._stopped else self._run.next()

    def _told(self, result: FrameResult) -> FrameResult:
        """Put a failure into words that a client may read; tell of it once, not again with every frame."""
        if result.problem is None:
            self._failing = None
            return result
        problem = result.problem if self._debug else discreet(result.problem)
        what = (problem.code, problem.step)
        if self._failing != what:
            self._failing = what
            _log.warning("frame %d of source %s: %s", result.number, result.source, result.problem)
            self._notify(_notice("step_failed", f"Frame {result.number}: {problem}", result.source))
        return replace(result, problem=problem)

    def _fail(self, error: Exception) -> None:
        if error in self._run.failures.values():  # told when it happened
            return
        _log.error("the pipeline has failed", exc_info=error)
        told = child.told(error)["problems"][0]
        problem = Problem(**told) if self._debug else discreet(Problem(**told))
        self._notify(_notice("ended", str(problem), "0"))

    def _notify(self, notice: Notice) -> None:
        self._report.notify(notice)
        self._delivery.notify(notice)


def _notice(code: str, message: str, source: str) -> Notice:
    return Notice(code=code, message=message, source=source, moment=datetime.now(UTC))


def _refused(message: str, hint: str) -> InputError:
    return InputError(Problem(code="pipeline_invalid", message=message, hint=hint, whose="caller"))


if __name__ == "__main__":
    main()
