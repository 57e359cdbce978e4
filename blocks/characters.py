"""Put text together from characters that were found one by one."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Detections, detections

HORIZONTAL = ("left_to_right", "right_to_left")
WORDS_APART = 0.3
"""By how many heights of a character the gaps between words are wider than those within words, at the least."""

Points: TypeAlias = NDArray[np.number[Any]]
Lines: TypeAlias = list[list[int]]


def stitch_ocr_detections(
    predictions: Detections,
    *,
    stitching_algorithm: str,
    reading_direction: str,
    tolerance: int,
    otsu_threshold_multiplier: float,
    collimate_tolerance: int,
    delimiter: str,
) -> dict[str, str]:
    """Join the class names of the objects in the order of reading; tolerances are in pixels.

    Lines end with a line break, columns of vertical text with a space, and so do words where they are told apart. With
    ``tolerance`` the delimiter stands around these as it stands between characters; with the others it stands between
    characters only, and in the place of the spaces between words.
    """
    if not len(predictions):
        return {"ocr_text": ""}
    direction = _direction(predictions.xyxy) if reading_direction == "auto" else reading_direction
    first, last = _turned(predictions.xyxy[:, :2], direction), _turned(predictions.xyxy[:, 2:], direction)
    low, high = np.minimum(first, last), np.maximum(first, last)
    starts: frozenset[int] = frozenset()
    if stitching_algorithm == "tolerance":
        lines = _rounded_lines(first, tolerance)
    elif stitching_algorithm == "collimate":
        lines = _drifting_lines(low, high, collimate_tolerance)
    else:
        lines = _level_lines(low, high)
        starts = _word_starts(lines, low, high, otsu_threshold_multiplier)
    names = detections.class_names(predictions)
    end = "\n" if direction in HORIZONTAL else " "
    around = delimiter if stitching_algorithm == "tolerance" else ""
    return {"ocr_text": f"{around}{end}{around}".join(_written(line, names, starts, delimiter) for line in lines)}


def _written(line: Sequence[int], names: Sequence[str], starts: frozenset[int], delimiter: str) -> str:
    text = names[line[0]]
    for i in line[1:]:
        text += (delimiter or (" " if i in starts else "")) + names[i]
    return text


def _direction(xyxy: Points) -> str:
    """Say whether text runs across or down: the next character of a line is nearer than the next line."""
    centres = (xyxy[:, :2] + xyxy[:, 2:]) / 2
    steps = np.abs(centres[:, None] - centres[None])
    distances = np.hypot(steps[..., 0], steps[..., 1])
    np.fill_diagonal(distances, np.inf)
    across, down = steps[np.arange(len(steps)), distances.argmin(axis=1)].sum(axis=0)
    return "left_to_right" if across >= down else "vertical_top_to_bottom"


def _turned(points: Points, direction: str) -> Points:
    """Turn points (x, y) so that the text runs to the right and its lines follow each other downwards."""
    x, y = points.T
    turned = {
        "left_to_right": (x, y),
        "right_to_left": (-x, y),
        "vertical_top_to_bottom": (y, x),
        "vertical_bottom_to_top": (-y, -x),
    }
    return np.stack(turned[direction], axis=1)


def _rounded_lines(first: Points, tolerance: int) -> Lines:
    """Objects whose first corner lies on the same of the levels that are ``tolerance`` apart."""
    along, level = first[:, 0].round(), (first[:, 1].round() / tolerance).round()
    lines: dict[float, list[int]] = {}
    for i in np.lexsort((along, level)):
        lines.setdefault(float(level[i]), []).append(int(i))
    return list(lines.values())


def _drifting_lines(low: Points, high: Points, tolerance: int) -> Lines:
    """Each object follows the one before it whose middle is nearest, at most ``tolerance`` higher or lower."""
    middle = (low[:, 1] + high[:, 1]) / 2
    lines: Lines = []
    for i in np.argsort(low[:, 0], kind="stable"):
        off, line = min(((abs(middle[line[-1]] - middle[i]), line) for line in lines), default=(np.inf, []))
        if off > tolerance:
            line = []
            lines.append(line)
        line.append(int(i))
    return sorted(lines, key=lambda line: float(middle[line].mean()))


def _level_lines(low: Points, high: Points) -> Lines:
    """Objects whose middle is less than half the height of the line away from the line's."""
    middle, height = (low[:, 1] + high[:, 1]) / 2, high[:, 1] - low[:, 1]
    lines: Lines = []
    for i in np.argsort(middle, kind="stable"):
        if not lines or middle[i] - middle[lines[-1]].mean() >= height[lines[-1]].mean() / 2:
            lines.append([])
        lines[-1].append(int(i))
    return [sorted(line, key=lambda i: float(low[i, 0])) for line in lines]


def _word_starts(lines: Lines, low: Points, high: Points, multiplier: float) -> frozenset[int]:
    """Return the objects before which a word ends: those after a wide gap, if the gaps are of two sorts.

    Gaps are measured in heights of the two characters beside them, and told apart by Otsu's method: in the middle
    between the widest of the narrow ones and the narrowest of the wide ones, times ``multiplier``.
    """
    from skimage.filters import threshold_otsu

    pairs = np.array([pair for line in lines for pair in pairwise(line)], dtype=int).reshape(-1, 2)
    before, after = pairs.T
    heights = (high - low)[:, 1]
    gaps = (low[after, 0] - high[before, 0]) / np.maximum((heights[before] + heights[after]) / 2, 1)
    if len(gaps) < 2:
        return frozenset()
    wide = gaps > threshold_otsu(gaps)  # type: ignore[no-untyped-call]
    if not wide.any() or gaps[wide].mean() - gaps[~wide].mean() < WORDS_APART:
        return frozenset()
    middle = (gaps[~wide].max() + gaps[wide].min()) / 2
    return frozenset(after[gaps > middle * multiplier].tolist())
