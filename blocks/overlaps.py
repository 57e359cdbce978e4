"""Tell which objects lie on which."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from supervision import box_iou_batch

from workflow_engine.api import Detections, detections, masks

if TYPE_CHECKING:
    from shapely import Polygon

Boxes = NDArray[np.float64]


def overlap(predictions: Detections, *, overlap_type: str, overlap_class_name: str) -> dict[str, Detections]:
    """Keep the objects of other classes that lie on one of ``overlap_class_name``, by their boxes."""
    is_base = np.array([name == overlap_class_name for name in detections.class_names(predictions)], dtype=bool)
    boxes = np.asarray(predictions.xyxy, dtype=np.float64)
    lies_on = OVERLAPS[overlap_type](boxes[:, np.newaxis], boxes[np.newaxis, is_base]).any(axis=1)
    return {"overlaps": predictions.select(lies_on & ~is_base)}


def _centre_inside(boxes: Boxes, bases: Boxes) -> NDArray[np.bool_]:
    centres = (boxes[..., :2] + boxes[..., 2:]) / 2
    return np.asarray(((centres > bases[..., :2]) & (centres < bases[..., 2:])).all(axis=-1))


def _touching(boxes: Boxes, bases: Boxes) -> NDArray[np.bool_]:
    return np.asarray(((boxes[..., 2:] >= bases[..., :2]) & (boxes[..., :2] <= bases[..., 2:])).all(axis=-1))


OVERLAPS: Mapping[str, Callable[[Boxes, Boxes], NDArray[np.bool_]]] = {
    "Center Overlap": _centre_inside,
    "Any Overlap": _touching,
}


def overlap_analysis(
    reference_predictions: Detections, candidate_predictions: Detections, *, min_overlap: float
) -> dict[str, list[dict[str, Any]]]:
    """Say for every pair whose boxes overlap how much of the reference's area the candidate covers, 0 to 1.

    Areas are those of the longest outlines of the masks; where there is no mask, or none with an area, of the boxes.
    """
    touching = box_iou_batch(reference_predictions.xyxy, candidate_predictions.xyxy) > 0
    outlines = {i: _outline(reference_predictions, i) for i in np.flatnonzero(touching.any(axis=1)).tolist()}
    covers = {i: _outline(candidate_predictions, i) for i in np.flatnonzero(touching.any(axis=0)).tolist()}
    references = _rows("reference", reference_predictions)
    candidates = _rows("candidate", candidate_predictions)
    pairs = [
        {**references[i], **candidates[j], "overlap_ratio": outlines[i].intersection(covers[j]).area / outlines[i].area}
        for i, j in np.argwhere(touching).tolist()
    ]
    return {"overlaps": [pair for pair in pairs if pair["overlap_ratio"] >= min_overlap]}


def _rows(role: str, table: Detections) -> list[dict[str, Any]]:
    names, ids = detections.class_names(table), detections.detection_ids(table)
    confidences = [None] * len(table) if table.confidence is None else table.confidence.tolist()
    return [
        {f"{role}_class": name, f"{role}_confidence": confidence, f"{role}_detection_id": id}
        for name, confidence, id in zip(names, confidences, ids, strict=True)
    ]


def _outline(table: Detections, index: int) -> Polygon:
    from shapely import Polygon

    outlines = [] if table.mask is None else masks.contours(table.mask, index)
    longest = max(outlines, key=len, default=np.empty((0, 2)))
    if len(longest) > 2:
        polygon = Polygon(longest)
        if polygon.is_valid and polygon.area > 0:
            return polygon
    return Polygon.from_bounds(*table.xyxy[index].tolist())
