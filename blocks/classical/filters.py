"""Change the pixels of an image: grey tones, blur, thresholds, morphology."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.classical.grey import grey
from workflow_engine.api import Image, colors

NEIGHBOURHOOD, BELOW_MEAN = 11, 2

FIXED_THRESHOLDS: Mapping[str, int] = {
    "binary": cv2.THRESH_BINARY,
    "binary_inv": cv2.THRESH_BINARY_INV,
    "trunc": cv2.THRESH_TRUNC,
    "tozero": cv2.THRESH_TOZERO,
    "tozero_inv": cv2.THRESH_TOZERO_INV,
}
ADAPTIVE_THRESHOLDS: Mapping[str, int] = {
    "adaptive_mean": cv2.ADAPTIVE_THRESH_MEAN_C,
    "adaptive_gaussian": cv2.ADAPTIVE_THRESH_GAUSSIAN_C,
}
BLURS: Mapping[str, Callable[[NDArray[np.uint8], int], Any]] = {
    "average": lambda pixels, size: cv2.blur(pixels, (size, size)),
    "gaussian": lambda pixels, size: cv2.GaussianBlur(pixels, (size | 1, size | 1), 0),
    "median": lambda pixels, size: cv2.medianBlur(pixels, size | 1),
    "bilateral": lambda pixels, size: cv2.bilateralFilter(pixels, size, 75, 75),
}
MORPHOLOGY: Mapping[str, tuple[int, ...]] = {
    "Erosion": (cv2.MORPH_ERODE,),
    "Dilation": (cv2.MORPH_DILATE,),
    "Opening": (cv2.MORPH_OPEN,),
    "Closing": (cv2.MORPH_CLOSE,),
    "Opening then Closing": (cv2.MORPH_OPEN, cv2.MORPH_CLOSE),
    "Gradient": (cv2.MORPH_GRADIENT,),
    "Top Hat": (cv2.MORPH_TOPHAT,),
    "Black Hat": (cv2.MORPH_BLACKHAT,),
}


def convert_grayscale(image: Image) -> dict[str, Image]:
    """Turn colours into grey tones; a grey image stays as it is."""
    return {"image": image.with_pixels(grey(image.pixels))}


def image_blur(image: Image, *, blur_type: str, kernel_size: int) -> dict[str, Image]:
    """Blur the whole image; the kernel of a Gaussian or median blur grows to the next odd size."""
    return {"image": image.with_pixels(np.asarray(BLURS[blur_type](image.pixels, kernel_size), dtype=np.uint8))}


def threshold(image: Image, *, threshold_type: str, thresh_value: int, max_value: int) -> dict[str, Image]:
    """Split pixels into dark and bright; the fixed kinds do so for each colour, the others for the grey tones."""
    if threshold_type in FIXED_THRESHOLDS:
        _, split = cv2.threshold(image.pixels, thresh_value, max_value, FIXED_THRESHOLDS[threshold_type])
    elif threshold_type in ADAPTIVE_THRESHOLDS:
        method = ADAPTIVE_THRESHOLDS[threshold_type]
        split = cv2.adaptiveThreshold(
            grey(image.pixels), max_value, method, cv2.THRESH_BINARY, NEIGHBOURHOOD, BELOW_MEAN
        )
    else:
        _, split = cv2.threshold(grey(image.pixels), thresh_value, max_value, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return {"image": image.with_pixels(np.asarray(split, dtype=np.uint8))}


def morphological_transformation(image: Image, *, operation: str, kernel_size: int, channels: str) -> dict[str, Image]:
    """Grow, shrink or close up what is bright, over squares of ``kernel_size`` pixels.

    ``channels`` is ``Grey``, to work on grey tones, or ``Colour``, to work on each colour by itself.
    """
    pixels = grey(image.pixels) if channels == "Grey" else colors.colored(image.pixels)
    square = np.ones((kernel_size, kernel_size), dtype=np.uint8)
    for step in MORPHOLOGY[operation]:
        pixels = np.asarray(cv2.morphologyEx(pixels, step, square), dtype=np.uint8)
    return {"image": image.with_pixels(pixels)}
