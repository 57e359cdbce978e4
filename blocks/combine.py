"""Make one table of two, or one object of many."""

from __future__ import annotations

import numpy as np

from workflow_engine.api import Detections, detections, masks


def detections_merge(predictions: Detections, *, class_name: str) -> dict[str, Detections]:
    """Make one object of all: the box around them, their masks in one, the lowest of their confidences."""
    if not len(predictions):
        return {"predictions": predictions}
    first = predictions.select([0])
    boxes, confidence = predictions.xyxy, predictions.confidence
    merged = detections.replace(
        first,
        xyxy=np.hstack([boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)])[np.newaxis],
        mask=None if predictions.mask is None else _in_one(predictions.mask),
        confidence=None if confidence is None else confidence.min(keepdims=True),
        class_id=np.zeros(1, dtype=np.int64),
        tracker_id=None,
        data={name: first.data[name] for name in ("parent_id",) if name in first.data},
    )
    columns = {"class_name": [class_name], "detection_id": detections.fresh_ids(1)}
    return {"predictions": detections.with_columns(merged, columns)}


def _in_one(given: masks.Masks) -> masks.Masks:
    united = masks.union([masks.window(given, index) for index in range(len(given))])
    return masks.from_windows([united], masks.image_size(given))


def detections_combine(prediction_one: Detections, prediction_two: Detections) -> dict[str, Detections]:
    """Put two tables below each other; where only one has masks, the objects of the other get empty ones."""
    tables = [prediction_one, prediction_two]
    masked = next((table.mask for table in tables if table.mask is not None and len(table)), None)
    if masked is not None:
        tables = [detections.with_masks(table, masks.image_size(masked)) for table in tables]
    return {"predictions": detections.merge(tables)}
