"""A worker as the server sees it: a process, a channel to it, and the calls it has not answered yet."""

from __future__ import annotations

import asyncio
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Callable, Mapping
from typing import Any

from workflow_engine import settings as settings_module
from workflow_engine.errors import (
    CompileError,
    DefinitionError,
    InputError,
    ManifestError,
    Problem,
    RunCancelled,
    StepFailed,
    WorkflowError,
)
from workflow_engine.server import frames
from workflow_engine.server.frames import Frame

WORKER = "workflow_engine.server.worker"
_ERRORS: Mapping[str, type[WorkflowError]] = {
    error.__name__: error
    for error in (WorkflowError, DefinitionError, CompileError, InputError, StepFailed, RunCancelled, ManifestError)
}


class Worker:
    """A process that runs tasks, some at once; it is told what to do and watched until it ends."""

    def __init__(self, process: Process, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Wrap a process that has just been started; ``start`` does both."""
        self._process, self._reader, self._writer = process, reader, writer
        self.busy = 0
        """Calls that it has not answered."""

    @property
    def pid(self) -> int:
        """Number of its process."""
        return self._process.pid

    @classmethod
    async def start(cls, greeting: Mapping[str, Any], body: bytes = b"", *, program: str = WORKER) -> Worker:
        """Start a worker, or another program that speaks as one does, and wait until it is ready.

        Raises:
            WorkflowError: If it cannot be; the problem says why, as the worker tells it.
        """
        ours, theirs = socket.socketpair()
        with theirs:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", program),
                stdin=theirs.fileno(),
                env=settings_module.without_token(),
                start_new_session=True,  # so that Ctrl-C reaches the server alone
            )
        reader, writer = await asyncio.open_connection(sock=ours, limit=1 << 20)
        worker = cls(process, reader, writer)
        try:
            worker._write(greeting, body)
            frame = await frames.receive(reader)
        except BaseException:
            worker.kill()
            raise
        if frame is None or "ready" not in frame[0]:
            worker.kill()
            await process.wait()
            raise refused(frame[0]) if frame else lost()
        return worker

    async def watch(self, answered: Callable[[Frame], None]) -> None:
        """Hand over every answer as it comes, until the process ends."""
        while (frame := await frames.receive(self._reader)) is not None:
            answered(frame)
        self.kill()
        await self._process.wait()

    def call(self, head: Mapping[str, Any], body: bytes | bytearray) -> None:
        """Send a call."""
        self.busy += 1
        self._write(head, body)

    def cancel(self, call: int) -> None:
        """Ask that a call ends before its next step."""
        self._write({"cancel": call})

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        self._writer.close()
        if self._process.returncode is None:
            self._process.kill()

    def _write(self, head: Mapping[str, Any], body: bytes | bytearray = b"") -> None:
        # One that has been killed takes nothing; whoever watches it hears of its end in a moment, and tells of it.
        if not self._writer.is_closing():
            self._writer.writelines(frames.pack(head, body))


def refused(head: Mapping[str, Any]) -> WorkflowError:
    """Return the error that a worker tells of."""
    error = _ERRORS.get(head["error"], WorkflowError)(Problem(**problem) for problem in head["problems"])
    if head.get("trace"):
        error.add_note(head["trace"])
    return error


def lost() -> WorkflowError:
    """Return the error for a call whose worker has ended."""
    message = "The process that worked on this request has ended."
    hint = "Try again; another one takes its place."
    return WorkflowError(Problem(code="worker_lost", message=message, hint=hint, whose="caller"))
