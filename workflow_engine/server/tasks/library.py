"""Saved workflows: listed, read with what is wrong with them, kept, deleted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workflow_engine.errors import Problem, WorkflowError
from workflow_engine.library import Entry, Saved
from workflow_engine.server.requests import CreateRequest, SaveRequest, read
from workflow_engine.server.tasks.call import Call
from workflow_engine.server.tasks.validate import verdict

_HINT = "Send a JSON object with the member definition (the workflow)."
_CREATE_HINT = "Send a JSON object with the members id (the name) and definition (the workflow)."


def listed(call: Call) -> dict[str, Any]:
    """List the saved workflows."""
    return {"workflows": [_told(entry) for entry in call.bench.engine.library.list()]}


def versions(call: Call) -> dict[str, Any]:
    """List the versions of one workflow."""
    found = call.bench.engine.library.versions(call.options["id"])
    return {"versions": [_told(entry) for entry in found]}


def shown(call: Call) -> dict[str, Any]:
    """Tell of one version of a workflow, and what is wrong with it."""
    return _with_verdict(call, saved(call, call.options["version"]))


def create(call: Call) -> dict[str, Any]:
    """Keep a workflow under a new name."""
    asked = read(CreateRequest, call.body, hint=_CREATE_HINT)
    return _saved(call, asked.id, asked.definition, 0)


def save(call: Call) -> dict[str, Any]:
    """Keep a workflow as the next version of its name."""
    asked = read(SaveRequest, call.body, hint=_HINT)
    return _saved(call, call.options["id"], asked.definition, asked.expected_version)


def delete(call: Call) -> None:
    """Delete a workflow."""
    call.bench.engine.library.delete(call.options["id"])


def saved(call: Call, version: str | int | None) -> Saved:
    """Return the saved workflow that the request's path names.

    Raises:
        WorkflowError: If there is none, or not in this version.
    """
    workflow_id = call.options["id"]
    if isinstance(version, str) and not (version.isascii() and version.isdigit() and len(version) < 10):
        message = f"Versions of workflows are numbers such as 3; {version[:40]!r} is none."
        hint = "Leave workflow_version_id out for the latest."
        raise WorkflowError(Problem(code="workflow_version_unknown", message=message, hint=hint, whose="caller"))
    return call.bench.engine.library.read(workflow_id, None if version is None else int(version))


def _saved(call: Call, workflow_id: str, definition: Mapping[str, Any], expected: int | None) -> dict[str, Any]:
    return _with_verdict(call, call.bench.engine.library.save(workflow_id, definition, expected=expected))


def _with_verdict(call: Call, found: Saved) -> dict[str, Any]:
    return _told(found.entry) | {"definition": found.definition, **verdict(call.bench, found.definition)}


def _told(entry: Entry) -> dict[str, Any]:
    return {"id": entry.id, "version": entry.version, "saved_at": entry.saved_at, "bytes": entry.nbytes}
