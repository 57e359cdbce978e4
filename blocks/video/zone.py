"""Measure how long objects stay in a zone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from supervision import polygon_to_mask

from blocks.video.state import MOST_TRACKS, anchors, track_ids, tracked, zone_polygons
from workflow_engine.api import BlockError, Detections, Image, Recent, VideoMetadata, detections

LARGEST = 1 << 26
"""Pixels that a zone may reach over, from the image's corner on."""


class TimeInZone:
    """Remembers when each track came into the zone, per video. The zone may change from frame to frame."""

    def __init__(self) -> None:
        self._entries: Recent[str, Recent[int, float]] = Recent()
        self._masks: Recent[bytes, NDArray[np.bool_]] = Recent(most=8)

    def __call__(
        self,
        image: Image,
        metadata: VideoMetadata | None,
        predictions: Detections,
        *,
        zone: Sequence[Any],
        triggering_anchor: str,
        remove_out_of_zone_detections: bool,
        reset_out_of_zone_detections: bool,
    ) -> dict[str, Detections]:
        """Add the column ``time_in_zone``, in seconds; 0 outside.

        A row is inside when its anchor, rounded to a pixel, lies in one of the polygons or on its border.

        Raises:
            BlockError: The objects are not tracked, the zone is no polygon, or the anchor needs masks.
        """
        tracks = track_ids(predictions)
        video = metadata or image.video_metadata()
        entries = self._entries.of(video.video_identifier, lambda: Recent(MOST_TRACKS))
        inside = self._inside(anchors(predictions, triggering_anchor), zone)
        seconds = np.zeros(len(tracks))
        for row, track in enumerate(tracks):
            if inside[row]:
                seconds[row] = video.time - entries.of(track, lambda: video.time)
            elif reset_out_of_zone_detections:
                entries.forget(track)
        timed = detections.with_column(tracked(predictions), "time_in_zone", seconds)
        return {"timed_detections": timed.select(inside) if remove_out_of_zone_detections else timed}

    def _inside(self, places: NDArray[np.float64], zone: Sequence[Any]) -> NDArray[np.bool_]:
        pixels = np.rint(places).astype(np.int64)
        inside = np.zeros(len(pixels), dtype=np.bool_)
        for polygon in zone_polygons(zone):
            mask = self._masks.of(polygon.tobytes(), partial(_mask, polygon))
            within = ((pixels >= 0) & (pixels < mask.shape[::-1])).all(axis=1)
            inside[within] |= mask[pixels[within, 1], pixels[within, 0]]
        return inside


def _mask(polygon: NDArray[np.float64]) -> NDArray[np.bool_]:
    width, height = (int(edge) + 2 for edge in polygon.max(axis=0).clip(-2))
    if width * height > LARGEST:
        message = f"The zone reaches to ({width}, {height}), far outside any image."
        raise BlockError(message, code="bad_value", whose="caller")
    return np.asarray(polygon_to_mask(polygon, resolution_wh=(width, height)), dtype=np.bool_)
