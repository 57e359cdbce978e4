"""One piece of work in a worker, and what the worker keeps from one to the next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from workflow_engine.context import Stop
from workflow_engine.events import Event
from workflow_engine.plan import Plan
from workflow_engine.recent import Recent
from workflow_engine.workflow import Engine

_PLANS = 64


class Bench:
    """What a worker keeps: its engine with the loaded models, and the plans of the documents it saw last."""

    def __init__(self, engine: Engine) -> None:
        """Serve callers that ``engine`` should not trust."""
        self.engine = engine
        self._plans: Recent[bytes, Plan] = Recent(_PLANS)

    def plan(self, document: Mapping[str, Any] | bytes | bytearray) -> Plan:
        """Return the plan of a document, compiled if it was not seen lately. Plans are frozen, so they are shared.

        Raises:
            DefinitionError: If it is not a workflow.
            CompileError: If it cannot run.
        """
        key = bytes(document) if isinstance(document, bytes | bytearray) else orjson.dumps(document)
        plan = self._plans.get(key)
        if plan is None:
            plan = self.engine.compile(key)
            self._plans.put(key, plan)
        return plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a task is asked to do.

    Attributes:
        bench: What the worker keeps.
        body: The request's body as it came.
        options: What the route adds: whatever JSON can hold.
        stop: Passed to runs; it ends them when the caller has left or the time is up.
        observe: Passed to runs, so that their steps are seen in metrics and traces.
    """

    bench: Bench
    stop: Stop
    observe: Callable[[Event], None]
    body: bytes | bytearray = b""
    options: Mapping[str, Any] = field(default_factory=dict)
