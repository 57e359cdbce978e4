"""From a document to a plan: an ordered list of small passes that collect every problem, then raise once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from workflow_engine import graph
from workflow_engine.definition import Definition, Output, Step, WorkflowInput
from workflow_engine.errors import MOST_PROBLEMS, BlockError, CompileError, ManifestError, Problem, nearest, pointer
from workflow_engine.inner import flatten
from workflow_engine.kinds import ANYTHING, compatible, spoken
from workflow_engine.lineage import Misaligned, Wire, input_lineage, place
from workflow_engine.plan import (
    Binding,
    DictOf,
    FromInput,
    FromStep,
    Gate,
    Lineage,
    ListOf,
    Literal,
    Origin,
    Plan,
    PlannedOutput,
    PlannedStep,
    Reference,
    references,
)
from workflow_engine.registry import Registry
from workflow_engine.selectors import EVERY_OUTPUT, InputRef, OutputRef, StepRef, is_reference, parse
from workflow_engine.step_type import StepField, StepType, check_together, with_further_outputs

LANGUAGE_VERSION = "1.17.0"
"""Version of the workflow language that this engine speaks."""

MOST_DIMENSIONS = 16
"""Deepest lists that an input takes: deeper than any that are of use, and no deeper than can be walked down."""

OUTPUTS = "$outputs"
"""Stands for the step's name in problems of the document's outputs."""


def compile_workflow(definition: Definition, registry: Registry) -> Plan:
    """Turn a document into a plan.

    Raises:
        CompileError: With every problem of the document, those found first in the order of the passes.
    """
    flat = flatten(definition)
    draft = _Draft(definition=flat.definition, pointers=flat.pointers, registry=registry, problems=list(flat.problems))
    for one_pass in _PASSES:
        one_pass(draft)
    if draft.problems:
        raise CompileError(draft.problems)
    return Plan(definition, tuple(draft.planned), tuple(_outputs(draft)), tuple(draft.warnings))


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What the passes know so far.

    Attributes:
        definition: The document, inner workflows replaced by their steps.
        pointers: Where each of its steps was written.
        positions: Index of each step by name; the first when two share one.
        types: Type of each step by index; ``None`` where it could not be resolved.
        after: The steps that each step depends on.
        gates: For each step, the flow-control steps that name it.
        order: Names in running order; empty while there is a cycle.
        lineages: Where the outputs of each placed step live.
    """

    definition: Definition
    pointers: Sequence[str]
    registry: Registry
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    inputs: dict[str, WorkflowInput] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    types: list[StepType | None] = field(default_factory=list)
    after: dict[str, set[str]] = field(default_factory=dict)
    gates: dict[str, list[str]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    lineages: dict[str, Lineage] = field(default_factory=dict)
    planned: list[PlannedStep] = field(default_factory=list)

    def blame(
        self, code: str, message: str, *, step: int, name: str | None = None, at: str = "", hint: str = ""
    ) -> None:
        """Note a problem of a step's field."""
        self.problems.append(self._about(code, message, step, name, at, hint))

    def warn(self, code: str, message: str, *, step: int, name: str | None = None, hint: str = "") -> None:
        """Note something odd about a step's field that does not keep the workflow from running."""
        self.warnings.append(self._about(code, message, step, name, "", hint))

    def _about(self, code: str, message: str, step: int, name: str | None, at: str, hint: str) -> Problem:
        written = self.definition.steps[step]
        where = self.pointers[step] + (pointer(name) if name else "") + at
        return Problem(
            code=code, message=message, at=where, hint=hint, step=written.name, block=written.type, field=name
        )

    def typed_steps(self) -> Iterator[tuple[int, Step, StepType]]:
        """Yield position, step and type of every step whose type is known."""
        for i, (step, kind) in enumerate(zip(self.definition.steps, self.types, strict=True)):
            if kind is not None:
                yield i, step, kind


def _check_version(draft: _Draft) -> None:
    """The document asks for at least its version, and less than the next major one."""
    asked = draft.definition.version
    try:
        version = Version(asked)
    except InvalidVersion:
        message = f"The version {asked!r} is not one; expected something like 1.0.0."
        draft.problems.append(Problem(code="bad_version", message=message, at="/version"))
        return
    if Version(LANGUAGE_VERSION) not in SpecifierSet(f">={version},<{version.major + 1}", prereleases=True):
        message = (
            f"The document asks for version {asked} of the workflow language; this engine speaks {LANGUAGE_VERSION}."
        )
        hint = f"Write a version from {Version(LANGUAGE_VERSION).major}.0.0 to {LANGUAGE_VERSION}."
        draft.problems.append(Problem(code="unsupported_version", message=message, at="/version", hint=hint))


def _check_custom_code(draft: _Draft) -> None:
    if draft.definition.dynamic_blocks_definitions:
        message = (
            "The document carries Python code (dynamic_blocks_definitions), which segflow never runs from a document."
        )
        hint = "Make it a block of your own: segflow blocks new NAME writes the manifest, the function and a test."
        at = "/dynamic_blocks_definitions"
        draft.problems.append(Problem(code="custom_code", message=message, at=at, hint=hint))


def _check_names(draft: _Draft) -> None:
    parts: dict[str, Sequence[WorkflowInput | Step | Output]] = {
        "inputs": draft.definition.inputs,
        "steps": draft.definition.steps,
        "outputs": draft.definition.outputs,
    }
    for part, items in parts.items():
        seen: dict[str, int] = {}
        for i, item in enumerate(items):
            if item.name in seen:
                message = f"Two {part} are called {item.name!r}: numbers {seen[item.name]} and {i}."
                at = (draft.pointers[i] if part == "steps" else pointer(part, i)) + "/name"
                draft.problems.append(
                    Problem(code="duplicate_name", message=message, at=at, hint="Rename one of them.")
                )
            seen.setdefault(item.name, i)
    draft.inputs = {declared.name: declared for declared in reversed(draft.definition.inputs)}
    draft.positions = {step.name: i for i, step in reversed(list(enumerate(draft.definition.steps)))}


def _check_dimensionality(draft: _Draft) -> None:
    for i, declared in enumerate(draft.definition.inputs):
        if declared.type == "WorkflowBatchInput" and not 1 <= declared.dimensionality <= MOST_DIMENSIONS:
            found = f"The input {declared.name!r} has dimensionality {declared.dimensionality}"
            message = f"{found}; a batch has 1 to {MOST_DIMENSIONS}."
            hint = "Use a WorkflowParameter for a single value." if declared.dimensionality < 1 else ""
            at = pointer("inputs", i, "dimensionality")
            draft.problems.append(Problem(code="bad_dimensionality", message=message, at=at, hint=hint))


def _resolve_types(draft: _Draft) -> None:
    for i, step in enumerate(draft.definition.steps):
        try:
            draft.types.append(with_further_outputs(draft.registry.step_type(step.type), step.fields))
        except BlockError as error:
            draft.types.append(None)
            message = f"The outputs of the step {step.name!r} cannot be told: {error.message}"
            draft.blame("bad_value", message, step=i, hint=error.hint)
        except KeyError:
            draft.types.append(None)
            _blame_type(draft, i, step)
        except ManifestError as error:
            draft.types.append(None)
            message = (
                f"The block {step.type!r} of the step {step.name!r} is installed but broken: {error.problem.message}"
            )
            draft.blame("broken_block", message, step=i, name="type")


def _blame_type(draft: _Draft, i: int, step: Step) -> None:
    """Say that no block has the step's type, and why when it is one that is refused."""
    refusal = draft.registry.refusal(step.type)
    if refusal is not None:
        message = f"The step {step.name!r} is of the type {step.type!r}, which segflow does not run. {refusal.reason}"
        draft.blame("refused_block", message, step=i, name="type", hint=refusal.alternative)
        return
    hint = nearest(step.type, draft.registry.type_names) or "segflow blocks list shows every block."
    message = f"The step {step.name!r} is of the unknown type {step.type!r}."
    draft.blame("unknown_block", message, step=i, name="type", hint=hint)


def _check_fields(draft: _Draft) -> None:
    """Every field is known, every required one is there, every literal fits."""
    for i, step, kind in draft.typed_steps():
        if len(draft.problems) > MOST_PROBLEMS:
            return  # more would not be told
        given = {kind.fields[name].target for name in step.fields if name in kind.fields}
        for wanted in kind.required:
            if wanted.target not in given:
                message = f"The step {step.name!r} lacks {wanted.name!r}, which {kind.manifest.title} requires."
                draft.blame("missing_field", message, step=i, name=wanted.name, hint=f"Add {wanted.name!r}.")
        for name, value in step.fields.items():
            known = kind.fields.get(name)
            if known is None:
                _unknown_field(draft, i, kind, name)
            elif value is None and known.role == "input" and not known.required:
                continue  # as if it were left out
            elif known.schema is None and not is_reference(value):
                message = f"{name} of the step {step.name!r} takes a reference such as $inputs.image, not a literal."
                draft.blame("reference_wanted", message, step=i, name=name)
            else:
                for at, text, hint in islice(known.literal_faults(value), MOST_PROBLEMS + 1):
                    where = f"{name}{at.replace('/', '.')} of the step {step.name!r}"
                    draft.blame("bad_value", f"{where}: {text}.", step=i, name=name, at=at, hint=hint)


def _check_together(draft: _Draft) -> None:
    """The fields of every step fit each other; only where each fits by itself."""
    faulty = {problem.step for problem in draft.problems}
    for i, step, kind in draft.typed_steps():
        if step.name in faulty:
            continue
        try:
            check_together(kind, step.fields)
        except ValueError as error:
            draft.blame("bad_value", f"In the step {step.name!r}: {error}", step=i)


def _unknown_field(draft: _Draft, i: int, kind: StepType, name: str) -> None:
    if len(draft.warnings) >= MOST_PROBLEMS:
        return  # nobody reads as many
    if name in kind.ignored:
        draft.warn(
            "ignored_field", f"{name} means nothing to {kind.manifest.title} here and is ignored.", step=i, name=name
        )
    elif name in kind.fixed:
        draft.warn("ignored_field", f"{name} is fixed by the type {kind.name} and is ignored here.", step=i, name=name)
    else:
        hint = nearest(name, kind.fields) or "Remove it."
        step = draft.definition.steps[i].name
        message = f"The step {step!r} has a field {name!r} that {kind.manifest.title} does not know."
        draft.warn("unknown_field", message, step=i, name=name, hint=hint)


def _connect(draft: _Draft) -> None:
    """Every reference names something that exists, in ignored fields too, and is of a kind that fits."""
    draft.after = {step.name: set() for step in draft.definition.steps}
    draft.gates = {step.name: [] for step in draft.definition.steps}
    for i, step, kind in draft.typed_steps():
        for name, value in step.fields.items():
            known = kind.fields.get(name)
            if known is None:
                if name in kind.ignored and is_reference(value):
                    _connect_reference(draft, i, name, "", value, (ANYTHING,))
                continue
            if known.steps:
                _connect_targets(draft, i, step, name, value)
            for at, text, kinds in _written_references(known, value):
                _connect_reference(draft, i, name, at, text, kinds)


def _written_references(known: StepField, value: Any) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield pointer inside the field, text, and accepted kinds of every reference in a field's value."""
    if known.kinds is not None and is_reference(value):
        yield "", value, known.kinds
    elif known.element_kinds is not None:
        elements = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
        for key, element in elements:
            if is_reference(element):
                yield pointer(key), element, known.element_kinds


def _connect_targets(draft: _Draft, i: int, step: Step, name: str, value: Any) -> None:
    for target in dict.fromkeys(targets := list(_texts(value))):
        reference = parse(target)
        if not isinstance(reference, StepRef):
            message = f"{name} of the step {step.name!r} names {target!r}; expected steps, such as $steps.crop."
            draft.blame("bad_reference", message, step=i, name=name)
        elif reference.step not in draft.positions:
            message = f"{name} of the step {step.name!r} names {target}, but there is no step {reference.step!r}."
            draft.blame("unknown_step", message, step=i, name=name, hint=nearest(reference.step, draft.positions))
        elif targets.count(target) > 1 and isinstance(value, list):
            message = f"{name} of the step {step.name!r} names {target} twice."
            draft.blame("duplicate_target", message, step=i, name=name, hint="Name it once.")
        elif step.name not in draft.gates[reference.step]:
            draft.gates[reference.step].append(step.name)
            draft.after[reference.step].add(step.name)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for element in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(element)


def _connect_reference(draft: _Draft, i: int, name: str, at: str, text: str, kinds: tuple[str, ...]) -> None:
    step = draft.definition.steps[i].name
    where = f"{name}{at.replace('/', '.')} of the step {step!r}"
    try:
        produced = _look_up(draft, text)
    except _Dangling as fault:
        message = f"{where} refers to {text!r}, but {fault}."
        draft.blame(fault.code, message, step=i, name=name, at=at, hint=fault.hint)
        return
    match parse(text):
        case OutputRef(source, _):
            draft.after[step].add(source)
    if produced is not None and not compatible(produced, kinds):
        message = f"{where} takes {spoken(kinds)}, but {text} gives {spoken(produced)}."
        draft.blame("kind_mismatch", message, step=i, name=name, at=at, hint="Wire an output of a fitting kind.")


class _Dangling(Exception):
    """A reference to nothing; the text says what is missing, to be read after *but*."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.hint = code, hint


def _look_up(draft: _Draft, text: str) -> tuple[str, ...] | None:
    """Return the kinds of what ``text`` refers to; ``None`` when the type of its step is unknown."""
    match parse(text):
        case InputRef(name):
            if name not in draft.inputs:
                hint = nearest(name, draft.inputs) or f"Add an input called {name!r}."
                raise _Dangling("unknown_input", f"the workflow has no input {name!r}", hint)
            return draft.inputs[name].kinds
        case OutputRef(step, output):
            if step not in draft.positions:
                raise _Dangling("unknown_step", f"there is no step {step!r}", nearest(step, draft.positions))
            kind = draft.types[draft.positions[step]]
            if kind is None:
                return None
            if output not in kind.outputs:
                hint = nearest(output, kind.outputs) or f"Its outputs are {', '.join(kind.outputs) or 'none'}."
                raise _Dangling("unknown_output", f"{step!r} ({kind.manifest.title}) has no output {output!r}", hint)
            return kind.outputs[output]
        case _:
            raise _Dangling("bad_reference", "only $inputs.NAME and $steps.NAME.OUTPUT refer to a value")


def _check_outputs(draft: _Draft) -> None:
    for i, output in enumerate(draft.definition.outputs):
        match parse(output.selector):
            case OutputRef(step, selected) if selected == EVERY_OUTPUT and step in draft.positions:
                continue
        try:
            _look_up(draft, output.selector)
        except _Dangling as fault:
            message = f"The output {output.name!r} selects {output.selector!r}, but {fault}."
            at = pointer("outputs", i, "selector")
            problem = Problem(code=fault.code, message=message, at=at, hint=fault.hint, step=OUTPUTS, field=output.name)
            draft.problems.append(problem)


def _order(draft: _Draft) -> None:
    try:
        draft.order = graph.order(draft.after)
    except graph.Circle as circle:
        first = circle.steps[0]
        message = f"The steps wait for each other in a circle: {circle} → {first}."
        draft.blame("cycle", message, step=draft.positions[first], hint="Take one of these wires away.")


def _place(draft: _Draft) -> None:
    """Every step's place in the batch; only for a document whose references all hold."""
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


def _bindings(draft: _Draft, step: Step, kind: StepType) -> Iterator[Binding]:
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


def _origin(draft: _Draft, known: StepField, value: Any) -> Origin:
    if known.kinds is not None and is_reference(value):
        return _reference(draft, value)
    if known.element_kinds is not None and isinstance(value, Mapping):
        return DictOf(tuple((k, _reference(draft, v) if is_reference(v) else Literal(v)) for k, v in value.items()))
    if known.element_kinds is not None and isinstance(value, list):
        return ListOf(tuple(_reference(draft, v) if is_reference(v) else Literal(v) for v in value))
    return Literal(value)


def _reference(draft: _Draft, text: str) -> Reference:
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


def _outputs(draft: _Draft) -> Iterator[PlannedOutput]:
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


_PASSES: tuple[Callable[[_Draft], None], ...] = (
    _check_version,
    _check_custom_code,
    _resolve_types,
    _check_fields,
    _check_together,
    _check_names,
    _check_dimensionality,
    _connect,
    _check_outputs,
    _order,
    _place,
)
