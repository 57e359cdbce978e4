"""From what a caller gives to the batches that a run reads: sizes agreed, values converted, parameters checked."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

from workflow_engine.batch import Batch, Extents, Index, nested
from workflow_engine.definition import WorkflowInput
from workflow_engine.errors import InputError, Problem, nearest, pointer
from workflow_engine.kinds import ANYTHING
from workflow_engine.lineage import ROOT, input_lineage
from workflow_engine.plan import FromInput, Plan, PlannedStep
from workflow_engine.side_by_side import side_by_side
from workflow_engine.step_type import StepField
from workflow_engine.vision.values import ImageAccess, deserialise, is_encoded

Readers: TypeAlias = Mapping[tuple[str, Index], Callable[[], Any]]
"""What gives an element in memory or raises ``InputError``, by input and index, which is empty for a single value."""


def assemble(plan: Plan, given: Mapping[str, Any], access: ImageAccess) -> tuple[dict[str, Batch], Extents]:
    """Turn the caller's values into a batch for every input of the plan.

    A list fixes the size of the batch; a list of one and a single value serve every element.

    Raises:
        InputError: With every problem found: inputs missing, of unequal lengths, of the wrong type, unreadable.
    """
    problems: list[Problem] = []
    batched = [declared for declared in plan.inputs if declared.dimensionality > 0]
    for declared in batched:
        problems += _shape_problems(declared, given)
    if problems:
        raise InputError(problems)
    size = _batch_size(batched, given)
    extents = Extents()
    extents.spread((ROOT,), {(): size})
    readers = _readers(batched, given, access)
    batches: dict[str, Batch] = {}
    for declared in plan.inputs:
        try:
            if declared.dimensionality:
                batches[declared.name] = _batch(declared, given[declared.name], size, extents, readers)
            else:
                batches[declared.name] = Batch.single(_parameter(plan, declared, given, access))
        except InputError as error:
            problems += error.problems
    if problems:
        raise InputError(problems)
    return batches, extents


def _problem(code: str, name: str, message: str, hint: str = "", *, step: str | None = None) -> Problem:
    at = pointer("inputs", name)
    return Problem(code=code, message=message, at=at, hint=hint, whose="caller", field=name, step=step)


def _shape_problems(declared: WorkflowInput, given: Mapping[str, Any]) -> Iterator[Problem]:
    name, depth = declared.name, declared.dimensionality
    value = given.get(name)
    if value is None:
        state = "null" if name in given else "missing"
        hint = nearest(name, given.keys() - {name}) or f"Give a value for {name!r}."
        yield _problem("input_missing", name, f"The workflow's input {name!r} ({_kinds(declared)}) is {state}.", hint)
    elif depth > 1 and not _is_nested(value, depth):
        yield _problem("input_invalid", name, f"The input {name!r} takes lists nested {depth} levels deep.")


def _kinds(declared: WorkflowInput) -> str:
    return " or ".join("anything" if kind == ANYTHING else kind for kind in declared.kinds)


def _is_nested(value: Any, depth: int) -> bool:
    return depth == 0 or (isinstance(value, list | tuple) and all(_is_nested(element, depth - 1) for element in value))


def _batch_size(batched: list[WorkflowInput], given: Mapping[str, Any]) -> int:
    lengths = {d.name: len(given[d.name]) for d in batched if isinstance(given[d.name], list | tuple)}
    if 0 in lengths.values():
        return 0
    several = {name: length for name, length in lengths.items() if length > 1}
    if len(set(several.values())) > 1:
        (first, one), *others = several.items()
        second, other = next((name, length) for name, length in others if length != one)
        message = f"The input {first!r} has {one} elements and {second!r} has {other}."
        hint = "Give lists of one length, or one value for all."
        raise InputError(_problem("input_sizes_differ", second, message, hint))
    return next(iter(several.values()), 1)


def _readers(batched: Iterable[WorkflowInput], given: Mapping[str, Any], access: ImageAccess) -> Readers:
    """Prepare to read every element; several pictures are decoded, and fetched, side by side."""
    readers: dict[tuple[str, Index], Callable[[], Any]] = {}
    pictures: dict[tuple[str, Index], Callable[[], Any]] = {}
    for declared in batched:
        for index, one in _elements(declared, given[declared.name]):
            read = partial(deserialise, one, declared.kinds, name=declared.name, index=index, access=access)
            (pictures if is_encoded(one, declared.kinds) else readers)[declared.name, index] = read
    return readers | (side_by_side(pictures) if len(pictures) > 1 else pictures)


def _elements(declared: WorkflowInput, value: Any) -> Iterable[tuple[Index, Any]]:
    if not isinstance(value, list | tuple):
        return [((), value)]
    return ((index, one) for index, one in nested(value, declared.dimensionality) if one is not None)


def _batch(declared: WorkflowInput, value: Any, size: int, extents: Extents, readers: Readers) -> Batch:
    """Read every element; one element serves all indices when there are more of them."""
    lineage = input_lineage(declared)
    elements = {index: readers[declared.name, index]() for index, _ in _elements(declared, value)}
    if not isinstance(value, list | tuple):
        return Batch(lineage, {(i,): elements[()] for i in range(size)})
    if len(value) == 1 and size != 1:
        elements = {(i, *index[1:]): one for i in range(size) for index, one in elements.items()}
        value = value * size
    for depth in range(2, declared.dimensionality + 1):
        counts = {index: len(inner) for index, inner in nested(value, depth - 1)}
        extents.spread(lineage[:depth], counts)
    return Batch(lineage, elements)


def _parameter(plan: Plan, declared: WorkflowInput, given: Mapping[str, Any], access: ImageAccess) -> Any:
    """The value of a parameter, or its default, held against every field that it fills."""
    name = declared.name
    value = given[name] if name in given else getattr(declared, "default_value", None)
    converted = value
    for step, field in _fields_filled(plan, name):
        if field.role == "input":
            kinds = field.kinds or (ANYTHING,)
            if ANYTHING not in kinds and value is not None:
                converted = deserialise(value, kinds, name=name, index=(), access=access)
            continue
        plain = list(value) if isinstance(value, tuple) else value
        for at, text, hint in field.literal_faults(plain):
            where = f"{field.name}{at.replace('/', '.')} of the step {step.name!r}"
            message = f"The parameter {name!r} does not fit {where}: {text}."
            raise InputError(_problem("input_invalid", name, message, hint, step=step.name))
    return converted


def _fields_filled(plan: Plan, name: str) -> Iterator[tuple[PlannedStep, StepField]]:
    for step in plan.steps:
        for binding in step.bindings:
            if isinstance(binding.origin, FromInput) and binding.origin.name == name:
                yield step, step.type.fields[binding.field]
