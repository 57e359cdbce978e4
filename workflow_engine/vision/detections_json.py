"""The table of detected objects as JSON and back, in the form that the ecosystem's clients read and send."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeAlias
from uuid import uuid4

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError
from supervision import Detections
from supervision.detection.compact_mask import CompactMask
from typing_extensions import TypedDict

from workflow_engine.errors import pointer
from workflow_engine.faults import misfits
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Column
from workflow_engine.vision.image import FARTHEST, Ancestry
from workflow_engine.vision.plain import plain
from workflow_engine.vision.refusals import refusal

Row: TypeAlias = dict[str, Any]
Size: TypeAlias = tuple[int, int]

# Bounded, so that sums of two stay numbers and positions fit the integers of masks.
Number = Annotated[float, Strict(), Field(allow_inf_nan=False, ge=-1e300, le=1e300)]
Whole = Annotated[int, Strict(), Field(ge=-(2**53), le=2**53)]
Place = Annotated[int, Strict(), Field(ge=-FARTHEST, le=FARTHEST)]
Length = Annotated[int, Strict(), Field(gt=0, le=FARTHEST)]
Text = Annotated[str, Strict()]
Pair = Annotated[list[Number], Field(min_length=2, max_length=2)]

# Columns that are written as they are, in the order of the form: before a row's polygon, and after its key points.
FIRST = ("path_deviation", "time_in_zone")
LAST = (
    "data",
    "velocity",
    "speed",
    "smoothed_velocity",
    "smoothed_speed",
    "area_px",
    "area_converted",
    "nearest_target_distance",
)
ROTATED = ("angle", "rect", "height", "width")
# Columns whose values are kept as they come, because rows differ in shape or may be null.
OBJECTS = ("polygon", "data", "nearest_target_distance")
KEYPOINTS = ("keypoints_class_id", "keypoints_class_name", "keypoints_confidence", "keypoints_xy")


def to_json(table: Detections, *, rle: bool = False) -> dict[str, Any]:
    """Return ``{"image": {"width", "height"}, "predictions": [row, …]}``.

    Rows have the box as its centre and size. A mask is written as the vertices of its largest outline (``points``), or
    with ``rle`` as COCO run lengths of the whole image (``rle_mask``). A mask without foreground has no points.
    """
    height, width = detections.image_size(table) or (None, None)
    names, ids = detections.class_names(table), detections.detection_ids(table)
    return {
        "image": {"width": width, "height": height},
        "predictions": [_row(table, index, names[index], ids[index], rle) for index in range(len(table))],
    }


def _row(table: Detections, index: int, name: str, detection_id: str, rle: bool) -> Row:
    x1, y1, x2, y2 = table.xyxy[index].tolist()
    width, height = float(abs(x2 - x1)), float(abs(y2 - y1))
    row: Row = {
        "width": width,
        "height": height,
        "x": x1 + width / 2,
        "y": y1 + height / 2,
        "confidence": None if table.confidence is None else float(table.confidence[index]),
        "class_id": None if table.class_id is None else int(table.class_id[index]),
    }
    if table.mask is not None and not rle:
        row["points"] = [{"x": x, "y": y} for x, y in zip(*_outline(table, index), strict=True)]
    if table.tracker_id is not None:
        row["tracker_id"] = int(table.tracker_id[index])
    row |= {"class": name, "detection_id": detection_id}
    row |= _members(table, index, FIRST)
    if "polygon" in table.data:
        row["polygon"] = np.rint(np.asarray(table.data["polygon"][index])).astype(int).tolist()
    if all(column in table.data for column in ROTATED):
        row |= _members(table, index, ROTATED)
    row |= _parentage(table, index)
    if all(column in table.data for column in KEYPOINTS):
        row["keypoints"] = _keypoints(table, index)
    row |= _members(table, index, LAST)
    if table.mask is not None and rle:
        row["rle_mask"] = masks.to_rle(table.mask, index)
    return row


def _members(table: Detections, index: int, names: Sequence[str]) -> Row:
    return {name: plain(table.data[name][index]) for name in names if name in table.data}


def _outline(table: Detections, index: int) -> tuple[list[float], list[float]]:
    """Return the x and the y of each vertex of a mask's outline."""
    given = table.data["polygon"][index] if "polygon" in table.data else ()
    if len(given) > 2:
        points = np.asarray(given, dtype=np.float64)
    else:
        assert table.mask is not None
        points = masks.outline(table.mask, index).astype(np.float64)
    x, y = points.T.tolist()
    return x, y


