"""From a problem to what an HTTP client is told: status, the ecosystem's names for it, and our own members beside them.

A body never holds a traceback, nor what an exception of a block or of the machine said: that goes to the log, under the
request id that the body carries.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from workflow_engine.compiler import OUTPUTS
from workflow_engine.errors import (
    CompileError,
    DefinitionError,
    ManifestError,
    Problem,
    RunCancelled,
    StepFailed,
    WorkflowError,
)

_COMPILING = "workflow_compilation | "
_PARSING = _COMPILING + "workflow_definition_parsing"
_CHECKING = _COMPILING + "specification_validation"
_BUILDING = _COMPILING + "execution_graph_construction"
_INLINING = _COMPILING + "inner_workflow_spec_resolution"
_STARTING = _COMPILING + "engine_initialisation"
_INPUTS = "workflow_execution | runtime_input_validation"
_RUNNING = "workflow_execution | step_execution"
_SERVER = "request_validation"
_STORING = "workflow_storage"
_LOADING = "model_loading"
_STREAMING = "video_processing"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a kind of problem is told: the ecosystem's error type and context, and the HTTP status."""

    error_type: str
    context: str
    status: int = 400


_SYNTAX = Rule("WorkflowSyntaxError", _PARSING)
_TARGET = Rule("InvalidReferenceTargetError", _BUILDING)
_GRAPH = Rule("ExecutionGraphStructureError", _BUILDING)

BY_CODE = {
    "bad_version": Rule("WorkflowDefinitionError", _STARTING),
    "unsupported_version": Rule("NotSupportedExecutionEngineError", _STARTING),
    "custom_code": Rule("DynamicBlockError", _COMPILING + "dynamic_blocks_compilation"),
    "inner_step": Rule("InnerWorkflowInvalidStepEntryError", _INLINING),
    "inner_depth": Rule("InnerWorkflowNestingDepthError", _INLINING),
    "inner_count": Rule("InnerWorkflowTotalCountError", _INLINING),
    "inner_bindings": Rule("InnerWorkflowParameterBindingsError", _INLINING),
    "unknown_inner_output": _TARGET,
    "broken_block": Rule("BlockInterfaceError", "blocks_loading", 500),
    "duplicate_name": Rule("DuplicatedNameError", _CHECKING),
    "unknown_input": _TARGET,
    "unknown_step": _TARGET,
    "unknown_output": _GRAPH,
    "kind_mismatch": Rule("ReferenceTypeError", _BUILDING),
    "cycle": _GRAPH,
    "duplicate_target": _GRAPH,
    "batch_in_scalar": _GRAPH,
    "bad_dimensionality": _GRAPH,
    "depth_mismatch": Rule("StepInputDimensionalityError", _BUILDING + " | collecting_step_input_data"),
    "lineage_mismatch": Rule("StepInputLineageError", _BUILDING + " | collecting_step_inputs_lineage"),
    "gate_mismatch": Rule("ControlFlowDefinitionError", _BUILDING + " | verification_of_control_flow_lineage"),
    "bad_request": Rule("RequestError", _SERVER, 422),
    "body_too_large": Rule("RequestError", _SERVER, 413),
    "body_late": Rule("RequestError", _SERVER, 408),
    "overloaded": Rule("OverloadedError", _SERVER, 503),
    "stopping": Rule("OverloadedError", _SERVER, 503),
    "worker_lost": Rule("WorkerLostError", "server", 503),
    "out_of_memory": Rule("OutOfMemoryError", _RUNNING, 503),
    "cancelled": Rule("ClientLeftError", _SERVER, 499),
    "internal": Rule("InternalError", "server", 500),
    "not_found": Rule("NotFoundError", _SERVER, 404),
    "method_not_allowed": Rule("MethodNotAllowedError", _SERVER, 405),
    "workflow_name": Rule("WorkflowNameError", _STORING, 400),
    "workflow_unknown": Rule("WorkflowNotFoundError", _STORING, 404),
    "workflow_version_unknown": Rule("WorkflowNotFoundError", _STORING, 404),
    "workflow_changed": Rule("WorkflowConflictError", _STORING, 409),
    "workflow_damaged": Rule("WorkflowStorageError", _STORING, 500),
    "library_failed": Rule("WorkflowStorageError", _STORING, 507),
    "model_unknown": Rule("ModelNotFoundError", _LOADING, 404),
    "model_path": Rule("ModelNotFoundError", _LOADING, 400),
    "pull_failed": Rule("ModelDownloadError", _LOADING, 503),
    "pipeline_invalid": Rule("RequestError", _SERVER),
    "pipeline_unknown": Rule("PipelineNotFoundError", _STREAMING, 404),
    "pipeline_lost": Rule("PipelineLostError", _STREAMING, 503),
    "pipelines_full": Rule("OverloadedError", _SERVER, 503),
    "not_offered": Rule("NotOfferedError", _SERVER),
    "token_wanted": Rule("UnauthorizedError", _SERVER, 401),
    "foreign_origin": Rule("ForbiddenError", _SERVER, 403),
}
"""Problems of a document or a request; every other code is told as ``BY_ERROR`` says."""

