"""Let several models vote on what is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from supervision import box_iou_batch

from workflow_engine.api import BlockError, Detections, detections, masks

Values: TypeAlias = NDArray[np.floating[Any]]

NUMBER: Mapping[str, Callable[[Values], float]] = {
    "average": lambda values: float(values.mean()),
    "max": lambda values: float(values.max()),
    "min": lambda values: float(values.min()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What makes a consensus, and how objects become one; the words are those of the block's parameters.

    Attributes:
        votes: How many sources have to see an object.
        least_confidence: How sure the merged object has to be.
        confidence: How confidences are merged, and whose class counts.
        coordinates: How boxes are merged.
        mask: How masks are merged.
    """

    votes: int
    least_confidence: float
    confidence: str
    coordinates: str
    mask: str


def detections_consensus(
    predictions_batches: Sequence[Detections],
    *,
    required_votes: int,
    class_aware: bool,
    iou_threshold: float,
    confidence: float,
    classes_to_consider: Sequence[str] | None,
    required_objects: int | Mapping[str, int] | None,
    presence_confidence_aggregation: str,
    detections_merge_confidence_aggregation: str,
    detections_merge_coordinates_aggregation: str,
    detections_merge_mask_aggregation: str,
) -> dict[str, Any]:
    """Merge the objects that at least ``required_votes`` of the sources see in one place.

    Each object, source by source, is joined by the object of every other source whose box overlaps its own most, by
    more than ``iou_threshold``; an object joins once. What is merged is kept when it is sure enough.

    Raises:
        BlockError: The sources looked at different images.
    """
    sources = [_of_classes(table, classes_to_consider) for table in predictions_batches]
    rows = _below_each_other(sources)
    origin = np.repeat(np.arange(len(sources)), [len(table) for table in sources])
    overlap = _overlap(rows, iou_threshold, class_aware=class_aware)
    rules = Rules(
        votes=required_votes,
        least_confidence=confidence,
        confidence=detections_merge_confidence_aggregation,
        coordinates=detections_merge_coordinates_aggregation,
        mask=detections_merge_mask_aggregation,
    )
    found = detections.merge([rows.select([]), *_agreed(rows, origin, overlap, rules)])
    sure = _presence(found, NUMBER[presence_confidence_aggregation], required_objects, class_aware=class_aware)
    return {"predictions": found, "object_present": bool(sure), "presence_confidence": sure}


def _of_classes(table: Detections, names: Sequence[str] | None) -> Detections:
    if not names:
        return table
    return table.select(np.array([name in names for name in detections.class_names(table)], dtype=np.bool_))


def _below_each_other(sources: Sequence[Detections]) -> Detections:
    """Return the rows of all sources in one table, with empty masks where only others have some."""
    columns = [detections.column(table, "parent_id") for table in sources]
    parents = {str(id) for column in columns if column is not None for id in column}
    if len(parents) > 1:
        message = f"The sources looked at different images: {', '.join(sorted(parents))}."
        raise BlockError(message, hint="Give all models the same image.", whose="author")
    masked = next((table.mask for table in sources if table.mask is not None and len(table)), None)
    if masked is not None:
        sources = [detections.with_masks(table, masks.image_size(masked)) for table in sources]
    rows = detections.merge(sources)
    return detections.replace(rows, metadata={**rows.metadata, "prediction_type": "object-detection"})


def _overlap(rows: Detections, threshold: float, *, class_aware: bool) -> Values:
    """Return the IoU of all boxes with each other, 0 where two cannot be the same object."""
    overlap = np.asarray(box_iou_batch(rows.xyxy, rows.xyxy), dtype=np.float64)
    overlap[overlap <= threshold] = 0
    if class_aware:
        names = np.array(detections.class_names(rows), dtype=object)
        overlap[names[:, np.newaxis] != names] = 0
    return overlap


