"""What a request's body holds, read and checked in the worker that does the work."""

from __future__ import annotations

from typing import Any, TypeVar

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflow_engine.errors import InputError, Problem

Model = TypeVar("Model", bound=BaseModel)


class RunRequest(BaseModel):
    """What a run is asked for with; members that mean nothing here are ignored, as the ecosystem's server does."""

    model_config = ConfigDict(extra="ignore")

    specification: dict[str, Any] = Field(description="The workflow.")
    inputs: dict[str, Any] = Field(description="A value for each input, by name.")
    api_key: str | None = Field(default=None, description="The server's token, if it has one.")
    excluded_fields: list[str] | None = Field(default=None, description="Names of outputs to leave out.")
    enable_profiling: bool = Field(default=False, description="Whether to tell where the time went.")
    disable_sinks: bool = Field(default=False, description="Whether blocks write no files and call no other machines.")


def read(model: type[Model], body: bytes | bytearray, *, hint: str) -> Model:
    """Return what ``body`` holds.

    Raises:
        InputError: If it is not JSON, or does not fit (code ``bad_request``); ``hint`` says what to send.
    """
    try:
        return model.model_validate(orjson.loads(body))
    except orjson.JSONDecodeError as error:
        raise _bad_request(f"The request's body is not JSON: {error}.", hint) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the body"
        raise _bad_request(f"The request's body does not fit: {where}: {first['msg'].lower()}.", hint) from error


def _bad_request(message: str, hint: str) -> InputError:
    return InputError(Problem(code="bad_request", message=message, hint=hint, whose="caller"))