BY_OUTPUT = {"unknown_output": _TARGET, "bad_reference": _TARGET}
"""The same where the problem is an output's and not a step's."""

BY_STEP = {
    "query_bad_input": Rule("InvalidInputTypeError", _RUNNING),
    "query_undeclared": Rule("UndeclaredSymbolError", _RUNNING, 500),
    "query_evaluation": Rule("EvaluationEngineError", _RUNNING, 500),
    "query_operation": Rule("OperationError", _RUNNING, 500),
    "model_unknown": Rule("ClientCausedStepExecutionError", _RUNNING, 404),
}
"""Failures of a step with a name of their own."""

BY_ERROR: dict[type[WorkflowError], Rule] = {
    DefinitionError: _SYNTAX,
    CompileError: _SYNTAX,
    ManifestError: Rule("BlockInterfaceError", "blocks_loading", 500),
    RunCancelled: Rule("StepExecutionError", _RUNNING, 504),
    StepFailed: Rule("StepExecutionError", _RUNNING, 500),
}
"""Problems that no table names, by the error that carries them; the rest are about the inputs of a run."""

_CALLERS_FAULT = Rule("ClientCausedStepExecutionError", _RUNNING)
_BAD_INPUT = Rule("RuntimeInputError", _INPUTS)
_OURS = "inputs/|steps/|outputs/|inference_pipelines/|api/pipelines/"
"""How pointers into a document, and routes that hints name, begin after the slash: they are no paths."""
_ABSOLUTE_PATH = re.compile(rf"(?<![\w.$/:@])(?:[A-Za-z]:\\|/(?!{_OURS}))(?:[\w.\-]+[/\\])+[\w.\-]*")


def rule_of(error: WorkflowError) -> Rule:
    """Return how ``error`` is told, by its main problem."""
    problem = error.problem
    if isinstance(error, StepFailed):
        named = BY_STEP.get(problem.code)
        return named or (_CALLERS_FAULT if problem.whose == "caller" else BY_ERROR[StepFailed])
    tables = (BY_OUTPUT, BY_CODE) if problem.step == OUTPUTS else (BY_CODE,)
    found = next((table[problem.code] for table in tables if problem.code in table), None)
    return found or BY_ERROR.get(type(error), _BAD_INPUT)


def body(error: WorkflowError, *, request_id: str, debug: bool = False) -> dict[str, Any]:
    """Return the JSON body that tells of ``error``: the ecosystem's members, then ours.

    Args:
        error: What went wrong; its first problem is the main one.
        request_id: Under which the log has the details.
        debug: Whether messages may say what exceptions of blocks and of the machine said.
    """
    rule = rule_of(error)
    problems = error.problems if debug else tuple(discreet(problem) for problem in error.problems)
    main, *others = problems
    return {
        "message": main.message,
        "error_type": rule.error_type,
        "context": rule.context,
        "inner_error_type": None,
        "inner_error_message": " ".join([main.hint, *map(str, others)]).strip() or "None",
        "blocks_errors": list(_block_errors(problems)),
        "python_blocks_output_streams": None,
        "python_blocks_debug_traces": None,
        "code": main.code,
        "at": main.at,
        "hint": main.hint,
        "request_id": request_id,
        "problems": [told(problem) for problem in problems],
    }


def told(problem: Problem) -> dict[str, Any]:
    """Return a problem as JSON, for clients that list them all."""
    return {
        "code": problem.code,
        "at": problem.at,
        "message": problem.message,
        "hint": problem.hint,
        "step": problem.step,
        "field": problem.field,
    }


def _block_errors(problems: tuple[Problem, ...]) -> Iterator[dict[str, Any]]:
    for problem in problems:
        if problem.step is not None:
            yield {
                "block_id": problem.step,
                "block_type": problem.block,
                "block_details": None,
                "property_name": problem.field,
                "property_details": problem.message,
                "block_traceback": None,
            }


def discreet(problem: Problem) -> Problem:
    """Return the problem without what only the operator may read: an exception's text, and folders of this machine."""
    if problem.whose in ("block", "engine"):
        where = f"The step {problem.step!r} failed: its block made a mistake." if problem.step else "Internal error."
        return replace(problem, message=where, hint="The server's log says more, under the request's id.")
    return replace(problem, message=_without_paths(problem.message), hint=_without_paths(problem.hint))


def _without_paths(text: str) -> str:
    """Leave of every absolute path only its last part."""
    return _ABSOLUTE_PATH.sub(lambda found: re.split(r"[/\\]", found[0])[-1] or "…", text)
