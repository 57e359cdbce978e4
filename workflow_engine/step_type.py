"""What a step may look like in a document, derived once per type name from the manifest of its block.

A type name is our own or a foreign one that the manifest stands in for. The derived ``StepType`` says which fields a
step may have, whether each takes a literal, a reference or both, and how the values reach the block's function.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

from workflow_engine.faults import Schema
from workflow_engine.manifest import ALIASES, KINDS, STEPS, BlockManifest, Compat, load_entrypoint
from workflow_engine.schemas import Validator
from workflow_engine.selectors import is_reference


@dataclass(frozen=True)
class StepField:
    """One field of a step, as documents of one type spell it.

    Attributes:
        name: The spelling in a document.
        target: Name of the input or parameter it feeds.
        role: Feeds an ``input``, a ``parameter``, or a ``foreign`` parameter that an adapter translates.
        schema: What a literal must fit; ``None`` when only references may stand here.
        kinds: Kinds that a reference standing for the whole value may have; ``None`` when none may.
        element_kinds: The same for the elements of a list or the values of an object.
        required: Whether a step must have the field.
        offset: Depth of the value below that of the step: 1 for a list of children.
        steps: Whether it names steps that the block lets continue.
    """

    name: str
    target: str
    role: Literal["input", "parameter", "foreign"]
    schema: Schema | None
    kinds: tuple[str, ...] | None
    element_kinds: tuple[str, ...] | None
    required: bool
    offset: int = 0
    steps: bool = False

    @property
    def whole(self) -> bool:
        """Whether a number here is a whole one."""
        types = (self.schema or {}).get("type", ())
        return "integer" in types and "number" not in types

    @cached_property
    def checker(self) -> Validator:
        """Validator of a literal value."""
        return Validator(self.schema or {})

    @cached_property
    def element_checker(self) -> Validator:
        """Validator of one element of a list or object that holds references too."""
        schema = self.schema or {}
        return Validator(schema.get("items") or schema.get("additionalProperties") or {})

    @cached_property
    def names_checker(self) -> Validator:
        """Validator of the names in an object that holds references."""
        return Validator({"propertyNames": (self.schema or {}).get("propertyNames", True)})

    def literal_faults(self, value: Any) -> Iterator[tuple[str, str, str]]:
        """Yield what is wrong with the literal parts of ``value``; references are left to the compiler."""
        if is_reference(value) and self.kinds is not None:
            return
        elements = dict(_elements(value)) if self.element_kinds or self.steps else {}
        if not any(is_reference(element) for element in elements.values()):
            if self.schema is not None:
                yield from self.checker.faults(value)
            return
        yield from self.names_checker.faults(value)
        for key, element in elements.items():
            if not is_reference(element):
                yield from ((f"/{key}{at}", text, hint) for at, text, hint in self.element_checker.faults(element))


def _elements(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, list | tuple):
        yield from enumerate(value)


@dataclass(frozen=True)
class StepType:
    """What a step of one type name may look like, and how its values reach the function.

    Attributes:
        name: The type name as a document spells it.
        manifest: The block that stands behind it.
        fields: Every accepted spelling of a field.
        required: The fields that a step must have.
        defaults: Value of each parameter that a step leaves out, by target.
        foreign_defaults: The same for an adapter's parameters.
        fixed: Parameters that the type sets, by target.
        ignored: Foreign fields that mean nothing here.
        adapter: Entry point that turns foreign parameters into ours.
        single_settings: Whether a parameter is one value for the whole run, unless its schema says ``x-batch``.
        outputs: Outputs with the kinds that they have in this type.
    """

    name: str
    manifest: BlockManifest
    fields: Mapping[str, StepField]
    required: tuple[StepField, ...]
    defaults: Mapping[str, Any]
    foreign_defaults: Mapping[str, Any]
    fixed: Mapping[str, Any]
    ignored: frozenset[str]
    adapter: str | None
    single_settings: bool
    outputs: Mapping[str, tuple[str, ...]]

    def takes_batch(self, target: str, *, foreign: bool) -> bool:
        """Whether values that differ between the elements of a batch may come to an input or parameter."""
        return not self.single_settings or (target in self.manifest.listed and not foreign)


def step_type(manifest: BlockManifest, name: str) -> StepType:
    """Derive the step type that documents call ``name``: ours, or a foreign one that the manifest stands in for."""
    entry = next((c for c in manifest.compat if name in (c.type, *c.aliases)), Compat(type=name))
    spelled = {ours: theirs for theirs, ours in entry.rename.items()}
    properties = {
        target: {**schema, "default": entry.defaults[target]} if target in entry.defaults else schema
        for target, schema in manifest.parameters.properties.items()
        if target not in entry.set
    }
    fields = [
        *_input_fields(manifest, spelled),
        *(
            _parameter_field(name, target, "parameter", schema, "default" not in schema)
            for target, schema in properties.items()
            for name in (spelled.get(target, target), *schema.get(ALIASES, ()))
        ),
        *(_parameter_field(n, n, "foreign", schema, "default" not in schema) for n, schema in entry.parameters.items()),
    ]
    return StepType(
        name=name,
        manifest=manifest,
        fields={field.name: field for field in fields},
        required=tuple({field.target: field for field in reversed(fields) if field.required}.values())[::-1],
        defaults={target: schema["default"] for target, schema in properties.items() if "default" in schema},
        foreign_defaults={n: schema["default"] for n, schema in entry.parameters.items() if "default" in schema},
        fixed=entry.set,
        ignored=frozenset(entry.ignore),
        adapter=entry.adapter,
        single_settings=entry.single_settings or manifest.execution.batch == "whole_batch",
        outputs={
            port.name: entry.outputs[port.name].kinds if port.name in entry.outputs else port.kinds
            for port in manifest.outputs
        },
    )


def with_further_outputs(kind: StepType, fields: Mapping[str, Any]) -> StepType:
    """Return ``kind`` with the outputs that its block derives from the fields of one step.

    Raises:
        BlockError: If the fields do not tell what the outputs are.
    """
    if kind.manifest.outputs_from is None:
        return kind
    further: Mapping[str, Sequence[str]] = load_entrypoint(kind.manifest.outputs_from)(fields)
    return replace(kind, outputs={**kind.outputs, **{name: tuple(kinds) for name, kinds in further.items()}})


def check_together(kind: StepType, fields: Mapping[str, Any]) -> None:
    """Check that the fields of one step, each valid by itself, go together.

    Raises:
        ValueError: If they do not; the text reads after *In the step …:*.
    """
    if kind.manifest.fields_check is not None:
        load_entrypoint(kind.manifest.fields_check)(fields)


def _input_fields(manifest: BlockManifest, spelled: Mapping[str, str]) -> Iterator[StepField]:
    for port in manifest.inputs:
        for name in (spelled.get(port.name, port.name), *port.aliases):
            yield StepField(
                name=name,
                target=port.name,
                role="input",
                schema={"type": "array", "minItems": 1} if port.multiple else None,
                kinds=None if port.multiple else port.kinds,
                element_kinds=port.kinds if port.multiple else None,
                required=port.required,
                offset=port.dimensionality_offset,
            )


def _parameter_field(
    name: str, target: str, role: Literal["parameter", "foreign"], schema: Schema, required: bool
) -> StepField:
    elements = schema.get("items") or schema.get("additionalProperties")
    return StepField(
        name=name,
        target=target,
        role=role,
        schema=schema,
        kinds=schema.get(KINDS),
        element_kinds=elements.get(KINDS) if isinstance(elements, Mapping) else None,
        required=required,
        steps=bool(schema.get(STEPS)),
    )
