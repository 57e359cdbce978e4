"""Count the objects that cross a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from supervision import LineZone, Point, Position

from blocks.video.state import Frame, anchor_position, anchors, points, track_ids, tracked, video_id
from workflow_engine.api import BlockError, Detections, Recent

CORNERS = (Position.TOP_LEFT, Position.TOP_RIGHT, Position.BOTTOM_LEFT, Position.BOTTOM_RIGHT)


class LineCounter:
    """Counts the tracks that change from one side of a line to the other.

    A track is on a side when all its anchors are, between the perpendiculars at the line's ends; a change to the left,
    seen from the line's first point to its second, is a way in, one to the right a way out. The line is that of a
    video's first frame, and the counts go on for the whole video.
    """

    def __init__(self) -> None:
        self._lines: Recent[str, LineZone] = Recent()

    def __call__(
        self,
        image: Frame,
        predictions: Detections,
        *,
        line_segment: Sequence[Any],
        triggering_anchor: str | None,
    ) -> dict[str, Any]:
        """Look at the next frame.

        Raises:
            BlockError: The objects are not tracked, the line is no line, or the anchor needs masks.
        """
        track_ids(predictions)
        if triggering_anchor is not None:
            anchors(predictions, triggering_anchor)
        line = self._lines.of(video_id(image), lambda: _line(line_segment, triggering_anchor))
        table = tracked(predictions)
        crossed_in, crossed_out = line.trigger(table)
        return {
            "count_in": line.in_count,
            "count_out": line.out_count,
            "detections_in": table.select(np.asarray(crossed_in, dtype=np.bool_)),
            "detections_out": table.select(np.asarray(crossed_out, dtype=np.bool_)),
        }


def _line(segment: Sequence[Any], anchor: str | None) -> LineZone:
    ends = points(segment, what="The line", least=2)
    if len(ends) > 2:
        raise BlockError(f"The line must have two points; found {len(ends)}.", code="bad_value", whose="caller")
    watched = CORNERS if anchor is None else (anchor_position(anchor),)
    return LineZone(start=Point(*ends[0]), end=Point(*ends[1]), triggering_anchors=watched)
