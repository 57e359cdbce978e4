"""``segflow explain``: what a workflow will do, as text and as a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from workflow_engine.cli import exits, terminal
from workflow_engine.cli.drawing import draw
from workflow_engine.vision.paths import write_atomic
from workflow_engine.workflow import Workflow


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("explain", help="say what a workflow does: steps in order, and what feeds them")
    parser.add_argument("workflow", metavar="WORKFLOW", help="the workflow's JSON file")
    parser.add_argument("--picture", type=Path, metavar="FILE.svg", help="also draw it")
    parser.set_defaults(command=_explain)


def _explain(asked: argparse.Namespace) -> int:
    plan = Workflow.load(asked.workflow).plan
    terminal.show(plan.explain())
    terminal.warn(plan.warnings)
    if asked.picture is not None:
        write_atomic(asked.picture, draw(plan).encode())
        terminal.say(f"Drawn in {asked.picture}")
    return exits.OK
