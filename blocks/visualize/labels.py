"""Write a label beside every object."""

from __future__ import annotations

from typing import Unpack

import cv2
from supervision import ColorLookup, LabelAnnotator, RichLabelAnnotator
from supervision.annotators.utils import resolve_text_background_xyxy

from blocks.visualize.anchors import position
from blocks.visualize.fonts import font_file
from blocks.visualize.label_texts import label_texts
from blocks.visualize.palettes import Coloring, row_colors
from workflow_engine.api import Detections, Image, colors

FONT = cv2.FONT_HERSHEY_SIMPLEX
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
    scale = _fitted(text_scale, image, SMALLEST, LARGEST) if text_size_mode == "Automatic" else text_scale
    anchor, ink = position(text_position, predictions), colors.parse_color(text_color).as_bgr()
    points = predictions.get_anchors_coordinates(anchor).astype(int).tolist()
    plates = row_colors(predictions, **coloring).colors
    drawn = colors.colored(image.pixels)
    # What supervision's annotator draws, in half of its time.
    for label, point, plate in zip(label_texts(predictions, text), points, plates, strict=True):
        lines = label.splitlines() or [""]
        sizes = [_size(line, scale, text_thickness) for line in lines]
        width = max(width for width, _ in sizes) + 2 * text_padding
        height = sum(height + text_padding for _, height in sizes) + text_padding
        x, y, right, bottom = resolve_text_background_xyxy(point, (width, height), anchor)
        LabelAnnotator.draw_rounded_rectangle(drawn, (x, y, right, bottom), plate.as_bgr(), border_radius)
        for line, (_, height) in zip(lines, sizes, strict=True):
            y += text_padding + height
            cv2.putText(drawn, line, (x + text_padding, y), FONT, scale, ink, text_thickness, cv2.LINE_AA)
    return {"image": image.with_pixels(drawn)}


def _size(line: str, scale: float, thickness: int) -> tuple[int, int]:
    """Return width and height of a line; an empty one is as high as others."""
    (width, height), _ = cv2.getTextSize(line, FONT, scale, thickness)
    return (width, height) if line else (width, _size("Tg", scale, thickness)[1])


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
