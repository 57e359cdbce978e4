"""The last pass of the compiler: of a document whose references all hold, what runs where in the batch, on what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from workflow_engine.definition import Step
from workflow_engine.draft import Draft
from workflow_engine.lineage import Misaligned, Wire, input_lineage, place
from workflow_engine.plan import (
    Binding,
    DictOf,
    FromInput,
    FromStep,
    Gate,
    ListOf,
    Literal,
    Origin,
    PlannedOutput,
    PlannedStep,
    Reference,
    references,
)
from workflow_engine.selectors import EVERY_OUTPUT, InputRef, OutputRef, is_reference, parse
from workflow_engine.step_type import StepField, StepType


def plan_steps(draft: Draft) -> None:
    """Give every step its place in the batch and its arguments; only in a document without problems."""
    if draft.problems:
        return
    for name in draft.order:
        position = draft.positions[name]
        kind = draft.types[position]
        assert kind is not None, "unresolved types are problems"
        gates = tuple(Gate(gate, draft.lineages.get(gate, ())) for gate in draft.gates[name])
        bindings = tuple(_bindings(draft, draft.definition.steps[position], kind))
        try:
            lineage, output_lineage = place(name, kind.manifest.execution, list(_wires(kind, bindings)), gates)
        except Misaligned as fault:
            draft.blame(fault.code, f"In the step {name!r}: {fault}", step=position, name=fault.field)
            return
        draft.lineages[name] = output_lineage if kind.outputs else lineage
        draft.planned.append(
            PlannedStep(
                name=name,
                at=draft.pointers[position],
                type=kind,
                bindings=bindings,
                lineage=lineage,
                output_lineage=output_lineage,
                gates=gates,
                after=frozenset(draft.after[name]),
            )
        )


def planned_outputs(draft: Draft) -> Iterator[PlannedOutput]:
    """Yield what the plan gives, once every step has its place."""
    for output in draft.definition.outputs:
        asked = {"own_coordinates": output.coordinates_system == "own", "run_lengths": output.mask_format == "rle"}
        match parse(output.selector):
            case InputRef(name):
                declared = draft.inputs[name]
                lineage = input_lineage(declared)
                origins = [(name, FromInput(name, lineage), declared.kinds)]
                yield PlannedOutput(name=output.name, origins=tuple(origins), lineage=lineage, every=False, **asked)
            case OutputRef(step, selected):
                kind = draft.types[draft.positions[step]]
                assert kind is not None, "unresolved types are problems"
                every = selected == EVERY_OUTPUT
                names = kind.outputs if every else {selected: kind.outputs[selected]}
                lineage = draft.lineages[step]
                found = tuple((n, FromStep(step, n, lineage), kinds) for n, kinds in names.items())
                yield PlannedOutput(name=output.name, origins=found, lineage=lineage, every=every, **asked)


def _bindings(draft: Draft, step: Step, kind: StepType) -> Iterator[Binding]:
    """Every argument of the step's function: what the document gives, then what the type fixes or defaults to."""
    given: dict[tuple[str, bool], Binding] = {}
    collapses = kind.manifest.execution.output_dimensionality == -1
    for name, value in step.fields.items():
        known = kind.fields.get(name)
        if known is not None:
            children = bool(known.offset) or (collapses and known.role == "input")
            origin = _origin(draft, known, value)
            foreign = known.role == "foreign"
            binding = Binding(
                target=known.target,
                field=name,
                origin=origin,
                children=children,
                foreign=foreign,
                whole=known.whole,
            )
            given.setdefault((known.target, foreign), binding)
    unset = {port.name: None for port in kind.manifest.inputs if not port.required}
    for target, value in {**unset, **kind.defaults, **kind.fixed}.items():
        given.setdefault((target, False), Binding(target=target, field=target, origin=Literal(value)))
    for target, value in kind.foreign_defaults.items():
        given.setdefault((target, True), Binding(target=target, field=target, origin=Literal(value), foreign=True))
    yield from given.values()


def _origin(draft: Draft, known: StepField, value: Any) -> Origin:
    if known.kinds is not None and is_reference(value):
        return _reference(draft, value)
    if known.element_kinds is not None and isinstance(value, Mapping):
        return DictOf(tuple((k, _reference(draft, v) if is_reference(v) else Literal(v)) for k, v in value.items()))
    if known.element_kinds is not None and isinstance(value, list):
        return ListOf(tuple(_reference(draft, v) if is_reference(v) else Literal(v) for v in value))
    return Literal(value)


def _reference(draft: Draft, text: str) -> Reference:
    match parse(text):
        case InputRef(name):
            return FromInput(name, input_lineage(draft.inputs[name]))
        case OutputRef(step, output):
            return FromStep(step, output, draft.lineages[step])
    raise AssertionError(f"{text} was checked before")


def _wires(kind: StepType, bindings: tuple[Binding, ...]) -> Iterator[Wire]:
    inputs = {port.name: port.dimensionality_offset for port in kind.manifest.inputs}
    for binding in bindings:
        for reference in references(binding.origin):
            is_input = binding.target in inputs and not binding.foreign
            offset = inputs[binding.target] if is_input else 0
            batchable = kind.takes_batch(binding.target, foreign=binding.foreign)
            source = (
                f"$inputs.{reference.name}"
                if isinstance(reference, FromInput)
                else f"$steps.{reference.step}.{reference.output}"
            )
            yield Wire(binding.field, source, reference.lineage, offset, batchable)
