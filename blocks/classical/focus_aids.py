"""What a camera shows its operator: exposure stripes, sharp edges, a grid, a histogram. All of it is drawn in place."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

BLUE, GREEN, RED = (255, 0, 0), (0, 255, 0), (0, 0, 255)
WHITE, PALE, GREY, DIM, FRAME, BLACK = (255,) * 3, (180,) * 3, (128,) * 3, (60,) * 3, (80,) * 3, (0,) * 3
STRIPE, STRIPE_OPACITY = 8, 0.5
SHARP, SHARP_OPACITY = 0.3, 0.6  # share of the sharpest pixel's measure from which on a pixel counts as sharp
REFERENCE = 720  # pixels of the shorter side of an image on which the aids have the sizes given here
FONT = cv2.FONT_HERSHEY_SIMPLEX

Pixels = NDArray[np.uint8]


def stripe(drawn: Pixels, tones: Pixels, *, dark: int, bright: int) -> None:
    """Draw diagonal stripes over what is darker than ``dark`` (blue) or brighter than ``bright`` (red)."""
    rows, columns = np.ogrid[: tones.shape[0], : tones.shape[1]]
    striped = (rows + columns) // STRIPE % 2 == 0
    _mix(drawn, (tones < dark) & striped, BLUE, STRIPE_OPACITY)
    _mix(drawn, (tones > bright) & striped, RED, STRIPE_OPACITY)


def highlight(drawn: Pixels, measure: NDArray[np.float32]) -> None:
    """Tint in green what is sharp."""
    if measure.max() > 0:
        levels = (measure / measure.max() * 255).astype(np.uint8)
        _mix(drawn, levels > int(SHARP * 255), GREEN, SHARP_OPACITY)


def _mix(drawn: Pixels, where: NDArray[np.bool_], color: tuple[int, ...], opacity: float) -> None:
    drawn[where] = (drawn[where] * (1 - opacity) + np.array(color) * opacity).astype(np.uint8)


def mark_center(drawn: Pixels) -> None:
    """Draw a cross at the middle."""
    scale = _scale(drawn)
    x, y, arm = drawn.shape[1] // 2, drawn.shape[0] // 2, int(20 * scale)
    for dx, dy in ((arm, 0), (0, arm)):
        cv2.line(drawn, (x - dx, y - dy), (x + dx, y + dy), WHITE, _stroke(scale))


def draw_grid(drawn: Pixels, divisions: int) -> None:
    """Draw lines that divide the image into as many columns and rows."""
    height, width = drawn.shape[:2]
    for part in range(1, divisions):
        x, y = width * part // divisions, height * part // divisions
        cv2.line(drawn, (x, 0), (x, height), GREY, 1)
        cv2.line(drawn, (0, y), (width, y), GREY, 1)


def draw_panel(drawn: Pixels, pixels: Pixels, tones: Pixels, value: float) -> None:
    """Draw a panel at the top left with the measure and histograms of the colours and the grey tones."""
    scale = _scale(drawn)
    stroke, margin, pad, gap = _stroke(scale), int(12 * scale), int(14 * scale), int(12 * scale)
    texts = (("TFM Focus", 0.5 * scale), (f"{value:.1f}", 0.5 * scale), ("Exposure", 0.4 * scale))
    (name, number, exposure) = (cv2.getTextSize(text, FONT, size, stroke)[0] for text, size in texts)
    plot = (int(180 * scale), int(50 * scale))
    width = max(name[0] + number[0] + int(20 * scale), exposure[0], plot[0])
    height = name[1] + gap + exposure[1] + int(6 * scale) + plot[1]
    far = (margin + width + 2 * pad, margin + height + 2 * pad)
    shaded = drawn.copy()
    cv2.rectangle(shaded, (margin, margin), far, BLACK, cv2.FILLED)
    drawn[:] = cv2.addWeighted(shaded, 0.7, drawn, 0.3, 0)
    cv2.rectangle(drawn, (margin, margin), far, FRAME, 1)
    left, right, line = margin + pad, margin + pad + width, margin + pad + name[1]
    _write(drawn, texts[0], (left, line), WHITE, stroke)
    _write(drawn, texts[1], (right - number[0], line), WHITE, stroke)
    cv2.line(drawn, (left, line + gap // 2), (right, line + gap // 2), DIM, 1)
    line += gap + exposure[1]
    _write(drawn, texts[2], (left, line), PALE, stroke)
    _plot(drawn, pixels, tones, (left, line + int(6 * scale)), plot, stroke)


def _plot(
    drawn: Pixels, pixels: Pixels, tones: Pixels, corner: tuple[int, int], size: tuple[int, int], stroke: int
) -> None:
    """Draw the histograms in a black box of ``size`` (width, height)."""
    (left, top), (width, height) = corner, size
    foot = top + height - 1
    cv2.rectangle(drawn, corner, (left + width, foot), BLACK, cv2.FILLED)
    channels = [] if pixels.ndim == 2 else list(zip(cv2.split(pixels), (BLUE, GREEN, RED), strict=True))
    across = np.linspace(left, left + width - 1, 256)
    for values, color in [*channels, (tones, WHITE)]:
        counts = np.bincount(values.ravel(), minlength=256)
        curve = np.stack([across, foot - (counts / counts.max() * height).astype(int)], axis=1).astype(np.int32)
        cv2.polylines(drawn, [curve], False, color, stroke)


def _write(drawn: Pixels, text: tuple[str, float], at: tuple[int, int], color: tuple[int, ...], stroke: int) -> None:
    """Write a text of a scale with a dark edge."""
    cv2.putText(drawn, text[0], at, FONT, text[1], BLACK, stroke + 2)
    cv2.putText(drawn, text[0], at, FONT, text[1], color, stroke)


def _scale(drawn: Pixels) -> float:
    return float(np.clip(min(drawn.shape[:2]) / REFERENCE, 0.4, 2.5))


def _stroke(scale: float) -> int:
    return max(1, int(1.6 * scale))
