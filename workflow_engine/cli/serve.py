"""``segflow serve``: workflows over HTTP."""

from __future__ import annotations

import argparse
import math
import sys
from dataclasses import fields, replace

from workflow_engine import settings as settings_module
from workflow_engine.cli import exits, terminal
from workflow_engine.settings import Limits, Settings, variable


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("serve", help="run workflows for others, over HTTP")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=_port, default=9001, help="port to listen on, 0 for a free one (default: 9001)")
    parser.add_argument("--timeout", type=_seconds, metavar="S", help="seconds that a request may take (default: 60)")
    parser.add_argument(
        "--workers", type=_positive, metavar="N", help="processes that run workflows (default: 2, or 1 with a GPU)"
    )
    parser.add_argument(
        "--threads", type=_positive, metavar="N", help="runs at once in each of them (default: 1, or 4 with a GPU)"
    )
    parser.add_argument(
        "--queue", type=_natural, metavar="N", help="requests that may wait for their turn (default: 8)"
    )
    parser.add_argument(
        "--preload", action="append", metavar="MODEL", help="load this model before saying ready; may be repeated"
    )
    parser.add_argument(
        "--allowed-host",
        action="append",
        metavar="NAME",
        help="without a token, answer to this name too, as that of a proxy; may be repeated",
    )
    parser.add_argument("--log-json", action="store_true", help="log lines of JSON")
    parser.add_argument(
        "--show-limits", action="store_true", help="show every limit and the variable that sets it, and end"
    )
    parser.set_defaults(command=_serve)


def _serve(asked: argparse.Namespace) -> int:
    settings = _settings(asked)
    if asked.show_limits:
        _show(settings.limits)
        return exits.OK

    from workflow_engine.server.serve import address, listen, serve

    listening = listen(asked.host, asked.port, settings)
    terminal.show(f"segflow answers on {address(listening)} (Ctrl-C stops it)")
    return exits.OK if serve(listening, settings) else exits.FAILED


def _settings(asked: argparse.Namespace) -> Settings:
    """The environment's settings, and what the command line says instead."""
    settings = settings_module.load()
    limits = settings.limits
    return replace(
        settings,
        workers=asked.workers or settings.workers,
        threads=asked.threads or settings.threads,
        preload=tuple(asked.preload or settings.preload),
        server_names=tuple(asked.allowed_host or settings.server_names),
        json_logs=asked.log_json or settings.json_logs,
        limits=replace(
            limits,
            run_seconds=limits.run_seconds if asked.timeout is None else asked.timeout,
            queue=limits.queue if asked.queue is None else asked.queue,
        ),
    )


def _show(limits: Limits) -> None:
    for limit in fields(limits):
        terminal.show(f"{variable(limit.name):<26} {getattr(limits, limit.name):,}")


def _positive(text: str) -> int:
    return _whole(text, range(1, sys.maxsize), "a whole number from 1")


def _natural(text: str) -> int:
    return _whole(text, range(sys.maxsize), "a whole number from 0")


def _port(text: str) -> int:
    return _whole(text, range(1 << 16), "a whole number from 0 to 65535")


def _whole(text: str, allowed: range, expected: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) in allowed):
        raise argparse.ArgumentTypeError(f"expected {expected}, got {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"expected a number above 0, got {text!r}")
    return value
