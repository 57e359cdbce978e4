"""``segflow serve``: workflows over HTTP."""

from __future__ import annotations

import argparse
from dataclasses import replace

from workflow_engine import settings as settings_module
from workflow_engine.cli import exits, terminal


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("serve", help="run workflows for others, over HTTP")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=int, default=9001, help="port to listen on, 0 for a free one (default: 9001)")
    parser.add_argument("--timeout", type=float, metavar="S", help="seconds that a request may take (default: 60)")
    parser.set_defaults(command=_serve)


def _serve(asked: argparse.Namespace) -> int:
    from workflow_engine.server.serve import address, listen, serve

    settings = settings_module.load()
    if asked.timeout is not None:
        settings = replace(settings, limits=replace(settings.limits, run_seconds=asked.timeout))
    listening = listen(asked.host, asked.port, settings)
    terminal.show(f"segflow answers on {address(listening)} (Ctrl-C stops it)")
    return exits.OK if serve(listening, settings) else exits.FAILED
