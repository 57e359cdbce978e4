"""The table of detected objects: supervision's ``Detections`` with the columns that this engine adds to it.

Beside the core columns (``xyxy`` in absolute pixels, ``mask``, ``confidence``, ``class_id``, ``tracker_id``) a table
built here has, per row in ``data``, ``class_name``, ``detection_id`` and ``parent_id`` (of the image the row was found
on), and for the whole table in ``metadata``, ``ancestry`` (of that image), ``prediction_type`` and ``inference_id``.
Blocks add columns of their own. Rows are selected with supervision's own indexing (``table.select(rows)`` or
``table[rows]``), which keeps both. A table is never changed in place: every function returns another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import ArrayLike, NDArray
from supervision import Detections
from supervision.detection.compact_mask import CompactMask

from workflow_engine.vision import masks as mask_tools
from workflow_engine.vision.image import Ancestry
from workflow_engine.vision.masks import Masks

__all__ = [
    "Detections",
    "ancestry_of",
    "build",
    "class_names",
    "column",
    "crop",
    "detection_ids",
    "empty",
    "fresh_ids",
    "image_size",
    "merge",
    "placed",
    "replace",
    "to_root",
    "with_ancestry",
    "with_column",
    "with_masks",
]

Column = Sequence[Any] | NDArray[Any]

# Columns that hold (x, y) positions in the image, and so move with the boxes. Entries may be ragged lists of points.
POSITIONS = ("polygon", "rect", "keypoints_xy", "xyxyxyxy")


def build(
    xyxy: ArrayLike,
    *,
    ancestry: Ancestry,
    class_id: ArrayLike,
    class_names: Sequence[str],
    confidence: ArrayLike,
    mask: Masks | None = None,
    prediction_type: str = "instance-segmentation",
    inference_id: str | None = None,
    detection_ids: Sequence[str] | None = None,
    tracker_id: ArrayLike | None = None,
    columns: Mapping[str, Column] | None = None,
) -> Detections:
    """Return the table of objects found on the image that ``ancestry`` describes.

    Args:
        xyxy: Boxes (N, 4) as x1, y1, x2, y2 in that image's pixels.
        ancestry: Where the image comes from.
        class_id: Class of each row, (N,).
        class_names: Name of each row's class, N texts.
        confidence: How sure each row is, (N,), 0 to 1.
        mask: N masks in that image, or ``None``.
        prediction_type: What kind of model the rows come from.
        inference_id: Names the prediction; a fresh one when ``None``.
        detection_ids: Names of the rows; fresh ones when ``None``.
        tracker_id: Track of each row, (N,), or ``None``.
        columns: Added columns, as ``with_columns`` takes them; one may take the place of those that there always are.
    """
    boxes = np.asarray(xyxy, dtype=np.float64).reshape(-1, 4)
    count = len(boxes)
    return Detections(
        xyxy=boxes,
        mask=mask,
        confidence=np.asarray(confidence, dtype=np.float64).reshape(count),
        class_id=np.asarray(class_id, dtype=np.int64).reshape(count),
        tracker_id=None if tracker_id is None else np.asarray(tracker_id, dtype=np.int64).reshape(count),
        data={
            "class_name": _objects(class_names),
            "detection_id": _objects(fresh_ids(count) if detection_ids is None else detection_ids),
            "parent_id": _objects([ancestry.id] * count),
            **_stored(columns or {}, count),
        },
        metadata={
            "ancestry": ancestry,
            "prediction_type": prediction_type,
            "inference_id": inference_id or str(uuid4()),
        },
    )


def empty(ancestry: Ancestry, *, prediction_type: str = "instance-segmentation", masks: bool = False) -> Detections:
    """Return a table without rows for the image that ``ancestry`` describes, with a mask column if ``masks``."""
    return build(
        [],
        ancestry=ancestry,
        class_id=[],
        class_names=[],
        confidence=[],
        mask=mask_tools.from_windows([], ancestry.size) if masks else None,
        prediction_type=prediction_type,
    )


def fresh_ids(count: int) -> list[str]:
    """Return new random ids for rows."""
    return [str(uuid4()) for _ in range(count)]


def ancestry_of(table: Detections) -> Ancestry | None:
    """Return where the image that the rows were found on comes from; ``None`` for a table that does not know."""
    ancestry = table.metadata.get("ancestry")
    return ancestry if isinstance(ancestry, Ancestry) else None


def image_size(table: Detections) -> tuple[int, int] | None:
    """Return (height, width) of the image that the rows were found on; ``None`` for a table that does not know."""
    ancestry = ancestry_of(table)
    if ancestry is not None:
        return ancestry.size
    return None if table.mask is None else mask_tools.image_size(table.mask)


def class_names(table: Detections) -> list[str]:
    """Return each row's class name; the class id as text where the table has no names."""
    names = column(table, "class_name")
    if names is not None:
        return [str(name) for name in names]
    return [""] * len(table) if table.class_id is None else [str(number) for number in table.class_id.tolist()]


