"""Runs a plan: every step as soon as those it depends on are done, values released after their last use.

The executor knows neither pictures nor transport: values are opaque to it, blocks are callables, and what happens is
told to observers as events. A step's exception ends the run with one ``StepFailed`` that names the step; steps already
running on other threads are waited for, none is started.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import Any, TypeAlias

from workflow_engine.batch import Batch, Extents, Index
from workflow_engine.context import RunContext
from workflow_engine.errors import BlockError, Problem, RunCancelled, StepFailed, WorkflowError
from workflow_engine.events import RunFinished, RunStarted, StepFinished, StepStarted
from workflow_engine.events import StepFailed as StepFailedEvent
from workflow_engine.plan import (
    Binding,
    DictOf,
    FromInput,
    FromStep,
    ListOf,
    Literal,
    Origin,
    Plan,
    PlannedStep,
)
from workflow_engine.reuse import Calls, Gave, Reuse
from workflow_engine.selectors import StepRef, parse

Decisions: TypeAlias = Mapping[Index, frozenset[str]]
"""For each index, the steps that a flow-control step lets continue."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundBlock:
    """What a step calls: its block's function or instance, and the adapter of a foreign type.

    Attributes:
        call: Takes every input and parameter by keyword.
        adapter: Turns the foreign parameters into ours, or ``None``.
        wants_context: Whether ``call`` takes ``context`` too.
    """

    call: Callable[..., Any]
    adapter: Callable[..., Mapping[str, Any]] | None = None
    wants_context: bool = False


@dataclass(frozen=True, slots=True)
class Values:
    """What a run leaves behind: the outputs of every step that the plan shows, and which elements existed."""

    inputs: Mapping[str, Batch]
    steps: Mapping[str, Mapping[str, Batch]]
    extents: Extents
    seconds: Mapping[str, float]


def execute(
    plan: Plan,
    blocks: Mapping[str, BoundBlock],
    inputs: Mapping[str, Batch],
    extents: Extents,
    context: RunContext,
    *,
    workers: int = 1,
    reuse: Reuse | None = None,
) -> Values:
    """Run every step of ``plan``.

    Args:
        plan: What to run.
        blocks: The callable of each step, by step name.
        inputs: A batch for every input of the plan.
        extents: The elements of the inputs' batch; the run adds those that steps create.
        context: When to stop, whom to tell, and the resources of blocks.
        workers: How many steps may run at once; the results do not depend on it.
        reuse: Tells which steps need not run; ``None`` to run all.

    Raises:
        StepFailed: If a block raised.
        RunCancelled: If the context says stop.
    """
    run = _Run(plan, blocks, inputs, extents, context, reuse)
    started = time.perf_counter()
    context.emit(RunStarted(steps=tuple(step.name for step in plan.steps)))
    try:
        with ThreadPoolExecutor(workers, "segflow-step") if workers > 1 else nullcontext() as pool:
            run.all(pool, workers)
    except WorkflowError as error:
        context.emit(RunFinished(seconds=time.perf_counter() - started, problem=error.problem))
        raise
    context.emit(RunFinished(seconds=time.perf_counter() - started))
    return Values(inputs, run.outputs, extents, run.seconds)


@dataclass(slots=True)
class _Outcome:
    """What one step did: what it gave, or how it failed."""

    step: PlannedStep
    gave: Gave
    seconds: float = 0.0
    elements: int = 0
    cached: bool = False
    error: WorkflowError | None = None


