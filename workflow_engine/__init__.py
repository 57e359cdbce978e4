"""segflow: a local-first engine for visual workflows.

``Workflow.load("workflow.json").run(image="parts.jpg")`` is all that most programs need. Importing this package loads
none of the heavy libraries; they come with the first block that uses them.
"""

from __future__ import annotations

from workflow_engine.cache import ResultCache
from workflow_engine.compiler import LANGUAGE_VERSION
from workflow_engine.errors import (
    BlockError,
    CompileError,
    DefinitionError,
    InputError,
    ManifestError,
    Problem,
    RunCancelled,
    StepFailed,
    WorkflowError,
)
from workflow_engine.settings import Limits, Settings
from workflow_engine.workflow import Engine, Workflow

__version__ = "0.1.0"

__all__ = [
    "LANGUAGE_VERSION",
    "BlockError",
    "CompileError",
    "DefinitionError",
    "Engine",
    "InputError",
    "Limits",
    "ManifestError",
    "Problem",
    "ResultCache",
    "RunCancelled",
    "Settings",
    "StepFailed",
    "Workflow",
    "WorkflowError",
]
