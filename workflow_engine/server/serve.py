"""Listens: the safe defaults of where, and a server that says in one sentence why it cannot start."""

from __future__ import annotations

import logging
import socket
from contextlib import closing

import uvicorn

from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.server.app import create_app
from workflow_engine.server.limits import is_loopback
from workflow_engine.settings import Settings
from workflow_engine.workflow import Engine


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
        message = f"The address {host}:{port} cannot be listened on: {(error.strerror or str(error)).lower()}."
        hint = "Stop what listens there, or choose another --port."
        raise WorkflowError(Problem(code="address_taken", message=message, hint=hint, whose="operator")) from error


def address(listening: socket.socket) -> str:
    """Return the URL of a listening socket."""
    host, port, *_ = listening.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(listening: socket.socket, settings: Settings) -> None:
    """Answer requests until a signal says stop; those in progress are finished first."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    config = uvicorn.Config(create_app(Engine(settings, trusted=False)), log_config=None, access_log=False)
    with closing(listening):
        uvicorn.Server(config).run(sockets=[listening])
