"""What workers can do, by name. A task takes a call and returns what is written as the JSON of the answer.

A task that raises a ``WorkflowError`` is answered with its problems, as if the route had raised it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflow_engine.server.tasks.call import Call
from workflow_engine.server.tasks.run import run
from workflow_engine.server.tasks.validate import validate

TASKS: Mapping[str, Callable[[Call], Any]] = {"run": run, "validate": validate}
