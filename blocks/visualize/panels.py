"""Put pictures into pictures: enlarged crops, icons, a grid."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Unpack
from uuid import uuid4

import cv2
import numpy as np
from numpy.typing import NDArray
from supervision import ColorLookup, CropAnnotator, letterbox_image

from blocks.visualize.anchors import anchors
from blocks.visualize.anchors import position as position_of
from blocks.visualize.palettes import Coloring, row_colors
from workflow_engine.api import BlockError, Detections, Image, colors

MOST_PIXELS = 100_000_000


def crop_visualization(
    image: Image,
    predictions: Detections,
    *,
    position: str,
    scale_factor: float,
    border_thickness: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Paste every object, enlarged and with a border, at the ``position`` of its box."""
    predictions = predictions.select(_visible(predictions, image, scale_factor))
    most = predictions.box_area.clip(max=image.width * image.height).max(initial=0) * scale_factor**2
    if most > MOST_PIXELS:
        message = f"An enlarged object would have {int(most)} pixels; at most {MOST_PIXELS} are drawn."
        raise BlockError(message, hint="Enlarge less, or leave large objects out.", code="bad_value")
    palette = row_colors(predictions, **coloring)
    annotator = CropAnnotator(
        position_of(position, predictions),
        scale_factor,
        palette,
        border_thickness,
        border_color_lookup=ColorLookup.INDEX,
    )
    return {"image": image.with_pixels(annotator.annotate(colors.colored(image.pixels), predictions))}


def _visible(predictions: Detections, image: Image, scale_factor: float) -> NDArray[np.bool_]:
    """Return which objects still have a pixel when cut to the image and scaled."""
    boxes = np.clip(predictions.xyxy, 0, [image.width, image.height] * 2).astype(int)
    visible: NDArray[np.bool_] = (((boxes[:, 2:] - boxes[:, :2]) * scale_factor).astype(int) > 0).all(axis=1)
    return visible


def icon_visualization(
    image: Image,
    icon: Image,
    predictions: Detections | None,
    *,
    mode: str,
    icon_width: int,
    icon_height: int,
    position: str | None,
    x_position: int | None,
    y_position: int | None,
) -> dict[str, Image]:
    """Draw an icon on every object (``dynamic``) or at one place (``static``), as large as fits the given size.

    A negative ``x_position`` or ``y_position`` counts from the right or the lower edge of the image.
    """
    drawn = colors.colored(image.pixels)
    opaque = np.full((icon.height, icon.width), 255, dtype=np.uint8)
    layers = np.dstack([colors.colored(icon.pixels), opaque if icon.alpha is None else icon.alpha])
    stamp = letterbox_image(layers, (icon_width, icon_height))
    if mode == "static":
        x, y = x_position or 0, y_position or 0
        corners = [(x if x >= 0 else image.width + x - icon_width, y if y >= 0 else image.height + y - icon_height)]
    elif predictions is None or position is None:
        corners = []
    else:
        points = anchors(position, predictions).astype(int).tolist()
        corners = [(int(x - icon_width / 2), int(y - icon_height / 2)) for x, y in points]
    for x, y in corners:
        _stamp(drawn, stamp, x, y)
    return {"image": image.with_pixels(drawn)}


def _stamp(canvas: NDArray[np.uint8], stamp: NDArray[np.uint8], x: int, y: int) -> None:
    """Mix a picture (h, w, 4), the fourth channel being its opacity, into the canvas, its top-left corner at (x, y)."""
    part = canvas[max(y, 0) : max(y + stamp.shape[0], 0), max(x, 0) : max(x + stamp.shape[1], 0)]
    seen = stamp[max(-y, 0) :, max(-x, 0) :][: part.shape[0], : part.shape[1]]
    share = seen[..., 3:].astype(np.float32) / 255
    part[:] = (part * (1 - share) + seen[..., :3] * share).astype(np.uint8)


def grid_visualization(*, images: Sequence[Any], width: int, height: int) -> dict[str, Image]:
    """Show pictures on a square grid from left to right and from top to bottom, each as large as its cell allows."""
    shown = [image for image in images if isinstance(image, Image)]
    for value in images:
        if value is not None and not isinstance(value, Image):
            message = f"A grid can show images only; found {type(value).__name__}."
            raise BlockError(message, code="bad_value", whose="author")
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    cells = max(math.ceil(math.sqrt(len(images))), 1)
    size = (width // cells, height // cells)
    for place, image in enumerate(images):
        if image is not None and min(size) > 0:
            row, column = divmod(place, cells)
            _show(canvas, image, column * size[0], row * size[1], size)
    if not shown:
        return {"image": Image.from_array(canvas, id=f"grid.{uuid4()}")}
    return {"image": shown[0].with_pixels(canvas)}


def _show(canvas: NDArray[np.uint8], image: Image, x: int, y: int, size: tuple[int, int]) -> None:
    """Draw an image in the middle of the cell of ``size`` (width, height) whose top-left corner is (x, y)."""
    scale = min(size[0] / image.width, size[1] / image.height)
    width, height = max(int(image.width * scale), 1), max(int(image.height * scale), 1)
    small = cv2.resize(colors.colored(image.pixels), (width, height), interpolation=cv2.INTER_AREA)
    left, top = x + (size[0] - width) // 2, y + (size[1] - height) // 2
    canvas[top : top + height, left : left + width] = small
