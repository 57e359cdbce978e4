"""roboflow-workflows' engine: a workflow without a model, compiled once and run again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from host import Job
from roboflow_workflows.execution_engine.core import ExecutionEngine
from workflows import Parts, read, save


def prepare(*, document: str, values: str, repeats: int, clock: str) -> Job:
    """Compile the workflow and run it once."""
    parts = Parts(clock)
    engine = ExecutionEngine.init(workflow_definition=json.loads(Path(document).read_text()))
    for step in engine._engine._compiled_workflow.steps.values():
        step.step.run = parts.timed(step.step.run)
    given = read(values)

    def once() -> Any:
        return engine.run(runtime_parameters=dict(given))

    once()
    return Job(lambda: parts.runs(once, repeats), save, timed=parts.seconds)
