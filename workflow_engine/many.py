"""Many runs: several at once on threads, handed back in the order in which they were asked for."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeAlias

from workflow_engine.context import Stop
from workflow_engine.errors import WorkflowError
from workflow_engine.plan import Plan
from workflow_engine.results import RunResult
from workflow_engine.side_by_side import CROWDED, crowded

Inputs: TypeAlias = Mapping[str, Any]
"""What one run is given, by input."""

MOST_AT_ONCE = 4
"""Runs at once on a machine of many cores: beyond, each costs its memory and brings little."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run of many: what it was given, and what came of it."""

    given: Inputs
    outcome: RunResult | WorkflowError

    @property
    def error(self) -> WorkflowError | None:
        """Why the run failed, or ``None`` when it did not."""
        return self.outcome if isinstance(self.outcome, WorkflowError) else None

    @property
    def result(self) -> RunResult:
        """What the run gave; a run that failed raises its error here."""
        if isinstance(self.outcome, WorkflowError):
            raise self.outcome
        return self.outcome


def runs_at_once(plan: Plan) -> int:
    """Return how many runs of ``plan`` should go on at once: one where a step has effects that others see.

    While the network of one run leaves cores idle, others decode, draw and encode. On two cores, 100 pictures through
    the demo workflow on torch took 1.4 times as long one after the other as two at once; three brought no more.
    On a GPU, the networks of runs that are under way together share batches.
    """
    if any(step.type.manifest.execution.side_effects for step in plan.steps):
        return 1
    return min(os.cpu_count() or 1, MOST_AT_ONCE)


def in_order(
    run: Callable[[Inputs, Stop], RunResult],
    given: Iterable[Inputs],
    *,
    workers: int,
    timeout: float | None = None,
) -> Generator[Ran]:
    """Run for each of ``given`` and yield what came of it, in that order.

    At most ``2 * workers`` runs are under way or done and not yet asked for, which bounds the memory. When the iterator
    is closed before its end, runs under way are stopped before their next step.

    Args:
        run: Runs once; called on several threads.
        given: Inputs of each run, taken as they are needed.
        workers: How many runs go on at once.
        timeout: Seconds after which a run gives up.
    """
    stops: set[Stop] = set()

    def attempt(inputs: Inputs) -> Ran:
        stop = Stop(timeout=timeout)
        stops.add(stop)
        try:
            return Ran(inputs, run(inputs, stop))
        except WorkflowError as error:
            return Ran(inputs, error)
        finally:
            stops.discard(stop)

    pool = ThreadPoolExecutor(workers, "segflow-run", initializer=CROWDED.set, initargs=(crowded(workers),))
    pending: deque[Future[Ran]] = deque()
    try:
        for inputs in given:
            pending.append(pool.submit(attempt, inputs))
            if len(pending) == 2 * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for stop in tuple(stops):
            stop.cancel()
        pool.shutdown()
