"""Masks of objects: windows, polygons and COCO run lengths, without ever filling a whole image for one object.

A table of masks is a supervision ``CompactMask`` (run lengths of each object's own rectangle) or a dense boolean array
(N, H, W). A *window* is one mask's rectangle of pixels with the image position (x, y) of its top-left corner; outside
its window a mask is background. *Runs* are what masks cover, as runs down the columns of the image: an array (4, n) of
each run's mask, its column, its first row and the row after its last; mask by mask, column by column, from the top.

So memory is bounded: a run that segments a picture of 12 megapixels with 300 objects, draws them and writes them as
JSON takes less than 400 MB beside the loaded model, the picture included, and also if the masks are as ragged as those
of random weights. A test holds it to that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from supervision.detection.compact_mask import CompactMask

from workflow_engine.vision.image import FARTHEST

Masks: TypeAlias = CompactMask | NDArray[np.bool_]
Window: TypeAlias = tuple[NDArray[np.bool_], int, int]
Runs: TypeAlias = NDArray[np.int64]
Item = TypeVar("Item")

GROUP = 1 << 18
"""Runs, or ends of runs, that are worked on together: each takes some hundred bytes meanwhile."""


def area(masks: Masks) -> NDArray[np.int64]:
    """Return how many pixels each mask covers, shape (N,)."""
    counts = masks.area if isinstance(masks, CompactMask) else np.count_nonzero(masks, axis=(1, 2))
    return np.asarray(counts, dtype=np.int64)


def image_size(masks: Masks) -> tuple[int, int]:
    """Return (height, width) of the image that the masks belong to."""
    return int(masks.shape[1]), int(masks.shape[2])


def window(masks: Masks, index: int) -> Window:
    """Return one mask's pixels (h, w), row by row, and the (x, y) of their top-left corner in the image.

    For a dense array the window is the whole image, as a view.
    """
    if isinstance(masks, CompactMask):
        x, y = masks.offsets[index].tolist()
        # Decoding gives columns; what reads the pixels reads rows.
        return np.asarray(cv2.transpose(masks.crop(index).T.view(np.uint8))).view(np.bool_), x, y
    return masks[index], 0, 0


def from_runs(runs: Runs, count: int, size: tuple[int, int]) -> CompactMask:
    """Return ``count`` compact masks, in tight rectangles, of runs in an image of ``size`` (height, width)."""
    runs = runs[:, runs[3] > runs[2]]
    rectangles = _rectangles(runs, count)
    return CompactMask(
        [lengths.astype(np.int32) for lengths in _lengths(runs, rectangles)],
        rectangles[:, 2:].astype(np.int32),
        rectangles[:, :2].astype(np.int32),
        size,
    )


def from_windows(windows: Iterable[Window], size: tuple[int, int]) -> CompactMask:
    """Return the compact masks of windows in an image of ``size`` (height, width); what sticks out is cut off."""
    scanned = (_scanned(_inside(window, size)) for window in windows)
    return merged([_of_each(group, size) for group in in_groups(scanned, lambda runs: runs.shape[1])], size)


def _of_each(each: Sequence[Runs], size: tuple[int, int]) -> CompactMask:
    """Return one mask for each element, which holds the runs of that mask alone."""
    runs = np.concatenate(each, axis=1)
    runs[0] = np.repeat(np.arange(len(each)), [one.shape[1] for one in each])
    return from_runs(runs, len(each), size)


def merged(parts: Sequence[CompactMask], size: tuple[int, int]) -> CompactMask:
    """Return the masks of all ``parts`` in one table; of none, for an image of ``size`` (height, width)."""
    return CompactMask.merge(list(parts)) if parts else from_runs(np.empty((4, 0), dtype=np.int64), 0, size)


def in_groups(items: Iterable[Item], weight: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Yield ``items`` in groups, each full when its weights add up to ``GROUP``.

    Arrays of several numbers for every run of many ragged masks would take hundreds of megabytes.
    """
    group, filled = [], 0
    for item in items:
        group.append(item)
        filled += weight(item)
        if filled >= GROUP:
            yield group
            group, filled = [], 0
    if group:
        yield group


def _inside(window: Window, size: tuple[int, int]) -> Window:
    pixels, x, y = window
    left, top = max(x, 0), max(y, 0)
    return pixels[top - y : max(size[0] - y, 0), left - x : max(size[1] - x, 0)], left, top


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


def outline(masks: Masks, index: int) -> NDArray[np.int32]:
    """Return the outline with the largest area, three or more (x, y) pixels (k, 2); none without foreground."""
    outlines = contours(masks, index)
    if not outlines:
        return np.empty((0, 2), dtype=np.int32)
    largest = max(outlines, key=cv2.contourArea)
    return largest if len(largest) > 2 else np.pad(largest, ((0, 3 - len(largest)), (0, 0)), mode="edge")


def polygon(masks: Masks, index: int) -> list[list[int]]:
    """Return the outline with the largest area as three or more (x, y) pixels; empty without foreground."""
    points: list[list[int]] = outline(masks, index).tolist()
    return points


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
    (counts,) = _lengths(_runs(masks, index), np.array([[0, 0, *size]]))
    return {"size": list(size), "counts": _encode_counts(counts)}


