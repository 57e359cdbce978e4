"""What every process that the server starts has: a channel to it, a limit of memory, an end when the server ends.

Such a process is started by ``server.process`` with a socket in the place of its standard input.
"""

from __future__ import annotations

import ctypes
import gc
import os
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from workflow_engine import settings as settings_module
from workflow_engine.errors import Problem, WorkflowError, missing_library
from workflow_engine.server import frames
from workflow_engine.settings import GPU, Limits, Settings

_PR_SET_PDEATHSIG = 1


class Channel:
    """The way to the server, which any thread may write to."""

    def __init__(self) -> None:
        """Take the socket out of the place of standard input, so that no block reads from it by mistake."""
        self._socket = socket.socket(fileno=os.dup(sys.stdin.fileno()))
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, sys.stdin.fileno())
        os.close(nothing)
        self._writing = threading.Lock()

    def read(self) -> frames.Frame | None:
        """Return the next frame, or ``None`` when the server is gone."""
        return frames.read(self._socket)

    def write(self, head: Mapping[str, Any], body: bytes = b"") -> None:
        """Send a frame, whole."""
        first, second = frames.pack(head, body)
        with self._writing:
            if len(second) > 1 << 16:
                self._socket.sendall(first)
                self._socket.sendall(second)
            else:
                self._socket.sendall(first + second)


def belong_to_the_server() -> None:
    """Leave signals to the server, which lets accepted requests finish, and never outlive it."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def limit_memory(settings: Settings, *, shared_by: int) -> None:
    """Let what a request makes of its pictures fail in this process before it troubles the machine.

    With a GPU there is no limit unless one is set: its driver's own bookkeeping would count.
    """
    most = settings.limits.worker_bytes
    if not most and not (settings.device != "cpu" and GPU.exists()):
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * 3 // 4 // shared_by
    if most:
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def settle_down() -> None:
    """Leave all that is there once the process is ready out of every later search for what can be freed.

    A search through the modules and their classes takes 50 ms and more, in the middle of some request.
    """
    gc.collect()
    gc.freeze()


def settings_from(greeting: dict[str, Any]) -> Settings:
    """Return the environment's settings with what the server was told on its command line."""
    told = dict(greeting["settings"])
    limits, preload = Limits(**told.pop("limits")), tuple(told.pop("preload"))
    return replace(settings_module.load(), limits=limits, preload=preload, **told)


def told(error: Exception) -> dict[str, Any]:
    """What the server is told of an error: its problems, and for its log, the traceback where one is of use."""
    if out_of_memory(error):
        message = "The request needs more memory than a worker may take."
        hint = "Use a smaller model or picture, or fewer pictures at once."
        problem = Problem(code="out_of_memory", message=message, hint=hint, whose="caller")
        return {"error": "WorkflowError", "problems": [asdict(problem)]}
    if not isinstance(error, WorkflowError):
        problem = missing_library(error) or Problem(
            code="internal", message=f"{type(error).__name__}: {error}", whose="engine"
        )
        return {"error": "WorkflowError", "problems": [asdict(problem)], "trace": _trace(error)}
    ours = error.problem.whose in ("author", "caller")
    problems = [asdict(problem) for problem in error.problems]
    return {"error": type(error).__name__, "problems": problems, "trace": "" if ours else _trace(error)}


def _trace(error: Exception) -> str:
    return "".join(traceback.format_exception(error))


def out_of_memory(error: BaseException | None) -> bool:
    """Whether memory ran out below this error: Python's, PyTorch's, or OpenCV's word for it."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        if any(words in str(error) for words in ("DefaultCPUAllocator: can't allocate", "Failed to allocate")):
            return True
        error = error.__cause__
    return False
