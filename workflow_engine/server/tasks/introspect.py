"""Tell of blocks and workflows; nothing is run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from workflow_engine.errors import (
    BlockError,
    CompileError,
    DefinitionError,
    InputError,
    ManifestError,
    Problem,
    nearest,
)
from workflow_engine.inner import INNER_TYPES
from workflow_engine.kinds import table
from workflow_engine.server.introspection import blocks, workflows
from workflow_engine.server.introspection.kinds import all_described
from workflow_engine.server.problems import told
from workflow_engine.server.requests import InterfaceRequest, OutputsRequest, SavedInterfaceRequest, read
from workflow_engine.server.tasks.call import Call
from workflow_engine.server.tasks.library import saved
from workflow_engine.step_type import with_further_outputs

_HINT = "Send a JSON object with the member specification (the workflow)."
_BLOCKS_HINT = "The list of blocks is at /api/blocks."
_STEP_HINT = "Send a step: a JSON object with its type, name and fields."


def describe_blocks(call: Call) -> dict[str, Any]:
    """Describe every block in the ecosystem's form."""
    return blocks.describe(call.bench.engine.registry)


def palette(call: Call) -> dict[str, Any]:
    """Return every block's manifest with its form: all that an editor shows, and why blocks are missing."""
    registry = call.bench.engine.registry
    return {
        "blocks": [
            {"manifest": block.model_dump(mode="json"), "form": registry.form(block.type)}
            for block in registry.blocks()
        ],
        "kinds": table(),
        "operations": blocks.query_language(),
        "load_errors": [told(problem) for problem in registry.load_errors],
        "refused": [
            {"types": list(refusal.names), "reason": refusal.reason, "alternative": refusal.alternative}
            for refusal in registry.refusals
        ],
    }


def definition_schema(call: Call) -> dict[str, Any]:
    """Return the JSON Schema of a workflow."""
    return {"schema": workflows.definition_schema(call.bench.engine.registry)}


def interface(call: Call) -> dict[str, Any]:
    """Describe what the workflow in the body takes and gives."""
    return workflows.interface(call.bench.plan(read(InterfaceRequest, call.body, hint=_HINT).specification))


def saved_interface(call: Call) -> dict[str, Any]:
    """Describe what a saved workflow takes and gives."""
    asked = read(SavedInterfaceRequest, call.body or b"{}", hint="Send a JSON object, or nothing.")
    return workflows.interface(call.bench.plan(saved(call, asked.workflow_version_id).definition))


def dynamic_outputs(call: Call) -> list[dict[str, Any]]:
    """Return the outputs of a step, those that depend on its fields included.

    Raises:
        CompileError: If no block has its type, or its fields do not tell what the outputs are.
    """
    step = read(OutputsRequest, call.body, hint=_STEP_HINT)
    if step.type in INNER_TYPES:
        return _inner_outputs(call, (step.model_extra or {}).get("workflow_definition"))
    registry = call.bench.engine.registry
    try:
        return blocks.outputs(with_further_outputs(registry.step_type(step.type), step.model_extra or {}))
    except KeyError:
        refusal = registry.refusal(step.type)
        message = f"There is no block of the type {step.type[:120]!r}. {refusal.reason if refusal else ''}".rstrip()
        hint = refusal.alternative if refusal else nearest(step.type, registry.type_names) or _BLOCKS_HINT
        raise CompileError(Problem(code="unknown_block", message=message, at="/type", hint=hint)) from None
    except BlockError as error:
        raise InputError(Problem(code="bad_value", message=str(error), hint=error.hint, whose="caller")) from None
    except ManifestError as error:
        message = f"The block {step.type!r} is installed but broken: {error.problem.message}"
        raise ManifestError(Problem(code="broken_block", message=message, at="/type", whose="block")) from error


def _inner_outputs(call: Call, document: Any) -> list[dict[str, Any]]:
    """Return the outputs of a step that holds a workflow: those of that workflow."""
    if not isinstance(document, dict):
        message = "The inner workflow has no workflow_definition."
        hint = "Put the workflow itself into workflow_definition."
        raise CompileError(Problem(code="inner_step", message=message, at="/workflow_definition", hint=hint))
    try:
        told = workflows.interface(call.bench.plan(document))["outputs"]
    except (DefinitionError, CompileError) as error:
        inside = (replace(one, at=f"/workflow_definition{one.at}") for one in error.problems)
        raise type(error)(inside) from error
    return [
        {"name": name, "kind": all_described(["dictionary"] if isinstance(kinds, dict) else kinds)}
        for name, kinds in told.items()
    ]
