"""The compiled workflow: what runs in which order, where every value comes from, and how deep it lives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

from workflow_engine.definition import Definition, WorkflowInput
from workflow_engine.errors import Problem
from workflow_engine.step_type import StepType

Lineage: TypeAlias = tuple[str, ...]
"""One id per dimension of a value: the batch of inputs first, then each step that raised the dimension."""


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written in the document, or a default."""

    value: Any


@dataclass(frozen=True, slots=True)
class FromInput:
    """A value of the run's inputs."""

    name: str
    lineage: Lineage


@dataclass(frozen=True, slots=True)
class FromStep:
    """An output of an earlier step."""

    step: str
    output: str
    lineage: Lineage


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of which some elements are references."""

    items: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class DictOf:
    """An object of which some values are references."""

    items: tuple[tuple[str, Origin], ...]


Reference: TypeAlias = FromInput | FromStep
Origin: TypeAlias = Literal | Reference | ListOf | DictOf


def references(origin: Origin) -> Iterator[Reference]:
    """Yield every reference in ``origin``."""
    match origin:
        case FromInput() | FromStep():
            yield origin
        case ListOf(items):
            for item in items:
                yield from references(item)
        case DictOf(pairs):
            for _, item in pairs:
                yield from references(item)


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """How one argument of a block's function gets its value.

    Attributes:
        target: Name of the function's argument, or of an adapter's when ``foreign``.
        field: The document's name for it.
        origin: Where the value comes from.
        children: Whether the argument is the list of children of the step's element rather than one value.
        foreign: Whether the argument goes through the type's adapter.
        whole: Whether it is a whole number, which JSON may write as 5.0 and a step may have computed as one.
    """

    target: str
    field: str
    origin: Origin
    children: bool = False
    foreign: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Gate:
    """A flow-control step that decides, per element, whether the step that holds this gate may run."""

    step: str
    lineage: Lineage


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedStep:
    """A step ready to run.

    Attributes:
        name: The step's name.
        at: JSON pointer to it in the document as written.
        type: What the document calls its block, resolved.
        bindings: One for each argument of the function.
        lineage: The function runs once per element of this lineage.
        output_lineage: Where its outputs live.
        gates: Flow-control steps that must all let it pass.
        after: Names of the steps that must have run.
    """

    name: str
    at: str
    type: StepType
    bindings: tuple[Binding, ...]
    lineage: Lineage
    output_lineage: Lineage
    gates: tuple[Gate, ...]
    after: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedOutput:
    """A value that the run gives back.

    Attributes:
        name: Its key in the results.
        origins: The value, or with ``every`` each output of a step by name.
        lineage: Where the value lives; all outputs of a step live where it does.
        every: Whether the document asked for ``$steps.NAME.*``.
        own_coordinates: Whether detections stay in the coordinates of the image that they were found on.
        run_lengths: Whether masks are written as run lengths whatever the kinds say.
    """

    name: str
    origins: tuple[tuple[str, Reference, tuple[str, ...]], ...]
    lineage: Lineage
    every: bool
    own_coordinates: bool
    run_lengths: bool


@dataclass(frozen=True, eq=False)
class Plan:
    """A compiled workflow. Frozen; equal and hashed by its fingerprint."""

    definition: Definition
    steps: tuple[PlannedStep, ...]
    outputs: tuple[PlannedOutput, ...]
    warnings: tuple[Problem, ...]

    @property
    def inputs(self) -> tuple[WorkflowInput, ...]:
        """The inputs as the document declares them."""
        return tuple(self.definition.inputs)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the document and of the versions of the blocks that it uses."""
        blocks = {step.name: (step.type.manifest.type, step.type.manifest.version) for step in self.steps}
        content = [self.definition.model_dump(mode="json"), blocks]
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and other.fingerprint == self.fingerprint

    def __hash__(self) -> int:
        return hash(self.fingerprint)

    @cached_property
    def uses(self) -> dict[str, int]:
        """How many steps and outputs read each step; a step's values may go when all of them have."""
        counts = {step.name: 0 for step in self.steps}
        for reader in (*self.sources.values(), *(self._shown(o) for o in self.outputs)):
            for name in reader:
                counts[name] += 1
        return counts

    @cached_property
    def sources(self) -> dict[str, frozenset[str]]:
        """By step, the names of the steps whose values it reads, gates included."""
        return {step.name: _read_by(step) for step in self.steps}

    @cached_property
    def followers(self) -> dict[str, list[PlannedStep]]:
        """By step, those that wait for it."""
        followers: dict[str, list[PlannedStep]] = {step.name: [] for step in self.steps}
        for step in self.steps:
            for earlier in step.after:
                followers[earlier].append(step)
        return followers

    @staticmethod
    def _shown(output: PlannedOutput) -> frozenset[str]:
        return frozenset(ref.step for _, ref, _ in output.origins if isinstance(ref, FromStep))

    def explain(self) -> str:
        """Return the plan as text: every step in order, with its block, depth and where its values come from."""
        lines = [f"{len(self.steps)} step{'s' * (len(self.steps) != 1)}, in the order in which they run"]
        for number, step in enumerate(self.steps, 1):
            depth = {0: "once per run", 1: "once per image"}.get(
                len(step.lineage), "once per " + " per ".join(step.lineage[1:][::-1])
            )
            lines.append(f"{number:>3}. {step.name}  ({step.type.manifest.title}, {depth})")
            for binding in step.bindings:
                lines += [f"       {binding.field} ← {_spoken(ref)}" for ref in references(binding.origin)]
            lines += [f"       only where {gate.step} lets it pass" for gate in step.gates]
        lines.append("outputs")
        for output in self.outputs:
            lines.append(
                f"       {output.name} ← {', '.join(_spoken(ref) for _, ref, _ in output.origins) or 'nothing'}"
            )
        return "\n".join(lines)


def _read_by(step: PlannedStep) -> frozenset[str]:
    read = {r.step for b in step.bindings for r in references(b.origin) if isinstance(r, FromStep)}
    return frozenset(read | {gate.step for gate in step.gates})


def _spoken(reference: Reference) -> str:
    match reference:
        case FromInput(name):
            return f"input {name}"
        case FromStep(step, output):
            return f"{step}.{output}"