class _Run:
    """The state of one execution. Only the thread that called ``all`` changes it; workers read."""

    def __init__(
        self,
        plan: Plan,
        blocks: Mapping[str, BoundBlock],
        inputs: Mapping[str, Batch],
        extents: Extents,
        context: RunContext,
        reuse: Reuse | None,
    ) -> None:
        self._plan, self._blocks, self._inputs, self._extents, self._context = plan, blocks, inputs, extents, context
        self._reuse = reuse
        self._decisions: dict[str, Decisions] = {}
        self._uses = dict(plan.uses)
        self.outputs: dict[str, dict[str, Batch]] = {}
        self.seconds: dict[str, float] = {}

    def all(self, pool: ThreadPoolExecutor | None, workers: int) -> None:
        """Start each step when the last of those it depends on has finished, at most ``workers`` at once."""
        waiting = {step.name: len(step.after) for step in self._plan.steps}
        ready = deque(step for step in self._plan.steps if not step.after)
        finished: SimpleQueue[_Outcome] = SimpleQueue()
        running = 0
        failure: WorkflowError | None = None
        while ready or running:
            while ready and running < workers and failure is None:
                try:
                    self._context.stop.check()
                except RunCancelled as cancelled:
                    failure = cancelled
                    break
                step = ready.popleft()
                running += 1
                self._start(step, pool, finished)
            if not running:
                break
            outcome = finished.get()
            running -= 1
            failure = failure or outcome.error
            if outcome.error is not None:
                self._tell_failure(outcome)
                continue
            self._keep(outcome)
            for step in self._plan.followers[outcome.step.name]:
                waiting[step.name] -= 1
                if not waiting[step.name]:
                    ready.append(step)
        if failure is not None:
            raise failure

    def _start(self, step: PlannedStep, pool: ThreadPoolExecutor | None, finished: SimpleQueue[_Outcome]) -> None:
        self._context.emit(StepStarted(step=step.name, block=step.type.name))
        if pool is None:
            finished.put(self._work(step))
        else:
            pool.submit(lambda: finished.put(self._work(step)))

    def _keep(self, outcome: _Outcome) -> None:
        """Store a step's values, and let go of those that nobody will read any more."""
        step, gave, lineage = outcome.step, outcome.gave, outcome.step.output_lineage
        self.seconds[step.name] = outcome.seconds
        if step.type.manifest.execution.output_dimensionality == 1:
            self._extents.spread(lineage, gave.children)
        self._decisions[step.name] = gave.decisions
        self.outputs[step.name] = {name: Batch(lineage, values) for name, values in gave.outputs.items()}
        for name in (*self._plan.sources[step.name], *([] if self._uses[step.name] else [step.name])):
            self._uses[name] -= 1
            if self._uses[name] <= 0:
                self.outputs.pop(name, None)
        finished = StepFinished(
            step=step.name,
            block=step.type.name,
            elements=outcome.elements,
            seconds=outcome.seconds,
            cached=outcome.cached,
        )
        self._context.emit(finished)

    def _tell_failure(self, outcome: _Outcome) -> None:
        step = outcome.step
        if isinstance(outcome.error, StepFailed):
            self._context.emit(StepFailedEvent(step=step.name, block=step.type.name, problem=outcome.error.problem))

    def _work(self, step: PlannedStep) -> _Outcome:
        outcome = _Outcome(step, Gave({name: {} for name in step.type.outputs}))
        started = time.perf_counter()
        try:
            calls = list(self._calls(step))
            outcome.elements = len(calls)
            recalled = None if self._reuse is None else self._reuse.recall(step, calls)
            if recalled is not None:
                outcome.gave, outcome.cached = recalled, True
            else:
                for index, result in self._results(step, calls):
                    _note(step, outcome.gave, index, result)
                if self._reuse is not None:
                    self._reuse.keep(step, outcome.gave)
        except RunCancelled as cancelled:
            outcome.error = cancelled
        except Exception as error:  # noqa: BLE001 -- the one boundary between a block's code and the engine
            outcome.error = StepFailed(_failure(step, error))
            outcome.error.__cause__ = error
        outcome.seconds = time.perf_counter() - started
        return outcome

    def _results(self, step: PlannedStep, calls: list[tuple[Index, dict[str, Any]]]) -> Iterator[tuple[Index, Any]]:
        """Call the block once per element, or once for all of them when it takes the whole batch."""
        block = self._blocks[step.name]
        if step.type.manifest.execution.batch == "per_item":
            for index, arguments in calls:
                self._context.stop.check()
                yield index, block.call(**arguments, **self._extra(step, [(index, arguments)]))
            return
        if not calls:
            return
        listed = step.type.manifest.listed
        together = {
            name: [arguments[name] for _, arguments in calls] if name in listed else value
            for name, value in calls[0][1].items()
        }
        results = block.call(**together, **self._extra(step, calls))
        if len(results) != len(calls):
            raise _bad_result(step, f"gave {len(results)} results for {len(calls)} elements")
        yield from zip((index for index, _ in calls), results, strict=True)

    def _extra(self, step: PlannedStep, calls: Calls) -> dict[str, RunContext]:
        """What a block gets beside its arguments for some calls: the context, if it wants that."""
        if not self._blocks[step.name].wants_context:
            return {}
        context = self._context
        return {"context": context if self._reuse is None else replace(context, kept=self._reuse.shelf(step, calls))}

    def _calls(self, step: PlannedStep) -> Iterator[tuple[Index, dict[str, Any]]]:
        """Yield index and arguments of every element that the step is to run on."""
        adapter = self._blocks[step.name].adapter
        accepts_missing = step.type.manifest.execution.accepts_missing
        for index in self._extents.of(step.lineage):
            if not self._granted(step, index):
                continue
            own: dict[str, Any] = {}
            foreign: dict[str, Any] = {}
            for binding in step.bindings:
                missing, value = self._argument(step, binding, index)
                if missing and not accepts_missing:
                    break
                if binding.whole and isinstance(value, float) and value.is_integer():
                    value = int(value)
                (foreign if binding.foreign else own)[binding.target] = value
            else:
                yield index, own if adapter is None else {**own, **adapter(**foreign)}

    def _granted(self, step: PlannedStep, index: Index) -> bool:
        """Whether every gate that decides at ``index`` or above lets the step pass there."""
        return all(
            step.name in self._decisions[gate.step].get(index[: len(gate.lineage)], ())
            for gate in step.gates
            if len(gate.lineage) <= len(index)
        )

    def _argument(self, step: PlannedStep, binding: Binding, index: Index) -> tuple[bool, Any]:
        """Return whether the value is missing, and the value."""
        if not binding.children:
            return self._value(binding.origin, index)
        origin = binding.origin
        if not isinstance(origin, FromInput | FromStep):
            return self._value(origin, index)
        if len(origin.lineage) <= len(index):
            missing, value = self._value(origin, index)
            return missing, [value]
        below = (child for child in self._extents.below(origin.lineage, index) if self._granted(step, child))
        execution = step.type.manifest.execution
        found = (self._value(origin, child) for child in below)
        values = [value for missing, value in found if execution.accepts_missing or not missing]
        collapses = execution.output_dimensionality == -1
        return collapses and not values, values  # nothing to collapse is nothing, as in the ecosystem

    def _value(self, origin: Origin, index: Index) -> tuple[bool, Any]:
        match origin:
            case Literal(value):
                return False, value
            case FromInput(name):
                value = self._inputs[name].at(index)
                return value is None and bool(origin.lineage), value
            case FromStep(step, output):
                value = self.outputs[step][output].at(index)
                return value is None, value
            case ListOf(items):
                found = [self._value(item, index) for item in items]
                return any(missing for missing, _ in found), [value for _, value in found]
            case DictOf(pairs):
                members = {key: self._value(item, index) for key, item in pairs}
                return any(missing for missing, _ in members.values()), {k: value for k, (_, value) in members.items()}


