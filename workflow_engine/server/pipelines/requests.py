"""What the bodies of requests about pipelines hold: the ecosystem's members, of which some mean nothing here."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from workflow_engine.errors import InputError
from workflow_engine.server.requests import Version, read

MOST_SOURCES = 16
MOST_RESULTS = 1024

Body = TypeVar("Body", bound=BaseModel)
_Source: TypeAlias = str | int
_Seconds: TypeAlias = Annotated[float, Field(gt=0, le=1e9)]


class _Members(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class VideoConfiguration(_Members):
    """Which videos, and what happens when they come faster than they are processed."""

    type: Literal["VideoConfiguration"] = "VideoConfiguration"
    video_reference: _Source | Annotated[list[_Source], Field(min_length=1, max_length=MOST_SOURCES)] = Field(
        description="A stream's address, a file below the server's folder of videos, the number of a camera, or a list."
    )
    max_fps: _Seconds | None = Field(default=None, description="Take at most so many frames per second of video.")
    source_buffer_filling_strategy: (
        Literal["WAIT", "DROP_OLDEST", "ADAPTIVE_DROP_OLDEST", "DROP_LATEST", "ADAPTIVE_DROP_LATEST"] | None
    ) = Field(
        default="DROP_OLDEST",
        description="With WAIT no frame is lost, and a live source falls behind. With any other, of a live source the "
        "newest frame is taken; of a file every frame is.",
    )
    source_buffer_consumption_strategy: Literal["LAZY", "EAGER"] | None = Field(
        default="EAGER", description="Means nothing here: the newest frame is the only one that waits."
    )
    video_source_properties: dict[str, Any] | None = Field(
        default=None,
        description="Settings of a camera, which are not changed here: empty or null.",
        json_schema_extra={"maxProperties": 0},
    )


class WorkflowConfiguration(_Members):
    """Which workflow, and what it is given besides the frames."""

    type: Literal["WorkflowConfiguration"] = "WorkflowConfiguration"
    workflow_specification: dict[str, Any] | None = Field(default=None, description="The workflow; or else:")
    workspace_name: str | None = Field(default=None, description="Any word.")
    workflow_id: str | None = Field(default=None, description="The name of a saved workflow.")
    workflow_version_id: str | Version | None = Field(
        default=None, description="The version to run, if not the latest."
    )
    image_input_name: str = Field(default="image", description="The input that takes the frames.")
    workflows_parameters: dict[str, Any] | None = Field(default=None, description="Values for the other inputs.")
    video_metadata_input_name: str = Field(
        default="video_metadata", description="The input that takes number and time of each frame, if there is one."
    )
    disable_sinks: bool = Field(default=False, description="Whether blocks write no files and call no other machines.")


class SinkConfiguration(_Members):
    """Where results wait until they are consumed."""

    type: Literal["MemorySinkConfiguration"] = "MemorySinkConfiguration"
    results_buffer_size: int = Field(
        default=64, ge=1, le=MOST_RESULTS, description="Results that wait; one more takes the place of the oldest."
    )


class InitialiseRequest(_Members):
    """What a pipeline is to be."""

    video_configuration: VideoConfiguration
    processing_configuration: WorkflowConfiguration
    sink_configuration: SinkConfiguration = Field(default_factory=SinkConfiguration)
    consumption_timeout: _Seconds | None = Field(
        default=None, description="End the pipeline when nobody has consumed or followed for so many seconds."
    )
    api_key: str | None = Field(default=None, description="The server's token, if it has one.")


class ConsumeRequest(_Members):
    """What is wanted of the next result."""

    excluded_fields: list[str] | None = Field(default=None, description="Names of outputs to leave out.")
    api_key: str | None = Field(default=None, description="The server's token, if it has one.")


def read_body(model: type[Body], body: bytes | bytearray, *, hint: str) -> Body:
    """Return what ``body`` holds.

    Raises:
        InputError: If it does not fit (code ``pipeline_invalid``); ``hint`` says what to send.
    """
    try:
        return read(model, body, hint=hint)
    except InputError as error:
        raise InputError(replace(error.problem, code="pipeline_invalid")) from error
