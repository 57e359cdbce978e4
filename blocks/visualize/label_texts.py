"""What a label says about each object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from workflow_engine.api import BlockError, Detections, detections


def label_texts(predictions: Detections, content: str) -> list[str]:
    """Return one text per object.

    Args:
        predictions: The objects.
        content: One of ``CONTENTS``, or the name of a column of the table, such as ``speed``.

    Raises:
        BlockError: It is neither.
    """
    if content in CONTENTS:
        return CONTENTS[content](predictions)
    values = detections.column(predictions, content)
    if values is None and len(predictions):
        known = ", ".join([*CONTENTS, *predictions.data])
        message = f"A label cannot show {content!r}, since the objects have no such column."
        raise BlockError(message, hint=f"It can show {known}.", code="bad_value", whose="author")
    return [_shown(value) for value in (() if values is None else values)]


def _shown(value: Any) -> str:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return str(plain) if plain else ""


def _formatted(predictions: Detections, values: Iterable[Any] | None, form: str, missing: str) -> list[str]:
    """Put each value into ``form``; ``missing`` stands in for none."""
    known = [None] * len(predictions) if values is None else values
    return [missing if value is None else form.format(value) for value in known]


def _class_and_confidence(predictions: Detections) -> list[str]:
    pairs = zip(detections.class_names(predictions), _confidence(predictions), strict=True)
    return [f"{name} {confidence}".rstrip() for name, confidence in pairs]


def _confidence(predictions: Detections) -> list[str]:
    return _formatted(predictions, predictions.confidence, "{:.2f}", "")


def _dimensions(predictions: Detections) -> list[str]:
    corners, sizes = predictions.xyxy[:, :2], predictions.xyxy[:, 2:] - predictions.xyxy[:, :2]
    centers = (corners + sizes / 2).astype(int).tolist()
    return [f"{x}, {y} {w}x{h}" for (x, y), (w, h) in zip(centers, sizes.astype(int).tolist(), strict=True)]


def _time_in_zone(predictions: Detections) -> list[str]:
    times = detections.column(predictions, "time_in_zone")
    shown = None if times is None else [round(time, 2) if time else None for time in times]
    return _formatted(predictions, shown, "In zone: {}s", "In zone: N/A")


def _column(name: str, form: str, missing: str) -> Callable[[Detections], list[str]]:
    return lambda predictions: _formatted(predictions, detections.column(predictions, name), form, missing)


CONTENTS: Mapping[str, Callable[[Detections], list[str]]] = {
    "Class": detections.class_names,
    "Confidence": _confidence,
    "Class and Confidence": _class_and_confidence,
    "Index": lambda predictions: [str(index) for index in range(len(predictions))],
    "Dimensions": _dimensions,
    "Area": lambda predictions: [str(int(area)) for area in predictions.area],
    "Area (mask)": _column("area_px", "Area (mask): {:.2f}", "Area (mask): N/A"),
    "Area (converted)": _column("area_converted", "Area (conv): {:.2f}", "Area (conv): N/A"),
    "Tracker Id": lambda predictions: _formatted(predictions, predictions.tracker_id, "{}", "No Tracker ID"),
    "Time In Zone": _time_in_zone,
}
