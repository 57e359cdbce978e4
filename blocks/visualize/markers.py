"""Mark every object with a shape."""

from __future__ import annotations

from typing import Unpack

from supervision import (
    BoxCornerAnnotator,
    CircleAnnotator,
    ColorLookup,
    DotAnnotator,
    EllipseAnnotator,
    TriangleAnnotator,
)

from blocks.visualize.anchors import position as position_of
from blocks.visualize.palettes import Coloring, row_colors
from workflow_engine.api import Detections, Image, colors


def circle_visualization(
    image: Image,
    predictions: Detections,
    *,
    thickness: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw the circle through the corners of every box."""
    palette = row_colors(predictions, **coloring)
    annotator = CircleAnnotator(palette, thickness=thickness, color_lookup=ColorLookup.INDEX)
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def corner_visualization(
    image: Image,
    predictions: Detections,
    *,
    thickness: int,
    corner_length: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw the four corners of every box, each arm ``corner_length`` pixels long."""
    palette = row_colors(predictions, **coloring)
    annotator = BoxCornerAnnotator(
        palette, thickness=thickness, corner_length=corner_length, color_lookup=ColorLookup.INDEX
    )
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def dot_visualization(
    image: Image,
    predictions: Detections,
    *,
    position: str,
    radius: int,
    outline_thickness: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw a filled dot at the ``position`` of every object, with a black outline when that has a thickness."""
    palette = row_colors(predictions, **coloring)
    annotator = DotAnnotator(
        palette,
        radius=radius,
        position=position_of(position, predictions),
        color_lookup=ColorLookup.INDEX,
        outline_thickness=outline_thickness,
    )
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def ellipse_visualization(
    image: Image,
    predictions: Detections,
    *,
    thickness: int,
    start_angle: int,
    end_angle: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw the arc of a flat ellipse around the foot of every box, between two angles, clockwise in degrees."""
    palette = row_colors(predictions, **coloring)
    annotator = EllipseAnnotator(
        palette,
        thickness=thickness,
        start_angle=start_angle,
        end_angle=end_angle,
        color_lookup=ColorLookup.INDEX,
    )
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def triangle_visualization(
    image: Image,
    predictions: Detections,
    *,
    position: str,
    base: int,
    height: int,
    outline_thickness: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Draw a triangle that points down at the ``position`` of every object, with a black outline when that is thick."""
    palette = row_colors(predictions, **coloring)
    annotator = TriangleAnnotator(
        palette,
        base=base,
        height=height,
        position=position_of(position, predictions),
        color_lookup=ColorLookup.INDEX,
        outline_thickness=outline_thickness,
    )
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}
