"""Turn the masks of objects into polygons of few corners, to be used as zones."""

from __future__ import annotations

from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Detections, detections, masks

Points: TypeAlias = NDArray[Any]  # (k, 2) of x, y
Line: TypeAlias = tuple[float, float, float]  # a, b, c of a * x + b * y = c

FINEST, MOST_STEPS = 1e-7, 1_000
STEEP = 10.0  # an edge so many times higher than wide is fitted as x over y
PARALLEL = 1e-4  # of the sine of the angle between two lines, about


def dynamic_zone(
    predictions: Detections,
    *,
    required_number_of_vertices: int,
    scale_ratio: float,
    apply_least_squares: bool,
    midpoint_fraction: float,
) -> dict[str, Any]:
    """Simplify the longest outline of every mask to a convex polygon of so many corners; they are the ``zones``.

    With ``apply_least_squares`` each edge is fitted to the outline between its corners, of which the middle
    ``midpoint_fraction`` counts. ``scale_ratio`` enlarges zones around their centroids. The objects get the zones as
    masks and in the column ``polygon``. ``simplification_converged`` is false when some outline cannot be given just so
    many corners; its last corner is then repeated, or further ones are left out. Where no object has a mask there are
    no zones, and no objects.
    """
    if predictions.mask is None or not len(predictions):
        return {"zones": [], "predictions": None, "simplification_converged": False}
    zones, converged = [], True
    for index in range(len(predictions)):
        outline = _outline(predictions, index)
        polygon = _simplified(cv2.convexHull(outline, clockwise=True), required_number_of_vertices)
        if apply_least_squares:
            polygon = _fitted(polygon, outline, midpoint_fraction)
        converged &= len(polygon) == required_number_of_vertices
        zones.append(_scaled(_of_length(polygon, required_number_of_vertices), scale_ratio))
    zoned = detections.replace(predictions, mask=masks.from_polygons(zones, masks.image_size(predictions.mask)))
    return {
        "zones": [zone.tolist() for zone in zones],
        "predictions": detections.with_column(zoned, "polygon", zones),
        "simplification_converged": converged,
    }


def _outline(table: Detections, index: int) -> Points:
    """Return the longest outline of a mask, or the corners of the box of an empty one."""
    assert table.mask is not None
    outlines = masks.contours(table.mask, index)
    if outlines:
        return max(outlines, key=len)
    x1, y1, x2, y2 = np.rint(table.xyxy[index]).astype(np.int32).tolist()
    return np.array([(x1, y1), (x1, y2), (x2, y2), (x2, y1)], dtype=np.int32)


def _simplified(hull: Points, corners: int) -> Points:
    """Return the hull with so many corners, or with as close to it as the tolerance of the simplification comes."""
    low, high = FINEST, cv2.arcLength(hull, closed=True)
    tolerance = low + high / 2
    for _ in range(MOST_STEPS):
        polygon = cv2.approxPolyDP(hull, tolerance, closed=True)
        if len(polygon) == corners:
            break
        low, high = (tolerance, high) if len(polygon) > corners else (low, tolerance)
        previous, tolerance = tolerance, low + (high - low) / 2
        if tolerance == previous:
            break
    return np.asarray(polygon).reshape(-1, 2)


def _fitted(polygon: Points, outline: Points, share: float) -> Points:
    """Return the corners where the lines meet that fit the outline along two edges; those of parallel lines stay."""
    starts = np.roll(polygon, 1, axis=0)
    lines = [_line(_between(outline, start, end, share)) for start, end in zip(starts, polygon, strict=True)]
    pairs = zip(lines, [*lines[1:], *lines[:1]], polygon, strict=True)
    corners = [corner if (met := _meeting(one, other)) is None else met for one, other, corner in pairs]
    return np.asarray(np.rint(corners), dtype=np.int32)


def _between(outline: Points, start: Points, end: Points, share: float) -> Points:
    """Return the middle part of an outline's points from the one closest to ``start`` to the one closest to ``end``."""
    first, last = (int(np.linalg.norm(outline - corner, axis=1).argmin()) for corner in (start, end))
    points = outline[first : last + 1] if first <= last else np.vstack([outline[first:], outline[: last + 1]])
    kept = round(len(points) * share)
    cut = (len(points) - kept) // 2 if kept > 2 else 0
    return points[cut : len(points) - cut]


def _line(points: Points) -> Line | None:
    """Return the line of least squares, of y over x or, where it is close to upright, of x over y."""
    x, y = points.T.astype(np.float64)
    if len(points) < 2:
        return None
    if np.ptp(x) * STEEP > np.ptp(y):
        slope, offset = np.polynomial.Polynomial.fit(x, y, 1, domain=[-1, 1]).coef[::-1]
        return -slope, 1.0, offset
    slope, offset = np.polynomial.Polynomial.fit(y, x, 1, domain=[-1, 1]).coef[::-1]
    return 1.0, -slope, offset


def _meeting(one: Line | None, other: Line | None) -> Points | None:
    if one is None or other is None:
        return None
    determinant = one[0] * other[1] - one[1] * other[0]
    if abs(determinant) < PARALLEL:
        return None
    x = (one[2] * other[1] - one[1] * other[2]) / determinant
    y = (one[0] * other[2] - one[2] * other[0]) / determinant
    return np.array([x, y])


def _of_length(polygon: Points, corners: int) -> Points:
    repeated = np.repeat(polygon[-1:], max(corners - len(polygon), 0), axis=0)
    return np.vstack([polygon[:corners], repeated])


def _scaled(polygon: Points, ratio: float) -> Points:
    """Return a polygon enlarged around its centroid; one without an area has none and stays."""
    moments = cv2.moments(polygon)
    if ratio == 1 or not moments["m00"]:
        return polygon
    centroid = np.array([moments["m10"], moments["m01"]]) / moments["m00"]
    return np.rint((polygon - centroid) * ratio + centroid).astype(np.int32)
