"""``segflow models``: what there is, what a block takes and gives, whether models are sound, and a new one."""

from __future__ import annotations

from workflow_engine.cli import terminal


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("models", help="list, show, check and make models")
    parser.set_defaults(command=lambda _: 0)
