"""Decide which steps run, and bring branches back together."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from workflow_engine.api import BlockError, holds


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


def check_cases(fields: Mapping[str, Any]) -> None:
    """Check that no two cases of a switch are the same, and that no two lead to the same step.

    Raises:
        BlockError: Two cases differ in capitals only, and these are to be ignored; or a step is named twice.
    """
    cases: Mapping[str, str] = fields.get("cases", {})
    if fields.get("case_insensitive") and len({name.lower() for name in cases}) < len(cases):
        message = f"Some of the cases {', '.join(map(repr, cases))} differ in capitals only, which are to be ignored."
        raise BlockError(message, hint="Rename one of them, or tell capitals apart.", whose="author")
    targets = Counter([*cases.values(), *fields.get("default_next_steps", [])])
    twice = [target for target, times in targets.items() if times > 1]
    if twice:
        message = f"The switch names {', '.join(twice)} more than once among its cases and default_next_steps."
        raise BlockError(message, hint="Lead every case to a step of its own.", whose="author")


def dimension_collapse(data: Sequence[Any]) -> dict[str, list[Any]]:
    """Gather the values of all children of one element in a list."""
    return {"output": list(data)}


def first_non_empty_or_default(data: Sequence[Any], *, default: Any) -> dict[str, Any]:
    """Return the first value that is there, otherwise ``default``."""
    return {"output": next((value for value in data if value is not None), default)}
