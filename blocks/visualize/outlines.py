"""Draw where objects are: masks, outlines and boxes."""

from __future__ import annotations

from typing import Unpack

import cv2
import numpy as np
from supervision import ColorAnnotator, ColorLookup, RoundBoxAnnotator

from blocks.visualize.palettes import Coloring, row_colors
from blocks.visualize.regions import largest_first, regions
from workflow_engine.api import Detections, Image, colors, masks


def mask_visualization(
    image: Image,
    predictions: Detections,
    *,
    opacity: float,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Tint the pixels of every mask, each once: where masks overlap, the smallest object shows."""
    palette = row_colors(predictions, **coloring)
    drawn, size = colors.colored(image.pixels), (image.height, image.width)
    if predictions.mask is not None:
        free = np.ones(size, dtype=np.bool_)
        for region in regions(predictions, size, order=reversed(largest_first(predictions))):
            shows = region.inside & free[region.where]
            if shows.any():
                part, mixed = drawn[region.where], colors.filled(shows.shape, palette.by_idx(region.index))
                cv2.addWeighted(mixed, opacity, part, 1 - opacity, 0, dst=mixed)
                colors.cover(part, shows, mixed)
                free[region.where] ^= shows
    return {"image": image.with_pixels(drawn)}


def polygon_visualization(
    image: Image,
    predictions: Detections,
    *,
    thickness: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw the outline of every part of every mask; the boxes of objects that have no masks."""
    if predictions.mask is None:
        return bounding_box_visualization(image, predictions, thickness=thickness, roundness=0, **coloring)
    palette = row_colors(predictions, **coloring)
    drawn = colors.colored(image.pixels)
    for index in range(len(predictions)):
        # A line or a point is no polygon.
        outlines = [outline for outline in masks.contours(predictions.mask, index) if len(outline) > 2]
        cv2.polylines(drawn, outlines, True, palette.by_idx(index).as_bgr(), thickness)
    return {"image": image.with_pixels(drawn)}


def bounding_box_visualization(
    image: Image,
    predictions: Detections,
    *,
    thickness: int,
    roundness: float,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw every box, with corners rounded by the share ``roundness`` of half its shorter side."""
    palette, drawn = row_colors(predictions, **coloring), colors.colored(image.pixels)
    if roundness > 0:
        rounded = RoundBoxAnnotator(palette, thickness=thickness, color_lookup=ColorLookup.INDEX, roundness=roundness)
        return {"image": image.with_pixels(rounded.annotate(drawn, predictions))}
    # What supervision's annotator draws, in a third of its time.
    for (x1, y1, x2, y2), color in zip(predictions.xyxy.astype(int).tolist(), palette.colors, strict=True):
        cv2.rectangle(drawn, (x1, y1), (x2, y2), color.as_bgr(), thickness)
    return {"image": image.with_pixels(drawn)}


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
