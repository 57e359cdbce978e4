"""Check what a pipeline is asked to be, before a process is started for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workflow_engine.errors import InputError, Problem
from workflow_engine.server.pipelines.order import Order, begin
from workflow_engine.server.pipelines.requests import InitialiseRequest, WorkflowConfiguration, read_body
from workflow_engine.server.tasks.call import Call
from workflow_engine.server.tasks.library import saved

_HINT = (
    "Send a JSON object with video_configuration (its video_reference names the sources) and processing_configuration "
    "(its workflow_specification is the workflow)."
)


def prepare(call: Call) -> dict[str, Any]:
    """Return the order for the pipeline's process, and when the pipeline is to end for want of interest."""
    asked = read_body(InitialiseRequest, call.body, hint=_HINT)
    video, processing = asked.video_configuration, asked.processing_configuration
    if video.video_source_properties:
        raise _refused("The settings of cameras (video_source_properties) are not changed here.", "Leave them out.")
    references = video.video_reference if isinstance(video.video_reference, list) else [video.video_reference]
    order = Order(
        document=_document(call, processing),
        references=references,
        filling=video.source_buffer_filling_strategy,
        consumption=video.source_buffer_consumption_strategy,
        max_fps=video.max_fps,
        image_input=processing.image_input_name,
        metadata_input=processing.video_metadata_input_name,
        parameters=processing.workflows_parameters or {},
        sinks=not processing.disable_sinks,
        buffer=asked.sink_configuration.results_buffer_size,
    )
    begin(call.bench.engine, call.bench.plan(order.document), order)
    return {"order": order.to_json(), "consumption_timeout": asked.consumption_timeout}


def _document(call: Call, asked: WorkflowConfiguration) -> Mapping[str, Any]:
    named = asked.workspace_name is not None and asked.workflow_id is not None
    if named == (asked.workflow_specification is not None):
        message = "A pipeline runs either an inline workflow or a saved one; the request names both or neither."
        raise _refused(message, "Give workflow_specification, or workspace_name and workflow_id.")
    if asked.workflow_specification is not None:
        return asked.workflow_specification
    return saved(replace(call, options={"id": asked.workflow_id}), asked.workflow_version_id).definition


def _refused(message: str, hint: str) -> InputError:
    return InputError(Problem(code="pipeline_invalid", message=message, hint=hint, whose="caller"))
