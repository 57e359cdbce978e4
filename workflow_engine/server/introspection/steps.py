"""The JSON Schema of a step, with the ecosystem's keywords for editors beside the standard ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.manifest import ALIASES, BATCH, KINDS, STEPS
from workflow_engine.server.introspection.kinds import all_described
from workflow_engine.step_type import StepField, StepType

QUERY = "urn:segflow:query:1#/$defs/"
"""How manifests refer to the operations language; here its definitions stand in the schema itself."""

VALUE = r"^\$(inputs\.[A-Za-z0-9_\-]+|steps\.[A-Za-z0-9_\-]+\.[A-Za-z0-9_\-]+)$"
STEP = r"^\$steps\.[A-Za-z0-9_\-]+$"

_OWN = frozenset({KINDS, ALIASES, STEPS, BATCH})
_TOLD_ONCE = ("title", "description", "default", "examples")


def step_schema(kind: StepType, aliases: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of a step of this type; ``aliases`` are other names that its ``type`` may have."""
    return {
        "type": "object",
        "properties": {
            "type": {"enum": [kind.name, *aliases]},
            "name": {"type": "string", "minLength": 1, "title": "Step name", "description": "Unique in its workflow."},
            **{name: _property(kind, field) for name, field in proper_fields(kind).items()},
        },
        "required": ["type", "name", *(name for name, field in proper_fields(kind).items() if field.required)],
    }


def proper_fields(kind: StepType) -> dict[str, StepField]:
    """Return the fields of a step, each by its proper spelling."""
    return {names[0]: kind.fields[names[0]] for names in _spellings(kind)}


def tolerant_schema(kind: StepType, aliases: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of a step as documents may have it: with any spelling of a field that has several."""
    schema = step_schema(kind, aliases)
    several = [names for names in _spellings(kind) if len(names) > 1]
    for first, *others in several:
        schema["properties"] |= dict.fromkeys(others, schema["properties"][first])
    wanted = [names for names in several if names[0] in schema["required"]]
    schema["required"] = [name for name in schema["required"] if name not in {names[0] for names in wanted}]
    either = [{"anyOf": [{"required": [name]} for name in names]} for names in wanted]
    return schema | ({"allOf": either} if either else {})


def _spellings(kind: StepType) -> list[list[str]]:
    """The spellings of each field, the proper one first."""
    found: dict[tuple[str, str], list[str]] = {}
    for name, field in kind.fields.items():
        found.setdefault((field.target, field.role), []).append(name)
    return list(found.values())


def _property(kind: StepType, field: StepField) -> dict[str, Any]:
    literal = local(field.schema or {})
    port = next((port for port in kind.manifest.inputs if port.name == field.target and field.role == "input"), None)
    told = {key: literal.pop(key) for key in _TOLD_ONCE if key in literal}
    if port is not None:
        told = {"title": port.title, "description": port.description}
    alternatives = []
    if field.kinds is not None:
        alternatives.append(
            _reference(field.kinds, batch=kind.takes_batch(field.target, foreign=field.role == "foreign"))
        )
    if field.schema is not None:
        alternatives.append(_with_references(kind, field, literal))
    elif not field.required:
        alternatives.append({"type": "null"})
    return told | (alternatives[0] if len(alternatives) == 1 else {"anyOf": alternatives})


def _with_references(kind: StepType, field: StepField, literal: dict[str, Any]) -> dict[str, Any]:
    """The literal's schema, its elements being references too where they may be."""
    if field.steps:
        return _naming_steps(literal)
    if field.element_kinds is None:
        return literal
    reference = _reference(field.element_kinds, batch=kind.takes_batch(field.target, foreign=field.role == "foreign"))
    key = "additionalProperties" if "additionalProperties" in literal else "items"
    elements = literal.get(key) if isinstance(literal.get(key), Mapping) else None
    return literal | {key: {"anyOf": [reference, elements]} if elements else reference}


def _naming_steps(literal: dict[str, Any]) -> dict[str, Any]:
    step = {"type": "string", "pattern": STEP, "reference": True, "selected_element": "step", "kind": []}
    for key in ("items", "additionalProperties"):
        if key in literal:
            return literal | {key: step}
    return {"anyOf": [step, literal]} if "null" in str(literal.get("type")) else step


def _reference(kinds: tuple[str, ...], *, batch: bool) -> dict[str, Any]:
    return {
        "type": "string",
        "pattern": VALUE,
        "reference": True,
        "selected_element": "any_data",
        "kind": all_described(kinds),
        "selector_points_to_batch": "dynamic" if batch else False,
    }


def local(schema: Any) -> Any:
    """Return a manifest's schema without our keywords, its references led to ``#/$defs``."""
    if isinstance(schema, Mapping):
        return {
            key: f"#/$defs/{value[len(QUERY) :]}" if key == "$ref" and value.startswith(QUERY) else local(value)
            for key, value in schema.items()
            if key not in _OWN
        }
    return [local(item) for item in schema] if isinstance(schema, list | tuple) else schema


def used(schema: Any, definitions: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of ``definitions`` that ``schema`` refers to, and those that they refer to."""
    found: dict[str, Any] = {}
    waiting = list(_referred(schema))
    while waiting:
        name = waiting.pop()
        if name not in found and name in definitions:
            found[name] = definitions[name]
            waiting += _referred(definitions[name])
    return found


def _referred(schema: Any) -> Iterator[str]:
    if isinstance(schema, Mapping):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].removeprefix("#/$defs/")
        for value in schema.values():
            yield from _referred(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _referred(item)
