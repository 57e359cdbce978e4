"""Change the boxes of objects: enlarge them, or turn them to fit their masks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import BlockError, Detections, detections, masks

Rectangle: TypeAlias = tuple[tuple[float, float], tuple[float, float], float]


def detection_offset(
    predictions: Detections, *, offset_width: int, offset_height: int, units: str
) -> dict[str, Detections]:
    """Enlarge boxes by half the offset on every side, in pixels or in percent of the box, as far as the image goes.

    The objects get new ids and name the old ones as their parents; their masks stay.
    """
    if not len(predictions):
        return {"predictions": predictions}
    boxes = predictions.xyxy
    offset = np.array([offset_width, offset_height])
    grow = (boxes[:, 2:] - boxes[:, :2]) * offset // 200 if units == "Percent (%)" else offset // 2
    grown = np.hstack([boxes[:, :2] - grow, boxes[:, 2:] + grow])
    size = detections.image_size(predictions)
    if size is not None:
        grown = grown.clip(0, [size[1], size[0]] * 2)
    ids = {"parent_id": detections.detection_ids(predictions), "detection_id": detections.fresh_ids(len(grown))}
    return {"predictions": detections.with_columns(detections.replace(predictions, xyxy=grown), ids)}


def bounding_rect(predictions: Detections) -> dict[str, Detections]:
    """Turn each mask into the smallest rectangle around it, at any angle.

    The columns ``rect`` (4 corners x, y), ``width``, ``height`` and ``angle`` describe it: so wide and so high, turned
    clockwise by the angle, which is above 0 and at most 90 degrees. The mask becomes its pixels and the box goes around
    it. Where a mask is empty, the object's box is the rectangle.

    Raises:
        BlockError: The objects have no masks.
    """
    if not len(predictions):
        return {"detections_with_rect": predictions}
    if predictions.mask is None:
        hint = "Use an instance segmentation model in front of this step."
        raise BlockError("A rectangle is fitted to masks, and the objects have none.", hint=hint, whose="author")
    fitted = [_turned(*cv2.minAreaRect(_outline(predictions, index))) for index in range(len(predictions))]
    corners = np.array([cv2.boxPoints(rectangle) for rectangle in fitted]).astype(int)
    table = detections.replace(
        predictions,
        xyxy=np.hstack([corners.min(axis=1), corners.max(axis=1)]).astype(float),
        mask=masks.from_polygons(corners, masks.image_size(predictions.mask)),
    )
    columns = {
        "rect": corners.astype(float),
        "width": np.array([size[0] for _, size, _ in fitted]),
        "height": np.array([size[1] for _, size, _ in fitted]),
        "angle": np.array([angle for _, _, angle in fitted]),
    }
    return {"detections_with_rect": detections.with_columns(table, columns)}


def _turned(center: Sequence[float], size: Sequence[float], angle: float) -> Rectangle:
    """Return the same rectangle with an angle above 0 and at most 90 degrees; versions of OpenCV differ in theirs."""
    turned = angle % 90 or 90.0
    width, height = size[::-1] if round((turned - angle) / 90) % 2 else size
    return (center[0], center[1]), (width, height), turned


def _outline(predictions: Detections, index: int) -> NDArray[np.float32]:
    """Return the longest outline of a mask, or the corners of the box of an empty one."""
    assert predictions.mask is not None
    outlines = masks.contours(predictions.mask, index)
    if outlines:
        return max(outlines, key=len).astype(np.float32)
    x1, y1, x2, y2 = predictions.xyxy[index]
    return np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2)], dtype=np.float32)
