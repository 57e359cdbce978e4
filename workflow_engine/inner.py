"""Inner workflows: a step that holds a whole workflow is replaced by that workflow's steps before anything is compiled.

The step ``s`` of the inner workflow ``iw`` becomes the step ``iw__s``. What the inner workflow calls ``$inputs.x``
becomes what the outer step binds ``x`` to, and ``$steps.iw.y`` becomes what its output ``y`` selects.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from workflow_engine.definition import Definition, ParameterInput, Step, parse
from workflow_engine.errors import DefinitionError, Problem, nearest, pointer
from workflow_engine.selectors import EVERY_OUTPUT, InputRef, OutputRef, StepRef, is_reference
from workflow_engine.selectors import parse as parse_selector

INNER_TYPES = ("roboflow_core/inner_workflow@v1", "core/inner_workflow@v1")
MAX_DEPTH = 4
MAX_COUNT = 32


@dataclass(frozen=True, slots=True)
class FlatStep:
    """A step of the flattened document, and the JSON pointer to where it was written."""

    step: Step
    at: str


@dataclass(frozen=True, slots=True)
class Flat:
    """A document without inner workflows.

    Attributes:
        definition: The document with every inner workflow replaced by its steps.
        pointers: For each of its steps, where it stands in the document as written.
        problems: What is wrong with the inner workflows.
    """

    definition: Definition
    pointers: tuple[str, ...]
    problems: tuple[Problem, ...]


def flatten(definition: Definition) -> Flat:
    """Replace every inner workflow of ``definition`` by its steps, those of inner workflows within them too."""
    if not any(step.type in INNER_TYPES for step in definition.steps):
        return Flat(definition, tuple(pointer("steps", i) for i in range(len(definition.steps))), ())
    work = _Flattening(names={step.name for step in definition.steps})
    scope = _Scope()
    written = [(step, pointer("steps", i)) for i, step in enumerate(definition.steps)]
    steps = work.steps(written, scope, depth=1)
    outputs = []
    for i, output in enumerate(definition.outputs):
        selector = work.replaced(output.selector, scope, at=pointer("outputs", i, "selector"))
        if not is_reference(selector):
            work.blame("inner_bindings", f"The output {output.name!r} would be a literal.", pointer("outputs", i))
            selector = output.selector
        outputs.append(output.model_copy(update={"selector": selector}))
    flat = definition.model_copy(update={"steps": [item.step for item in steps], "outputs": outputs})
    return Flat(flat, tuple(item.at for item in steps), tuple(work.problems))


@dataclass(slots=True)
class _Scope:
    """What names mean inside one workflow.

    Attributes:
        inputs: What its inputs are bound to; ``None`` for the outermost workflow, whose inputs are the run's.
        steps: The flattened name of each of its steps.
        outputs: For each of its inner workflows, what the outputs select.
        first: For each of its inner workflows, the first of the steps that replaced it.
    """

    inputs: dict[str, Any] | None = None
    steps: dict[str, str] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Flattening:
    names: set[str]
    problems: list[Problem] = field(default_factory=list)
    count: int = 0

    def blame(self, code: str, message: str, at: str, hint: str = "") -> None:
        self.problems.append(Problem(code=code, message=message, at=at, hint=hint))

    def steps(self, written: list[tuple[Step, str]], scope: _Scope, *, depth: int) -> list[FlatStep]:
        """Flatten the steps of one workflow: inner ones first, so that their outputs are known to the others."""
        inlined: dict[str, list[FlatStep]] = {}
        pending = [(step, at) for step, at in written if step.type in INNER_TYPES]
        while pending:
            # one that is fed by another comes after it; in a circle any order does, for the compiler sees the circle
            step, at = next((item for item in pending if not _feeds(pending, item[0])), pending[0])
            pending.remove((step, at))
            inlined[at] = self._inline(step, at, scope, depth=depth)
        flat: list[FlatStep] = []
        for step, at in written:
            if step.type in INNER_TYPES:
                flat += inlined[at]
            else:
                name = scope.steps.get(step.name, step.name)
                fields = {
                    key: self._rewritten(value, scope, at=at + pointer(key)) for key, value in step.fields.items()
                }
                flat.append(FlatStep(Step(type=step.type, name=name, **fields), at))
        return flat

    def _inline(self, step: Step, at: str, scope: _Scope, *, depth: int) -> list[FlatStep]:
        child = self._child(step, at, depth)
        scope.outputs[step.name] = {}
        if child is None:
            return []
        inner = _Scope(inputs=self._bindings(step, at, child, scope))
        prefix = scope.steps.get(step.name, step.name)
        inner.steps = {s.name: self._fresh(f"{prefix}__{s.name}") for s in child.steps}
        inside = at + pointer("workflow_definition")
        written = [(s, inside + pointer("steps", i)) for i, s in enumerate(child.steps)]
        flat = self.steps(written, inner, depth=depth + 1)
        if flat:
            scope.first[step.name] = flat[0].step.name
        scope.outputs[step.name] = {
            o.name: self.replaced(o.selector, inner, at=inside + pointer("outputs", i, "selector"))
            for i, o in enumerate(child.outputs)
        }
        return flat

    def _child(self, step: Step, at: str, depth: int) -> Definition | None:
        self.count += 1
        written = step.fields.get("workflow_definition")
        if depth > MAX_DEPTH:
            self.blame("inner_depth", f"The inner workflow {step.name!r} lies more than {MAX_DEPTH} levels deep.", at)
        elif self.count > MAX_COUNT:
            self.blame("inner_count", f"The document holds more than {MAX_COUNT} inner workflows.", at)
        elif step.fields.get("execution_mode", "embedded") != "embedded":
            hint = 'Leave execution_mode out, or write "embedded".'
            self.blame("inner_step", f"The inner workflow {step.name!r} asks for another machine to run it.", at, hint)
        elif not isinstance(written, Mapping):
            hint = "Put the workflow itself into workflow_definition."
            self.blame("inner_step", f"The inner workflow {step.name!r} has no workflow_definition.", at, hint)
        else:
            try:
                return parse(written)
            except DefinitionError as error:
                inside = at + pointer("workflow_definition")
                self.problems += [replace(problem, at=inside + problem.at) for problem in error.problems]
        return None

    def _bindings(self, step: Step, at: str, child: Definition, scope: _Scope) -> dict[str, Any]:
        """What each input of the inner workflow stands for: a reference of the outer one, or a literal."""
        written = step.fields.get("parameter_bindings")
        given = dict(written) if isinstance(written, Mapping) else {}
        known = {declared.name: declared for declared in child.inputs}
        where = at + pointer("parameter_bindings")
        for name in given.keys() - known.keys():
            message = f"The inner workflow {step.name!r} has no input {name!r} to bind."
            self.blame("inner_bindings", message, where + pointer(name), nearest(name, known))
        bound: dict[str, Any] = {}
        for name, declared in known.items():
            if name in given:
                bound[name] = self.replaced(given[name], scope, at=where + pointer(name))
            elif isinstance(declared, ParameterInput) and declared.default_value is not None:
                bound[name] = declared.default_value
            else:
                message = f"The inner workflow {step.name!r} needs its input {name!r}, which nothing is bound to."
                self.blame("inner_bindings", message, where, f"Add {name!r} to parameter_bindings.")
                bound[name] = None
        return bound

    def _fresh(self, wanted: str) -> str:
        name, number = wanted, 1
        while name in self.names:
            number += 1
            name = f"{wanted}__{number}"
        self.names.add(name)
        return name

    def _rewritten(self, value: Any, scope: _Scope, *, at: str) -> Any:
        """Replace the references in a field: the value itself, the elements of a list, the members of an object."""
        if isinstance(value, list):
            return [self.replaced(element, scope, at=at + pointer(i)) for i, element in enumerate(value)]
        if isinstance(value, Mapping):
            return {key: self.replaced(element, scope, at=at + pointer(key)) for key, element in value.items()}
        return self.replaced(value, scope, at=at)

    def replaced(self, value: Any, scope: _Scope, *, at: str) -> Any:
        """Return what one value means outside of ``scope``; anything but a reference means itself."""
        match parse_selector(value) if is_reference(value) else None:
            case InputRef(name) if scope.inputs is not None and name in scope.inputs:
                return scope.inputs[name]
            case OutputRef(step, output) if step in scope.outputs:
                if output in scope.outputs[step]:
                    return scope.outputs[step][output]
                if scope.outputs[step] or output == EVERY_OUTPUT:
                    hint = nearest(output, scope.outputs[step]) or "Select its outputs one by one."
                    self.blame(
                        "unknown_inner_output", f"The inner workflow {step!r} has no output {output!r}.", at, hint
                    )
            case OutputRef(step, output) if step in scope.steps:
                return str(OutputRef(scope.steps[step], output))
            case StepRef(step) if step in scope.first:
                return str(StepRef(scope.first[step]))
            case StepRef(step) if step in scope.steps:
                return str(StepRef(scope.steps[step]))
        return value


def _feeds(pending: list[tuple[Step, str]], step: Step) -> bool:
    """Whether ``step`` reads an inner workflow that has not been replaced yet."""
    others = {other.name for other, _ in pending if other is not step}
    return any(reference.step in others for reference in _read(step.fields.get("parameter_bindings")))


def _read(bindings: Any) -> Iterator[OutputRef]:
    for value in bindings.values() if isinstance(bindings, Mapping) else ():
        reference = parse_selector(value) if is_reference(value) else None
        if isinstance(reference, OutputRef):
            yield reference
