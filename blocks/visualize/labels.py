"""Write a label beside every object."""

from __future__ import annotations

from typing import Unpack

from supervision import ColorLookup, LabelAnnotator, RichLabelAnnotator

from blocks.visualize.anchors import position
from blocks.visualize.fonts import font_file
from blocks.visualize.label_texts import label_texts
from blocks.visualize.palettes import Coloring, row_colors
from workflow_engine.api import Detections, Image, colors

REFERENCE_HEIGHT = 1080
SMALLEST, LARGEST = 0.3, 5.0
SMALLEST_FONT, LARGEST_FONT = 8, 128


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
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Write ``text`` on a coloured plate at the ``text_position`` of every box, or at the centre of its mask's mass."""
    palette = row_colors(predictions, **coloring)
    annotator = LabelAnnotator(
        palette,
        color_lookup=ColorLookup.INDEX,
        text_color=colors.parse_color(text_color),
        text_scale=_fitted(text_scale, image, SMALLEST, LARGEST) if text_size_mode == "Automatic" else text_scale,
        text_thickness=text_thickness,
        text_padding=text_padding,
        text_position=position(text_position, predictions),
        border_radius=border_radius,
    )
    labels = label_texts(predictions, text)
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions, labels))}


def rich_label_visualization(
    image: Image,
    predictions: Detections,
    *,
    text: str,
    text_position: str,
    text_color: str,
    font_family: str,
    text_size_mode: str,
    font_size: int,
    text_padding: int,
    border_radius: int,
    max_line_length: int | None,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Write ``text`` as ``label_visualization`` does, in smooth letters of a font, in lines of limited length."""
    palette = row_colors(predictions, **coloring)
    fitted = round(_fitted(font_size, image, SMALLEST_FONT, LARGEST_FONT))
    annotator = RichLabelAnnotator(
        palette,
        color_lookup=ColorLookup.INDEX,
        text_color=colors.parse_color(text_color),
        font_path=str(font_file(font_family)),
        font_size=fitted if text_size_mode == "Automatic" else font_size,
        text_padding=text_padding,
        text_position=position(text_position, predictions),
        border_radius=border_radius,
        max_line_length=max_line_length,
    )
    labels = label_texts(predictions, text)
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions, labels))}


def _fitted(size: float, image: Image, smallest: float, largest: float) -> float:
    """Return the size that makes a label look as large as ``size`` does in an image of 1080 rows, within reason."""
    return min(max(size * min(image.height, image.width) / REFERENCE_HEIGHT, smallest), largest)
