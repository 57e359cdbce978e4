"""Measure objects: areas, sizes and distances, in pixels and in units of the world."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import BlockError, Detections, detections, masks

Size: TypeAlias = tuple[float, float]


def mask_area_measurement(predictions: Detections, *, pixels_per_unit: float) -> dict[str, Detections]:
    """Add the columns ``area_px`` and ``area_converted`` (square units): of the mask, or of the box where it is empty.

    A number of pixels per unit that is not positive counts as 1.
    """
    boxes = predictions.xyxy
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    if predictions.mask is not None:
        covered = masks.area(predictions.mask)
        areas = np.where(covered > 0, covered, areas)
    unit = pixels_per_unit if pixels_per_unit > 0 else 1.0
    columns = {"area_px": areas.astype(float), "area_converted": areas / unit**2}
    return {"predictions": detections.with_columns(predictions, columns)}


def size_measurement(
    object_predictions: Detections,
    *,
    reference_predictions: Detections | Sequence[Sequence[float]],
    reference_dimensions: str | Sequence[float],
) -> dict[str, list[dict[str, float] | None] | None]:
    """Return the size of every object, measured with a reference whose size is known.

    The reference is the surest object of a table, or a polygon. Width is the side of the smallest rectangle around a
    mask that lies closest to the horizontal, or the box's where there are no masks. Without a reference there are no
    sizes, and an object whose mask has no area has none.

    Raises:
        BlockError: The reference's size is not two positive numbers, or its polygon is none.
    """
    real = _real_size(reference_dimensions)
    reference = _reference_size(reference_predictions)
    if reference is None:
        return {"dimensions": None}
    scale = real[0] / reference[0], real[1] / reference[1]
    sizes = [_size(object_predictions, index) for index in range(len(object_predictions))]
    return {"dimensions": [None if size is None else _described(size, scale) for size in sizes]}


def _described(size: Size, scale: Size) -> dict[str, float]:
    width, height = size[0] * scale[0], size[1] * scale[1]
    return {"width": width, "height": height, "longer": max(width, height), "shorter": min(width, height)}


def _real_size(given: str | Sequence[float]) -> Size:
    parts = given.split(",") if isinstance(given, str) else given
    try:
        width, height = (float(part) for part in parts)
    except (TypeError, ValueError):
        width = height = 0.0
    if min(width, height) > 0:
        return width, height
    message = f"The size of the reference must be two positive numbers, width and height; found {given!r}."
    raise BlockError(message, hint='Write it as "5.0,3.0" or [5.0, 3.0].', code="bad_value")


def _reference_size(reference: Detections | Sequence[Sequence[float]]) -> Size | None:
    if isinstance(reference, Detections):
        if not len(reference):
            return None
        return _size(reference, 0 if reference.confidence is None else int(reference.confidence.argmax()))
    try:
        polygon = np.array(reference, dtype=np.float32).reshape(len(reference), 2)
    except (TypeError, ValueError) as error:
        message = "A reference that is no table of objects must be a polygon: a list of points [x, y]."
        raise BlockError(message, code="bad_value") from error
    return _aligned(polygon)


def _size(table: Detections, index: int) -> Size | None:
    """Return width and height of an object in pixels; ``None`` without an area."""
    if table.mask is not None:
        return _aligned(np.array(masks.polygon(table.mask, index), dtype=np.float32).reshape(-1, 2))
    x1, y1, x2, y2 = table.xyxy[index].tolist()
    return (x2 - x1, y2 - y1) if x2 > x1 and y2 > y1 else None


def _aligned(outline: NDArray[np.float32]) -> Size | None:
    """Return the sides of the smallest rectangle around an outline, the one closest to the horizontal first."""
    if len(outline) < 3 or cv2.contourArea(outline) <= 0:
        return None
    corners = cv2.boxPoints(cv2.minAreaRect(outline))
    one, other = corners[1] - corners[0], corners[2] - corners[1]
    width, height = (one, other) if _slope(one) < _slope(other) else (other, one)
    return float(np.linalg.norm(width)), float(np.linalg.norm(height))


def _slope(side: NDArray[Any]) -> float:
    """Return the angle between a side and the horizontal, 0 to a right angle."""
    return float(np.arctan2(abs(side[1]), abs(side[0])))


def distance_measurement(
    predictions: Detections,
    *,
    object_1_class_name: str,
    object_2_class_name: str,
    reference_axis: str,
    calibration_method: str,
    reference_object_class_name: str,
    reference_width: float,
    reference_height: float,
    pixel_ratio: float,
) -> dict[str, float | None]:
    """Return the gap between an object of one class and one of another along an axis, in pixels and in centimetres.

    It is measured between the first rows at which both classes have been met, from the nearest edge of one box to that
    of the other, and is 0 where the boxes share a part of the axis. Where a class is missing, the outputs are ``None``.
    """
    rows = _first_pair(detections.class_names(predictions), object_1_class_name, object_2_class_name)
    if rows is None:
        return {"distance_cm": None, "distance_pixel": None}
    boxes = np.rint(predictions.xyxy).astype(int)
    axis = 0 if reference_axis == "horizontal" else 1
    gap = _gap(boxes[rows[0], axis::2].tolist(), boxes[rows[1], axis::2].tolist())
    if gap == 0:
        return {"distance_cm": 0.0, "distance_pixel": 0}
    if calibration_method == "reference object":
        ratio = _measured_ratio(predictions, reference_object_class_name, reference_width, reference_height)
    else:
        ratio = pixel_ratio
    return {"distance_cm": gap / ratio if ratio else None, "distance_pixel": gap}


def _first_pair(names: Sequence[str], one: str, other: str) -> tuple[int, int] | None:
    """Return the last row of either class at the point where both have been met, as the ecosystem counts them."""
    met: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in (one, other):
            met[name] = row
        if one in met and other in met:
            return met[one], met[other]
    return None


def _gap(one: Sequence[int], other: Sequence[int]) -> int:
    return max(one[0] - other[1], other[0] - one[1], 0)


def _measured_ratio(table: Detections, name: str, width: float, height: float) -> float | None:
    """Return the pixels per centimetre that the first object of a class shows, the mean of both sides."""
    names = detections.class_names(table)
    if name not in names:
        return None
    x1, y1, x2, y2 = np.rint(table.xyxy[names.index(name)]).tolist()
    return float(((x2 - x1) / width + (y2 - y1) / height) / 2)