def detection_ids(table: Detections) -> list[str]:
    """Return each row's id; fresh ones for a table that has none."""
    ids = column(table, "detection_id")
    return fresh_ids(len(table)) if ids is None else [str(one) for one in ids]


def column(table: Detections, name: str) -> Column | None:
    """Return an added column by its name, or ``None``."""
    values: Column | None = table.data.get(name)
    return values


def with_column(table: Detections, name: str, values: Column) -> Detections:
    """Return the table with an added column set: an array of N rows, or N values of any kind."""
    return with_columns(table, {name: values})


def with_columns(table: Detections, columns: Mapping[str, Column]) -> Detections:
    """Return the table with added columns set, as ``with_column`` sets one."""
    return replace(table, data={**table.data, **_stored(columns, len(table))})


def _stored(columns: Mapping[str, Column], count: int) -> dict[str, NDArray[Any]]:
    for name, values in columns.items():
        if len(values) != count:
            raise ValueError(f"column {name!r} has {len(values)} values for {count} rows")
    return {name: one if isinstance(one, np.ndarray) else _objects(one) for name, one in columns.items()}


def with_ancestry(table: Detections, ancestry: Ancestry) -> Detections:
    """Return the table as found on another image: its rows get that image's id, their coordinates stay."""
    moved = replace(table, metadata={**table.metadata, "ancestry": ancestry})
    return with_column(moved, "parent_id", [ancestry.id] * len(table))


def with_masks(table: Detections, size: tuple[int, int]) -> Detections:
    """Return the table with a mask column: empty masks of an image of ``size`` (height, width) where it had none."""
    if table.mask is not None:
        return table
    nothing = np.zeros((0, 0), dtype=np.bool_)
    return replace(table, mask=mask_tools.from_windows([(nothing, 0, 0)] * len(table), size))


def replace(table: Detections, **fields: Any) -> Detections:
    """Return a copy with some fields of ``Detections`` changed; ``data`` and ``metadata`` are copied, not shared."""
    kept = {
        "xyxy": table.xyxy,
        "mask": table.mask,
        "confidence": table.confidence,
        "class_id": table.class_id,
        "tracker_id": table.tracker_id,
        "data": dict(table.data),
        "metadata": dict(table.metadata),
    }
    return Detections(**(kept | fields))


def merge(tables: Iterable[Detections]) -> Detections:
    """Return the rows of all tables in one.

    Ancestry and the rest of the metadata are those of the first table that has an ancestry. A column, masks and tracks
    included, is kept when every table with rows has it. Masks are brought to the first one's image size.
    """
    given = list(tables)
    first = next(
        (table for table in given if ancestry_of(table) is not None), given[0] if given else Detections.empty()
    )
    full = [table for table in given if len(table)]
    if not full:
        return replace(first)
    names = [name for name in full[0].data if all(name in table.data for table in full)]
    return Detections(
        xyxy=np.concatenate([table.xyxy for table in full]),
        mask=_merged_masks([table.mask for table in full], image_size(first)),
        confidence=_concatenated([table.confidence for table in full]),
        class_id=_concatenated([table.class_id for table in full]),
        tracker_id=_concatenated([table.tracker_id for table in full]),
        data={name: _stacked([table.data[name] for table in full]) for name in names},
        metadata=dict(first.metadata),
    )


