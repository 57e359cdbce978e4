"""How long a workflow takes from the picture's file to the result's JSON, stage by stage; variants of it in turn."""

from __future__ import annotations

import math
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from workflow_engine.errors import InputError, pointer
from workflow_engine.events import Event, StepFinished, StepStarted
from workflow_engine.stages import heard
from workflow_engine.workflow import Workflow

Part: TypeAlias = tuple[str, str]
"""A step and a stage inside it: no stage for the whole step, no step for a stage of the engine itself."""

TOTAL: Part = ("", "")
REST: Part = ("", "rest")
BEFORE = ("inputs",)
AFTER = ("outputs", "rest")
"""What the engine does before the steps and after them; the rest is what no stage accounts for."""

UNCOUNTED = 2
"""Runs of each variant before those that count, beyond the first, which loads the model."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Seconds that many runs took."""

    median: float
    p95: float

    @classmethod
    def of(cls, samples: Sequence[float]) -> Spread:
        """Return the median, and the least time that 95 of 100 runs do not exceed."""
        ordered = sorted(samples)
        return cls(median=statistics.median(ordered), p95=ordered[math.ceil(0.95 * len(ordered)) - 1])


@dataclass(slots=True)
class Timing:
    """What the runs of one variant took.

    Attributes:
        name: What the variant is called.
        workflow: What was run.
        first: Seconds of the very first run, which loads the model.
        samples: Seconds of each run that counts, by part.
    """

    name: str
    workflow: Workflow
    first: float = 0.0
    samples: dict[Part, list[float]] = field(default_factory=lambda: defaultdict(list))

    @property
    def total(self) -> Spread:
        """Seconds of a whole run."""
        return Spread.of(self.samples[TOTAL])

    def parts(self) -> dict[Part, Spread]:
        """Return the time of each part, in the order of the work."""
        stages = [part for part in self.samples if part[0] and part[1]]
        ordered: list[Part] = [("", name) for name in BEFORE]
        for step in self.workflow.plan.steps:
            ordered += [(step.name, ""), *(part for part in stages if part[0] == step.name)]
        ordered += [("", name) for name in AFTER]
        return {part: Spread.of(self.samples[part]) for part in ordered if part in self.samples}


class _Watch:
    """Times one run: an observer of its steps, and a listener to its stages."""

    def __init__(self) -> None:
        self.seconds: dict[Part, float] = defaultdict(float)
        self._step = ""

    def observe(self, event: Event) -> None:
        match event:
            case StepStarted():
                self._step = event.step
            case StepFinished():
                self.seconds[event.step, ""] += event.seconds
                self._step = ""

    def hear(self, name: str, seconds: float) -> None:
        self.seconds[self._step, name] += seconds


def measure(
    variants: Mapping[str, Workflow],
    given: Sequence[Mapping[str, Any]],
    *,
    runs: int,
    advance: Callable[[], None] = lambda: None,
) -> list[Timing]:
    """Time every variant ``runs`` times, the variants in turn, so that what else the machine does hits them alike.

    Each run has a session of its own, gives JSON-ready outputs, and has no effect outside: blocks that write files or
    call other machines do nothing.

    Args:
        variants: What to time, by name.
        given: The inputs of each run, taken in turn, and again from the first.
        runs: How many runs count; those that load and warm up come on top.
        advance: Called after each run.

    Raises:
        WorkflowError: If a run fails; where that is for a picture, the message begins with it.
    """
    timings = [Timing(name, workflow) for name, workflow in variants.items()]
    for timing in timings:
        timing.first = _run(timing.workflow, given[0])[TOTAL]
        advance()
    for number in range(UNCOUNTED + runs):
        for timing in timings:
            seconds = _run(timing.workflow, given[number % len(given)])
            if number >= UNCOUNTED:
                for part, taken in seconds.items():
                    timing.samples[part].append(taken)
            advance()
    return timings


def runs_of(variants: int, runs: int) -> int:
    """Return how many runs ``measure`` makes in all."""
    return variants * (1 + UNCOUNTED + runs)


def _run(workflow: Workflow, inputs: Mapping[str, Any]) -> dict[Part, float]:
    watch = _Watch()
    started = time.perf_counter()
    with heard(watch.hear), _pictures_named(workflow, inputs):
        workflow.session().run(inputs, serialised=True, sinks=False, observers=(watch.observe,))
    total = time.perf_counter() - started
    accounted = sum(seconds for (step, stage), seconds in watch.seconds.items() if not (step and stage))
    return {**watch.seconds, REST: total - accounted, TOTAL: total}


@contextmanager
def _pictures_named(workflow: Workflow, inputs: Mapping[str, Any]) -> Iterator[None]:
    """Begin the message of an error about an image input with the picture that came to it."""
    try:
        yield
    except InputError as error:
        images = [one.name for one in workflow.plan.inputs if one.dimensionality and "image" in one.kinds]
        pictures = {pointer("inputs", name): inputs[name] for name in images if name in inputs}
        raise InputError(
            replace(one, message=f"{pictures[one.at]}: {one.message}") if one.at in pictures else one
            for one in error.problems
        ) from error
