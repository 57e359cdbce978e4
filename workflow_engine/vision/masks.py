"""Masks of objects: windows, polygons and COCO run lengths, without ever filling a whole image for one object.

A table of masks is a supervision ``CompactMask`` (run lengths of each object's own rectangle) or a dense boolean array
(N, H, W). A *window* is one mask's rectangle of pixels with the image position (x, y) of its top-left corner; outside
its window a mask is background.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from supervision.detection.compact_mask import CompactMask

from workflow_engine.vision.image import FARTHEST

Masks: TypeAlias = CompactMask | NDArray[np.bool_]
Window: TypeAlias = tuple[NDArray[np.bool_], int, int]


def area(masks: Masks) -> NDArray[np.int64]:
    """Return how many pixels each mask covers, shape (N,)."""
    counts = masks.area if isinstance(masks, CompactMask) else np.count_nonzero(masks, axis=(1, 2))
    return np.asarray(counts, dtype=np.int64)


def image_size(masks: Masks) -> tuple[int, int]:
    """Return (height, width) of the image that the masks belong to."""
    return int(masks.shape[1]), int(masks.shape[2])


def window(masks: Masks, index: int) -> Window:
    """Return one mask's pixels (h, w) and the (x, y) of their top-left corner in the image.

    For a dense array the window is the whole image, as a view.
    """
    if isinstance(masks, CompactMask):
        x, y = masks.offsets[index].tolist()
        return masks.crop(index), x, y
    return masks[index], 0, 0


def from_windows(windows: Iterable[Window], size: tuple[int, int]) -> CompactMask:
    """Return the compact masks of windows in an image of ``size`` (height, width); what sticks out is cut off."""
    height, width = size
    runs, shapes, offsets = [], [], []
    for pixels, x, y in windows:
        left, top = min(max(x, 0), width - 1), min(max(y, 0), height - 1)
        inside = pixels[top - y : max(height - y, 0), left - x : max(width - x, 0)]
        if not inside.size:
            inside = np.zeros((1, 1), dtype=np.bool_)
        runs.append(_run_lengths(inside, 0, 0, inside.shape).astype(np.int32))
        shapes.append(inside.shape)
        offsets.append((left, top))
    return CompactMask(
        runs,
        np.array(shapes, dtype=np.int32).reshape(-1, 2),
        np.array(offsets, dtype=np.int32).reshape(-1, 2),
        size,
    )


def union(windows: Sequence[Window]) -> Window:
    """Return the window of what any of one or more masks covers."""
    left, top = min(x for _, x, _ in windows), min(y for _, _, y in windows)
    right = max(x + pixels.shape[1] for pixels, x, _ in windows)
    bottom = max(y + pixels.shape[0] for pixels, _, y in windows)
    covered = np.zeros((bottom - top, right - left), dtype=np.bool_)
    for pixels, x, y in windows:
        covered[y - top : y - top + pixels.shape[0], x - left : x - left + pixels.shape[1]] |= pixels
    return covered, left, top


def intersection(windows: Sequence[Window]) -> Window:
    """Return the window of what each of one or more masks covers."""
    left, top = max(x for _, x, _ in windows), max(y for _, _, y in windows)
    right = max(left, min(x + pixels.shape[1] for pixels, x, _ in windows))
    bottom = max(top, min(y + pixels.shape[0] for pixels, _, y in windows))
    covered = np.ones((bottom - top, right - left), dtype=np.bool_)
    for pixels, x, y in windows:
        covered &= pixels[top - y : bottom - y, left - x : right - x]
    return covered, left, top


def extent(window: Window) -> tuple[int, int, int, int] | None:
    """Return the box x1, y1, x2, y2 around what a mask covers, to the outer edges of its pixels; ``None`` if empty."""
    pixels, x, y = window
    rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
    if not rows.size:
        return None
    return x + int(columns[0]), y + int(rows[0]), x + int(columns[-1]) + 1, y + int(rows[-1]) + 1


def compact(masks: Masks) -> CompactMask:
    """Return ``masks`` as compact masks; dense ones are cut to the rectangle of their foreground."""
    if isinstance(masks, CompactMask):
        return masks
    return from_windows((_tight(mask) for mask in masks), image_size(masks))


def _tight(mask: NDArray[np.bool_]) -> Window:
    x1, y1, x2, y2 = extent((mask, 0, 0)) or (0, 0, 0, 0)
    return mask[y1:y2, x1:x2], x1, y1


def contours(masks: Masks, index: int) -> list[NDArray[np.int32]]:
    """Return every outline of one mask, outer borders and holes, each (k, 2) of (x, y) pixels in image coordinates.

    Vertices are the border pixels themselves (so inclusive), with collinear runs compressed, in OpenCV's order.
    """
    pixels, x, y = window(masks, index)
    found, _ = cv2.findContours(
        np.ascontiguousarray(pixels).view(np.uint8), cv2.RETR_TREE, cv2.CHAIN_APPROX_SIMPLE, offset=(x, y)
    )
    return [np.asarray(contour, dtype=np.int32).reshape(-1, 2) for contour in found]


def polygon(masks: Masks, index: int) -> list[list[int]]:
    """Return the outline with the largest area as three or more (x, y) pixels; empty without foreground."""
    outlines = contours(masks, index)
    if not outlines:
        return []
    points: list[list[int]] = max(outlines, key=cv2.contourArea).tolist()
    return points + [points[-1]] * (3 - len(points))


def from_polygons(polygons: Iterable[ArrayLike], size: tuple[int, int]) -> CompactMask:
    """Return the masks of polygons, each (k, 2) of (x, y), filled with their border, in an image of (height, width).

    Vertices are rounded to the nearest pixel. What lies outside the image is cut off.
    """
    return from_windows((polygon_window(points, size) for points in polygons), size)


def polygon_window(points: ArrayLike, size: tuple[int, int]) -> Window:
    """Return the window of a filled polygon, as ``from_polygons`` does for many."""
    # Filling goes row by row from the topmost vertex on, wherever that lies: an absurd one is to cost no minutes.
    vertices = np.rint(np.asarray(points, dtype=np.float64).reshape(-1, 2)).clip(-FARTHEST, FARTHEST).astype(np.int32)
    corner = np.maximum(vertices.min(axis=0), 0)
    width, height = np.minimum(vertices.max(axis=0) + 1, (size[1], size[0])) - corner
    x, y = corner.tolist()
    if width <= 0 or height <= 0:
        return np.zeros((0, 0), dtype=np.bool_), 0, 0
    canvas = np.zeros((height, width), dtype=np.uint8)
    cv2.fillPoly(canvas, [vertices - corner], (1,))
    return canvas.view(np.bool_), x, y


def to_rle(masks: Masks, index: int) -> dict[str, Any]:
    """Return one mask in COCO's compressed form: ``{"size": [height, width], "counts": text}`` of the whole image.

    The run lengths are computed from the mask's window. The counts are column-major, the first run being background.
    """
    size = image_size(masks)
    return {"size": list(size), "counts": _encode_counts(_run_lengths(*window(masks, index), size).tolist())}


def from_rle(rles: Iterable[Mapping[str, Any]], size: tuple[int, int]) -> CompactMask:
    """Return the masks written in COCO's form, compressed (text) or not (a list of run lengths).

    Raises:
        ValueError: A mask is of another size than ``size`` (height, width), or its counts do not add up to that size.
    """
    return from_windows((rle_window(rle, size) for rle in rles), size)


def rle_window(rle: Mapping[str, Any], size: tuple[int, int]) -> Window:
    """Return the window of a mask written in COCO's form, as ``from_rle`` does for many."""
    height, edges = size[0], np.cumsum(_counts(rle, size))
    starts, stops = edges[:-1:2], edges[1::2]
    starts, stops = starts[stops > starts], stops[stops > starts]
    if not starts.size:
        return np.zeros((0, 0), dtype=np.bool_), 0, 0
    first, last = int(starts[0]) // height, int(stops[-1] - 1) // height
    # Marks at the starts and stops of runs, summed up along the columns that the mask touches, give its pixels.
    marks = np.zeros((last - first + 1) * height + 1, dtype=np.int8)
    marks[starts - first * height] += 1
    marks[stops - first * height] -= 1
    columns = np.cumsum(marks[:-1], dtype=np.int8).view(np.bool_).reshape(-1, height)
    rows = np.flatnonzero(columns.any(axis=0))
    return columns[:, rows[0] : rows[-1] + 1].T, first, int(rows[0])