def _agreed(rows: Detections, origin: NDArray[np.int64], overlap: Values, rules: Rules) -> Iterator[Detections]:
    """Yield what objects become that enough sources see, in the order of the first of them; each is used once."""
    free = np.ones(len(rows), dtype=np.bool_)
    for row in range(len(rows)):
        group = [row, *_partners(overlap[row] * free, origin, int(origin[row]))]
        if free[row] and len(group) >= rules.votes:
            one = _as_one(rows.select(group), rules)
            if one.confidence is not None and one.confidence[0] >= rules.least_confidence:
                free[group] = False
                yield one


def _partners(overlap: Values, origin: NDArray[np.int64], own: int) -> list[int]:
    """Return the row of every other source that overlaps most, in the order of the sources."""
    best = []
    for source in range(int(origin[-1]) + 1):
        shares = np.where(origin == source, overlap, 0)
        if source != own and shares.any():
            best.append(int(shares.argmax()))
    return best


def _as_one(group: Detections, rules: Rules) -> Detections:
    assert group.confidence is not None
    assert group.class_id is not None
    row = int(VOTED[rules.confidence](group))
    box, mask = BOX[rules.coordinates](group), None
    if group.mask is not None:
        size = masks.image_size(group.mask)
        window = MASK[rules.mask]([masks.window(group.mask, index) for index in range(len(group))])
        extent, mask = masks.extent(window), masks.from_windows([window], size)
        box = (
            box if extent is None else np.array(extent, dtype=np.float64) - (0, 0, 1, 1)
        )  # up to the last pixel itself
    first = group.select([row])
    merged = detections.replace(
        first,
        xyxy=box[np.newaxis],
        mask=mask,
        confidence=np.array([NUMBER[rules.confidence](group.confidence)]),
        tracker_id=None,
        data={name: first.data[name] for name in ("class_name", "parent_id") if name in first.data},
    )
    return detections.with_column(merged, "detection_id", detections.fresh_ids(1))


def _most_voted(group: Detections) -> int:
    assert group.class_id is not None
    classes = list(zip(detections.class_names(group), group.class_id.tolist(), strict=True))
    return classes.index(Counter(classes).most_common(1)[0][0])


def _surest(group: Detections) -> int:
    assert group.confidence is not None
    return int(group.confidence.argmax())


def _least_sure(group: Detections) -> int:
    assert group.confidence is not None
    return int(group.confidence.argmin())


def _largest(windows: Sequence[masks.Window]) -> masks.Window:
    return max(windows, key=lambda window: np.count_nonzero(window[0]))


def _smallest(windows: Sequence[masks.Window]) -> masks.Window:
    return min(windows, key=lambda window: np.count_nonzero(window[0]))


VOTED: Mapping[str, Callable[[Detections], int]] = {"average": _most_voted, "max": _surest, "min": _least_sure}
BOX: Mapping[str, Callable[[Detections], Values]] = {
    "average": lambda group: group.xyxy.mean(axis=0),
    "max": lambda group: group.xyxy[group.box_area.argmax()],
    "min": lambda group: group.xyxy[group.box_area.argmin()],
}
MASK: Mapping[str, Callable[[Sequence[masks.Window]], masks.Window]] = {
    "union": masks.union,
    "intersection": masks.intersection,
    "max": _largest,
    "min": _smallest,
}


def _presence(
    found: Detections,
    aggregate: Callable[[Values], float],
    required: int | Mapping[str, int] | None,
    *,
    class_aware: bool,
) -> dict[str, float]:
    """Return how sure it is that the required objects are there: by class, or for any; empty when they are not."""
    names = detections.class_names(found)
    counts = Counter(names)
    by_class = required if isinstance(required, Mapping) and class_aware else {}
    total = sum(required.values()) if isinstance(required, Mapping) else required or 0
    lacking = any(counts[name] < number for name, number in by_class.items())
    if found.confidence is None or len(found) < max(total, 1) or lacking:
        return {}
    if not class_aware:
        return {"any_object": aggregate(found.confidence)}
    of = np.array(names, dtype=object)
    return {name: aggregate(found.confidence[of == name]) for name in counts}
