"""What a statement asks of its operands: comparators of two values, operators on one.

The functions are the language's own operators on Python values, so text compares with text and 1 equals 1.0. They
raise what Python raises when two values cannot be compared; the interpreter says where that happened.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any


def in_zone(point: Sequence[float], zone: Sequence[Sequence[float]]) -> bool:
    """Tell whether a point (x, y) lies strictly inside a polygon; its border is outside.

    Args:
        point: x and y, in the same frame as the zone.
        zone: At least three corners (x, y), or none, and then nothing lies in it. Where the outline crosses itself, the
            even-odd rule decides.

    Raises:
        ValueError: If the zone has one corner or two, or a point has not two coordinates.
    """
    x, y = point
    corners = [(corner[0], corner[1]) for corner in zone]
    if not corners:
        return False
    if len(corners) < 3:
        raise ValueError(f"a zone has at least 3 corners, not {len(corners)}")
    inside = False
    for (x1, y1), (x2, y2) in pairwise([corners[-1], *corners]):
        side = (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        if side == 0 and min(x1, x2) <= x <= max(x1, x2) and min(y1, y2) <= y <= max(y1, y2):
            return False
        # The edge is crossed by the ray that runs from the point towards +x; half-open, so a corner counts once.
        if (y1 > y) != (y2 > y) and (side > 0) == (y2 > y1):
            inside = not inside
    return inside


COMPARATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "(Number) ==": operator.eq,
    "(Number) !=": operator.ne,
    "(Number) >": operator.gt,
    "(Number) >=": operator.ge,
    "(Number) <": operator.lt,
    "(Number) <=": operator.le,
    "(Number) in range": lambda value, bounds: bounds[0] <= value <= bounds[1],
    "(String) startsWith": lambda text, start: text.startswith(start),
    "(String) endsWith": lambda text, end: text.endswith(end),
    "(String) contains": lambda text, part: part in text,
    "in (Sequence)": lambda value, sequence: value in sequence,
    "any in (Sequence)": lambda values, sequence: any(value in sequence for value in values),
    "all in (Sequence)": lambda values, sequence: all(value in sequence for value in values),
    "(Detection) in zone": in_zone,
}

UNARY_OPERATORS: Mapping[str, Callable[[Any], bool]] = {
    "Exists": lambda value: value is not None,
    "DoesNotExist": lambda value: value is None,
    "(Boolean) is True": lambda value: value is True,
    "(Boolean) is False": lambda value: value is False,
    "(Sequence) is empty": lambda value: len(value) == 0,
    "(Sequence) is not empty": lambda value: len(value) > 0,
}
