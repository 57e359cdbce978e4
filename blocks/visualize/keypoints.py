"""Draw the key points of objects, or the skeletons that they span."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from supervision import EdgeAnnotator, KeyPoints, VertexAnnotator, VertexLabelAnnotator
from supervision.key_points.skeletons import SKELETONS_BY_VERTEX_COUNT

from workflow_engine.api import BlockError, Detections, Image, colors, detections


def keypoint_visualization(
    image: Image,
    predictions: Detections,
    *,
    annotator_type: str,
    color: str,
    text_color: str,
    text_scale: float,
    text_thickness: int,
    text_padding: int,
    thickness: int,
    radius: int,
    edges: Sequence[Sequence[int]] | None,
) -> dict[str, Image]:
    """Draw a line for each edge, a dot at each point, or the number of each point on a plate.

    Edges are pairs of points, counted from 1. Without ``edges`` an object with as many points as a known skeleton has
    gets that one's, and any other gets none.
    """
    drawn = colors.colored(image.pixels)
    paint = colors.parse_color(color)
    rows = detections.column(predictions, "keypoints_xy")
    for points in () if rows is None else rows:
        row = KeyPoints(xy=np.asarray(points, dtype=np.float32).reshape(1, -1, 2))
        count = row.xy.shape[1]
        if annotator_type == "edge":
            skeleton = _skeleton(edges, count)
            if skeleton:
                drawn = EdgeAnnotator(paint, thickness, skeleton).annotate(drawn, row)
        elif annotator_type == "vertex":
            drawn = VertexAnnotator(paint, radius).annotate(drawn, row)
        else:
            annotator = VertexLabelAnnotator(
                paint,
                text_color=colors.parse_color(text_color),
                text_scale=text_scale,
                text_thickness=text_thickness,
                text_padding=text_padding,
                border_radius=radius,
            )
            drawn = annotator.annotate(drawn, row)
    return {"image": image.with_pixels(drawn)}


def _skeleton(edges: Sequence[Sequence[int]] | None, count: int) -> list[tuple[int, int]]:
    """Return the edges between ``count`` points."""
    if not edges:
        return [(int(a), int(b)) for a, b in SKELETONS_BY_VERTEX_COUNT.get(count, ())]
    pairs = [tuple(edge) for edge in edges]
    for pair in pairs:
        if len(pair) != 2 or not all(1 <= number <= count for number in pair):
            message = f"An edge must be a pair of numbers from 1 to {count}, the number of points; found {list(pair)}."
            raise BlockError(message, code="bad_value", whose="author")
    return [(int(a), int(b)) for a, b in pairs]
