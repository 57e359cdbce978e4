"""Bring a quadrilateral of the image, and the objects on it, into the rectangle that it is from straight above."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.perspective import quadrilateral
from workflow_engine.api import BlockError, Detections, Image, RunContext, detections, masks

Points = NDArray[np.float64]  # (k, 2) of x, y
Matrix = NDArray[np.float64]  # (3, 3)


def perspective_correction(
    images: Image,
    predictions: Detections | None,
    *,
    perspective_polygons: Sequence[Any],
    transformed_rect_width: int,
    transformed_rect_height: int,
    extend_perspective_polygon_by_detections_anchor: str,
    warp_image: bool,
    context: RunContext,
) -> dict[str, Any]:
    """Map the largest of the quadrilaterals onto a rectangle, and the objects and the image with it.

    Boxes go around what their masks, or their corners, become, in whole pixels, and may reach beyond the rectangle;
    masks are drawn anew in its size. The table keeps the image it was found on. With an anchor the quadrilateral first
    grows to contain that point of every object, and the rectangle with it.

    Raises:
        BlockError: There is no proper quadrilateral, the objects lack the anchor, or the rectangle is too large.
    """
    corners, growth = quadrilateral.read(perspective_polygons), (0.0, 0.0)
    width, height = quadrilateral.size(corners)
    anchor = extend_perspective_polygon_by_detections_anchor
    if anchor and predictions is not None:
        if anchor == "CENTER_OF_MASS" and predictions.mask is None:
            raise BlockError("The objects have no masks, so they have no centre of mass.", whose="author")
        corners, growth = quadrilateral.grown(corners, predictions, anchor)
    target = (
        transformed_rect_width + round(growth[0] * transformed_rect_width / max(width, 1)),
        transformed_rect_height + round(growth[1] * transformed_rect_height / max(height, 1)),
    )
    _refuse_too_large(target, context.settings.limits.image_pixels)
    matrix = _mapping(corners, target)
    warped = images.with_pixels(_warped(images.pixels, matrix, target)) if warp_image else images
    return {
        "corrected_coordinates": None if predictions is None else _corrected(predictions, matrix, target),
        "warped_image": warped,
        "extended_transformed_rect_width": target[0],
        "extended_transformed_rect_height": target[1],
    }


def _refuse_too_large(target: tuple[int, int], most: int | None) -> None:
    if most is not None and target[0] * target[1] > most:
        message = f"The rectangle would be of {target[0]} x {target[1]} pixels; at most {most} are allowed."
        hint = "Take a smaller rectangle, or leave out objects that lie far away."
        raise BlockError(message, hint=hint, code="bad_value", whose="author")


def _mapping(corners: quadrilateral.Corners, target: tuple[int, int]) -> Matrix:
    right, bottom = target[0] - 1, target[1] - 1
    rectangle = np.array([(0, bottom), (0, 0), (right, 0), (right, bottom)], dtype=np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners.astype(np.float32), rectangle), dtype=np.float64)


def _warped(pixels: NDArray[np.uint8], matrix: Matrix, target: tuple[int, int]) -> NDArray[np.uint8]:
    return np.asarray(cv2.warpPerspective(pixels, matrix, target), dtype=np.uint8)


def _corrected(table: Detections, matrix: Matrix, target: tuple[int, int]) -> Detections:
    outlines = [_mapped(points, matrix) for points in _outlines(table)]
    mask = table.mask
    if mask is not None:
        size = (target[1], target[0])
        nothing = np.zeros((0, 0), dtype=np.bool_), 0, 0
        covered = masks.area(mask) > 0
        drawn = (
            masks.polygon_window(points, size) if filled else nothing
            for points, filled in zip(outlines, covered, strict=True)
        )
        mask = masks.from_windows(drawn, size)
    boxes = [np.rint([*points.min(axis=0), *points.max(axis=0)]) for points in outlines]
    moved = detections.replace(table, xyxy=np.array(boxes, dtype=np.float64).reshape(-1, 4), mask=mask)
    for name in detections.POSITIONS:
        column = detections.column(table, name)
        if column is not None:
            moved = detections.with_column(moved, name, [np.rint(_mapped(points, matrix)) for points in column])
    return moved


def _outlines(table: Detections) -> list[Points]:
    """Return for each row the largest outline of its mask, or the corners of its rounded box where there is none."""
    outlines = [np.rint(box)[[[0, 1], [2, 1], [2, 3], [0, 3]]] for box in table.xyxy]
    if table.mask is not None:
        polygons = [masks.polygon(table.mask, index) for index in range(len(table))]
        pairs = zip(polygons, outlines, strict=True)
        outlines = [np.array(polygon, dtype=np.float64) if polygon else box for polygon, box in pairs]
    return outlines


def _mapped(points: Any, matrix: Matrix) -> Points:
    given = np.asarray(points, dtype=np.float64).reshape(-1, 1, 2)
    return np.asarray(cv2.perspectiveTransform(given, matrix), dtype=np.float64).reshape(-1, 2)
