"""``segflow blocks``: what there is, what a block takes and gives, whether blocks are sound, and a new one."""

from __future__ import annotations

from workflow_engine.cli import terminal


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("blocks", help="list, show, check and make blocks")
    parser.set_defaults(command=lambda _: 0)
