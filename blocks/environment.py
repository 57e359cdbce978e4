"""What a workflow may know of the machine it runs on: the time, and what the operator keeps for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from workflow_engine.api import BlockError, RunContext, nearest


def current_time(*, timezone: str) -> dict[str, Any]:
    """Return the time in a time zone, such as ``Europe/Berlin``.

    Raises:
        BlockError: There is no such time zone.
    """
    try:
        now = datetime.now(ZoneInfo(timezone))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = nearest(timezone, available_timezones()) or "Name a zone as Region/City, or UTC."
        raise BlockError(f"There is no time zone {timezone!r}.", hint=hint) from error
    return {
        "timestamp": now,
        "iso_string": now.isoformat(),
        "date": now.strftime("%Y-%m-%d"),
        "time": now.strftime("%H:%M:%S"),
    }


def secret_outputs(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return one output for each variable of a step.

    Raises:
        BlockError: Two variables differ in capitals only.
    """
    given = fields.get("variables_storing_secrets")
    names = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    outputs = {name.lower(): ["secret"] for name in names}
    if len(outputs) < len(set(names)):
        message = f"Some of the variables {', '.join(names)} differ in capitals only, and outputs are in small letters."
        raise BlockError(message, hint="Read them in two steps.", whose="author")
    return outputs


def environment_secrets_store(*, variables_storing_secrets: list[str], context: RunContext) -> dict[str, str | None]:
    """Return the values of environment variables that the operator lets workflows read.

    Raises:
        BlockError: The operator has not named one of them.
    """
    allowed = context.settings.secrets
    for name in variables_storing_secrets:
        if name not in allowed:
            hint = "The operator can allow it by naming it in SEGFLOW_SECRETS."
            raise BlockError(f"Workflows may not read the variable {name!r}.", hint=hint, whose="author")
    return {name.lower(): allowed[name] for name in variables_storing_secrets}
