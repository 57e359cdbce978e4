"""What a run tells its observers.

Logs, metrics, progress bars and previews are observers; the executor knows none of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from workflow_engine.errors import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """A run began; ``steps`` are the names of all its steps in order."""

    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted:
    """A step began."""

    step: str
    block: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished:
    """A step ended well; ``elements`` were computed in ``seconds``, 0 of them when flow control pruned the step.

    With ``cached`` nothing was computed: what an earlier run gave still holds.
    """

    step: str
    block: str
    elements: int
    seconds: float
    cached: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFailed:
    """A step raised; the run ends."""

    step: str
    block: str
    problem: Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFinished:
    """The run ended, with ``problem`` when it did not end well."""

    seconds: float
    problem: Problem | None = None


Event: TypeAlias = RunStarted | StepStarted | StepFinished | StepFailed | RunFinished
