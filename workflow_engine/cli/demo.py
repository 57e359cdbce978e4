"""``segflow demo``: a first result, offline: fasteners counted, cut out and drawn."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workflow_engine.cli import exits, terminal
from workflow_engine.cli.outputs import RESULT, Folder
from workflow_engine.cli.results import Results
from workflow_engine.plan import Plan
from workflow_engine.workflow import Workflow

HERE = Path(__file__).resolve()
PLACES = (HERE.parent / "bundled" / "count_fasteners", HERE.parents[2] / "examples" / "count_fasteners")
"""Where the demo's workflow and picture are: packed into the distribution, or in a checkout."""
EXAMPLE = next(place for place in PLACES if place.is_dir())
PICTURE = EXAMPLE / "tray.jpg"


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("demo", help="count the fasteners in a picture with the model that comes along")
    parser.add_argument("--out", type=Path, default=Path("demo-output"), metavar="DIR", help="default: demo-output")
    parser.set_defaults(command=_demo)


def _demo(asked: argparse.Namespace) -> int:
    workflow = Workflow.load(EXAMPLE / "workflow.json")
    results = Results(workflow=f"{EXAMPLE.name}/workflow.json", folder=Folder(asked.out), apart=False)
    first = workflow.run(image=str(PICTURE), serialised=True)
    again = workflow.run(image=str(PICTURE), serialised=True)
    results.add(PICTURE.stem, first)
    results.elapsed = first.elapsed
    results.finish()
    terminal.show(f"{_spoken(EXAMPLE / 'workflow.json')} on {_spoken(PICTURE)}", style="bold")
    _show_counts(first["counts"])
    _show_times(workflow.plan, first.seconds, again.seconds)
    terminal.show(
        f"In {asked.out}: picture.jpg with the objects drawn, crops/ with each of them, {RESULT} with all of it."
    )
    return exits.OK


def _spoken(path: Path) -> Path:
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path


def _show_counts(counts: Mapping[str, int]) -> None:
    rows = [(name, str(count)) for name, count in sorted(counts.items())]
    terminal.table(["class", "objects "], [*rows, ("all", str(sum(counts.values())))])


def _show_times(plan: Plan, first: Mapping[str, float], again: Mapping[str, float]) -> None:
    def row(name: str, title: str, before: float, after: float) -> tuple[Any, ...]:
        return name, title, f"{before:.3f} s", f"{after:.3f} s"

    rows = [row(s.name, s.type.manifest.title, first[s.name], again[s.name]) for s in plan.steps]
    total = row("all", "", sum(first.values()), sum(again.values()))
    terminal.table(["step", "block", "first run, loads the model ", "second run "], [*rows, total])
