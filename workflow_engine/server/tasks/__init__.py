"""What workers can do, by name. A task takes a call and returns what is written as the JSON of the answer.

A task that raises a ``WorkflowError`` is answered with its problems, as if the route had raised it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflow_engine.server.tasks import introspect, library, models, pipelines
from workflow_engine.server.tasks.call import Call
from workflow_engine.server.tasks.run import run, run_saved
from workflow_engine.server.tasks.validate import check, validate

TASKS: Mapping[str, Callable[[Call], Any]] = {
    "run": run,
    "run_saved": run_saved,
    "validate": validate,
    "check": check,
    "interface": introspect.interface,
    "saved_interface": introspect.saved_interface,
    "dynamic_outputs": introspect.dynamic_outputs,
    "describe_blocks": introspect.describe_blocks,
    "definition_schema": introspect.definition_schema,
    "palette": introspect.palette,
    "list_workflows": library.listed,
    "list_versions": library.versions,
    "show_workflow": library.shown,
    "create_workflow": library.create,
    "save_workflow": library.save,
    "delete_workflow": library.delete,
    "models": models.models,
    "classes": models.classes,
    "load_model": models.load,
    "infer": models.infer,
    "prepare_pipeline": pipelines.prepare,
}
