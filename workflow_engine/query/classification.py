"""The properties of a classification, which is a dictionary in one of two forms.

A single-label one has ``predictions`` as a list, best first, with ``top`` and ``confidence``; a multi-label one has
``predictions`` as a dictionary by class name, with ``predicted_classes``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflow_engine.query.errors import QueryError, wrong_input

_SINGLE: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "top_class": lambda found: found["top"],
    "top_class_confidence": lambda found: found["confidence"],
    "top_class_confidence_single": lambda found: found["confidence"],
    "all_classes": lambda found: [row["class"] for row in found["predictions"]],
    "all_confidences": lambda found: [row["confidence"] for row in found["predictions"]],
}
_MULTI: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "top_class": lambda found: list(found["predicted_classes"]),
    "top_class_confidence": lambda found: _predicted(found),
    "top_class_confidence_single": lambda found: max(_predicted(found), default=0.0),
    "all_classes": lambda found: [name for name, _ in _by_class_id(found)],
    "all_confidences": lambda found: [row["confidence"] for _, row in _by_class_id(found)],
}
PROPERTIES = frozenset(_SINGLE)


def classification_property(value: Any, *, property_name: str) -> Any:
    """Return one property of a classification, single-label or multi-label."""
    if not isinstance(value, Mapping):
        raise wrong_input("a classification (a dictionary)", value)
    table = _MULTI if isinstance(value.get("predictions"), Mapping) else _SINGLE
    try:
        return table[property_name](value)
    except (KeyError, TypeError) as error:
        message = f"expected a classification, got a dictionary without what {property_name} needs: {error}."
        raise QueryError(message, code="query_bad_input") from error


def _predicted(found: Mapping[str, Any]) -> list[float]:
    return [found["predictions"][name]["confidence"] for name in found["predicted_classes"]]


def _by_class_id(found: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    return sorted(found["predictions"].items(), key=lambda item: item[1]["class_id"])
