"""Operations on lists of values, and the length of anything that has one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Literal

import numpy as np

from workflow_engine.query.errors import QueryError, describe, wrong_input
from workflow_engine.query.scalars import look_up

LONGEST_TEXT = 1_000_000
LONGEST_KEY = 128

_NUMERIC: Mapping[str, Callable[[list[Any]], Any]] = {"min": min, "max": max, "sum": sum}


def elements(value: Any) -> list[Any]:
    """Return the elements of a list, a tuple or an array, and refuse anything else."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return list(value)
    raise wrong_input("a list", value)


def sequence_map(value: Any, *, lookup_table: Mapping[Any, Any]) -> list[Any]:
    """Replace each element by what the table has for it."""
    return [look_up(element, lookup_table=lookup_table) for element in elements(value)]


def numeric_aggregate(value: Any, *, function: Literal["min", "max", "sum"], neutral_value: Any = None) -> Any:
    """Return the smallest, the largest or the sum of the numbers, ``neutral_value`` when there are none."""
    numbers = elements(value)
    if not numbers:
        return neutral_value
    try:
        return _NUMERIC[function](numbers)
    except (TypeError, ValueError) as error:
        kinds = ", ".join(sorted({describe(number) for number in numbers})[:3])
        message = f"cannot take the {function} of a list that holds {kinds}."
        raise QueryError(message, code="query_bad_input") from error


def aggregate(value: Any, *, mode: Literal["first", "last", "most_common", "least_common"]) -> Any:
    """Pick one element of a list that is not empty.

    Of several equally frequent ones, ``most_common`` gives the one seen first and ``least_common`` the one seen last.
    """
    found = elements(value)
    if not found:
        raise QueryError(f"cannot take the {mode} of an empty list.", code="query_bad_input")
    if mode == "first":
        return found[0]
    if mode == "last":
        return found[-1]
    try:
        ranking = Counter(found).most_common()
    except TypeError as error:
        raise wrong_input("a list of single values such as text or numbers", found[0]) from error
    return ranking[0][0] if mode == "most_common" else ranking[-1][0]


def length(value: Any) -> int:
    """Count the elements of a list or dictionary, the characters of a text, the rows of a table."""
    try:
        return len(value)
    except TypeError as error:
        raise wrong_input("a list, a dictionary, text or a table of detections", value) from error


def elements_count(value: Any) -> dict[str, int]:
    """Count how often each element occurs; the keys are the elements as text, cut when they are very long."""
    return dict(Counter(_key(str(element)) for element in elements(value)))


def join(value: Any, *, separator: str = ", ") -> str:
    """Write the elements as text, one after the other with ``separator`` between them."""
    parts = [str(element) for element in elements(value)]
    size = sum(map(len, parts)) + len(separator) * max(len(parts) - 1, 0)
    if size > LONGEST_TEXT:
        message = f"the joined text would have {size} characters, at most {LONGEST_TEXT} are allowed."
        raise QueryError(message, code="query_operation")
    return separator.join(parts)


def _key(text: str) -> str:
    return text if len(text) <= LONGEST_KEY else f"{text[:LONGEST_KEY]} [...]"
