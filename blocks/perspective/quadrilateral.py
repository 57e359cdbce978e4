"""The quadrilateral that is seen from straight above: reading it, ordering its corners, growing it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import Position

from workflow_engine.api import BlockError, Detections

Corners: TypeAlias = NDArray[np.float64]  # (4, 2) of x, y: bottom left, top left, top right, bottom right
Point: TypeAlias = NDArray[np.float64]

ALL = "ALL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side, from corner ``first`` to corner ``first + 1``.

    Attributes:
        first: Number of its first corner.
        measured: Number of the corner whose way tells how far the side moved.
        axis: What grows when it moves: 0 the width, 1 the height.
        anchors: Points of a box that it has to contain when all of the box has to be inside.
    """

    first: int
    measured: int
    axis: int
    anchors: tuple[Position, Position]


SIDES = (
    Side(first=0, measured=0, axis=0, anchors=(Position.BOTTOM_LEFT, Position.TOP_LEFT)),
    Side(first=2, measured=3, axis=0, anchors=(Position.BOTTOM_RIGHT, Position.TOP_RIGHT)),
    Side(first=3, measured=0, axis=1, anchors=(Position.BOTTOM_RIGHT, Position.BOTTOM_LEFT)),
    Side(first=1, measured=1, axis=1, anchors=(Position.TOP_RIGHT, Position.TOP_LEFT)),
)


def read(given: Sequence[Any]) -> Corners:
    """Return the corners of a polygon of four points, or of the largest such among polygons.

    Raises:
        BlockError: There is none, one for each image is given as a literal, or three of its corners lie on a line.
    """
    polygons = [given] if _is_polygon(given) else given
    if len(polygons) == 1 and not _is_polygon(polygons[0]):
        polygons = polygons[0]
    if not all(_is_polygon(polygon) for polygon in polygons):
        message = "The polygons must be one polygon, a list of points [x, y], or a list of them."
        hint = "Polygons that differ from image to image come by reference, from a step or an input."
        raise BlockError(message, hint=hint, code="bad_value")
    fours = [np.array(polygon, dtype=np.float64) for polygon in polygons if len(polygon) == 4]
    if not fours:
        raise BlockError("None of the polygons has four corners.", code="bad_value")
    corners = _ordered(max(fours, key=lambda four: cv2.contourArea(four.astype(np.float32))))
    edges = np.roll(corners, -1, axis=0) - corners
    if not np.all(_cross(edges, np.roll(edges, -1, axis=0))):
        message = f"Three corners of the polygon lie on a line: {corners.tolist()}."
        raise BlockError(message, hint="Give a polygon of four different corners.", code="bad_value")
    return corners


def _is_polygon(given: Any) -> bool:
    """Whether it is a list of pairs of numbers; an empty list is a list of no polygons."""
    try:
        points = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        return False
    return points.ndim == 2 and points.shape[1] == 2 and bool(np.isfinite(points).all())


def _cross(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])


def _ordered(corners: Corners) -> Corners:
    """Return the corners clockwise, beginning so that they are closest to those of the upright box around them."""
    low, high = corners.min(axis=0), corners.max(axis=0)
    from_middle = (low + high) / 2 - corners
    clockwise = corners[np.argsort(-np.arctan2(from_middle[:, 0], from_middle[:, 1]), kind="stable")]
    box = np.array([(low[0], high[1]), (low[0], low[1]), (high[0], low[1]), (high[0], high[1])])
    turns = [np.roll(clockwise, turn, axis=0) for turn in range(4)]
    return min(turns, key=lambda turn: float(np.linalg.norm(turn - box, axis=1).sum()))


def size(corners: Corners) -> tuple[float, float]:
    """Return width and height: the longer of two opposite sides each."""
    left, top, right, bottom = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1).tolist()
    return max(top, bottom), max(left, right)


def grown(corners: Corners, table: Detections, anchor: str) -> tuple[Corners, tuple[float, float]]:
    """Move the sides outwards, parallel to themselves, until the anchor of every object lies inside.

    Args:
        corners: The quadrilateral.
        table: The objects.
        anchor: Name of a point of their boxes, or ``ALL`` for the whole box.

    Returns:
        The corners, rounded where they moved, and by how much width and height have grown, in pixels.
    """
    growth = [0.0, 0.0]
    positions = [side.anchors if anchor == ALL else (Position(anchor),) for side in SIDES]
    points = [np.stack([table.get_anchors_coordinates(one) for one in some], axis=1) for some in positions]
    for row in range(len(table)):
        for side, anchors in zip(SIDES, points, strict=True):
            for point in anchors[row]:
                if _is_beyond(corners, side.first, point):
                    moved = _moved(corners, side.first, point)
                    growth[side.axis] += float(np.linalg.norm((moved - corners)[side.measured]))
                    corners = moved
    return corners, (growth[0], growth[1])


def _is_beyond(corners: Corners, first: int, point: Point) -> bool:
    """Whether a point lies outside, on the outer side of a side."""
    inside = cv2.pointPolygonTest(corners.astype(np.float32), point.tolist(), measureDist=False) >= 0
    edge = corners[(first + 1) % 4] - corners[first]
    return not inside and bool(_cross(edge, point - corners[first]) <= 0)


def _moved(corners: Corners, first: int, point: Point) -> Corners:
    """Return the corners with a side moved through a point, along the sides beside it."""
    second = (first + 1) % 4
    edge = corners[second] - corners[first]
    moved = corners.copy()
    for corner, beside in ((first, first - 1), (second, (second + 1) % 4)):
        along = corners[beside] - corners[corner]
        sine = _cross(along, edge)
        if sine:
            moved[corner] = np.rint(corners[corner] + along * _cross(point - corners[corner], edge) / sine)
    return moved
