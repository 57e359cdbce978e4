"""``segflow check``: whether workflows can run, and everything that is wrong with those that cannot."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from workflow_engine.cli import exits, terminal
from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.plan import Plan
from workflow_engine.workflow import Workflow


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("check", help="say everything that is wrong with workflows, without running them")
    parser.add_argument("workflows", nargs="+", metavar="WORKFLOW", help="JSON files")
    parser.add_argument("--json", action="store_true", help="print a list with one object per file")
    parser.set_defaults(command=_check)


@dataclass(frozen=True, slots=True)
class _Verdict:
    file: str
    plan: Plan | None
    problems: tuple[Problem, ...]

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return () if self.plan is None else self.plan.warnings

    def to_json(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "ok": self.plan is not None,
            "problems": [_told(problem) for problem in self.problems],
            "warnings": [_told(warning) for warning in self.warnings],
        }

    def show(self) -> None:
        if self.plan is None:
            count = "1 problem" if len(self.problems) == 1 else f"{len(self.problems)} problems"
            terminal.show(f"{self.file}: {count}", style="bold red")
        else:
            steps = "1 step" if len(self.plan.steps) == 1 else f"{len(self.plan.steps)} steps"
            terminal.show(f"{self.file}: ok, {steps}", style="bold green")
        for problem in self.problems:
            _show(problem)
        for warning in self.warnings:
            _show(warning, mark="warning: ")


def _check(asked: argparse.Namespace) -> int:
    verdicts = [_verdict(file) for file in asked.workflows]
    if asked.json:
        terminal.show_json([verdict.to_json() for verdict in verdicts])
    else:
        for verdict in verdicts:
            verdict.show()
    return exits.OK if all(verdict.plan for verdict in verdicts) else exits.WRONG


def _verdict(file: str) -> _Verdict:
    try:
        return _Verdict(file, Workflow.load(file).plan, ())
    except WorkflowError as error:
        return _Verdict(file, None, error.problems)


def _show(problem: Problem, *, mark: str = "") -> None:
    terminal.show(f"  {problem.at or 'the document'}", style="cyan")
    terminal.show(f"    {mark}{problem.message}")
    if problem.hint:
        terminal.show(f"    {problem.hint}", style="dim")


def _told(problem: Problem) -> dict[str, Any]:
    return {"code": problem.code, "at": problem.at, "message": problem.message, "hint": problem.hint}
