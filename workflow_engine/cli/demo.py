"""``segflow demo``: what there is, what a block takes and gives, whether demo are sound, and a new one."""

from __future__ import annotations

from workflow_engine.cli import terminal


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("demo", help="list, show, check and make demo")
    parser.set_defaults(command=lambda _: 0)
