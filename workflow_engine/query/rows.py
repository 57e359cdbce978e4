"""The properties of detections: of a whole table as lists, and of one row while a filter looks at it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from workflow_engine.query.errors import QueryError, wrong_input
from workflow_engine.vision import detections as tables
from workflow_engine.vision.detections import Column, Detections


def _coordinate(table: Detections, axis: int) -> Column:
    return table.xyxy[:, axis]


def _point(table: Detections, x_axes: list[int], y_axes: list[int]) -> Column:
    x, y = table.xyxy[:, x_axes].mean(axis=1), table.xyxy[:, y_axes].mean(axis=1)
    return list(zip(x.tolist(), y.tolist(), strict=True))


def _image_dimensions(table: Detections) -> Column | None:
    size = tables.image_size(table)
    return None if size is None else [list(size)] * len(table)


def _prediction_type(table: Detections) -> Column | None:
    name = table.metadata.get("prediction_type")
    return None if name is None else [name] * len(table)


# Corners and centre by the axes of xyxy whose mean is their x, and their y.
_POINTS: Mapping[str, tuple[list[int], list[int]]] = {
    "center": ([0, 2], [1, 3]),
    "top_left": ([0], [1]),
    "top_right": ([2], [1]),
    "bottom_left": ([0], [3]),
    "bottom_right": ([2], [3]),
}
# Columns that blocks add; a table has those of the blocks it went through.
_STORED = (
    "time_in_zone",
    "path_deviation",
    "polygon",
    "velocity",
    "speed",
    "smoothed_velocity",
    "smoothed_speed",
    "area_px",
    "area_converted",
    "in_out",
    "keypoints_xy",
    "rect",
    "width",
    "height",
    "angle",
)
# One value per row, or None for a table that lacks the property.
PROPERTIES: Mapping[str, Callable[[Detections], Column | None]] = {
    "confidence": lambda table: table.confidence,
    "class_name": partial(tables.column, name="class_name"),
    "class_id": lambda table: table.class_id,
    "tracker_id": lambda table: table.tracker_id,
    **{name: partial(_coordinate, axis=axis) for axis, name in enumerate(("x_min", "y_min", "x_max", "y_max"))},
    "size": lambda table: table.box_area,
    **{name: partial(_point, x_axes=x_axes, y_axes=y_axes) for name, (x_axes, y_axes) in _POINTS.items()},
    "image_dimensions": _image_dimensions,
    "prediction_type": _prediction_type,
    **{name: partial(tables.column, name=name) for name in _STORED},
}


class Columns:
    """The properties of one table by name, each computed when it is first asked for."""

    __slots__ = ("_columns", "_table")

    def __init__(self, table: Detections) -> None:
        self._table = table
        self._columns: dict[str, Column | None] = {}

    def __getitem__(self, name: str) -> Column | None:
        if name not in self._columns:
            self._columns[name] = PROPERTIES[name](self._table)
        return self._columns[name]


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """One detection of a table: what ``_`` stands for inside a filter."""

    columns: Columns
    index: int


def rows(table: Detections) -> Iterator[Row]:
    """Yield the detections of a table in order."""
    columns = Columns(table)
    return (Row(columns, index) for index in range(len(table)))


def row_property(value: Any, *, property_name: str) -> Any:
    """Return a property of one detection, ``None`` when its table lacks it.

    Points are (x, y) in pixels, not rounded. Other numbers keep the table's own precision, so that a confidence
    stored as 0.7 equals the literal 0.7.
    """
    if not isinstance(value, Row):
        hint = "Outside DetectionsFilter, DetectionsPropertyExtract gives the property of every detection."
        raise wrong_input("one detection", value, hint=hint)
    column = value.columns[property_name]
    return None if column is None else column[value.index]


def table_property(value: Any, *, property_name: str) -> list[Any]:
    """Return a property of all detections as a list, empty for an empty table.

    Points are [x, y] in pixels, rounded to whole ones. A column that a block stored under the property's name comes
    before the computed one.
    """
    table = as_table(value)
    if not len(table):
        return []
    stored = tables.column(table, property_name)
    if stored is not None:
        return _listed(stored)
    column = PROPERTIES[property_name](table)
    if column is None:
        message = f"the table of detections has no {property_name}."
        hint = f"Put a block that supplies {property_name} in front of this step."
        raise QueryError(message, code="query_operation", hint=hint)
    return [[round(x), round(y)] for x, y in column] if property_name in _POINTS else _listed(column)


def as_table(value: Any) -> Detections:
    """Return the value, which has to be a table of detections."""
    if not isinstance(value, Detections):
        raise wrong_input("a table of detections", value)
    return value


def _listed(column: Column) -> list[Any]:
    return column.tolist() if isinstance(column, np.ndarray) else list(column)
