"""Draw where objects are: masks, outlines and boxes."""

from __future__ import annotations

from typing import Unpack

from supervision import (
    BoxAnnotator,
    ColorAnnotator,
    ColorLookup,
    MaskAnnotator,
    PolygonAnnotator,
    RoundBoxAnnotator,
)

from blocks.visualize.palettes import Coloring, row_colors
from workflow_engine.api import Detections, Image, colors


def mask_visualization(
    image: Image,
    predictions: Detections,
    *,
    opacity: float,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Tint the pixels of every mask, larger ones first, so that a small object shows on a large one."""
    palette = row_colors(predictions, **coloring)
    annotator = MaskAnnotator(palette, opacity=opacity, color_lookup=ColorLookup.INDEX)
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def polygon_visualization(
    image: Image,
    predictions: Detections,
    *,
    thickness: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw the outline of every part of every mask; the boxes of objects that have no masks."""
    palette = row_colors(predictions, **coloring)
    annotate = BoxAnnotator if predictions.mask is None else PolygonAnnotator
    annotator = annotate(palette, thickness=thickness, color_lookup=ColorLookup.INDEX)
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def bounding_box_visualization(
    image: Image,
    predictions: Detections,
    *,
    thickness: int,
    roundness: float,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw every box, with corners rounded by the share ``roundness`` of half its shorter side."""
    palette = row_colors(predictions, **coloring)
    annotator = (
        RoundBoxAnnotator(palette, thickness=thickness, color_lookup=ColorLookup.INDEX, roundness=roundness)
        if roundness > 0
        else BoxAnnotator(palette, thickness=thickness, color_lookup=ColorLookup.INDEX)
    )
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def color_visualization(
    image: Image,
    predictions: Detections,
    *,
    opacity: float,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Fill every box with its colour."""
    palette = row_colors(predictions, **coloring)
    annotator = ColorAnnotator(palette, opacity=opacity, color_lookup=ColorLookup.INDEX)
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}
