"""A worker: a process that runs the tasks of requests, so that the server can end it whatever it is doing.

It is started by ``server.process`` with a socket in the place of its standard input. It loads models in its own memory,
knows no token, and ends when the server does.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import sys
import threading
import time
import traceback
from dataclasses import asdict, replace
from queue import SimpleQueue
from typing import Any

import orjson

from workflow_engine import settings as settings_module
from workflow_engine.context import Stop
from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.events import Event, StepFailed, StepFinished
from workflow_engine.server import frames, logs
from workflow_engine.server.tasks import TASKS
from workflow_engine.server.tasks.call import Bench, Call
from workflow_engine.server.tasks.patience import RUNNING, PatientEngine
from workflow_engine.settings import GPU, Limits, Settings

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve until the server hangs up."""
    channel = _channel()
    _belong_to_the_server()
    greeting = frames.read(channel)
    if greeting is not None:
        _Worker(channel, greeting[0]).serve()
    os._exit(0)  # threads may be in the middle of something that nobody waits for any more


class _Worker:
    """The threads of one worker, and the calls they are busy with."""

    def __init__(self, channel: socket.socket, greeting: dict[str, Any]) -> None:
        self._channel, self._greeting = channel, greeting
        self._writing = threading.Lock()
        self._stops: dict[int, Stop] = {}
        self._waiting: SimpleQueue[tuple[dict[str, Any], bytes | bytearray]] = SimpleQueue()

    def serve(self) -> None:
        """Get ready, say so, then take calls and cancellations as they come."""
        try:
            bench = _bench(self._greeting)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the server must be told why there is no worker
            self._write(_told(error))
            return
        for _ in range(self._greeting["threads"]):
            threading.Thread(target=self._work, args=(bench,), daemon=True).start()
        self._write({"ready": True})
        while (frame := frames.read(self._channel)) is not None:
            head, body = frame
            if "cancel" in head:
                if (stop := self._stops.get(head["cancel"])) is not None:
                    stop.cancel()
                continue
            self._stops[head["id"]] = Stop(timeout=head["seconds"])
            self._waiting.put((head, body))

    def _work(self, bench: Bench) -> None:
        while True:
            head, body = self._waiting.get()
            steps: list[dict[str, Any]] = []
            call = Call(
                bench=bench,
                stop=self._stops[head["id"]],
                observe=lambda event, steps=steps: _note(steps, event),  # type: ignore[misc]
                body=body,
                options=head["options"],
            )
            RUNNING.set(call.stop)
            try:
                told, answer = {}, orjson.dumps(TASKS[head["task"]](call))
            except Exception as error:  # noqa: BLE001 -- the boundary between a request and the worker
                told, answer = _told(error), b""
            del self._stops[head["id"]], call, body
            self._write({"id": head["id"], "steps": steps, **told}, answer)

    def _write(self, head: dict[str, Any], body: bytes = b"") -> None:
        first, second = frames.pack(head, body)
        with self._writing:
            if len(second) > 1 << 16:
                self._channel.sendall(first)
                self._channel.sendall(second)
            else:
                self._channel.sendall(first + second)


def _channel() -> socket.socket:
    """Take the socket out of the place of standard input, so that no block reads from it by mistake."""
    channel = socket.socket(fileno=os.dup(sys.stdin.fileno()))
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return channel


def _belong_to_the_server() -> None:
    """Leave signals to the server, which lets accepted requests finish, and never outlive it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _bench(greeting: dict[str, Any]) -> Bench:
    """Import what runs need, and load the models that are to be there from the start."""
    settings = _settings(greeting)
    logs.configure(as_json=settings.json_logs, secrets=settings.secrets.values())
    _limit_memory(settings, shared_by=greeting["workers"])
    engine = PatientEngine(settings, trusted=False)
    engine.session(engine.compile(b'{"version": "1.0", "inputs": [], "steps": [], "outputs": []}')).run({})
    for model_id in settings.preload:
        engine.models.get(model_id)
    return Bench(engine)


def _limit_memory(settings: Settings, *, shared_by: int) -> None:
    """Let what a request makes of its pictures fail in this process before it troubles the machine.

    With a GPU there is no limit unless one is set: its driver's own bookkeeping would count.
    """
    most = settings.limits.worker_bytes
    if not most and not (settings.device != "cpu" and GPU.exists()):
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4 // shared_by
    if most:
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def _settings(greeting: dict[str, Any]) -> Settings:
    """Return the environment's settings with what the server was told on its command line."""
    told = dict(greeting["settings"])
    limits, preload = Limits(**told.pop("limits")), tuple(told.pop("preload"))
    return replace(settings_module.load(), limits=limits, preload=preload, **told)


def _note(steps: list[dict[str, Any]], event: Event) -> None:
    """Keep what metrics and traces want of a step that has just ended."""
    match event:
        case StepFinished():
            length, failed = event.seconds, False
        case StepFailed():
            length, failed = 0.0, True
        case _:
            return
    steps.append({"step": event.step, "block": event.block, "ended": time.time(), "seconds": length, "failed": failed})


def _told(error: Exception) -> dict[str, Any]:
    """What the server is told of an error: its problems, and for its log, the traceback where one is of use."""
    if _out_of_memory(error):
        message = "The request needs more memory than a worker may take."
        hint = "Use a smaller model or picture, or fewer pictures at once."
        problem = Problem(code="out_of_memory", message=message, hint=hint, whose="caller")
        return {"error": "WorkflowError", "problems": [asdict(problem)]}
    trace = "".join(traceback.format_exception(error))
    if isinstance(error, WorkflowError):
        ours = error.problem.whose in ("author", "caller")
        problems = [asdict(problem) for problem in error.problems]
        return {"error": type(error).__name__, "problems": problems, "trace": "" if ours else trace}
    problem = Problem(code="internal", message=f"{type(error).__name__}: {error}", whose="engine")
    return {"error": "WorkflowError", "problems": [asdict(problem)], "trace": trace}


def _out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out below this error: Python's, PyTorch's, or OpenCV's word for it."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        if any(words in str(error) for words in ("DefaultCPUAllocator: can't allocate", "Failed to allocate")):
            return True
        error = error.__cause__
    return False


if __name__ == "__main__":
    main()
