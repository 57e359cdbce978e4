"""Write a label beside every object."""

from __future__ import annotations

from supervision import ColorLookup, LabelAnnotator, Position

from blocks.visualize.label_texts import label_texts
from blocks.visualize.palettes import row_colors
from workflow_engine.api import Detections, Image, colors

REFERENCE_HEIGHT = 1080
SMALLEST, LARGEST = 0.3, 4.0


def label_visualization(
    image: Image,
    predictions: Detections,
    *,
    text: str,
    text_position: str,
    text_color: str,
    text_size_mode: str,
    text_scale: float,
    text_thickness: int,
    text_padding: int,
    border_radius: int,
    color_palette: str,
    palette_size: int,
    custom_colors: list[str],
    color_axis: str,
) -> dict[str, Image]:
    """Write ``text`` on a coloured plate at the ``text_position`` of every box, or at the centre of its mask's mass."""
    palette = row_colors(
        predictions,
        color_palette=color_palette,
        palette_size=palette_size,
        custom_colors=custom_colors,
        color_axis=color_axis,
    )
    annotator = LabelAnnotator(
        palette,
        color_lookup=ColorLookup.INDEX,
        text_color=colors.parse_color(text_color),
        text_scale=_fitted(text_scale, image) if text_size_mode == "Automatic" else text_scale,
        text_thickness=text_thickness,
        text_padding=text_padding,
        text_position=_position(text_position, predictions),
        border_radius=border_radius,
    )
    labels = label_texts(predictions, text)
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions, labels))}


def _fitted(scale: float, image: Image) -> float:
    """Return the scale that makes a label look as large as ``scale`` does in an image of 1080 rows, within reason."""
    return min(max(scale * min(image.height, image.width) / REFERENCE_HEIGHT, SMALLEST), LARGEST)


def _position(name: str, predictions: Detections) -> Position:
    position = Position[name]
    return Position.CENTER if position is Position.CENTER_OF_MASS and predictions.mask is None else position
