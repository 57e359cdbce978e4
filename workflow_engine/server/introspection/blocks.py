"""Every block as the ecosystem's ``blocks/describe`` tells of it: one entry for each type name, ours and foreign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workflow_engine.kinds import table
from workflow_engine.manifest import BlockManifest, Compat
from workflow_engine.registry import Registry
from workflow_engine.schemas import vocabulary
from workflow_engine.server.introspection.kinds import all_described
from workflow_engine.server.introspection.steps import local, proper_fields, step_schema, used
from workflow_engine.step_type import StepField, StepType

_QUERY = "urn:segflow:query:1"
_SECTIONS = {
    "source": ("formatter", "advanced"),
    "model": ("model", "model"),
    "transform": ("transformation", "transformation"),
    "filter": ("transformation", "transformation"),
    "logic": ("formatter", "advanced"),
    "measure": ("analytics", "analytics"),
    "visualize": ("visualization", "visualization"),
    "track": ("video", "video"),
    "sink": ("sink", "data_storage"),
    "flow": ("flow_control", "flow_control"),
}
"""The ecosystem's type of block and section of the palette, by our category."""

_TYPES = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "array": "list", "object": "dict"}

NO_CODE: dict[str, Any] = {
    "title": "DynamicBlockDefinition",
    "description": "segflow runs no code that comes in a document, so nothing is valid here. A block of your own is a "
    "manifest and a function that the operator installs: segflow blocks new NAME.",
    "not": {},
}


def describe(registry: Registry) -> dict[str, Any]:
    """Return the whole reply."""
    types = [(kind, aliases) for block in registry.blocks() for kind, aliases in _types(registry, block)]
    return {
        "blocks": [_block(registry, kind, aliases) for kind, aliases in types],
        "declared_kinds": all_described(table()),
        "kinds_connections": _kinds_connections([kind for kind, _ in types]),
        "primitives_connections": [entry for kind, _ in types for entry in _primitives(kind)],
        "universal_query_language_description": query_language(),
        "dynamic_block_definition_schema": NO_CODE,
    }


def _types(registry: Registry, block: BlockManifest) -> Iterator[tuple[StepType, tuple[str, ...]]]:
    for entry in (Compat(type=block.type), *block.compat):
        yield registry.step_type(entry.type), entry.aliases


def _block(registry: Registry, kind: StepType, aliases: tuple[str, ...]) -> dict[str, Any]:
    manifest, execution = kind.manifest, kind.manifest.execution
    return {
        "manifest_type_identifier": kind.name,
        "manifest_type_identifier_aliases": list(aliases),
        "fully_qualified_block_class_name": f"{manifest.entrypoint.replace(':', '.')}#{kind.name}",
        "human_friendly_block_name": manifest.title,
        "block_source": "workflows_core" if kind.name != manifest.type else "segflow",
        "block_schema": _schema(registry, kind, aliases),
        "outputs_manifest": outputs(kind),
        "execution_engine_compatibility": manifest.requires.get("engine"),
        "input_dimensionality_offsets": {
            name: field.offset for name, field in proper_fields(kind).items() if field.role == "input" and field.offset
        },
        "dimensionality_reference_property": execution.dimensionality_reference,
        "output_dimensionality_offset": execution.output_dimensionality,
        "restrictions": [],
    }


def outputs(kind: StepType) -> list[dict[str, Any]]:
    """Return the outputs of a step, each with its kinds."""
    return [{"name": name, "kind": all_described(kinds)} for name, kinds in kind.outputs.items()]


def _schema(registry: Registry, kind: StepType, aliases: tuple[str, ...]) -> dict[str, Any]:
    manifest = kind.manifest
    block_type, section = _SECTIONS[manifest.category]
    schema = step_schema(kind, aliases)
    for name, shown in _conditions(kind, registry.form(manifest.type)):
        schema["properties"][name]["relevant_for"] = shown
    definitions = used(schema, local(vocabulary()[_QUERY])["$defs"])
    return {
        **schema,
        **({"$defs": definitions} if definitions else {}),
        "title": manifest.title,
        "name": manifest.title,
        "version": kind.name.rpartition("@")[2] if "@" in kind.name else "v1",
        "short_description": manifest.summary,
        "long_description": manifest.description or manifest.summary,
        "license": manifest.license,
        "block_type": block_type,
        "search_keywords": list(manifest.keywords),
        "ui_manifest": {
            "section": section,
            "icon": manifest.icon,
            "blockPriority": manifest.priority,
            "inDevelopment": manifest.status == "experimental",
        },
    }


