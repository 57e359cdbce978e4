"""From the network's outputs to objects in the image's own pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation.sampling import axis

# Samples computed at a time, so that they stay in the processor's cache.
BAND = 1 << 15


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """Objects worth keeping, by falling score.

    Attributes:
        query: Which query found each, (K,).
        class_id: (K,).
        score: (K,), float32.
        xyxy: Boxes in pixels, inside the image, (K, 4), float32.
    """

    query: NDArray[np.intp]
    class_id: NDArray[np.intp]
    score: NDArray[np.float32]
    xyxy: NDArray[np.float32]


def keep(
    scores: NDArray[np.float32],
    boxes: NDArray[np.float32],
    *,
    thresholds: NDArray[np.float32],
    limit: int,
    size: tuple[int, int],
) -> Kept:
    """Choose the objects of one image.

    As upstream does, the Q best pairs of query and class are looked at, so one query may give two classes; of equal
    scores the lower query, then the lower class, comes first.

    Args:
        scores: Of every class, (Q, classes), 0 to 1.
        boxes: Centre, width and height as fractions of the image, (Q, 4).
        thresholds: Score that each class must be above, (classes,).
        limit: How many objects to keep at most.
        size: Height and width of the image.
    """
    flat = scores.ravel()
    candidates = np.flatnonzero(flat > thresholds.min(initial=np.inf))
    best = candidates[np.argsort(-flat[candidates], kind="stable")][: len(scores)]
    query, class_id = np.divmod(best, scores.shape[1])
    above = np.flatnonzero(flat[best] > thresholds[class_id])[:limit]
    query, class_id, score = query[above], class_id[above], flat[best[above]]
    return Kept(query, class_id, score, _corners(boxes[query], size))


def _corners(boxes: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Return boxes given by centre and size, as fractions, by their corners in pixels, inside the image."""
    extent = np.array([size[1], size[0], size[1], size[0]], dtype=np.float32)
    half = boxes[:, 2:] * np.float32(0.5)
    corners = np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1) * extent
    clipped: NDArray[np.float32] = corners.clip(0, extent)
    return clipped


def mask_window(logits: NDArray[np.float32], size: tuple[int, int]) -> tuple[NDArray[np.bool_], int, int]:
    """Bring one mask, logits (h, w), to an image of ``size`` (height, width).

    A sample between cells is a mean of its four neighbours, so it can only be positive where one of them is; the rest
    is left out. Inside that window the result is what upsampling the whole would give.

    Returns:
        Which pixels of a window belong to the object, and the (x, y) of its top-left corner; it may be empty.
    """
    positive = logits > 0
    across, down = np.flatnonzero(positive.any(axis=0)), np.flatnonzero(positive.any(axis=1))
    if not across.size:
        return np.zeros((0, 0), dtype=np.bool_), 0, 0
    columns, rows = axis(logits.shape[1], size[1]), axis(logits.shape[0], size[0])
    left, right = np.searchsorted(columns.high, across[0]), np.searchsorted(columns.low, across[-1], side="right")
    top, bottom = np.searchsorted(rows.high, down[0]), np.searchsorted(rows.low, down[-1], side="right")
    share = columns.weight[left:right]
    widened = logits[:, columns.low[left:right]] * (1 - share) + logits[:, columns.high[left:right]] * share
    pixels = np.empty((bottom - top, right - left), dtype=np.bool_)
    step = max(1, BAND // pixels.shape[1]) if pixels.size else 1
    for start in range(top, bottom, step):
        band = slice(start, min(start + step, bottom))
        share = rows.weight[band, None]
        samples = widened[rows.low[band]] * (1 - share) + widened[rows.high[band]] * share
        pixels[band.start - top : band.stop - top] = samples > 0
    return pixels, int(left), int(top)