def _counts(rle: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.int64]:
    try:
        given, written = list(rle["size"]), rle["counts"]
        text = written.decode("ascii") if isinstance(written, bytes) else written
        counts = np.array(_decode_counts(text) if isinstance(text, str) else text, dtype=np.int64)
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError("a mask in run lengths must be {size: [height, width], counts: text or integers}") from error
    if given != list(size):
        raise ValueError(f"a mask of size {given} was given for an image of size {list(size)}")
    pixels = size[0] * size[1]
    if counts.ndim != 1 or ((counts < 0) | (counts > pixels)).any() or int(counts.sum()) != pixels:
        raise ValueError(f"the run lengths of a mask do not add up to an image of size {list(size)}")
    return counts


def _run_lengths(pixels: NDArray[np.bool_], x: int, y: int, size: tuple[int, ...]) -> NDArray[np.int64]:
    """Return the column-major run lengths, background first, of a whole image of ``size`` that holds this window."""
    height, width = size
    rows, columns = pixels.shape
    # One background pixel before the first column and after each: no run crosses columns, and all begin with a change.
    padded = np.zeros(columns * (rows + 1) + 1, dtype=np.bool_)
    padded[1:].reshape(columns, rows + 1)[:, :rows] = pixels.T
    column, row = np.divmod(np.flatnonzero(padded[1:] != padded[:-1]), rows + 1)
    edges = (column + x) * height + row + y
    touching = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1
    edges = np.delete(edges, np.concatenate([touching, touching + 1]))
    lengths = np.diff(edges, prepend=0, append=height * width)
    return lengths[:-1] if lengths.size > 1 and lengths[-1] == 0 else lengths


def _encode_counts(counts: Sequence[int]) -> str:
    """Return run lengths in COCO's text form.

    From the fourth on, each is written as its difference from the one two before. A number is split into groups of
    five bits, lowest first, of which all but the last carry a continuation bit; each is the character 48 above.
    """
    characters = []
    for position, count in enumerate(counts):
        rest = count - counts[position - 2] if position > 2 else count
        while not -16 <= rest < 16:
            characters.append((rest & 31 | 32) + 48)
            rest >>= 5
        characters.append((rest & 31) + 48)
    return bytes(characters).decode("ascii")


def _decode_counts(text: str) -> list[int]:
    """Return the run lengths of COCO's text form; ``ValueError`` when it is cut short or holds a foreign character."""
    counts: list[int] = []
    value = shift = 0
    for character in text:
        group = ord(character) - 48
        if not 0 <= group < 64 or shift > 30:
            raise ValueError("the counts of a mask are not in COCO's compressed form")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            value -= (group & 16) << (shift - 4)
            counts.append(value + counts[-2] if len(counts) > 2 else value)
            value = shift = 0
    if shift:
        raise ValueError("the counts of a mask end in the middle of a number")
    return counts
