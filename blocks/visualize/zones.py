"""Draw what a workflow measures objects against: lines, zones and paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import Color, Point, draw_text

from workflow_engine.api import BlockError, Image, colors


def line_counter_visualization(
    image: Image,
    *,
    zone: Sequence[Any],
    color: str,
    thickness: int,
    text_thickness: int,
    text_scale: float,
    count_in: int,
    count_out: int,
    opacity: float,
) -> dict[str, Image]:
    """Add the line's light to the image, and write at its first point how many objects crossed it each way."""
    ends = _points(zone, "zone")
    if len(ends) < 2:
        raise BlockError(f"A line needs two points, but zone has {len(ends)}.", code="bad_value", whose="author")
    layer = np.zeros((image.height, image.width, 3), dtype=np.uint8)
    first, second = ends[:2].tolist()
    cv2.line(layer, first, second, colors.parse_color(color).as_bgr(), thickness)
    drawn = draw_text(
        _lit(image, layer, opacity),
        f"in: {count_in}, out: {count_out}",
        Point(*first),
        text_scale=text_scale,
        text_thickness=text_thickness,
        text_padding=0,
        background_color=Color.WHITE,
    )
    return {"image": image.with_pixels(drawn)}


def polygon_zone_visualization(image: Image, *, zone: Sequence[Any], color: str, opacity: float) -> dict[str, Image]:
    """Add the light of a filled polygon, or of several, to the image."""
    layer = np.zeros((image.height, image.width, 3), dtype=np.uint8)
    polygons = zone if len(zone) and _is_polygon(zone[0]) else [zone]
    for polygon in polygons:
        corners = _points(polygon, "zone")
        if len(corners):
            cv2.fillPoly(layer, [corners], colors.parse_color(color).as_bgr())
    return {"image": image.with_pixels(_lit(image, layer, opacity))}


def reference_path_visualization(
    image: Image, *, reference_path: Sequence[Any], color: str, thickness: int
) -> dict[str, Image]:
    """Draw a path from point to point."""
    drawn = colors.colored(image.pixels)
    path = _points(reference_path, "reference_path")
    cv2.polylines(drawn, [path] if len(path) else [], False, colors.parse_color(color).as_bgr(), thickness)
    return {"image": image.with_pixels(drawn)}


def _is_polygon(value: Any) -> bool:
    """Whether ``value`` is itself a list of points, so that it stands in a list of polygons."""
    return isinstance(value, Sequence | np.ndarray) and len(value) > 0 and isinstance(value[0], Sequence | np.ndarray)


def _points(value: Any, name: str) -> NDArray[np.int32]:
    """Return the points (x, y) of a parameter in whole pixels, shape (K, 2)."""
    try:
        points = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if len(value) and (points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all()):
        message = f"{name} must be a list of points [x, y]; found {str(value)[:80]}."
        raise BlockError(message, code="bad_value", whose="author")
    return np.rint(points.reshape(-1, 2)).astype(np.int32)


def _lit(image: Image, layer: NDArray[np.uint8], opacity: float) -> NDArray[np.uint8]:
    """Return the image with the share ``opacity`` of the layer's light on top, up to white."""
    return np.asarray(cv2.addWeighted(layer, opacity, colors.colored(image.pixels), 1, 0), dtype=np.uint8)
