"""A block's manifest, and what a step of that block may look like in a document.

``BlockManifest`` is the JSON as it stands. ``StepType`` is derived from it once per type name, our own or a foreign
one that the manifest stands in for: which fields a step may have, whether each takes a literal, a reference or both,
and how the values reach the block's function.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any, Literal

from jsonschema import Draft202012Validator
from pydantic import BaseModel, ConfigDict, Field

from workflow_engine.errors import ManifestError, Problem, nearest
from workflow_engine.kinds import table
from workflow_engine.schemas import Schema, faults, validator, vocabulary
from workflow_engine.selectors import is_reference

MANIFEST_ID = "urn:segflow:block-manifest:1"
STEPS = "x-steps"
KINDS = "x-kinds"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Port(_Part):
    """A named, typed end of a block: an input or an output."""

    name: str
    title: str
    description: str = ""
    kinds: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    required: bool = True
    multiple: bool = False
    dimensionality_offset: int = 0
    preview: str = "none"


class OtherKinds(_Part):
    """Kinds of an output where a foreign type differs from ours."""

    kinds: tuple[str, ...]


class Compat(_Part):
    """A foreign block type that a block stands in for; the meta-schema describes the fields."""

    type: str
    aliases: tuple[str, ...] = ()
    rename: dict[str, str] = {}
    set: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    ignore: tuple[str, ...] = ()
    parameters: dict[str, dict[str, Any]] = {}
    adapter: str | None = None
    outputs: dict[str, OtherKinds] = {}


class Execution(_Part):
    """How the engine is to run a block."""

    cache: Literal["by_inputs", "never"]
    device: Literal["cpu", "any", "gpu"]
    deterministic: bool = True
    stateful: bool = False
    side_effects: bool = False
    batch: Literal["per_item", "whole_batch"] = "per_item"
    accepts_missing: bool = False
    output_dimensionality: Literal[-1, 0, 1] = 0
    dimensionality_reference: str | None = None


class Parameters(_Part):
    """The block's settings as one JSON Schema object."""

    properties: dict[str, dict[str, Any]]
    required: tuple[str, ...] = ()


class Example(_Part):
    """A step that shows a use of the block."""

    title: str
    step: dict[str, Any]


class BlockManifest(_Part):
    """The facts about one version of a block."""

    type: str
    version: str
    title: str
    summary: str
    description: str = ""
    icon: str = "box"
    category: str
    keywords: tuple[str, ...] = ()
    priority: int = 100
    status: str = "stable"
    deprecated: dict[str, str] | None = None
    license: str
    entrypoint: str
    model_family: str | None = None
    compat: tuple[Compat, ...] = ()
    inputs: tuple[Port, ...]
    parameters: Parameters
    outputs: tuple[Port, ...]
    execution: Execution
    requires: dict[str, Any] = {}
    examples: tuple[Example, ...] = Field(default=())

    @property
    def type_names(self) -> tuple[str, ...]:
        """Every name by which a document may call this block: ours, the foreign ones, their short aliases."""
        return (self.type, *(name for entry in self.compat for name in (entry.type, *entry.aliases)))


def read_manifest(content: Mapping[str, Any]) -> BlockManifest:
    """Check ``content`` against the meta-schema, its own defaults and its examples.

    Raises:
        ManifestError: With every problem found.
    """
    meta = validator(vocabulary().contents(MANIFEST_ID))
    problems = [_problem(at, f"{at or 'the manifest'} {text}", hint) for at, text, hint in faults(meta, content)]
    if problems:
        raise ManifestError(problems)
    manifest = BlockManifest.model_validate(content)
    problems = [*_kind_problems(manifest), *_parameter_problems(manifest), *_example_problems(manifest)]
    if problems:
        raise ManifestError(problems)
    return manifest


def _problem(at: str, message: str, hint: str = "") -> Problem:
    return Problem(code="bad_manifest", message=f"{message}.", at=at, hint=hint, whose="block")


def _kind_problems(manifest: BlockManifest) -> Iterator[Problem]:
    used = [(f"/inputs/{i}", port.kinds) for i, port in enumerate(manifest.inputs)]
    used += [(f"/outputs/{i}", port.kinds) for i, port in enumerate(manifest.outputs)]
    for i, entry in enumerate(manifest.compat):
        used += [(f"/compat/{i}/outputs/{name}", other.kinds) for name, other in entry.outputs.items()]
    for name, schema in manifest.parameters.properties.items():
        for part in (schema, schema.get("items"), schema.get("additionalProperties")):
            if isinstance(part, Mapping):
                used.append((f"/parameters/properties/{name}", tuple(part.get(KINDS, ()))))
    for at, kinds in used:
        for kind in kinds:
            if kind not in table():
                yield _problem(at, f"{kind!r} is not a kind", nearest(kind, table()))