def _parentage(table: Detections, index: int) -> Row:
    """Return the row's ``parent_id`` and, for another image than the root, where that lies as far as it is known."""
    ancestry, column = detections.ancestry_of(table), detections.column(table, "parent_id")
    if column is None:
        return {}
    parent_id = str(column[index])
    if ancestry is None or parent_id == ancestry.root_id:
        return {"parent_id": parent_id}
    if ancestry.is_root:
        return {"parent_id": parent_id, "root_parent_id": ancestry.root_id}
    return {
        "parent_id": parent_id,
        "parent_origin": ancestry.parent_origin,
        "root_parent_id": ancestry.root_id,
        "root_parent_origin": ancestry.root_origin,
    }


def _keypoints(table: Detections, index: int) -> list[Row]:
    class_ids, names, confidences, places = (plain(table.data[column][index]) for column in KEYPOINTS)
    return [
        {"class_id": class_id, "class": name, "confidence": confidence, "x": x, "y": y}
        for class_id, name, confidence, (x, y) in zip(class_ids, names, confidences, places, strict=True)
        if name is not None
    ]


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Image(_Model):
    width: Length | None
    height: Length | None


class _Point(TypedDict):
    x: Number
    y: Number


class _Keypoint(_Model):
    x: Number
    y: Number
    class_id: Whole
    class_name: Text = Field(alias="class")
    confidence: Number


class _Origin(_Model):
    offset_x: Place
    offset_y: Place
    width: Length
    height: Length


class _Rle(_Model):
    size: list[Whole]
    counts: Text | bytes | list[Whole]


class _Row(_Model):
    """One row as it is sent; what is not given is told from what is given as null by ``model_fields_set``."""

    x: Number
    y: Number
    width: Number
    height: Number
    confidence: Number
    class_name: Text = Field(alias="class")
    class_id: Whole
    points: list[_Point] | None = None
    rle: _Rle | None = None
    rle_mask: _Rle | None = None
    tracker_id: Whole | None = None
    detection_id: Text = Field(default_factory=lambda: str(uuid4()))
    parent_id: Text | None = None
    parent_origin: _Origin | None = None
    root_parent_id: Text | None = None
    root_parent_origin: _Origin | None = None
    keypoints: list[_Keypoint] = Field(default_factory=list)
    path_deviation: Number = 0.0
    time_in_zone: Number = 0.0
    polygon: list[Pair] = Field(default_factory=list)
    angle: Number = 0.0
    rect: Annotated[list[Pair], Field(min_length=4, max_length=4)] = Field(default_factory=list)
    data: Any = None
    velocity: Pair = Field(default_factory=list)
    speed: Number = 0.0
    smoothed_velocity: Pair = Field(default_factory=list)
    smoothed_speed: Number = 0.0
    area_px: Number = 0.0
    area_converted: Number = 0.0
    nearest_target_distance: Number | None = None

    @property
    def box(self) -> list[float]:
        x1, y1 = self.x - self.width / 2, self.y - self.height / 2
        return [x1, y1, x1 + self.width, y1 + self.height]


class _Table(_Model):
    image: _Image
    predictions: list[_Row]


def from_json(
    value: object, *, name: str, at: str = "", max_pixels: int | None = None, max_rows: int | None = None
) -> Detections:
    """Read a table from its JSON; a table is returned as it is.

    Masks come from ``rle``, ``rle_mask`` or ``points``, and are kept when every row has one; rows with fewer than three
    points are left out. Other optional members are read when the first row has them, and then every row must.

    Args:
        value: The JSON object.
        name: What the image is called when the rows do not say: the input's name.
        at: JSON pointer for errors.
        max_pixels: Largest image that masks are drawn for; ``None`` for no limit.
        max_rows: Most rows; ``None`` for no limit.

    Raises:
        InputError: A member is missing or of the wrong type, or there are too many rows.
    """
    if isinstance(value, Detections):
        return value
    sent = _parsed(value, at)
    if max_rows is not None and len(sent.predictions) > max_rows:
        message = f"The predictions have {len(sent.predictions)} rows; at most {max_rows} are allowed."
        raise refusal(message, at=f"{at}/predictions", code="table_too_large")
    size = _size(sent, at, max_pixels)
    if size is None:
        return detections.replace(detections.empty(Ancestry.root(name, (0, 0))), metadata={})
    rows = [row for row in sent.predictions if row.points is None or len(row.points) > 2]
    if not rows:
        return detections.empty(Ancestry.root(name, size))
    drawn = _masks(rows, size, at)
    return detections.build(
        [row.box for row in rows],
        ancestry=_ancestry(rows, name, size),
        class_id=[row.class_id for row in rows],
        class_names=[row.class_name for row in rows],
        confidence=[row.confidence for row in rows],
        mask=drawn,
        prediction_type="object-detection" if drawn is None else "instance-segmentation",
        detection_ids=[row.detection_id for row in rows],
        tracker_id=_tracks(rows),
        columns={"parent_id": [row.parent_id or name for row in rows], **_extras(rows, at)},
    )


