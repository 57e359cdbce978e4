"""Cut parts out of an image: one around every object, or a fixed one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
from supervision import Color

from workflow_engine.api import Detections, Image, colors, detections, masks


def dynamic_crop(
    images: Image, predictions: Detections, *, mask_opacity: float, background_color: str | Sequence[int]
) -> list[dict[str, Any]]:
    """Cut out every object along its box, rounded to whole pixels and clamped to the image.

    The crop of an object that lies outside the image, and the table that goes with it, are ``None``.
    """
    color = colors.parse_color(background_color)
    ids = detections.detection_ids(predictions)
    results: list[dict[str, Any]] = []
    for index, box in enumerate(np.rint(predictions.xyxy).astype(int).tolist()):
        crop = images.crop(*box, id=ids[index])
        if crop is None:
            results.append({"crops": None, "predictions": None})
            continue
        found = _seen_from(crop, predictions, index)
        if mask_opacity > 0 and found.mask is not None:
            crop = _without_background(crop, masks.window(found.mask, 0), opacity=mask_opacity, color=color)
        results.append({"crops": crop, "predictions": found})
    return results


def _seen_from(crop: Image, predictions: Detections, index: int) -> Detections:
    x, y = crop.ancestry.parent_offset
    return detections.crop(predictions, index, x, y, x + crop.width, y + crop.height, crop.ancestry)


def _without_background(crop: Image, window: masks.Window, *, opacity: float, color: Color) -> Image:
    """Mix everything but the one object in ``window`` with ``color``."""
    inside, x, y = window
    here = np.s_[y : y + inside.shape[0], x : x + inside.shape[1]]
    pixels = colors.tinted(crop.pixels, color, opacity)
    colors.cover(pixels[here], inside, colors.colored(crop.pixels[here]))
    return crop.with_pixels(pixels)


def absolute_static_crop(images: Image, *, x_center: int, y_center: int, width: int, height: int) -> dict[str, Any]:
    """Cut out a rectangle given in pixels, clamped to the image; ``None`` when it lies outside."""
    return {"crops": _static_crop(images, x_center, y_center, width, height, name="absolute_static_crop")}


def relative_static_crop(
    images: Image, *, x_center: float, y_center: float, width: float, height: float
) -> dict[str, Any]:
    """Cut out a rectangle given in fractions of the image's size, clamped to the image."""
    box = (
        round(x_center * images.width),
        round(y_center * images.height),
        round(width * images.width),
        round(height * images.height),
    )
    return {"crops": _static_crop(images, *box, name="relative_static_crop")}


def _static_crop(image: Image, x_center: int, y_center: int, width: int, height: int, *, name: str) -> Image | None:
    x, y = round(x_center - width / 2), round(y_center - height / 2)
    id = f"{name}.{uuid4()}"
    crop = image.crop(x, y, x + width, y + height, id=id, keep_video=True)
    if crop is None or crop.video is None:
        return crop
    # State that blocks keep per video must not mix a crop with its video, nor with another crop of it.
    return replace(crop, video=replace(crop.video, video_identifier=f"{crop.video.video_identifier} | crop: {id}"))
