"""From a document to a plan: an ordered list of small passes that collect every problem, then raise once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from workflow_engine import graph
from workflow_engine.definition import Definition, Output, Step, WorkflowInput
from workflow_engine.draft import Draft
from workflow_engine.errors import MOST_PROBLEMS, BlockError, CompileError, ManifestError, Problem, nearest, pointer
from workflow_engine.inner import flatten
from workflow_engine.kinds import ANYTHING, compatible, spoken
from workflow_engine.plan import Plan
from workflow_engine.planning import plan_steps, planned_outputs
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
    draft = Draft(definition=flat.definition, pointers=flat.pointers, registry=registry, problems=list(flat.problems))
    for one_pass in _PASSES:
        one_pass(draft)
    if draft.problems:
        raise CompileError(draft.problems)
    return Plan(definition, tuple(draft.planned), tuple(planned_outputs(draft)), tuple(draft.warnings))


def _check_version(draft: Draft) -> None:
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


def _check_custom_code(draft: Draft) -> None:
    if draft.definition.dynamic_blocks_definitions:
        message = (
            "The document carries Python code (dynamic_blocks_definitions), which segflow never runs from a document."
        )
        hint = "Make it a block of your own: segflow blocks new NAME writes the manifest, the function and a test."
        at = "/dynamic_blocks_definitions"
        draft.problems.append(Problem(code="custom_code", message=message, at=at, hint=hint))


def _check_names(draft: Draft) -> None:
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


def _check_dimensionality(draft: Draft) -> None:
    for i, declared in enumerate(draft.definition.inputs):
        if declared.type == "WorkflowBatchInput" and not 1 <= declared.dimensionality <= MOST_DIMENSIONS:
            found = f"The input {declared.name!r} has dimensionality {declared.dimensionality}"
            message = f"{found}; a batch has 1 to {MOST_DIMENSIONS}."
            hint = "Use a WorkflowParameter for a single value." if declared.dimensionality < 1 else ""
            at = pointer("inputs", i, "dimensionality")
            draft.problems.append(Problem(code="bad_dimensionality", message=message, at=at, hint=hint))


def _resolve_types(draft: Draft) -> None:
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


def _blame_type(draft: Draft, i: int, step: Step) -> None:
    """Say that no block has the step's type, and why when it is one that is refused."""
    refusal = draft.registry.refusal(step.type)
    if refusal is not None:
        message = f"The step {step.name!r} is of the type {step.type!r}, which segflow does not run. {refusal.reason}"
        draft.blame("refused_block", message, step=i, name="type", hint=refusal.alternative)
        return
    hint = nearest(step.type, draft.registry.type_names) or "segflow blocks list shows every block."
    message = f"The step {step.name!r} is of the unknown type {step.type!r}."
    draft.blame("unknown_block", message, step=i, name="type", hint=hint)


def _check_fields(draft: Draft) -> None:
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


def _check_together(draft: Draft) -> None:
    """The fields of every step fit each other; only where each fits by itself."""
    faulty = {problem.step for problem in draft.problems}
    for i, step, kind in draft.typed_steps():
        if step.name in faulty:
            continue
        try:
            check_together(kind, step.fields)
        except ValueError as error:
            draft.blame("bad_value", f"In the step {step.name!r}: {error}", step=i)


def _unknown_field(draft: Draft, i: int, kind: StepType, name: str) -> None:
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


def _connect(draft: Draft) -> None:
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


def _connect_targets(draft: Draft, i: int, step: Step, name: str, value: Any) -> None:
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


def _connect_reference(draft: Draft, i: int, name: str, at: str, text: str, kinds: tuple[str, ...]) -> None:
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


def _look_up(draft: Draft, text: str) -> tuple[str, ...] | None:
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


def _check_outputs(draft: Draft) -> None:
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


def _order(draft: Draft) -> None:
    try:
        draft.order = graph.order(draft.after)
    except graph.Circle as circle:
        first = circle.steps[0]
        message = f"The steps wait for each other in a circle: {circle} → {first}."
        draft.blame("cycle", message, step=draft.positions[first], hint="Take one of these wires away.")


_PASSES: tuple[Callable[[Draft], None], ...] = (
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
    plan_steps,
)
