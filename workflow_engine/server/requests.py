"""What a request's body holds, read and checked in the worker that does the work."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from workflow_engine.errors import InputError, Problem, pointer
from workflow_engine.faults import Misfit, misfits

Model = TypeVar("Model", bound=BaseModel)


Version: TypeAlias = Annotated[int, Field(ge=1, le=999_999_999)]
NAME: dict[str, JsonValue] = {"pattern": "^[a-z0-9][a-z0-9_-]{0,63}$"}
"""How the name of a saved workflow is described; the library refuses others with a sentence."""


class _Asked(BaseModel):
    """Members that mean nothing here are ignored, as the ecosystem's server does."""

    model_config = ConfigDict(extra="ignore", strict=True)

    api_key: str | None = Field(default=None, description="The server's token, if it has one.")


class _Run(_Asked):
    inputs: dict[str, Any] = Field(description="A value for each input, by name; a list of images makes a batch.")
    excluded_fields: list[str] | None = Field(default=None, description="Names of outputs to leave out.")
    enable_profiling: bool = Field(default=False, description="Whether to tell where the time went.")
    disable_sinks: bool = Field(default=False, description="Whether blocks write no files and call no other machines.")


class RunRequest(_Run):
    """What a run is asked for with."""

    specification: dict[str, Any] = Field(description="The workflow.")


class SavedRunRequest(_Run):
    """What a run of a saved workflow is asked for with."""

    workflow_version_id: str | Version | None = Field(
        default=None, description="The version to run, if not the latest."
    )


class InterfaceRequest(_Asked):
    """Which workflow's inputs and outputs are asked about."""

    specification: dict[str, Any] = Field(description="The workflow.")


class SavedInterfaceRequest(_Asked):
    """Which version of a saved workflow is asked about."""

    workflow_version_id: str | Version | None = Field(default=None, description="The version, if not the latest.")


class ModelRequest(_Asked):
    """Which model is meant."""

    model_id: str = Field(min_length=1, description="A size, the demo model, or a name in the catalogue.")


class InferRequest(_Asked):
    """What a single model is to look at. Members about suppression and preprocessing mean nothing to it."""

    model_id: str = Field(min_length=1, description="A size, the demo model, or a name in the catalogue.")
    image: dict[str, Any] | list[dict[str, Any]] = Field(
        description='An image as {"type": "base64" or "url", "value": text}, or a list of images.'
    )
    confidence: Annotated[float, Field(ge=0, le=1)] | Literal["best", "default"] | None = Field(
        default=None, description="Keep objects scored above this; best is what the weights recommend, else it is 0.4."
    )
    class_filter: list[str] | None = Field(default=None, description="Keep only these classes.")
    max_detections: int | None = Field(default=None, ge=1, description="Keep the best this many objects.")
    response_mask_format: Literal["polygon", "rle"] = Field(default="polygon", description="How masks are written.")
    visualize_predictions: bool = Field(default=False, description="Whether to draw what was found.")
    visualization_labels: bool = Field(default=False, description="Whether to write class names into the picture.")
    visualization_stroke_width: int = Field(default=2, ge=1, le=100, description="Width of lines drawn, in pixels.")


class SaveRequest(_Asked):
    """A workflow to keep."""

    definition: dict[str, Any] = Field(description="The document; it need not run yet.")
    expected_version: int | None = Field(
        default=None,
        ge=0,
        le=999_999_999,
        description="The version that it was made from, 0 for none; null when it does not matter.",
    )


class CreateRequest(_Asked):
    """A workflow to keep under a name that is free."""

    id: str = Field(description="The name: up to 64 small letters, digits, '-' and '_'.", json_schema_extra=NAME)
    definition: dict[str, Any] = Field(description="The document; it need not run yet.")


class BlocksRequest(_Asked):
    """What else is to be described."""

    dynamic_blocks_definitions: list[Any] | None = Field(
        default=None, description="Blocks made of code, which are refused.", json_schema_extra={"maxItems": 0}
    )


class OutputsRequest(_Asked):
    """A step whose outputs are asked for."""

    model_config = ConfigDict(extra="allow", strict=True)

    type: str = Field(description="Type of the block.")


def read_object(body: bytes | bytearray, *, hint: str) -> dict[str, Any]:
    """Return the JSON object that ``body`` is.

    Raises:
        InputError: If it is none (code ``bad_request``).
    """
    if not body:
        raise InputError(_problem("The request has no body.", hint=hint))
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        message = f"The request's body is not JSON: {error.msg[:1].lower()}{error.msg[1:]} at character {error.pos}."
        raise InputError(_problem(message, hint=hint)) from None
    if not isinstance(content, dict):
        raise InputError(_problem("The request's body is JSON, but no object.", hint=hint))
    return content


def read(model: type[Model], body: bytes | bytearray, *, hint: str) -> Model:
    """Return what ``body`` holds.

    Raises:
        InputError: If it is not JSON, or does not fit (code ``bad_request``), with every misfit; ``hint`` says what to
            send.
    """
    content = read_object(body, hint=hint)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        found = misfits(error.errors(include_url=False), content)
        raise InputError(misfit_problem(misfit, "the request", hint=hint) for misfit in found) from None


def misfit_problem(misfit: Misfit, whole: str, *, hint: str = "") -> Problem:
    """Return the problem of a part of ``whole``, as a sentence calls it, that is not what a route takes."""
    what = ".".join(map(str, misfit.location))
    message = f"{what} of {whole} is missing." if misfit.missing else f"{what} of {whole}: {misfit.text}."
    return _problem(message, at=pointer(*misfit.location), hint=hint)


def _problem(message: str, *, at: str = "", hint: str = "") -> Problem:
    return Problem(code="bad_request", message=message, at=at, hint=hint, whose="caller")
