"""Bring what was found on the crops of objects back onto the image, and join what several crops show."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from supervision import box_iou_batch, mask_iou_batch

from workflow_engine.api import BlockError, Detections, detections, masks

Groups: TypeAlias = list[list[int]]
Values: TypeAlias = NDArray[np.floating[Any]]

CONFIDENCE: Mapping[str, Callable[[Values], float]] = {
    "max": lambda values: float(values.max()),
    "mean": lambda values: float(values.mean()),
    "min": lambda values: float(values.min()),
}


def detections_list_rollup(
    parent_detection: Detections,
    child_detections: Sequence[Detections],
    *,
    confidence_strategy: str,
    overlap_threshold: float,
    keypoint_merge_threshold: float,
) -> dict[str, Any]:
    """Place the tables of all crops on the image, and make one object of those of a class that are the same.

    Two are the same when their masks overlap, or their boxes where there are no masks, by at least
    ``overlap_threshold`` (IoU), by anything when that is 0; or when their key points are less than
    ``keypoint_merge_threshold`` pixels apart on average. ``crop_zones`` has the corners of every crop.

    Raises:
        BlockError: There is not one table for each object, or the objects do not know their image.
    """
    found = _placed(parent_detection, child_detections)
    same = _alike(found, overlap_threshold, keypoint_merge_threshold)
    groups = _by_class(_groups(same), detections.class_names(found))
    merged = [_as_one(found.select(group), CONFIDENCE[confidence_strategy]) for group in groups]
    zones = [[[x1, y1], [x2, y1], [x2, y2], [x1, y2]] for x1, y1, x2, y2 in parent_detection.xyxy.tolist()]
    return {"rolled_up_detections": detections.merge([found.select([]), *merged]), "crop_zones": zones}


def _placed(parents: Detections, children: Sequence[Detections]) -> Detections:
    """Return the rows of all crops in one table; a crop begins at its object's box, as the cropping block cuts it."""
    if len(parents) != len(children):
        message = f"There are {len(parents)} objects, but tables of {len(children)} crops."
        hint = "Feed the very objects that were cropped, and collect one table for each crop."
        raise BlockError(message, hint=hint, whose="author")
    ancestry = detections.ancestry_of(parents)
    if ancestry is None:
        message = "The objects that were cropped do not say which image they lie on."
        raise BlockError(message, hint="Feed the objects of a model or of a table input.", whose="author")
    corners = np.maximum(np.rint(parents.xyxy[:, :2]), 0).astype(int).tolist()
    moved = [detections.placed(child, x, y, ancestry) for child, (x, y) in zip(children, corners, strict=True)]
    masked = next((table.mask for table in moved if table.mask is not None and len(table)), None)
    if masked is not None:
        moved = [detections.with_masks(table, ancestry.size) for table in moved]
    return detections.merge(moved or [parents])


def _alike(found: Detections, least_overlap: float, most_apart: float) -> NDArray[np.bool_]:
    """Return which rows show the same object (N, N)."""
    keypoints = detections.column(found, "keypoints_xy")
    if keypoints is not None and len(found):
        places = [np.asarray(points, dtype=np.float64) for points in keypoints]
        alike = np.array([[_apart(one, other) < most_apart for other in places] for one in places])
    else:
        boxes, mask = found.xyxy, found.mask
        overlap = np.asarray(box_iou_batch(boxes, boxes) if mask is None else mask_iou_batch(mask, mask))
        alike = (overlap > 0) & (overlap >= least_overlap)
    classes = np.zeros(len(found)) if found.class_id is None else found.class_id
    return np.asarray(alike & (classes[:, np.newaxis] == classes))


def _apart(one: Values, other: Values) -> float:
    """Return the mean distance between the key points (K, 2) of two rows; infinity when they have not the same."""
    return float(np.linalg.norm(one - other, axis=-1).mean()) if one.shape == other.shape else np.inf


def _groups(same: NDArray[np.bool_]) -> Groups:
    """Return the rows that hang together, directly or by way of others, in the order of their first."""
    labels = np.arange(len(same))
    while len(same):
        lowest = np.minimum(labels, np.where(same, labels, len(same)).min(axis=1))
        if np.array_equal(lowest, labels):
            break
        labels = lowest
    return [np.flatnonzero(labels == label).tolist() for label in np.unique(labels)]


def _by_class(groups: Groups, names: Sequence[str]) -> Groups:
    """Return the groups class by class, in the order in which classes come first."""
    order = list(dict.fromkeys(names))
    return sorted(groups, key=lambda group: order.index(names[group[0]]))


def _as_one(group: Detections, aggregate: Callable[[Values], float]) -> Detections:
    """Return one row for all: their masks in one, the box around it or around theirs, the mean of their key points."""
    first, mask = group.select([0]), None
    data = {**first.data, "detection_id": np.array(detections.fresh_ids(1), dtype=object)}
    for name in ("keypoints_xy", "keypoints_confidence"):
        if name in data:
            data[name] = np.array([*group.data[name]], dtype=np.float64).mean(axis=0, keepdims=True)
    box: Sequence[float] = [*group.xyxy[:, :2].min(axis=0), *group.xyxy[:, 2:].max(axis=0)]
    if group.mask is not None:
        united = masks.union([masks.window(group.mask, index) for index in range(len(group))])
        mask = masks.from_windows([united], masks.image_size(group.mask))
        box = masks.extent(united) or box
    return detections.replace(
        first,
        xyxy=np.array([box], dtype=np.float64),
        mask=mask,
        confidence=None if group.confidence is None else np.array([aggregate(group.confidence)]),
        data=data,
    )