def _merged_masks(masks: Sequence[Masks | None], size: tuple[int, int] | None) -> CompactMask | None:
    known = [mask_tools.compact(mask) for mask in masks if mask is not None]
    if len(known) < len(masks):
        return None
    target = size or known[0].image_shape
    return CompactMask.merge([mask.with_offset(0, 0, target) for mask in known])


def _concatenated(columns: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    known = [values for values in columns if values is not None]
    return np.concatenate(known) if len(known) == len(columns) else None


def _stacked(columns: Sequence[Column]) -> NDArray[Any]:
    """Return columns one below the other: as one array where their rows have one shape, else as an array of objects."""
    arrays = [values for values in columns if isinstance(values, np.ndarray)]
    if len(arrays) == len(columns) and len({values.shape[1:] for values in arrays}) == 1:
        return np.concatenate(arrays)
    return _objects([value for values in columns for value in values])


def _objects(values: Sequence[Any]) -> NDArray[np.object_]:
    """Return a one-dimensional array of the values themselves, however much they look like rows of numbers."""
    stored = np.empty(len(values), dtype=object)
    for index, value in enumerate(values):
        stored[index] = value
    return stored


def crop(table: Detections, index: int, x1: int, y1: int, x2: int, y2: int, ancestry: Ancestry) -> Detections:
    """Return the table of one row as seen in the crop of columns ``x1:x2`` and rows ``y1:y2``.

    Its mask is cut at the crop's border; its box and points may reach beyond it. ``ancestry`` is the crop's own.
    """
    return with_ancestry(_moved(table.select([index]), -x1, -y1, (y2 - y1, x2 - x1)), ancestry)


def placed(table: Detections, x: int, y: int, ancestry: Ancestry) -> Detections:
    """Return the rows of a part as found on the whole: the part lies at (x, y) of the image of this ``ancestry``.

    Masks are cut at that image's border.
    """
    return with_ancestry(_moved(table, x, y, ancestry.size), ancestry)


def to_root(table: Detections) -> Detections:
    """Return the rows in the coordinates of the workflow's own input, as found on it.

    Boxes, masks, key points, polygons and rotated boxes are brought back to the root's scale (boxes and key points
    rounded, masks by nearest neighbour) and moved by the crop's offset. A table without ancestry is returned as it is.
    """
    ancestry = ancestry_of(table)
    if ancestry is None or ancestry.is_root:
        return table
    scaled = table if ancestry.scale == 1.0 else _rescaled(table, 1.0 / ancestry.scale)
    moved = _moved(scaled, *ancestry.root_offset, ancestry.root_size)
    return with_ancestry(moved, Ancestry.root(ancestry.root_id, ancestry.root_size))


def _moved(table: Detections, dx: int, dy: int, size: tuple[int, int]) -> Detections:
    """Return the rows shifted by (dx, dy) pixels in an image of ``size``."""
    shift = np.array([dx, dy])
    return replace(
        table,
        xyxy=table.xyxy + np.tile(shift, 2),
        mask=None if table.mask is None else mask_tools.compact(table.mask).with_offset(dx, dy, size),
        data=table.data | {name: _each(table.data[name], lambda at: at + shift) for name in _positions(table)},
    )


def _rescaled(table: Detections, factor: float) -> Detections:
    """Return the rows in an image ``factor`` times as large."""
    mask = table.mask
    if mask is not None:
        height, width = mask_tools.image_size(mask)
        mask = mask_tools.compact(mask).resize((max(round(height * factor), 1), max(round(width * factor), 1)))
    return replace(
        table,
        xyxy=np.rint(table.xyxy * factor),
        mask=mask,
        data=table.data
        | {name: _each(table.data[name], lambda at: np.rint(at * factor)) for name in _positions(table)},
    )


def _positions(table: Detections) -> list[str]:
    return [name for name in POSITIONS if name in table.data]


def _each(values: Column, change: Callable[[NDArray[Any]], NDArray[Any]]) -> NDArray[Any]:
    """Apply ``change`` to the points of every row, at once where the rows have one shape."""
    if isinstance(values, np.ndarray) and values.dtype != object:
        return change(values)
    return _objects([change(np.asarray(points)) for points in values])
