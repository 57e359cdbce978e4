"""Image processing without a model: grey tones, blur, thresholds, contours."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Image, colors

MAGENTA = (255, 0, 255)
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


def convert_grayscale(image: Image) -> dict[str, Image]:
    """Turn colours into grey tones; a grey image stays as it is."""
    return {"image": image.with_pixels(_grey(image.pixels))}


def image_blur(image: Image, *, blur_type: str, kernel_size: int) -> dict[str, Image]:
    """Blur the whole image; the kernel of a Gaussian or median blur grows to the next odd size."""
    return {"image": image.with_pixels(np.asarray(BLURS[blur_type](image.pixels, kernel_size), dtype=np.uint8))}


def threshold(image: Image, *, threshold_type: str, thresh_value: int, max_value: int) -> dict[str, Image]:
    """Split pixels into dark and bright; the fixed kinds do so for each colour, the others for the grey tones."""
    if threshold_type in FIXED_THRESHOLDS:
        _, split = cv2.threshold(image.pixels, thresh_value, max_value, FIXED_THRESHOLDS[threshold_type])
    elif threshold_type in ADAPTIVE_THRESHOLDS:
        method = ADAPTIVE_THRESHOLDS[threshold_type]
        grey = _grey(image.pixels)
        split = cv2.adaptiveThreshold(grey, max_value, method, cv2.THRESH_BINARY, NEIGHBOURHOOD, BELOW_MEAN)
    else:
        _, split = cv2.threshold(_grey(image.pixels), thresh_value, max_value, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return {"image": image.with_pixels(np.asarray(split, dtype=np.uint8))}


def contours_detection(image: Image, *, line_thickness: int) -> dict[str, Any]:
    """Find the outer contours of everything that is not black, and draw them on the grey image."""
    grey = _grey(image.pixels)
    found, hierarchy = cv2.findContours(grey, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    drawn = cv2.drawContours(colors.colored(grey), found, -1, MAGENTA, line_thickness)
    return {
        "image": image.with_pixels(np.asarray(drawn, dtype=np.uint8)),
        "contours": list(found),
        "hierarchy": hierarchy,
        "number_contours": len(found),
    }


def _grey(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return pixels if pixels.ndim == 2 else np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY), dtype=np.uint8)
