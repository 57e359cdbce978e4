"""Listens: the safe defaults of where, and a server that says in one sentence why it cannot start."""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType

import uvicorn
import uvloop

from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.server import logs
from workflow_engine.server.app import create_app
from workflow_engine.server.connection import connections
from workflow_engine.server.limits import is_loopback
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.pipelines.keeper import Pipelines
from workflow_engine.server.traces import Traces
from workflow_engine.server.work import Workers
from workflow_engine.settings import Settings
from workflow_engine.workflow import Engine

_ADVICE = {
    errno.EADDRINUSE: "Stop what listens there, or choose another --port.",
    errno.EACCES: "Choose a --port from 1024 on; those below are for the system's own services.",
}
_log = logging.getLogger("segflow.server")


def listen(host: str, port: int, settings: Settings) -> socket.socket:
    """Return a socket that listens on ``host`` and ``port``; port 0 takes a free one.

    Raises:
        WorkflowError: If others than this machine could reach a server without a token, or the address cannot be had.
    """
    if settings.api_token is None and not is_loopback(host):
        message = f"A server on {host} can be reached from other machines, and this one has no token."
        hint = "Set SEGFLOW_API_TOKEN to a secret of your choice, or serve on 127.0.0.1."
        raise WorkflowError(Problem(code="token_unset", message=message, hint=hint, whose="operator"))
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        number = error.errno or 0  # less than 0 where it is one of the resolver's
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        message = f"The address {host}:{port} cannot be listened on: {reason.lower()}."
        hint = _ADVICE.get(number, "Give --host an address of this machine.")
        raise WorkflowError(Problem(code="address_taken", message=message, hint=hint, whose="operator")) from error


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port, *_ = listening.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(listening: socket.socket, settings: Settings) -> bool:
    """Answer requests until a signal says stop; return whether every accepted one was finished.

    The first signal drains: readiness is false at once, no connection is taken, and what was accepted is finished as
    far as ``limits.drain_seconds`` allow. A second one ends the process at once.

    Raises:
        WorkflowError: If the workers cannot be started.
    """
    logs.configure(as_json=settings.json_logs, secrets=[settings.api_token, *settings.secrets.values()])
    for warning in settings.unsafe:
        _log.warning("%s", warning)
    with closing(listening):
        return uvloop.run(_serve(listening, Engine(settings, trusted=False)))


async def _serve(listening: socket.socket, engine: Engine) -> bool:
    settings, metrics = engine.settings, Metrics()
    traces = Traces(settings.traces) if settings.traces else None
    workers, pipelines = Workers(settings, metrics), Pipelines(settings, metrics)
    config = uvicorn.Config(
        create_app(engine, workers, pipelines, metrics, traces),
        http=connections(settings.limits),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=math.ceil(settings.limits.drain_seconds) + 1,  # after ours, for what has no run
    )
    server = _Server(config, workers, pipelines, settings.limits.drain_seconds)
    starting = asyncio.create_task(workers.start())
    starting.add_done_callback(server.stop_if_failed)
    try:
        await server.serve(sockets=[listening])
        if starting.done():
            starting.result()
    finally:
        starting.cancel()
        await asyncio.gather(workers.close(), pipelines.close())
        if traces is not None:
            traces.close()
    return server.finished


class _Server(uvicorn.Server):
    """A server that says it is draining, and that a second signal ends at once."""

    def __init__(self, config: uvicorn.Config, workers: Workers, pipelines: Pipelines, drain_seconds: float) -> None:
        super().__init__(config)
        self._workers, self._pipelines, self._drain_seconds = workers, pipelines, drain_seconds
        self.finished = True
        """Whether no accepted request was cut off when the server stopped."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Finish what was accepted, and note whether time was enough."""
        asyncio.get_running_loop().call_later(self._drain_seconds, self._cut_off)
        ending = asyncio.create_task(self._pipelines.close())  # with them end the answers to those who follow
        await super().shutdown(sockets)
        await ending
        self.finished = self.finished and not self.server_state.tasks

    def _cut_off(self) -> None:
        self.finished = not self._workers.cut_off()

    def stop_if_failed(self, starting: asyncio.Task[None]) -> None:
        """End when the workers could not be started."""
        if not starting.cancelled() and starting.exception() is not None:
            self.should_exit = True

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Listen to signals while serving; unlike uvicorn, do not die of them afterwards."""
        handlers = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in handlers.items():
                signal.signal(sig, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain at the first signal, end at the second."""
        if self.should_exit:
            os._exit(128 + sig)  # workers end with the process that started them
        self._workers.draining = True
        self.should_exit = True
