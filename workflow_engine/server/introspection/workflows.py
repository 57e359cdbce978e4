"""What a workflow takes and gives, and the JSON Schema of any workflow."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from workflow_engine.definition import Definition
from workflow_engine.inner import INNER_TYPES
from workflow_engine.kinds import table
from workflow_engine.manifest import Compat
from workflow_engine.plan import FromInput, Origin, Plan, references
from workflow_engine.registry import Registry
from workflow_engine.schemas import vocabulary
from workflow_engine.server.introspection.kinds import SCHEMAS
from workflow_engine.server.introspection.steps import local, tolerant_schema


def interface(plan: Plan) -> dict[str, Any]:
    """Return the inputs and outputs of a workflow with their kinds, and what values of those look like as JSON."""
    inputs = {declared.name: _kinds_taken(plan, declared.name) or list(declared.kinds) for declared in plan.inputs}
    outputs: dict[str, Any] = {}
    for output in plan.outputs:
        found = {name: list(kinds) for name, _, kinds in output.origins}
        outputs[output.name] = found if output.every else next(iter(found.values()), [])
    kinds = sorted({kind for found in (*inputs.values(), *outputs.values()) for kind in _flat(found)})
    return {
        "inputs": inputs,
        "outputs": outputs,
        "typing_hints": {kind: table()[kind]["json"] for kind in kinds},
        "kinds_schemas": {kind: SCHEMAS[kind] for kind in kinds if kind in SCHEMAS},
    }


def _flat(found: Any) -> Iterator[str]:
    for item in found.values() if isinstance(found, dict) else [found]:
        yield from item


def _kinds_taken(plan: Plan, name: str) -> list[str]:
    """The kinds of every field that an input is plugged into."""
    found: dict[str, None] = {}
    for step in plan.steps:
        for binding in step.bindings:
            if _reads(binding.origin, name):
                field = step.type.fields[binding.field]
                whole = isinstance(binding.origin, FromInput)
                found |= dict.fromkeys((field.kinds if whole else field.element_kinds) or ())
    return list(found)


def _reads(origin: Origin, name: str) -> bool:
    return any(isinstance(reference, FromInput) and reference.name == name for reference in references(origin))


def definition_schema(registry: Registry) -> dict[str, Any]:
    """Return the JSON Schema of a workflow of the blocks in ``registry``: what completion in an editor needs."""
    document = Definition.model_json_schema(ref_template="#/$defs/{model}")
    inputs = document["properties"]["inputs"]["items"]
    steps: dict[str, Any] = {}
    mapping: dict[str, str] = {}
    for block in registry.blocks():
        for entry in (Compat(type=block.type), *block.compat):
            schema = tolerant_schema(registry.step_type(entry.type), entry.aliases)
            steps[entry.type] = {**schema, "title": block.title}
            mapping |= dict.fromkeys((entry.type, *entry.aliases), f"#/$defs/{entry.type.replace('/', '~1')}")
    inner = {"type": "object", "properties": {"type": {"enum": list(INNER_TYPES)}}, "required": ["type", "name"]}
    mapping |= dict.fromkeys(INNER_TYPES, "#/$defs/inner_workflow")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "WorkflowSpecificationV1",
        "type": "object",
        "properties": {
            "version": {"type": "string"},
            "inputs": {"type": "array", "items": inputs},
            "steps": {
                "type": "array",
                "items": {
                    "oneOf": [{"$ref": ref} for ref in dict.fromkeys(mapping.values())],
                    "discriminator": {"propertyName": "type", "mapping": mapping},
                },
            },
            "outputs": {"type": "array", "items": {"$ref": "#/$defs/Output"}},
        },
        "required": ["version", "inputs", "steps", "outputs"],
        "$defs": {
            **document["$defs"],
            **local(vocabulary()["urn:segflow:query:1"])["$defs"],
            **steps,
            "inner_workflow": inner,
        },
    }
