"""What the passes of the compiler know of a document so far, and what they found wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from workflow_engine.definition import Definition, Step, WorkflowInput
from workflow_engine.errors import Problem, pointer
from workflow_engine.plan import Lineage, PlannedStep
from workflow_engine.registry import Registry
from workflow_engine.step_type import StepType


@dataclass(slots=True, kw_only=True)
class Draft:
    """A document on its way to a plan.

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
