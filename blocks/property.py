"""Compute values from other values with the operations language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_engine.api import QueryError, apply, choose


def property_definition(data: Any, *, operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Send a value through a chain of operations."""
    return {"output": apply(operations, data)}


def expression(
    *,
    data: Mapping[str, Any],
    data_operations: Mapping[str, Sequence[Mapping[str, Any]]],
    switch: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the result of the first case that holds for the named values, each sent through its operations first."""
    values = {name: _prepared(name, value, data_operations.get(name, ())) for name, value in data.items()}
    return {"output": choose(switch, parameters=values)}


def _prepared(name: str, value: Any, operations: Sequence[Mapping[str, Any]]) -> Any:
    try:
        return apply(operations, value)
    except QueryError as error:
        raise error.inside(f"data_operations.{name}") from error.__cause__
