"""Run a workflow once, without memory of earlier runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_engine.errors import InputError, Problem, pointer
from workflow_engine.plan import Plan
from workflow_engine.server.requests import RunRequest, SavedRunRequest, read
from workflow_engine.server.tasks.call import Call
from workflow_engine.server.tasks.library import saved
from workflow_engine.trace import Trace

_HINT = "Send a JSON object with the members specification (the workflow) and inputs (an object)."
_SAVED_HINT = "Send a JSON object with the member inputs (an object)."


def run(call: Call) -> dict[str, Any]:
    """Run the workflow that the body holds."""
    asked = read(RunRequest, call.body, hint=_HINT)
    return _run(call, asked.specification, asked)


def run_saved(call: Call) -> dict[str, Any]:
    """Run the saved workflow that the path names."""
    asked = read(SavedRunRequest, call.body, hint=_SAVED_HINT)
    return _run(call, saved(call, asked.workflow_version_id).definition, asked)


def _run(call: Call, document: Mapping[str, Any], asked: RunRequest | SavedRunRequest) -> dict[str, Any]:
    trace = Trace()
    with trace.span("workflow_compilation"):
        plan = call.bench.plan(document)
    check_batch(plan, asked.inputs, call.bench.engine.settings.limits.batch)
    result = call.bench.engine.session(plan).run(
        asked.inputs,
        serialised=True,
        without=frozenset(asked.excluded_fields or ()),
        sinks=not asked.disable_sinks,
        stop=call.stop,
        observers=(trace.observe, call.observe),
    )
    return {"outputs": result.outputs, "profiler_trace": trace.events if asked.enable_profiling else []}


def check_batch(plan: Plan, given: Mapping[str, Any], most: int) -> None:
    """Refuse a batch of more than ``most`` elements, those of nested lists counted one by one.

    Raises:
        InputError: If an input has more (code ``batch_too_large``).
    """
    for declared in plan.inputs:
        count = _count(given.get(declared.name), declared.dimensionality)
        if declared.dimensionality and count > most:
            message = f"The input {declared.name!r} has {count} elements; one request may have {most}."
            at = pointer("inputs", declared.name)
            problem = Problem(
                code="batch_too_large", message=message, at=at, hint="Send them in parts.", whose="caller"
            )
            raise InputError(problem)


def _count(value: Any, depth: int) -> int:
    return sum(_count(element, depth - 1) for element in value) if depth and isinstance(value, list) else 1
