"""Draw where objects have been in the frames before; what was seen is kept for each video by itself."""

from __future__ import annotations

import math
from typing import Unpack

import numpy as np
from numpy.typing import NDArray
from supervision import ColorLookup, HeatMapAnnotator, Position, TraceAnnotator

from blocks.visualize.anchors import anchors
from blocks.visualize.anchors import position as position_of
from blocks.visualize.palettes import Coloring, row_colors
from workflow_engine.api import Detections, Image, Recent, VideoMetadata, colors

MOST_TRACKS = 10_000
PENDING = -1  # the track of an object that its tracker is not sure of yet


class TraceVisualization:
    """Draws the way that every tracked object has come."""

    def __init__(self) -> None:
        self._traces: Recent[tuple[str, Position, int], TraceAnnotator] = Recent()

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        *,
        position: str,
        trace_length: int,
        thickness: int,
        **coloring: Unpack[Coloring],
    ) -> dict[str, Image]:
        """Draw a line through the last ``trace_length`` positions of every track; objects without tracks have none."""
        tracked = _tracked(predictions)
        palette = row_colors(
            tracked,
            **coloring,
        )
        where = position_of(position, tracked)
        key = (image.video_metadata().video_identifier, where, trace_length)
        annotator = self._traces.of(key, lambda: TraceAnnotator(position=where, trace_length=trace_length))
        annotator.color, annotator.color_lookup, annotator.thickness = palette, ColorLookup.INDEX, thickness
        return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), tracked))}


def _tracked(predictions: Detections) -> Detections:
    """Return the objects that have a track."""
    tracks = predictions.tracker_id
    kept = np.zeros(len(predictions), dtype=np.bool_) if tracks is None else tracks != PENDING
    return predictions.select(kept)


class HeatmapVisualization:
    """Draws how often objects have been where."""

    def __init__(self) -> None:
        self._heat: Recent[str, NDArray[np.float32]] = Recent()
        self._last: Recent[tuple[str, int], tuple[float, float]] = Recent(MOST_TRACKS)

    def __call__(
        self,
        image: Image,
        predictions: Detections,
        metadata: VideoMetadata | None,
        *,
        position: str,
        opacity: float,
        radius: int,
        kernel_size: int,
        top_hue: int,
        low_hue: int,
        ignore_stationary: bool,
        motion_threshold: int,
    ) -> dict[str, Image]:
        """Add a disc at every object to what has been seen in this video, and draw the sum in hues.

        With ``ignore_stationary`` an object that has a track adds a disc only when it has moved ``motion_threshold``
        pixels from where it last did; where it was first seen it adds none.
        """
        video = (metadata or image.video_metadata()).video_identifier
        if ignore_stationary and predictions.tracker_id is not None:
            predictions = predictions.select(self._moved(video, predictions, position, motion_threshold))
        annotator = HeatMapAnnotator(Position[position], opacity, radius, kernel_size, top_hue, low_hue)
        annotator.heat_mask = self._heat.get(video)
        drawn = annotator.annotate(colors.colored(image.pixels), predictions)
        if annotator.heat_mask is not None:
            self._heat.put(video, annotator.heat_mask)
        return {"image": image.with_pixels(drawn)}

    def _moved(self, video: str, predictions: Detections, position: str, threshold: int) -> NDArray[np.bool_]:
        """Return which tracks have moved, and remember where they and the new ones are."""
        moved = np.zeros(len(predictions), dtype=np.bool_)
        tracks = () if predictions.tracker_id is None else predictions.tracker_id.tolist()
        for index, (track, (x, y)) in enumerate(zip(tracks, anchors(position, predictions).tolist(), strict=True)):
            if track == PENDING:
                continue
            last = self._last.get((video, track))
            moved[index] = last is not None and math.dist(last, (x, y)) >= threshold
            if moved[index] or last is None:
                self._last.put((video, track), (x, y))
        return moved
