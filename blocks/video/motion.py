"""How objects move: their speed, and how far they stray from a path."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from blocks.video.state import MOST_TRACKS, Frame, anchors, points, track_ids, video_id
from workflow_engine.api import Detections, Image, Recent, detections

Vector = NDArray[np.float64]
Sighting = tuple[Vector, float, Vector]
"""Where an object was, when, and its smoothed velocity then."""


class Velocity:
    """Remembers where and when each track was last seen, per video."""

    def __init__(self) -> None:
        self._videos: Recent[str, Recent[int, Sighting]] = Recent()

    def __call__(
        self, image: Image, predictions: Detections, *, smoothing_alpha: float, pixels_per_meter: float
    ) -> dict[str, Detections]:
        """Add ``velocity``, ``speed`` and both smoothed, of the centres of boxes, in metres per second.

        At the first sighting of a track, and where no time has passed, they are 0. The smoothed velocity is
        ``smoothing_alpha`` parts of the new one and the rest of the smoothed one before.

        Raises:
            BlockError: The objects are not tracked.
        """
        tracks, now = track_ids(predictions), image.video_metadata().time
        seen = self._videos.of(video_id(image), lambda: Recent(MOST_TRACKS))
        measured = np.zeros((2, len(tracks), 2))
        for row, (track, center) in enumerate(zip(tracks, anchors(predictions, "CENTER"), strict=True)):
            before = seen.get(track)
            velocity = smoothed = np.zeros(2)
            if before is not None:
                place, then, previous = before
                velocity = (center - place) / (now - then) if now > then else velocity
                smoothed = smoothing_alpha * velocity + (1 - smoothing_alpha) * previous
            seen.put(track, (center, now, smoothed))
            measured[:, row] = velocity, smoothed
        columns: dict[str, Vector] = {}
        for name, values in zip(("", "smoothed_"), measured / pixels_per_meter, strict=True):
            columns |= {f"{name}velocity": values, f"{name}speed": np.linalg.norm(values, axis=1)}
        return {"velocity_detections": detections.with_columns(predictions, columns)}


class PathDeviation:
    """Compares the path of each track with a reference, per video."""

    def __init__(self) -> None:
        self._videos: Recent[str, Recent[int, Vector]] = Recent()

    def __call__(
        self, image: Frame, predictions: Detections, *, triggering_anchor: str, reference_path: Sequence[Any]
    ) -> dict[str, Detections]:
        """Add the column ``path_deviation``: the discrete Fréchet distance in pixels of the path so far.

        Raises:
            BlockError: The objects are not tracked, the path is none, or the anchor needs masks.
        """
        reference = points(reference_path, what="The reference path", least=1)
        tracks = track_ids(predictions)
        rows = self._videos.of(video_id(image), lambda: Recent(MOST_TRACKS))
        deviations = np.zeros(len(tracks))
        for index, (track, place) in enumerate(zip(tracks, anchors(predictions, triggering_anchor), strict=True)):
            row = _next_row(rows.get(track), np.linalg.norm(reference - place, axis=1))
            rows.put(track, row)
            deviations[index] = row[-1]
        return {"path_deviation_detections": detections.with_column(predictions, "path_deviation", deviations)}


def _next_row(before: Vector | None, distances: Vector) -> Vector:
    """Return one more row of the table that gives the discrete Fréchet distance in its last corner.

    Eiter and Mannila, "Computing Discrete Fréchet Distance", 1994. A row for each point of the path, a column for each
    of the reference: only the last row is needed to go on, so that a path may be as long as it likes.
    """
    if before is None or len(before) != len(distances):
        return np.maximum.accumulate(distances)
    reached = np.minimum(before, np.concatenate([before[:1], before[:-1]]))
    row = np.empty_like(distances)
    least = np.inf
    for column, distance in enumerate(distances):
        least = row[column] = max(min(reached[column], least), distance)
    return row