def _conditions(kind: StepType, form: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield fields that the form shows only for certain values of another, with those values."""
    spelled = {field.target: name for name, field in proper_fields(kind).items() if field.role != "foreign"}
    for element in _controls(form["form"]):
        rule = element.get("rule", {})
        condition = rule.get("condition", {})
        schema = condition.get("schema", {})
        values = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
        names = [spelled.get(scope.rpartition("/")[2]) for scope in (element["scope"], condition.get("scope", ""))]
        if rule.get("effect") == "SHOW" and values and all(names):
            yield str(names[0]), {str(names[1]): {"values": values, "required": False}}


def _controls(element: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if element["type"] == "Control":
        yield element
    for child in element.get("elements", ()):
        yield from _controls(child)


def _kinds_connections(types: Sequence[StepType]) -> dict[str, list[dict[str, Any]]]:
    """Where an output of each kind may be plugged."""
    found: dict[str, list[dict[str, Any]]] = {}
    for kind in types:
        for name, field in proper_fields(kind).items():
            inner = field.schema or {}
            for accepted, is_element in ((field.kinds, False), (field.element_kinds, True)):
                for one in accepted or ():
                    entry = _property_of(kind, name, field) | {
                        "compatible_element": "any_data",
                        "is_list_element": is_element and ("items" in inner or field.role == "input"),
                        "is_dict_element": is_element and "additionalProperties" in inner,
                    }
                    found.setdefault(one, []).append(entry)
    return found


def _primitives(kind: StepType) -> Iterator[dict[str, Any]]:
    """The fields that take a literal, with its type in the ecosystem's words."""
    for name, field in proper_fields(kind).items():
        if field.schema is not None and field.role != "input":
            yield _property_of(kind, name, field) | {"type_annotation": _annotation(field.schema)}


def _property_of(kind: StepType, name: str, field: StepField) -> dict[str, Any]:
    port = next((port.description for port in kind.manifest.inputs if port.name == field.target), "")
    description = (field.schema or {}).get("description", port)
    return {
        "manifest_type_identifier": kind.name,
        "property_name": name,
        "property_description": description or "not available",
    }


def _annotation(schema: Mapping[str, Any]) -> str:
    given = schema.get("type")
    named = [given] if isinstance(given, str) else list(given or ())
    choices = [choice["const"] for choice in schema.get("oneOf", ()) if "const" in choice]
    choices += list(schema.get("enum", ()))
    words = [_TYPES[name] for name in named if name in _TYPES] or sorted({type(choice).__name__ for choice in choices})
    text = f"Union[{', '.join(words)}]" if len(words) > 1 else next(iter(words), "Any")
    return f"Optional[{text}]" if "null" in named else text


def query_language() -> dict[str, Any]:
    """Return every operation and operator of the operations language."""
    definitions = vocabulary()[_QUERY]["$defs"]
    named = definitions["operation"]["properties"]["type"]["enum"]
    return {
        "operations_description": [_operation(name, definitions[name], definitions) for name in named],
        "operators_descriptions": [
            {
                "operator_type": name,
                "operands_number": len(told["x-operand-kinds"]),
                "operands_kinds": told["x-operand-kinds"],
                "description": told["description"],
            }
            for group in ("comparator", "unary_operator")
            for name, told in definitions[group]["x-operators"].items()
        ],
    }


def _operation(name: str, told: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    chosen = told.get("properties", {}).get("property_name", {})
    options = definitions.get(chosen.get("$ref", "").rpartition("/")[2], chosen).get("enum")
    return {
        "operation_type": name,
        "compound": "x-nested-input-kinds" in told or name in ("SequenceMap", "SequenceApply", "DetectionsFilter"),
        "input_kind": told["x-input-kinds"],
        "output_kind": told["x-output-kinds"],
        "nested_operation_input_kind": told.get("x-nested-input-kinds"),
        "nested_operation_output_kind": told.get("x-nested-output-kinds"),
        "description": told["description"],
        "property_name_options": options,
    }
