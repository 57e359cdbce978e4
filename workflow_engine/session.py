"""A session: a plan, the blocks of its steps, and the state that they keep from one run to the next."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from workflow_engine import inputs, results
from workflow_engine.cache import ResultCache
from workflow_engine.context import RunContext, Stop
from workflow_engine.events import Event
from workflow_engine.executor import BoundBlock, execute
from workflow_engine.manifest import load_entrypoint
from workflow_engine.plan import Plan, PlannedStep
from workflow_engine.recent import Recent
from workflow_engine.registry import Registry
from workflow_engine.results import RunResult
from workflow_engine.reuse import Reuse
from workflow_engine.stages import stage
from workflow_engine.vision.values import ImageAccess


class Session:
    """Runs one plan as often as wanted; trackers, counters and delays remember what they saw before.

    A session serves one source of pictures and one thread at a time.
    """

    def __init__(
        self,
        plan: Plan,
        registry: Registry,
        *,
        context: RunContext,
        access: ImageAccess,
        workers: int = 1,
        cache: ResultCache | None = None,
    ) -> None:
        """Import the code of every block that the plan uses.

        Args:
            plan: What to run.
            registry: Where the blocks' code is found.
            context: Settings, models and observers for every run.
            access: What an image value may be: whether paths and addresses are allowed, and how large.
            workers: How many steps may run at once.
            cache: Keeps what steps give, so that those need not run again of which nothing has changed.

        Raises:
            ManifestError: If a block's code does not agree with its manifest.
        """
        self.plan = plan
        self._registry, self._context, self._workers, self._cache = registry, context, workers, cache
        self._access = replace(access, cache=cache)
        self._blocks: dict[str, BoundBlock] = {}
        self.reset()

    def reset(self) -> None:
        """Forget all state: the next run is like the first, but for steps of which nothing has changed."""
        self._blocks = {step.name: _bound(step, self._registry) for step in self.plan.steps}
        self._context = replace(self._context, shared=Recent())

    def run(
        self,
        given: Mapping[str, Any],
        *,
        serialised: bool = False,
        without: frozenset[str] = frozenset(),
        sinks: bool = True,
        stop: Stop | None = None,
        observers: tuple[Callable[[Event], None], ...] = (),
    ) -> RunResult:
        """Run the plan once.

        Args:
            given: A value for each input, by name; a list makes a batch.
            serialised: Whether the outputs are JSON-ready rather than arrays and tables.
            without: Names of outputs to leave out.
            sinks: Whether blocks that write files or call other machines do so.
            stop: Ends the run early when told to, or at its deadline.
            observers: Called with every event of this run.

        Raises:
            InputError: If the given values do not fit.
            StepFailed: If a step raised.
            RunCancelled: If ``stop`` says so.
        """
        started = time.perf_counter()
        watching = (*self._context.observers, *observers)
        context = replace(self._context, stop=stop or Stop(), observers=watching, sinks=sinks)
        with stage("inputs"):
            batches, extents = inputs.assemble(self.plan, given, self._access)
        reuse = None
        if self._cache is not None:
            reuse = Reuse(self._cache, batches, extents, models=context.models)
            batches = reuse.inputs
        values = execute(self.plan, self._blocks, batches, extents, context, workers=self._workers, reuse=reuse)
        with stage("outputs"):
            kept = self._cache is not None
            outputs = results.assemble(self.plan, values, serialised=serialised, apart=kept, without=without)
        elapsed = time.perf_counter() - started
        return RunResult(outputs=outputs, seconds=values.seconds, elapsed=elapsed, warnings=self.plan.warnings)


def _bound(step: PlannedStep, registry: Registry) -> BoundBlock:
    """The callable of a step: the block's function, or a new instance of its class when it keeps state."""
    function = registry.function(step.type.name)
    stateful = step.type.manifest.execution.stateful
    call = function() if stateful else function
    adapter = None if step.type.adapter is None else load_entrypoint(step.type.adapter)
    return BoundBlock(call=call, adapter=adapter, wants_context=_wants_context(function))


@cache
def _wants_context(function: Callable[..., Any]) -> bool:
    """Whether a block's function, or the instances of its class, take ``context``; a signature is slow to take."""
    call = function.__call__ if inspect.isclass(function) else function
    return "context" in inspect.signature(call).parameters
