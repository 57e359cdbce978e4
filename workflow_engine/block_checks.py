"""What a block must pass before it is used: its manifest by itself, and its function against the manifest."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, get_args, get_type_hints, is_typeddict

from workflow_engine.errors import ManifestError, Problem, nearest
from workflow_engine.kinds import table
from workflow_engine.manifest import BATCH, KINDS, BlockManifest
from workflow_engine.schemas import Validator
from workflow_engine.step_type import step_type

MANIFEST_ID = "urn:segflow:block-manifest:1"


def check_content(content: Mapping[str, Any]) -> None:
    """Hold a manifest's JSON against the meta-schema.

    Raises:
        ManifestError: With every problem found.
    """
    faults = _meta_schema().faults(content)
    _raise_any(_problem(at, f"{at or 'the manifest'} {text}", hint) for at, text, hint in faults)


def check_manifest(manifest: BlockManifest) -> None:
    """Hold a manifest against the table of kinds, its own defaults and its examples.

    Raises:
        ManifestError: With every problem found.
    """
    _raise_any((*_kind_problems(manifest), *_parameter_problems(manifest), *_example_problems(manifest)))


def _raise_any(problems: Iterable[Problem]) -> None:
    if found := tuple(problems):
        raise ManifestError(found)


@cache
def _meta_schema() -> Validator:
    return Validator({"$ref": MANIFEST_ID})


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
        if BATCH in schema and manifest.execution.batch != "whole_batch":
            yield _problem(at, f"{name} is a list of one value per element, but the block takes one element at a time")
        if "default" not in schema and name not in parameters.required:
            yield _problem(at, f"{name} has no default and is not required", "Add one of the two.")
        elif "default" in schema:
            for _, text, _ in Validator(schema).faults(schema["default"]):
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


def check_signature(manifest: BlockManifest, function: Any) -> None:
    """Hold a block's function against its manifest.

    The function (or, for a stateful block, the class's ``__call__``) has one argument for each input and parameter, no
    defaults, since the manifest has them, and may have one named ``context``. Parameters that several blocks have in
    common may be taken together as ``**settings: Unpack[Settings]``, a typed dictionary.

    Raises:
        ManifestError: If the names differ, or an argument has a default.
    """
    called = function.__call__ if manifest.execution.stateful else function
    arguments = [p for p in inspect.signature(called).parameters.values() if p.name not in ("self", "context")]
    found = {name for argument in arguments for name in _names(called, argument)}
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
    _raise_any(_problem("/entrypoint", problem) for problem in sorted(problems))


def _names(called: Any, argument: inspect.Parameter) -> Collection[str]:
    """What an argument takes: its own name, or the keys of the typed dictionary that it unpacks."""
    if argument.kind is not inspect.Parameter.VAR_KEYWORD:
        return (argument.name,)
    unpacked = next(iter(get_args(get_type_hints(called)[argument.name])), None)
    return get_type_hints(unpacked).keys() if is_typeddict(unpacked) else (f"**{argument.name}",)
