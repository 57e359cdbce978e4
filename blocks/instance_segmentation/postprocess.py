"""From the network's outputs to objects in the image's own pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation.sampling import Axis, axis
from workflow_engine.api import masks

if TYPE_CHECKING:
    from supervision.detection.compact_mask import CompactMask


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


def upsampled(logits: NDArray[np.float32], size: tuple[int, int]) -> CompactMask:
    """Bring masks, logits (K, h, w), to an image of ``size`` (height, width): where bilinear samples are above zero.

    No image is filled. A sample is a mean of four cells, so only the rectangle around a mask's positive cells can be
    positive; and down a column, the samples between two cells change sign at most once, and only where the cells do.
    (Rounded to zero, a sample midway between cells of 1e-45, the smallest number there is, would be an exception.)
    """
    columns, rows = axis(logits.shape[2], size[1]), axis(logits.shape[1], size[0])
    changes = (_changes(plane, columns) for plane in logits)
    groups = masks.in_groups(changes, lambda change: change.column.size)
    return masks.merged([_between(group, rows, size) for group in groups], size)


def _between(changes: Sequence[_Changes], rows: Axis, size: tuple[int, int]) -> CompactMask:
    """Return the masks that change sign where each of ``changes`` says."""
    mask = np.repeat(np.arange(len(changes)), [change.column.size for change in changes])
    column, cell, near, far = (np.concatenate(parts) for parts in zip(*changes, strict=True))
    row = _crossings(near, far, cell, rows)
    return masks.from_runs(np.stack([mask[::2], column[::2], row[::2], row[1::2]]), len(changes), size)


class _Changes(NamedTuple):
    """Where the cells of one mask change sign down the columns of the image: into the mask, out of it, into it ...

    Attributes:
        column: Of the image, (m,).
        cell: The first cell after the change, (m,).
        near: Logit of the cell before it, (m,); 0 above the first cell.
        far: Logit of the cell after it, (m,); 0 below the last cell.
    """

    column: NDArray[np.intp]
    cell: NDArray[np.intp]
    near: NDArray[np.float32]
    far: NDArray[np.float32]


def _changes(logits: NDArray[np.float32], columns: Axis) -> _Changes:
    x, y, width, height = cv2.boundingRect((logits > 0).view(np.uint8))
    left, right, top = columns.starts[max(x - 1, 0)], columns.starts[x + width], max(y - 1, 0)
    cells, share = np.ascontiguousarray(logits[top : y + height + 1].T), columns.weight[left:right, None]
    before, after = cells[columns.low[left:right]], cells[columns.high[left:right]]
    before *= 1 - share
    after *= share
    # A zero above and below: outside the mask, as all cells beyond the rectangle are.
    samples = np.zeros((right - left, cells.shape[1] + 2), dtype=np.float32)
    np.add(before, after, out=samples[:, 1:-1])
    flat = samples.ravel()
    inside = flat > 0
    place = np.flatnonzero(inside[1:] != inside[:-1])
    column, cell = np.divmod(place, samples.shape[1])
    return _Changes(column + left, cell + top, flat[place], flat[place + 1])


def _crossings(
    near: NDArray[np.float32], far: NDArray[np.float32], cell: NDArray[np.intp], rows: Axis
) -> NDArray[np.intp]:
    """Return the first row whose sample has the sign of the cell after a change, for each of many changes.

    The rows between the two cells are searched by halving. Rounding keeps order, so of the two products that make up a
    sample one only rises and the other only falls with the weight: their sum changes sign once, to the bit.
    """
    row, stop = rows.starts[np.maximum(cell - 1, 0)], rows.starts[cell]
    begins = near > 0
    step = 1 << int((stop - row).max(initial=0)).bit_length()
    while step := step // 2:
        probe = row + step
        share = rows.weight[np.minimum(probe, stop) - 1]
        same = (near * (1 - share) + far * share > 0) == begins
        row = np.where(same & (probe <= stop), probe, row)
    return row
