"""Compute values from other values with the operations language."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from workflow_engine.api import apply, apply_each, choose


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
    values = apply_each(data_operations, data, field="data_operations")
    return {"output": choose(switch, parameters=values)}