def _parsed(value: object, at: str) -> _Table:
    try:
        return _Table.model_validate(value)
    except ValidationError as error:
        first = next(misfits(error.errors(include_url=False), value))
        place = pointer(*first.location)
        expected = "Predictions were expected as {image: {width, height}, predictions: [rows]}."
        wrong = f"{place} {first.text}" if first.missing else f"At {place or 'the top'}: {first.text}"
        raise refusal(f"{expected} {wrong}.", at=at + place) from None


def _size(sent: _Table, at: str, max_pixels: int | None) -> Size | None:
    height, width = sent.image.height, sent.image.width
    if height is None or width is None:
        if sent.predictions:
            raise refusal(
                "The predictions have rows, so image.width and image.height must be numbers.", at=f"{at}/image"
            )
        return None
    if max_pixels is not None and height * width > max_pixels:
        message = f"The predictions are of an image of {width} x {height} pixels; at most {max_pixels} are allowed."
        raise refusal(message, at=f"{at}/image", code="image_too_large")
    return height, width


def _masks(rows: Sequence[_Row], size: Size, at: str) -> CompactMask | None:
    """Return one mask per row, drawn one after the other, or ``None`` when some row has none."""
    if not all(row.rle or row.rle_mask or row.points for row in rows):
        return None
    return masks.from_windows((_window(row, size, at) for row in rows), size)


def _window(row: _Row, size: Size, at: str) -> masks.Window:
    rle = row.rle or row.rle_mask
    if rle is None:
        return masks.polygon_window([(point["x"], point["y"]) for point in row.points or ()], size)
    try:
        return masks.rle_window(rle.model_dump(), size)
    except ValueError as error:
        raise refusal(f"The row {row.detection_id!r} of the predictions: {error}.", at=f"{at}/predictions") from error


def _tracks(rows: Sequence[_Row]) -> list[int] | None:
    tracks = [row.tracker_id for row in rows if row.tracker_id is not None]
    return tracks if len(tracks) == len(rows) else None


def _ancestry(rows: Sequence[_Row], name: str, size: Size) -> Ancestry:
    """Return the ancestry that the first row tells, provided that every row says where its image lies."""
    first = rows[0]
    if not all(row.parent_origin and row.root_parent_origin for row in rows):
        return Ancestry.root(first.root_parent_id or name, size)
    parent, root = first.parent_origin, first.root_parent_origin
    assert parent is not None
    assert root is not None
    return Ancestry(
        id=first.parent_id or name,
        size=size,
        root_id=first.root_parent_id or name,
        parent_offset=(parent.offset_x, parent.offset_y),
        parent_size=(parent.height, parent.width),
        root_offset=(root.offset_x, root.offset_y),
        root_size=(root.height, root.width),
    )


def _extras(rows: Sequence[_Row], at: str) -> dict[str, Column]:
    """Return the optional columns that the first row has, and ``width`` and ``height``, which all have.

    These two are the sides of the rotated box where the rows have one, else of the box as it was sent.
    """
    given = [
        name for name in (*FIRST, *LAST, "polygon", "angle", "rect", "keypoints") if name in rows[0].model_fields_set
    ]
    for name in given:
        lacking = [row.detection_id for row in rows if name not in row.model_fields_set]
        if lacking:
            message = f"The first row of the predictions has {name!r}, so every row must; row {lacking[0]!r} lacks it."
            raise refusal(message, at=f"{at}/predictions")
    columns: dict[str, Column] = {}
    if "keypoints" in given:
        given.remove("keypoints")
        columns |= _keypoint_columns([row.keypoints for row in rows])
    for name in (*given, "width", "height"):
        values = [getattr(row, name) for row in rows]
        columns[name] = values if name in OBJECTS else np.array(values, dtype=np.float64)
    return columns


def _keypoint_columns(rows: Sequence[Sequence[_Keypoint]]) -> dict[str, Column]:
    """Return the columns of key points, padded to the longest row; padding has no class name."""
    shape = len(rows), max(len(row) for row in rows)
    places, confidences = np.zeros((*shape, 2)), np.zeros(shape)
    class_ids, names = np.full(shape, -1), np.full(shape, None, dtype=object)
    for index, row in enumerate(rows):
        for number, point in enumerate(row):
            places[index, number] = point.x, point.y
            confidences[index, number] = point.confidence
            class_ids[index, number], names[index, number] = point.class_id, point.class_name
    return dict(zip(KEYPOINTS, (class_ids, names, confidences, places), strict=True))
