"""segflow's engine: a workflow without a model, run in one session."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

from host import Job
from workflows import Parts, read, save

from workflow_engine import Engine, Workflow
from workflow_engine.registry import Registry, installed


class TimedRegistry(Registry):
    """The installed blocks, their functions timed."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(installed())
        self._parts = parts

    def function(self, name: str) -> Callable[..., Any]:
        """Return a block's function."""
        function = super().function(name)
        return functools.wraps(function)(self._parts.timed(function))


def prepare(*, document: str, values: str, repeats: int, clock: str) -> Job:
    """Compile the workflow and run it once."""
    parts = Parts(clock)
    engine = Engine(registry=TimedRegistry(parts))
    session = Workflow(Path(document).read_text(), engine=engine).session()
    given = read(values)

    def once() -> Any:
        return session.run(given).outputs

    once()
    return Job(lambda: parts.runs(once, repeats), save, timed=parts.seconds)
