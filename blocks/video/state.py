"""What blocks that follow a video have in common: which video a frame is of, and which track a row is of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from supervision import Position

from workflow_engine.api import BlockError, Detections, Image, VideoMetadata, detections

Frame: TypeAlias = Image | VideoMetadata
"""A frame, or what is known of it: the ecosystem's first versions of these blocks take only that."""

MOST_TRACKS = 4096
"""Tracks per video that a block remembers; beyond these it forgets the one unseen longest."""


def video_of(frame: Frame) -> VideoMetadata:
    """Return which frame of which video it is."""
    return frame.video_metadata() if isinstance(frame, Image) else frame


def video_id(frame: Frame) -> str:
    """Return the name of the video."""
    return video_of(frame).video_identifier


def track_ids(table: Detections) -> list[int]:
    """Return the track of every row.

    Raises:
        BlockError: There are rows, and they have no tracks.
    """
    if table.tracker_id is not None:
        return [int(track) for track in table.tracker_id]
    if len(table):
        hint = "Put a tracker, such as ByteTrack, in front of this step."
        raise BlockError("The objects are not tracked.", hint=hint, code="untracked", whose="author")
    return []


def tracked(table: Detections) -> Detections:
    """Return the table with a column of tracks, which one without rows may lack."""
    if table.tracker_id is not None or len(table):
        return table
    return detections.replace(table, tracker_id=np.zeros(0, dtype=np.int64))


def anchors(table: Detections, name: str) -> NDArray[np.float64]:
    """Return the point (x, y) of every row that ``name`` stands for: a point of its box, or its mask's centre.

    Raises:
        BlockError: The centre of masks is asked for, and there are none.
    """
    if not len(table):
        return np.zeros((0, 2))
    position = anchor_position(name)
    if position == Position.CENTER_OF_MASS and table.mask is None:
        hint = "Choose a point of the box, or use an instance segmentation model."
        raise BlockError("CENTER_OF_MASS is the centre of a mask, and the objects have none.", hint=hint)
    return np.asarray(table.get_anchors_coordinates(position), dtype=np.float64)


def anchor_position(name: str) -> Position:
    """Return supervision's word for an anchor.

    Raises:
        BlockError: There is no such anchor.
    """
    known = [position.value for position in Position]
    if name not in known:
        message = f"{name!r} is no anchor; the anchors are {', '.join(known)}."
        raise BlockError(message, code="bad_value", whose="caller")
    return Position(name)


def points(value: Any, *, what: str, least: int) -> NDArray[np.float64]:
    """Return a list of [x, y] as an array (N, 2).

    Args:
        value: The list, from a literal or a run.
        what: What it is, for the message.
        least: How many points there must be.

    Raises:
        BlockError: It is not such a list.
    """
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        array = np.zeros(0)
    if array.ndim != 2 or array.shape[1] != 2 or len(array) < least or not np.isfinite(array).all():
        message = f"{what} must be a list of {least} or more points [x, y]; found {value!r:.80}."
        raise BlockError(message, code="bad_value", whose="caller")
    return array


def zone_polygons(zone: Sequence[Any]) -> list[NDArray[np.float64]]:
    """Return the polygons (N, 2) of a zone, which is one or a list of them; an empty list is no zone.

    Raises:
        BlockError: One of them is no polygon.
    """
    several = all(_is_list(part) and _is_list(part[0]) for part in zone)
    polygons = zone if several else [zone]
    return [points(polygon, what="A zone", least=3) for polygon in polygons]


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence | np.ndarray) and not isinstance(value, str) and len(value) > 0
