"""Decide which steps run, and bring branches back together."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from workflow_engine.api import holds


class ContinueIf:
    """Lets steps run while a condition holds, and for a while after it last did."""

    def __init__(self) -> None:
        self._last_true: float | None = None

    def __call__(
        self,
        *,
        condition_statement: Mapping[str, Any],
        evaluation_parameters: Mapping[str, Any],
        next_steps: list[str],
        stop_delay: float,
    ) -> list[str]:
        """Return the steps that may run; ``stop_delay`` is in seconds of the wall clock."""
        now = time.monotonic()
        if holds(condition_statement, parameters=evaluation_parameters):
            self._last_true = now
            return next_steps
        return next_steps if self._last_true is not None and now - self._last_true < stop_delay else []


def switch_case(
    *, value: Any, cases: Mapping[str, str], case_insensitive: bool, default_next_steps: list[str]
) -> list[str]:
    """Return the step whose case is the value's text, otherwise the default ones."""
    text = str(value)
    if case_insensitive:
        cases, text = {name.lower(): step for name, step in cases.items()}, text.lower()
    return [cases[text]] if text in cases else default_next_steps


def dimension_collapse(data: Sequence[Any]) -> dict[str, list[Any]]:
    """Gather the values of all children of one element in a list."""
    return {"output": list(data)}


def first_non_empty_or_default(data: Sequence[Any], *, default: Any) -> dict[str, Any]:
    """Return the first value that is there, otherwise ``default``."""
    return {"output": next((value for value in data if value is not None), default)}
