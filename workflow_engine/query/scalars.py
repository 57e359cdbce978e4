"""Operations on single values: text, numbers, booleans, look-ups, dictionaries, times."""

from __future__ import annotations

import json
import operator
import random
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from numbers import Real
from typing import Any, Literal

from workflow_engine.query.errors import QueryError, describe, wrong_input


def look_up(value: Any, *, lookup_table: Mapping[Any, Any]) -> Any:
    """Replace a value by what the table has for it; keys of a JSON table are text, so only text is ever found."""
    try:
        return lookup_table[value]
    except (KeyError, TypeError) as error:
        known = ", ".join(repr(key) for key in list(lookup_table)[:8]) or "nothing"
        message = f"the lookup table has no entry for {describe(value)}; it has {known}."
        raise QueryError(message, code="query_bad_input") from error


def to_string(value: Any) -> str:
    """Write any value as text, the way Python does: ``True``, ``1.0``."""
    return str(value)


def to_boolean(value: Any) -> bool:
    """Tell zero and empty values (false) from all others (true); the text ``"false"`` is not empty."""
    try:
        return bool(value)
    except ValueError as error:
        raise wrong_input("one value that is true or false", value) from error


def random_number(_: Any, *, min_value: float = 0.0, max_value: float = 1.0) -> float:
    """Ignore the value and draw a number, evenly from ``min_value`` up to that plus ``|max_value - min_value|``."""
    return min_value + random.random() * abs(max_value - min_value)  # noqa: S311 - a draw, not a secret


def lower_case(value: Any) -> str:
    """Turn all letters into small ones."""
    return _text(value).lower()


def upper_case(value: Any) -> str:
    """Turn all letters into capitals."""
    return _text(value).upper()


def sub_sequence(value: Any, *, start: int = 0, end: int = -1) -> str:
    """Cut the text from ``start`` up to, not including, ``end``; negative positions count from the end.

    The language's default for ``end`` drops the last character.
    """
    return _text(value)[int(start) : int(end)]


def matches(value: Any, *, regex: str) -> bool:
    """Tell whether the pattern is found anywhere in the text."""
    text = _text(value)
    try:
        return re.search(regex, text) is not None
    except re.error as error:
        raise QueryError(f"{regex!r} is not a regular expression: {error}.", code="query_bad_input") from error


def to_number(value: Any, *, cast_to: Literal["int", "float"]) -> float:
    """Read text, a boolean or a number as a number; ``int`` cuts off the decimals."""
    try:
        number = float(value)
        return int(number) if cast_to == "int" else number
    except (TypeError, ValueError, OverflowError) as error:
        raise wrong_input(f"something that can be read as {cast_to}", value) from error


def number_round(value: Any, *, decimal_digits: int) -> Any:
    """Round to so many decimals, halves to the even neighbour; a float stays a float even with no decimals."""
    return round(_number(value), int(decimal_digits))


def multiply(value: Any, *, other: float) -> Any:
    """Multiply by ``other``."""
    return _computed(operator.mul, value, other)


def divide(value: Any, *, other: float) -> Any:
    """Divide by ``other``, which must not be zero."""
    if other == 0:
        raise QueryError(f"cannot divide {describe(value)} by zero.", code="query_bad_input")
    return _computed(operator.truediv, value, other)


def dictionary_to_json(value: Any) -> str:
    """Write a dictionary as JSON text."""
    if not isinstance(value, Mapping):
        raise wrong_input("a dictionary", value)
    try:
        return json.dumps(value)
    except (TypeError, ValueError) as error:
        raise QueryError(f"the dictionary cannot be written as JSON: {error}.", code="query_operation") from error


def timestamp_to_iso(value: Any) -> str:
    """Write a point in time the ISO 8601 way."""
    if not isinstance(value, datetime):
        raise wrong_input("a timestamp", value)
    return value.isoformat()


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise wrong_input("text", value)
    return value


def _computed(operation: Callable[[Any, Any], Any], value: Any, other: float) -> Any:
    try:
        return operation(_number(value), other)
    except OverflowError as error:
        raise QueryError("the result is larger than any number can be.", code="query_bad_input") from error


def _number(value: Any) -> Any:
    if not isinstance(value, Real):
        raise wrong_input("a number", value)
    return value
