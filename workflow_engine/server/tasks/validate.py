"""Check a workflow without running it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_engine.errors import CompileError, DefinitionError, Problem
from workflow_engine.server.problems import told
from workflow_engine.server.requests import read_object
from workflow_engine.server.tasks.call import Bench, Call


def validate(call: Call) -> dict[str, Any]:
    """Compile the document that the body is."""
    plan = call.bench.plan(call.body)
    return {"status": "ok", "warnings": [told(warning) for warning in plan.warnings]}


def check(call: Call) -> dict[str, Any]:
    """Tell everything that is wrong with the document that the body is, as an answer and not as an error.

    Raises:
        InputError: If the body is no JSON object, and so no document at all.
    """
    read_object(call.body, hint="Send the workflow as a JSON object.")
    return verdict(call.bench, call.body)


def verdict(bench: Bench, document: Mapping[str, Any] | bytes | bytearray) -> dict[str, Any]:
    """Return whether a document would run, its problems and its warnings."""
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    try:
        warnings = bench.plan(document).warnings
    except (DefinitionError, CompileError) as error:
        problems = error.problems
    return {"ok": not problems, "problems": [*map(told, problems)], "warnings": [*map(told, warnings)]}
