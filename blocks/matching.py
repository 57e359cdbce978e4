"""Pair the objects of two tables: the same thing at two times, or the nearest neighbour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from supervision import Position, box_iou_batch

from workflow_engine.api import BlockError, Detections, detections

Matrix = NDArray[np.float64]

MOST_ROWS, MOST_PAIRS = 1_000, 10_000
TIE = 1.0  # pixels


def detections_difference(
    reference_predictions: Detections,
    candidate_predictions: Detections,
    *,
    spatial_weight: float,
    class_mismatch_penalty: float,
    reject_cost: float,
    class_strict: bool,
    min_removed_to_verify: int,
) -> dict[str, Any]:
    """Match each object of before with at most one of after, cheapest pair first; tell what is gone and what is new.

    A pair costs ``spatial_weight`` times how far its boxes are apart, and ``class_mismatch_penalty`` when its classes
    differ, which ``class_strict`` forbids; pairs of more than ``reject_cost`` are none.
    """
    costs = spatial_weight * _apart(reference_predictions.xyxy, candidate_predictions.xyxy)
    differ = _class_names(reference_predictions)[:, np.newaxis] != _class_names(candidate_predictions)
    costs[differ] += np.inf if class_strict else class_mismatch_penalty
    gone, new = _unmatched(costs, reject_cost)
    removed = int(gone.sum())
    return {
        "removed_detections": reference_predictions.select(gone),
        "persisted_detections": candidate_predictions.select(~new),
        "new_detections": candidate_predictions.select(new),
        "removed_count": removed,
        "new_count": int(new.sum()),
        "verified": bool(len(gone)) and removed >= min_removed_to_verify,
    }


def _apart(one: NDArray[Any], other: NDArray[Any]) -> Matrix:
    """Return how far boxes are apart: 1 - IoU where they overlap, else 1 + the distance of their centres.

    The distance is measured in diagonals of the box around the two, after DIoU (Z. Zheng et al., AAAI 2020).
    """
    overlap = np.asarray(box_iou_batch(one, other), dtype=np.float64)
    one, other = one[:, np.newaxis], other[np.newaxis]
    between = np.linalg.norm((one[..., :2] + one[..., 2:] - other[..., :2] - other[..., 2:]) / 2, axis=-1)
    around = np.maximum(one[..., 2:], other[..., 2:]) - np.minimum(one[..., :2], other[..., :2])
    diagonal = np.linalg.norm(around, axis=-1)
    far = np.divide(between, diagonal, out=np.zeros_like(between), where=diagonal > 0)
    return np.where(overlap > 0, 1 - overlap, 1 + far)


def _class_names(table: Detections) -> NDArray[np.object_]:
    return np.array(detections.class_names(table), dtype=object)


def _unmatched(costs: Matrix, most: float) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which rows and which columns are left when the cheapest pairs have been taken, one after the other."""
    rows, columns = (np.ones(length, dtype=np.bool_) for length in costs.shape)
    order = np.argsort(costs, axis=None, kind="stable")
    for row, column in zip(*np.unravel_index(order, costs.shape), strict=True):
        if not costs[row, column] <= min(most, np.finfo(np.float64).max):
            break
        if rows[row] and columns[column]:
            rows[row] = columns[column] = False
    return rows, columns


def detections_nearest_neighbor(
    query_predictions: Detections,
    target_predictions: Detections,
    *,
    query_point: str,
    target_point: str,
    query_keypoint_name: str | None,
    target_keypoint_name: str | None,
    max_distance: int | None,
) -> dict[str, Detections]:
    """Find the nearest target of every query object, by a point of each, in pixels.

    The column ``nearest_target_distance`` says how far it is, ``None`` where there is none. The two matched tables have
    one row per pair, several for targets equally near within a pixel. An object is not matched with itself.

    Raises:
        BlockError: There are too many objects or pairs, or a key point is asked for that has no name or no table.
    """
    _refuse_too_many(max(len(query_predictions), len(target_predictions)), MOST_ROWS, "objects in one table")
    queries = _points(query_predictions, query_point, query_keypoint_name)
    targets = _points(target_predictions, target_point, target_keypoint_name)
    distances = np.linalg.norm(queries[:, np.newaxis] - targets, axis=-1)
    same = _ids(query_predictions)[:, np.newaxis] == _ids(target_predictions)
    distances[same | np.isnan(distances)] = np.inf
    if max_distance is not None:
        distances[distances > max_distance] = np.inf
    nearest = distances.min(axis=1, initial=np.inf)
    paired = np.isfinite(distances) & (distances <= nearest[:, np.newaxis] + TIE)
    _refuse_too_many(int(paired.sum()), MOST_PAIRS, "pairs")
    told = [float(distance) if np.isfinite(distance) else None for distance in nearest]
    measured = detections.with_column(query_predictions, "nearest_target_distance", told)
    matched_queries, matched_targets = np.nonzero(paired)
    return {
        "query_predictions": measured,
        "matched_query_detections": measured.select(matched_queries),
        "matched_target_detections": target_predictions.select(matched_targets),
    }


def _refuse_too_many(count: int, most: int, what: str) -> None:
    if count > most:
        hint = "Filter the objects in front of this step."
        raise BlockError(f"There are {count} {what}; at most {most} are compared.", hint=hint, code="bad_value")


def _ids(table: Detections) -> NDArray[np.object_]:
    return np.array(detections.detection_ids(table), dtype=object)


def _points(table: Detections, point: str, keypoint: str | None) -> Matrix:
    """Return one (x, y) per row, not-a-number where a row lacks the key point."""
    if point != "KEYPOINT":
        return np.asarray(table.get_anchors_coordinates(Position[point]), dtype=np.float64)
    if not keypoint:
        message = "The point to measure from is a key point, and its name is not given."
        raise BlockError(message, hint="Name the key point.", code="bad_value", whose="author")
    if not len(table):
        return np.empty((0, 2))
    names, places = (detections.column(table, column) for column in ("keypoints_class_name", "keypoints_xy"))
    if names is None or places is None:
        message = f"The key point {keypoint!r} was asked for, and the objects have no key points."
        raise BlockError(message, hint="Measure from another point.", whose="author")
    return np.array([_place(keypoint, *row) for row in zip(names, places, strict=True)])


def _place(keypoint: str, names: Sequence[str], places: Sequence[Sequence[float]]) -> Sequence[float]:
    known = list(names)
    return places[known.index(keypoint)] if keypoint in known else (np.nan, np.nan)
