"""Measure how sharp an image is."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.classical import focus_aids
from blocks.classical.grey import grey
from workflow_engine.api import Detections, Image, colors

WHITE = (255, 255, 255)


def brenner_focus(image: Image) -> dict[str, Any]:
    """Return the mean of Brenner's measure, and an image of it.

    It is, for every pixel, the square of how much brighter the pixel two further on is, to the right or below,
    whichever is more (Brenner et al. 1976, doi:10.1177/24.1.1254907).
    """
    tones = grey(image.pixels).astype(np.int32)
    steps = np.zeros_like(tones)
    steps[:, :-2] = np.maximum(tones[:, 2:] - tones[:, :-2], 0)
    steps[:-2] = np.maximum(steps[:-2], tones[2:] - tones[:-2])
    measure = steps**2
    shown = (measure / (measure.max() or 1) * 255).astype(np.uint8)
    value = float(measure.mean())
    cv2.putText(shown, f"Focus value: {value:.2f}", (10, 30), cv2.FONT_HERSHEY_SIMPLEX, 1, WHITE, 2)
    return {"image": image.with_pixels(shown), "focus_measure": value}


def camera_focus(
    image: Image,
    detections: Detections | None,
    *,
    underexposed_threshold_percent: float,
    overexposed_threshold_percent: float,
    show_zebra_warnings: bool,
    grid_overlay: str,
    show_hud: bool,
    show_focus_peaking: bool,
    show_center_marker: bool,
) -> dict[str, Any]:
    """Return the mean of the Tenengrad measure, of the image and of each object's box, and the image with aids drawn.

    It is the squared length of the brightness's gradient (Sobel). A box that lies outside the image has none.
    """
    tones = grey(image.pixels)
    measure = cv2.Sobel(tones, cv2.CV_32F, 1, 0) ** 2 + cv2.Sobel(tones, cv2.CV_32F, 0, 1) ** 2
    value = float(measure.mean())
    drawn = colors.colored(image.pixels)
    if show_zebra_warnings:
        dark, bright = (
            int(percent * 255 / 100) for percent in (underexposed_threshold_percent, overexposed_threshold_percent)
        )
        focus_aids.stripe(drawn, tones, dark=dark, bright=bright)
    if show_focus_peaking:
        focus_aids.highlight(drawn, measure)
    if show_center_marker:
        focus_aids.mark_center(drawn)
    if grid_overlay != "None":
        focus_aids.draw_grid(drawn, int(grid_overlay[0]))
    if show_hud:
        focus_aids.draw_panel(drawn, image.pixels, tones, value)
    return {
        "image": image.with_pixels(drawn),
        "focus_measure": value,
        "bbox_focus_measures": [] if detections is None else _of_boxes(measure, detections),
    }


def _of_boxes(measure: NDArray[np.float32], predictions: Detections) -> list[float | None]:
    height, width = measure.shape
    boxes = np.clip(np.trunc(predictions.xyxy), 0, [width, height, width, height]).astype(int).tolist()
    parts = [measure[y1:y2, x1:x2] for x1, y1, x2, y2 in boxes]
    return [float(part.mean()) if part.size else None for part in parts]
