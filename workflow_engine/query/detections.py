"""Operations that make one table of detections of another; the table they are given stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from workflow_engine.query.errors import QueryError, wrong_input
from workflow_engine.query.parameters import parameter
from workflow_engine.query.rows import as_table
from workflow_engine.vision import detections as tables
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.detections_json import to_json

Mode: TypeAlias = Literal["left_most", "right_most", "top_confidence", "first", "last"]


def to_dictionary(value: Any) -> dict[str, Any]:
    """Return the JSON form of a table, coordinates in the frame of its own image."""
    return to_json(as_table(value))


def offset(value: Any, *, offset_x: int, offset_y: int) -> Detections:
    """Grow the boxes by half the offset, in pixels, on every side; they may leave the image, and masks stay."""
    x, y = offset_x / 2, offset_y / 2
    table = as_table(value)
    return tables.replace(table, xyxy=table.xyxy + np.array([-x, -y, x, y], dtype=np.float32))


def shift(value: Any, *, shift_x: int, shift_y: int) -> Detections:
    """Move the boxes by so many pixels; they may leave the image.

    Masks and keypoints stay where they are, as in the ecosystem, whose workflows count on the outlines it reports.
    """
    table = as_table(value)
    return tables.replace(table, xyxy=table.xyxy + np.array([shift_x, shift_y] * 2, dtype=np.float32))


def select(value: Any, *, mode: Mode) -> Detections:
    """Keep one detection, the first of equals; an empty table stays empty. Left and right go by the box's centre."""
    table = as_table(value)
    return table.select([SELECTIONS[mode](table)] if len(table) else [])


def sort(value: Any, *, mode: str, ascending: bool = True) -> Detections:
    """Order the detections; descending is exactly ascending reversed, so equals come out reversed too."""
    table = as_table(value)
    order = np.argsort(SORT_KEYS[mode](table)) if len(table) else np.arange(0)
    return table.select(order if ascending else order[::-1])


def pick_by_parent_class(value: Any, *, parent_class: str) -> Detections:
    """Keep the detections of one class, then the others whose box centre lies in (or on) one of their boxes."""
    table = as_table(value)
    names = np.array(_class_names(table), dtype=object)
    parents, others = np.flatnonzero(names == parent_class), np.flatnonzero(names != parent_class)
    boxes, centers = table.xyxy[None, parents], _centers(table.xyxy[others])[:, None]
    inside = np.any(np.all((boxes[..., :2] <= centers) & (centers <= boxes[..., 2:]), axis=2), axis=1)
    return table.select(np.concatenate([parents, others[inside]]))


def rename(
    value: Any,
    *,
    class_map: Mapping[str, str] | str,
    strict: bool | str = True,
    new_classes_id_offset: int = 1024,
    parameters: Mapping[str, Any],
) -> Detections:
    """Rename classes and give the new names ids.

    Args:
        value: The table.
        class_map: New name by present name, or the name of a parameter that holds such a dictionary.
        strict: Whether every class present must be in the map (or the name of a parameter that says so). If so, the new
            id of a class is the place of its new name among all the map's names in alphabetical order. If not, a name
            that was present before keeps the id it had, and the map's other names count up from
            ``new_classes_id_offset`` in alphabetical order, so that an id does not depend on what else is in the image.
        new_classes_id_offset: See ``strict``.
        parameters: The named values.

    Raises:
        QueryError: A parameter is missing or of the wrong type, or a class is not in the map of a strict renaming.
    """
    table = as_table(value)
    names_map = parameter(class_map, parameters) if isinstance(class_map, str) else class_map
    is_strict = parameter(strict, parameters) if isinstance(strict, str) else strict
    if not isinstance(names_map, Mapping):
        raise wrong_input("a dictionary of class names as class_map", names_map)
    before = _class_names(table)
    if not before:
        if is_strict and len(table):
            raise QueryError("the table of detections has no class names to rename.", code="query_operation")
        return table.select(slice(None))
    if is_strict:
        _require_all(before, names_map)
    after = [names_map.get(name, name) for name in before]
    ids = _ranked_ids(names_map) if is_strict else _kept_ids(table, before, names_map, new_classes_id_offset)
    renamed = tables.with_column(table, "class_name", after)
    return tables.replace(renamed, class_id=np.array([ids[name] for name in after], dtype=int))


def _require_all(names: list[str], class_map: Mapping[str, str]) -> None:
    missing = sorted(set(names) - set(class_map))
    if missing:
        message = f"a strict renaming needs a new name for every class, class_map has none for {', '.join(missing)}."
        hint = "Add these classes to class_map, or set strict to false to keep their names."
        raise QueryError(message, code="query_operation", hint=hint)


def _ranked_ids(class_map: Mapping[str, str]) -> dict[str, int]:
    return {name: rank for rank, name in enumerate(sorted(set(class_map.values())))}


def _kept_ids(table: Detections, before: list[str], class_map: Mapping[str, str], first_new: int) -> dict[str, int]:
    ids = {} if table.class_id is None else dict(zip(before, table.class_id.tolist(), strict=True))
    new = (set(class_map.values()) | set(before)) - set(ids)
    return ids | {name: first_new + place for place, name in enumerate(sorted(new))}


def _class_names(table: Detections) -> list[str]:
    return [] if tables.column(table, "class_name") is None else tables.class_names(table)


def _centers(xyxy: NDArray[Any]) -> NDArray[Any]:
    return np.asarray((xyxy[:, :2] + xyxy[:, 2:]) / 2)


def _confidence(table: Detections) -> NDArray[Any]:
    if table.confidence is None:
        raise QueryError("the table of detections has no confidence.", code="query_operation")
    return table.confidence


SORT_KEYS: Mapping[str, Callable[[Detections], NDArray[Any]]] = {
    "confidence": _confidence,
    "x_min": lambda table: table.xyxy[:, 0],
    "x_max": lambda table: table.xyxy[:, 2],
    "y_min": lambda table: table.xyxy[:, 1],
    "y_max": lambda table: table.xyxy[:, 3],
    "size": lambda table: table.box_area,
    "center_x": lambda table: _centers(table.xyxy)[:, 0],
    "center_y": lambda table: _centers(table.xyxy)[:, 1],
}
SELECTIONS: Mapping[str, Callable[[Detections], int]] = {
    "left_most": lambda table: int(np.argmin(_centers(table.xyxy)[:, 0])),
    "right_most": lambda table: int(np.argmax(_centers(table.xyxy)[:, 0])),
    "top_confidence": lambda table: int(np.argmax(_confidence(table))),
    "first": lambda table: 0,
    "last": lambda table: len(table) - 1,
}
