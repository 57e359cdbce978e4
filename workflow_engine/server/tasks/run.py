"""Run a workflow once, without memory of earlier runs."""

from __future__ import annotations

from typing import Any

from workflow_engine.errors import InputError, Problem, pointer
from workflow_engine.plan import Plan
from workflow_engine.server.requests import RunRequest, read
from workflow_engine.server.tasks.call import Call
from workflow_engine.trace import Trace

_HINT = "Send a JSON object with the members specification (the workflow) and inputs (an object)."


def run(call: Call) -> dict[str, Any]:
    """Run the workflow that the body holds."""
    asked = read(RunRequest, call.body, hint=_HINT)
    engine = call.bench.engine
    trace = Trace()
    with trace.span("workflow_compilation"):
        plan = call.bench.plan(asked.specification)
    _check_batch(plan, asked.inputs, engine.settings.limits.batch)
    result = engine.session(plan).run(
        asked.inputs,
        serialised=True,
        without=frozenset(asked.excluded_fields or ()),
        sinks=not asked.disable_sinks,
        stop=call.stop,
        observers=(trace.observe, call.observe),
    )
    return {"outputs": result.outputs, "profiler_trace": trace.events if asked.enable_profiling else []}


def _check_batch(plan: Plan, given: dict[str, Any], most: int) -> None:
    for declared in plan.inputs:
        value = given.get(declared.name)
        if declared.dimensionality and isinstance(value, list) and len(value) > most:
            message = f"The input {declared.name!r} has {len(value)} elements; one request may have {most}."
            at = pointer("inputs", declared.name)
            problem = Problem(
                code="batch_too_large", message=message, at=at, hint="Send them in parts.", whose="caller"
            )
            raise InputError(problem)
