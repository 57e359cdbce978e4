"""The named values that a query may use besides the value at hand."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from workflow_engine.errors import nearest
from workflow_engine.query.errors import QueryError

NONE: Final[Mapping[str, Any]] = MappingProxyType({})


def parameter(name: str, parameters: Mapping[str, Any]) -> Any:
    """Return a named value.

    Raises:
        QueryError: There is none of that name.
    """
    if name in parameters:
        return parameters[name]
    known = ", ".join(repr(one) for one in sorted(parameters)) or "none"
    message = f"there is no parameter {name!r}; known here: {known}."
    raise QueryError(message, code="query_undeclared", hint=nearest(name, parameters))
