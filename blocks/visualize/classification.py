"""Write the classes of a whole image on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray
from supervision import ColorLookup, Detections, LabelAnnotator, Position

from blocks.visualize.palettes import Coloring, row_colors
from workflow_engine.api import Image, colors

LETTER_HEIGHT, LETTER_WIDTH, GAP = 20, 15, 5  # pixels at scale 1
SIDE = 20  # pixels that a label in the middle keeps from the edge, and three for each pixel of padding below ten


def classification_label_visualization(
    image: Image,
    predictions: Mapping[str, Any],
    *,
    text: str,
    text_position: str,
    text_color: str,
    text_scale: float,
    text_thickness: int,
    text_padding: int,
    border_radius: int,
    **coloring: Unpack[Coloring],
) -> dict[str, Image]:
    """Write the surest of several exclusive classes, or every class that was found to apply, the surest on top."""
    pixels = colors.colored(image.pixels)
    shown = _shown(predictions)
    if not shown:
        return {"image": image.with_pixels(pixels)}
    line = LETTER_HEIGHT * text_scale + 2 * text_padding + 2 * text_thickness + GAP
    if text_position.startswith("BOTTOM"):
        shown = shown[::-1]
    labels = [_label(entry, text) for entry in shown]
    side = max(map(len, labels)) * LETTER_WIDTH * text_scale + 2 * text_padding + SIDE + 3 * max(0, 10 - text_padding)
    rows = _rows(text_position, len(shown), (image.height, image.width), line=line, side=side)
    palette = row_colors(
        rows_of(shown, rows),
        **coloring,
    )
    annotator = LabelAnnotator(
        palette,
        color_lookup=ColorLookup.INDEX,
        text_color=colors.parse_color(text_color),
        text_scale=text_scale,
        text_thickness=text_thickness,
        text_padding=text_padding,
        text_position=Position[text_position],
        border_radius=border_radius,
    )
    return {"image": image.with_pixels(annotator.annotate(pixels, rows_of(shown, rows), labels))}


def rows_of(shown: Sequence[Mapping[str, Any]], rows: NDArray[np.float64]) -> Detections:
    """Return a table with one box per class, which a label can be written at; all are of one track."""
    return Detections(
        xyxy=rows,
        class_id=np.array([entry["class_id"] for entry in shown], dtype=np.int64),
        tracker_id=np.zeros(len(shown), dtype=np.int64),
    )


def _shown(predictions: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return what to show, the surest first: entries with class, class_id and confidence."""
    found = predictions["predictions"]
    if isinstance(found, Mapping):
        applying = [{"class": name, **found[name]} for name in predictions.get("predicted_classes", ())]
        return sorted(applying, key=_confidence, reverse=True)
    return sorted(found, key=_confidence, reverse=True)[:1]


def _confidence(entry: Mapping[str, Any]) -> float:
    return float(entry["confidence"])


def _label(entry: Mapping[str, Any], text: str) -> str:
    parts = {"Class": str(entry["class"]), "Confidence": f"{_confidence(entry):.2f}"}
    return " ".join(parts[name] for name in text.split(" and "))


def _rows(text_position: str, count: int, size: tuple[int, int], *, line: float, side: float) -> NDArray[np.float64]:
    """Return boxes (N, 4) whose ``text_position`` is where each label goes, ``line`` pixels apart."""
    height, width = size
    steps = line * np.arange(count)
    boxes = np.tile(np.array([0.0, 0.0, width, height]), (count, 1))
    if text_position.startswith("TOP"):
        boxes[:, 1] = line + steps
    elif text_position.startswith("BOTTOM"):
        boxes[:, 3] = height - line - steps
    else:
        top = max(0.0, (height - line * count) / 2) if height > line * count else 0.0
        boxes[:, 1], boxes[:, 3] = top + steps, top + steps + line
        boxes[:, 0] = side if text_position == "CENTER_LEFT" else 0.0
        boxes[:, 2] = width - side if text_position == "CENTER_RIGHT" else width
    return boxes