def _note(step: PlannedStep, gave: Gave, index: Index, result: Any) -> None:
    if not step.type.outputs:
        gave.decisions[index] = _allowed(result)
    elif step.type.manifest.execution.output_dimensionality == 1:
        gave.children[index] = len(result)
        for child, one in enumerate(result):
            _store(step, gave, (*index, child), one)
    else:
        _store(step, gave, index, result)


def _store(step: PlannedStep, gave: Gave, index: Index, result: Any) -> None:
    names = gave.outputs.keys()
    if not isinstance(result, Mapping) or result.keys() != names:
        found = ", ".join(map(str, result)) if isinstance(result, Mapping) else type(result).__name__
        raise _bad_result(step, f"gave {found} where its outputs are {', '.join(names)}")
    for name, value in result.items():
        if value is not None:
            gave.outputs[name][index] = value


def _allowed(selectors: Any) -> frozenset[str]:
    targets = [parse(selector) for selector in selectors]
    return frozenset(target.step for target in targets if isinstance(target, StepRef))


def _bad_result(step: PlannedStep, message: str) -> BlockError:
    return BlockError(f"{step.type.manifest.entrypoint} {message}.", code="bad_block_result", whose="block")


def _failure(step: PlannedStep, error: Exception) -> Problem:
    """Say which step failed, and whose fault it is."""
    about: dict[str, Any] = {"step": step.name, "block": step.type.name, "at": step.at}
    if isinstance(error, WorkflowError):
        cause = error.problem
        return replace(cause, message=f"The step {step.name!r} failed: {cause.message}", **about)
    if isinstance(error, BlockError):
        message = f"The step {step.name!r} failed: {error.message}"
        return Problem(code=error.code, message=message, hint=error.hint, whose=error.whose, **about)
    message = f"The step {step.name!r} failed: {type(error).__name__}: {error}"
    hint = "This is a fault of the block, not of the workflow."
    return Problem(code="block_crashed", message=message, hint=hint, whose="block", **about)
