"""What can go wrong in a query: one error that names the place, and the words for a value that did not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from reprlib import Repr
from types import TracebackType
from typing import Any, Literal, TypeAlias

from workflow_engine.errors import BlockError, Whose

Code: TypeAlias = Literal["query_bad_input", "query_undeclared", "query_evaluation", "query_operation"]

_WHOSE: dict[Code, Whose] = {
    "query_bad_input": "caller",
    "query_undeclared": "author",
    "query_evaluation": "author",
    "query_operation": "author",
}
_TYPES = {
    "Detections": "a table of detections",
    "Row": "one detection",
    "Image": "an image",
    "datetime": "a timestamp",
    "bytes": "bytes",
    "ndarray": "an array",
}
_SHORT = Repr()
_SHORT.maxstring = 60


class QueryError(BlockError):
    """A chain of operations or a statement that cannot be evaluated for the value at hand.

    The codes, and their names in the ecosystem: ``query_bad_input`` (InvalidInputTypeError), ``query_undeclared``
    (UndeclaredSymbolError), ``query_evaluation`` (EvaluationEngineError), ``query_operation`` (OperationError).

    Args:
        reason: One sentence without the place.
        code: Which of the four it is; it also settles who can mend it.
        hint: What to do about it.

    Attributes:
        place: Path into the query, such as ``operations[1] (ToNumber)`` or ``statements[0].left_operand``; it grows at
            the front while the error rises, and the message starts with it.
    """

    def __init__(self, reason: str, *, code: Code, hint: str = "") -> None:
        super().__init__(reason, hint=hint, code=code, whose=_WHOSE[code])
        self.reason, self.place = reason, ""

    def __str__(self) -> str:
        return self.message


@dataclass(slots=True)
class Within:
    """Context that puts ``part`` in front of the place of a ``QueryError`` that leaves it."""

    part: str

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if isinstance(error, QueryError):
            error.place = f"{self.part}.{error.place}" if error.place else self.part
            error.message = f"{error.place}: {error.reason}"


def wrong_input(expected: str, value: Any, *, hint: str = "") -> QueryError:
    """Return the error of an operation that got ``value`` where it takes ``expected`` (words such as ``text``)."""
    return QueryError(f"expected {expected}, got {describe(value)}.", code="query_bad_input", hint=hint)


def describe(value: Any) -> str:
    """Name a value in a sentence, shortened: ``the text 'nut'``, ``a list of 3``, ``nothing (null)``."""
    match value:
        case None:
            return "nothing (null)"
        case bool():
            return f"the boolean {str(value).lower()}"
        case str():
            return f"the text {_SHORT.repr(str(value))}"
        case list() | tuple():
            return f"a list of {len(value)}"
        case Mapping():
            return f"a dictionary of {len(value)}"
    name = type(value).__name__
    if hasattr(value, "__float__") and name not in _TYPES:
        return f"the number {value}"
    return _TYPES.get(name, f"a value of type {name}")
