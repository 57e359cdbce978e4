"""From images to the array that the network reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation.sampling import axis

# Mean and deviation of ImageNet's pixels in [0, 1], red-green-blue.
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)
STRIP = 32
"""Rows that are resized at a time: what is made on the way stays in the cache, which takes 0.6 of the time of all."""


def bilinear(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return an image's red, green and blue, resized without antialias, as upstream does since version 1.9.

    Only the four neighbours of each sample are read, so the time hardly depends on the size of the image.

    Args:
        pixels: Blue-green-red (H, W, 3) or grey (H, W).
        side: Of the result, (3, side, side), 0 to 255.
    """
    rows, columns = axis(pixels.shape[0], side), axis(pixels.shape[1], side)
    depth, order = (3, [[2], [1], [0]]) if pixels.ndim == 3 else (1, [[0], [0], [0]])
    # Where the red, then the green, then the blue of each sample lies in a row of bytes: long rows are quick.
    low, high = ((index * depth + order).ravel() for index in (columns.low, columns.high))
    across = np.tile(columns.weight, 3)
    lines = pixels.reshape(len(pixels), -1)

    def line(index: NDArray[np.intp]) -> NDArray[np.float32]:
        near = lines[index]
        # All indices are in range; clipping them is what is quickest.
        left, right = (near.take(place, axis=1, mode="clip").astype(np.float32) for place in (low, high))
        return _between(left, right, across)

    resized = np.empty((3, side, side), dtype=np.float32)
    for top in range(0, side, STRIP):
        strip = slice(top, top + STRIP)
        drawn = _between(line(rows.low[strip]), line(rows.high[strip]), rows.weight[strip, None])
        resized[:, strip] = drawn.reshape(-1, 3, side).transpose(1, 0, 2)
    return resized


def _between(near: NDArray[np.float32], far: NDArray[np.float32], share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what lies between two arrays, at a share of the way, in the place of the second."""
    far -= near
    far *= share
    far += near
    return far


def antialiased(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Return an image's red, green and blue as ``bilinear`` does, but antialiased, as upstream did before 1.9."""
    import torch
    from torch.nn.functional import interpolate

    planes = torch.from_numpy(np.ascontiguousarray(np.atleast_3d(pixels))).permute(2, 0, 1)[None].float()
    resized = interpolate(planes, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return resized[0].numpy()[::-1]


RESIZERS: dict[str, Callable[[NDArray[np.uint8], int], NDArray[np.float32]]] = {
    "bilinear": bilinear,
    "bilinear-antialias": antialiased,
}


def to_array(images: Sequence[NDArray[np.uint8]], *, side: int, resize: str) -> NDArray[np.float32]:
    """Return images, blue-green-red (H, W, 3) or grey (H, W), as the network's input.

    Returns:
        Normalised red-green-blue, (N, 3, side, side).
    """
    resizer = RESIZERS[resize]
    scale, shift = (1 / (255 * DEVIATION))[:, None, None], (-MEAN / DEVIATION)[:, None, None]
    batch = np.empty((len(images), 3, side, side), dtype=np.float32)
    for planes, pixels in zip(batch, images, strict=True):
        np.multiply(resizer(pixels, side), scale, out=planes)
        planes += shift
    return batch
