"""Where each object lies in an image, as the pixels of a rectangle; never as a whole image per object."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from workflow_engine.api import Detections, masks


@dataclass(frozen=True, slots=True)
class Region:
    """Where one object shows in an image.

    Attributes:
        index: The object's place in its table.
        where: Rows and columns of its rectangle, which lies within the image.
        inside: Which pixels of the rectangle belong to the object, (h, w).
    """

    index: int
    where: tuple[slice, slice]
    inside: NDArray[np.bool_]


def regions(
    predictions: Detections, size: tuple[int, int], *, order: Iterable[int] | None = None, padding: int = 0
) -> Iterator[Region]:
    """Yield the region of each object that shows in an image of ``size`` (height, width).

    It is the object's mask in the mask's own rectangle, or without masks the object's box, cut to whole pixels; grown
    by ``padding`` pixels on every side. The objects come in the table's order, or in another ``order`` of places.
    """
    for index in range(len(predictions)) if order is None else order:
        if predictions.mask is not None:
            region = _clipped(index, *masks.window(predictions.mask, index), size)
            region = _grown(region, padding, size) if region is not None and padding else region
        else:
            region = _box(index, predictions.xyxy[index], padding, size)
        if region is not None:
            yield region


def largest_first(predictions: Detections) -> list[int]:
    """Return the objects' places in the table by falling area; of equal ones, in the order that supervision paints."""
    places: list[int] = np.flip(np.argsort(predictions.area)).tolist()
    return places


def _clipped(index: int, pixels: NDArray[np.bool_], x: int, y: int, size: tuple[int, int]) -> Region | None:
    """Return what shows of a mask's window, cut to the rectangle of its foreground."""
    inside = pixels[max(-y, 0) : max(size[0] - y, 0), max(-x, 0) : max(size[1] - x, 0)]
    column, row, width, height = cv2.boundingRect(inside.view(np.uint8)) if inside.size else (0, 0, 0, 0)
    if not width:
        return None
    top, left = max(y, 0) + row, max(x, 0) + column
    return Region(
        index, np.s_[top : top + height, left : left + width], inside[row : row + height, column : column + width]
    )


def _grown(region: Region, padding: int, size: tuple[int, int]) -> Region:
    """Return the region with all pixels that are at most ``padding`` away from it."""
    rows, columns = region.where
    top, left = max(rows.start - padding, 0), max(columns.start - padding, 0)
    bottom, right = min(rows.stop + padding, size[0]), min(columns.stop + padding, size[1])
    outside = np.ones((bottom - top, right - left), dtype=np.uint8)
    outside[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = ~region.inside
    near = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE) <= padding
    return Region(region.index, np.s_[top:bottom, left:right], near)


def _box(index: int, xyxy: NDArray[np.number], padding: int, size: tuple[int, int]) -> Region | None:
    grown = xyxy + np.array([-padding, -padding, padding, padding])
    x1, y1, x2, y2 = np.clip(grown, 0, [size[1], size[0]] * 2).astype(int).tolist()
    if x1 >= x2 or y1 >= y2:
        return None
    return Region(index, np.s_[y1:y2, x1:x2], np.ones((y2 - y1, x2 - x1), dtype=np.bool_))
