"""Make objects unrecognisable, or everything around them fade."""

from __future__ import annotations

import cv2
from supervision import PixelateAnnotator

from blocks.visualize.regions import regions
from workflow_engine.api import Detections, Image, colors


def blur_visualization(image: Image, predictions: Detections, *, kernel_size: int, padding: int) -> dict[str, Image]:
    """Blur every object with a mean over ``kernel_size`` pixels square: its mask, or its box grown by ``padding``.

    Only pixels of the object's own rectangle are mixed, so that nothing beside it bleeds in, and none of it bleeds out.
    """
    pixels = image.pixels.copy()
    for region in regions(predictions, (image.height, image.width), padding=padding):
        part = pixels[region.where]
        colors.cover(part, region.inside, cv2.blur(part, (kernel_size, kernel_size)))
    return {"image": image.with_pixels(pixels)}


def pixelate_visualization(image: Image, predictions: Detections, *, pixel_size: int) -> dict[str, Image]:
    """Turn every box into squares of ``pixel_size`` pixels; a box smaller than one square into its mean colour."""
    annotator = PixelateAnnotator(pixel_size)
    return {"image": image.with_pixels(annotator.annotate(image.pixels.copy(), predictions))}


def background_color_visualization(
    image: Image, predictions: Detections, *, color: str, opacity: float
) -> dict[str, Image]:
    """Tint everything outside the masks, or outside the boxes of objects that have none."""
    pixels = colors.colored(image.pixels)
    drawn = colors.tinted(image.pixels, colors.parse_color(color), opacity)
    for region in regions(predictions, (image.height, image.width)):
        colors.cover(drawn[region.where], region.inside, pixels[region.where])
    return {"image": image.with_pixels(drawn)}
