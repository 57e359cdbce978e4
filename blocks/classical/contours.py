"""Find outlines without a model."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from blocks.classical.grey import grey
from workflow_engine.api import Image, colors

MAGENTA = (255, 0, 255)


def contours_detection(image: Image, *, line_thickness: int) -> dict[str, Any]:
    """Find the outer contours of everything that is not black, and draw them on the grey image."""
    tones = grey(image.pixels)
    found, hierarchy = cv2.findContours(tones, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    drawn = cv2.drawContours(colors.colored(tones), found, -1, MAGENTA, line_thickness)
    return {
        "image": image.with_pixels(np.asarray(drawn, dtype=np.uint8)),
        "contours": list(found),
        "hierarchy": hierarchy,
        "number_contours": len(found),
    }
