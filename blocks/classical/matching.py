"""Find a small picture in a large one."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.classical.grey import grey
from workflow_engine.api import BlockError, Image, detections

MOST = 10_000


def template_matching(
    image: Image, template: Image, *, matching_threshold: float, apply_nms: bool, nms_threshold: float
) -> dict[str, Any]:
    """Find every place of an image that looks like the template, in grey tones and whatever the brightness.

    A match is as large as the template and as sure as its correlation. With ``apply_nms`` a match that overlaps a surer
    one by more than ``nms_threshold`` (intersection over union) is left out.

    Raises:
        BlockError: There are more than 10,000 matches.
    """
    width, height = template.width, template.height
    scores = _scores(image, template)
    matching = np.isfinite(scores) & (scores >= matching_threshold)
    if apply_nms:
        matching = _best(scores, matching, (height, width), nms_threshold)
    rows, columns = np.nonzero(matching)
    if len(rows) > MOST:
        hint = "Raise matching_threshold, or set apply_nms."
        raise BlockError(f"The template matches at {len(rows)} places; at most {MOST} are given.", hint=hint)
    found = detections.build(
        np.stack([columns, rows, columns + width, rows + height], axis=1),
        ancestry=image.ancestry,
        class_id=np.zeros(len(rows)),
        class_names=["template_match"] * len(rows),
        confidence=np.clip(scores[matching], 0, 1),
        prediction_type="object-detection",
    )
    return {"predictions": found, "number_of_matches": len(found)}


def _scores(image: Image, template: Image) -> NDArray[np.float32]:
    """Return the correlation, -1 to 1, at every place of the template's top-left corner; nowhere if it is too large."""
    if template.width > image.width or template.height > image.height:
        return np.zeros((0, 0), dtype=np.float32)
    found = cv2.matchTemplate(grey(image.pixels), grey(template.pixels), cv2.TM_CCOEFF_NORMED)
    return np.asarray(found, dtype=np.float32)


def _best(
    scores: NDArray[np.float32], matching: NDArray[np.bool_], size: tuple[int, int], limit: float
) -> NDArray[np.bool_]:
    """Return which matches overlap no surer one by more than ``limit``; all are of one ``size`` (height, width)."""
    height, width = size
    down, across = np.abs(np.arange(1 - height, height)), np.abs(np.arange(1 - width, width))
    shared = np.outer(height - down, width - across)
    near = shared / (2 * height * width - shared) > limit
    left, best = matching.copy(), np.zeros_like(matching)
    rows, columns = np.nonzero(matching)
    for place in np.argsort(-scores[rows, columns], kind="stable"):
        row, column = int(rows[place]), int(columns[place])
        if left[row, column]:
            best[row, column] = True
            top, start = max(row - height + 1, 0), max(column - width + 1, 0)
            part = left[top : row + height, start : column + width]
            part &= ~near[top - row + height - 1 :, start - column + width - 1 :][: part.shape[0], : part.shape[1]]
    return best