def from_rle(rles: Iterable[Mapping[str, Any]], size: tuple[int, int]) -> CompactMask:
    """Return the masks written in COCO's form, compressed (text) or not (a list of run lengths).

    Raises:
        ValueError: A mask is of another size than ``size`` (height, width), or its counts do not add up to that size.
    """
    return from_windows((rle_window(rle, size) for rle in rles), size)


def rle_window(rle: Mapping[str, Any], size: tuple[int, int]) -> Window:
    """Return the window of a mask written in COCO's form, as ``from_rle`` does for many."""
    height, edges = size[0], np.cumsum(run_lengths(rle, size))
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


def run_lengths(rle: Mapping[str, Any], size: tuple[int, int]) -> NDArray[np.int64]:
    """Return the run lengths of a mask written in COCO's form, which add up to ``size``; raise as ``from_rle`` does."""
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


def _runs(masks: Masks, index: int) -> Runs:
    if not isinstance(masks, CompactMask):
        return _scanned((masks[index], 0, 0))
    # Supervision has no public name for these; finding the runs in decoded pixels would cost the rectangle's area.
    edges, height = np.cumsum(masks._rles[index], dtype=np.int64), int(masks._crop_shapes[index, 0])
    start, stop = edges[:-1:2], edges[1::2]
    columns = (stop - 1) // height - start // height + 1
    # A run that crosses columns becomes one in each of them.
    run = np.repeat(np.arange(len(start)), columns)
    column = (start // height)[run] + np.arange(len(run)) - (np.cumsum(columns) - columns)[run]
    x, y = masks.offsets[index].tolist()
    rows = np.stack([start[run], stop[run]]) - column * height
    return np.stack([np.zeros_like(column), column + x, *(rows.clip(0, height) + y)])


def _scanned(window: Window) -> Runs:
    """Return the runs of a window, as those of mask 0."""
    pixels, x, y = window
    rows, columns = pixels.shape
    # One background pixel before the first column and after each: no run crosses columns, and all begin with a change.
    padded = np.zeros(columns * (rows + 1) + 1, dtype=np.bool_)
    padded[1:].reshape(columns, rows + 1)[:, :rows] = pixels.T
    column, row = np.divmod(np.flatnonzero(padded[1:] != padded[:-1]), rows + 1)
    return np.stack([np.zeros_like(row[::2]), column[::2] + x, row[::2] + y, row[1::2] + y])


def _rectangles(runs: Runs, count: int) -> NDArray[np.int64]:
    """Return x, y, height and width of the rectangle around each mask, (count, 4); a corner pixel for an empty one."""
    mask, column, start, stop = runs
    rectangles = np.tile(np.array([0, 0, 1, 1]), (count, 1))
    if mask.size:
        first = np.flatnonzero(np.diff(mask, prepend=-1))
        last = np.append(first[1:], len(mask)) - 1
        left, top = column[first], np.minimum.reduceat(start, first)
        height, width = np.maximum.reduceat(stop, first) - top, column[last] + 1 - left
        rectangles[mask[first]] = np.stack([left, top, height, width], axis=1)
    return rectangles


def _lengths(runs: Runs, rectangles: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Return each mask's column-major run lengths, background first, in its rectangle (x, y, height, width)."""
    mask, column, start, stop = runs
    x, y, height, width = rectangles.T
    # Positions are counted as if the pixels of all rectangles followed each other.
    ends = np.concatenate([[0], np.cumsum(height * width)])
    above = (ends[:-1] - x * height - y)[mask] + column * height[mask]
    start, stop = start + above, stop + above
    apart = np.ones(len(mask) + 1, dtype=np.bool_)
    apart[1:-1] = (start[1:] != stop[:-1]) | (mask[1:] != mask[:-1])
    edges = np.stack([start[apart[:-1]], stop[apart[1:]]], axis=1).ravel()
    first = np.searchsorted(mask[apart[:-1]], np.arange(len(ends))) * 2
    lengths = np.diff(np.insert(edges, first, ends))
    begin = first + np.arange(len(ends))
    # The background after the last run is left out when there is none.
    end = begin[1:] - ((lengths[begin[1:] - 1] == 0) & (np.diff(begin) > 1))
    return [lengths[place] for place in map(slice, begin[:-1].tolist(), end.tolist())]


def _encode_counts(counts: NDArray[np.int64]) -> str:
    """Return run lengths in COCO's text form.

    From the fourth on, each is written as its difference from the one two before. A number is split into groups of
    five bits, lowest first, of which all but the last carry a continuation bit; each is the character 48 above.
    """
    rest = counts.copy()
    rest[3:] -= counts[1:-2]
    groups, written = [], [np.ones(len(rest), dtype=np.bool_)]
    while written[-1].any():
        # What is left does not fit into the five bits of this group.
        more = (rest + 16) >> 5 != 0
        groups.append((rest & 31) + (more * 32 + 48))
        written.append(more)
        rest >>= 5
    return np.stack(groups, axis=1).astype(np.uint8)[np.stack(written[:-1], axis=1)].tobytes().decode("ascii")


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