def _parameter_problems(manifest: BlockManifest) -> Iterator[Problem]:
    parameters = manifest.parameters
    inputs = {port.name for port in manifest.inputs}
    for name, schema in parameters.properties.items():
        at = f"/parameters/properties/{name}"
        if name in inputs:
            yield _problem(at, f"{name} is an input and a parameter at once")
        if "default" not in schema and name not in parameters.required:
            yield _problem(at, f"{name} has no default and is not required", "Add one of the two.")
        elif "default" in schema:
            for _, text, _ in faults(validator(schema), schema["default"]):
                yield _problem(f"{at}/default", f"the default of {name}: {text}")
    for name in parameters.required:
        if name not in parameters.properties:
            yield _problem("/parameters/required", f"{name} is required but not described")
    reference = manifest.execution.dimensionality_reference
    if any(port.dimensionality_offset for port in manifest.inputs) and reference not in inputs:
        yield _problem("/execution", "inputs declare offsets, so dimensionality_reference must name an input")


def _example_problems(manifest: BlockManifest) -> Iterator[Problem]:
    types = {name: step_type(manifest, name) for name in manifest.type_names}
    for i, example in enumerate(manifest.examples):
        at = f"/examples/{i}/step"
        kind = types.get(example.step["type"])
        if kind is None:
            yield _problem(at, f"the example {example.title!r} is of type {example.step['type']!r}, not of this block")
            continue
        for name, value in example.step.items():
            if name in ("type", "name"):
                continue
            field = kind.fields.get(name)
            if field is None:
                yield _problem(f"{at}/{name}", f"the example {example.title!r} sets {name!r}, which the block lacks")
            else:
                yield from (
                    _problem(f"{at}/{name}{deep}", f"{name} {text}") for deep, text, _ in field.literal_faults(value)
                )
        given = {kind.fields[name].target for name in example.step if name in kind.fields}
        for field in kind.required:
            if field.target not in given:
                yield _problem(at, f"the example {example.title!r} lacks {field.name!r}")


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

    @cached_property
    def checker(self) -> Draft202012Validator:
        """Validator of a literal value."""
        return validator(self.schema or {})

    @cached_property
    def element_checker(self) -> Draft202012Validator:
        """Validator of one element of a list or object that holds references too."""
        schema = self.schema or {}
        return validator(schema.get("items") or schema.get("additionalProperties") or {})

    def literal_faults(self, value: Any) -> Iterator[tuple[str, str, str]]:
        """Yield what is wrong with the literal parts of ``value``; references are left to the compiler."""
        if is_reference(value) and self.kinds is not None:
            return
        elements = dict(_elements(value)) if self.element_kinds or self.steps else {}
        if not any(is_reference(element) for element in elements.values()):
            if self.schema is not None:
                yield from faults(self.checker, value)
            return
        for key, element in elements.items():
            if not is_reference(element):
                yield from ((f"/{key}{at}", text, hint) for at, text, hint in faults(self.element_checker, element))


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
    outputs: Mapping[str, tuple[str, ...]]


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
            _parameter_field(spelled.get(target, target), target, "parameter", schema, "default" not in schema)
            for target, schema in properties.items()
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
        outputs={
            port.name: entry.outputs[port.name].kinds if port.name in entry.outputs else port.kinds
            for port in manifest.outputs
        },
    )


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


def load_entrypoint(entrypoint: str) -> Any:
    """Import what ``package.module:name`` names.

    Raises:
        ManifestError: If the module or the name in it does not exist, or the module fails to import.
    """
    module, _, name = entrypoint.partition(":")
    try:
        return getattr(import_module(module), name)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ManifestError(_problem("/entrypoint", f"{entrypoint} cannot be loaded ({reason})")) from error


def check_signature(manifest: BlockManifest, function: Any) -> None:
    """Hold a block's function against its manifest.

    The function (or, for a stateful block, the class's ``__call__``) has one argument for each input and parameter, no
    defaults, since the manifest has them, and may have one named ``context``.

    Raises:
        ManifestError: If the names differ, or an argument has a default.
    """
    called = function.__call__ if manifest.execution.stateful else function
    arguments = [p for p in inspect.signature(called).parameters.values() if p.name not in ("self", "context")]
    found = {argument.name for argument in arguments}
    declared = {port.name for port in manifest.inputs} | set(manifest.parameters.properties)
    problems = [
        *(f"{manifest.entrypoint} lacks the argument {name!r} that the manifest declares" for name in declared - found),
        *(f"{manifest.entrypoint} has the argument {name!r}, which the manifest lacks" for name in found - declared),
        *(
            f"the argument {a.name!r} of {manifest.entrypoint} has a default; defaults stand in the manifest"
            for a in arguments
            if a.default is not inspect.Parameter.empty
        ),
    ]
    if problems:
        raise ManifestError([_problem("/entrypoint", problem) for problem in sorted(problems)])
