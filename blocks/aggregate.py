"""Gather values over time, and give sums, means and counts of them now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from workflow_engine.api import BlockError, apply_each, nearest

SECONDS = {"seconds": 1, "minutes": 60, "hours": 3600}


@dataclass(frozen=True, slots=True)
class _Mode:
    """How values become one: what to begin with, what a value adds, and what to give in the end."""

    start: Any
    add: Callable[[Any, Any], Any]
    give: Callable[[Any], Any] = lambda gathered: gathered


def _add_to_mean(gathered: tuple[Any, int], value: Any) -> tuple[Any, int]:
    total, count = gathered
    return total + value, count + 1


def _add_to_range(gathered: tuple[Any, Any] | None, value: Any) -> tuple[Any, Any]:
    lowest, highest = gathered or (value, value)
    return min(lowest, value), max(highest, value)


def _add_to_counts(gathered: Mapping[Any, int], value: Any) -> dict[Any, int]:
    """Count a value, or each element of a list."""
    counts = dict(gathered)
    for one in value if isinstance(value, list | set | tuple) else (value,):
        counts[one] = counts.get(one, 0) + 1
    return counts


def _sorted(values: Mapping[Any, int]) -> list[Any]:
    """Return the values in order, or as they came where they cannot be compared."""
    try:
        return sorted(values)
    except TypeError:
        return list(values)


MODES = {
    "sum": _Mode(0, lambda total, value: total + value),
    "avg": _Mode((0, 0), _add_to_mean, lambda gathered: gathered[0] / gathered[1] if gathered[1] else None),
    "max": _Mode(None, _add_to_range, lambda gathered: gathered and gathered[1]),
    "min": _Mode(None, _add_to_range, lambda gathered: gathered and gathered[0]),
    "count": _Mode(0, lambda total, value: total + (len(value) if isinstance(value, Sized) else 1)),
    "distinct": _Mode({}, _add_to_counts, _sorted),
    "count_distinct": _Mode({}, _add_to_counts, len),
    "values_counts": _Mode({}, _add_to_counts),
    "values_difference": _Mode(None, _add_to_range, lambda gathered: gathered and gathered[1] - gathered[0]),
}


def aggregates(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the outputs of a step: one for each value and mode, named ``value_mode``.

    Raises:
        BlockError: A mode is asked for of a value that the step does not have.
    """
    data, modes = fields.get("data"), fields.get("aggregation_mode")
    if not isinstance(data, Mapping) or not isinstance(modes, Mapping):
        return {}  # the compiler says what is wrong with the fields
    for name in modes:
        if name not in data:
            message = f"aggregation_mode names {name!r}, which is not in data."
            raise BlockError(message, hint=nearest(name, data), code="bad_value", whose="author")
    return {output: ["*"] for output in _outputs(modes)}


def _outputs(modes: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, str]]:
    return {f"{name}_{mode}": (name, mode) for name, chosen in modes.items() for mode in chosen}


class DataAggregator:
    """Gathers over runs, whatever video they were of."""

    _gathered: dict[str, Any]
    _runs: int
    _since: float

    def __init__(self) -> None:
        self._begin()

    def __call__(
        self,
        *,
        data: Mapping[str, Any],
        data_operations: Mapping[str, Sequence[Mapping[str, Any]]],
        aggregation_mode: Mapping[str, Sequence[str]],
        interval_unit: str,
        interval: int,
    ) -> dict[str, Any]:
        """Add the values of a run; return what was gathered when the interval is over, otherwise nothing.

        Raises:
            BlockError: A value is of a type that cannot be gathered in its mode.
        """
        outputs = _outputs(aggregation_mode)
        values = apply_each(data_operations, data, field="data_operations")
        for output, (name, mode) in outputs.items():
            self._gathered[output] = _added(self._gathered.get(output, MODES[mode].start), values[name], name, mode)
        self._runs += 1
        elapsed = time.monotonic() - self._since
        if (self._runs if interval_unit == "runs" else elapsed / SECONDS[interval_unit]) < interval:
            return dict.fromkeys(outputs)
        result = {output: MODES[mode].give(self._gathered[output]) for output, (_, mode) in outputs.items()}
        self._begin()
        return result

    def _begin(self) -> None:
        self._gathered, self._runs, self._since = {}, 0, time.monotonic()


def _added(gathered: Any, value: Any, name: str, mode: str) -> Any:
    try:
        return MODES[mode].add(gathered, value)
    except TypeError as error:
        message = f"The values of {name!r} cannot be gathered as {mode}: {error}."
        raise BlockError(message, hint="Use data_operations to turn them into numbers.", whose="author") from error
