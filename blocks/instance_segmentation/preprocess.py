"""From images to the tensor that the network reads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from blocks.instance_segmentation.sampling import axis

if TYPE_CHECKING:
    import torch

# Mean and deviation of ImageNet's pixels in [0, 1], red-green-blue.
MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
DEVIATION = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def bilinear(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Resize an (H, W, 3) image to (side, side, 3) float32 without antialias, as upstream does since version 1.9.

    Only the four neighbours of each sample are read, so the time does not depend on the size of the image.
    """
    rows, columns = axis(pixels.shape[0], side), axis(pixels.shape[1], side)
    across, down = columns.weight[None, :, None], rows.weight[:, None, None]

    def line(index: NDArray[np.intp]) -> NDArray[np.float32]:
        near = pixels.take(index, axis=0)
        left = near.take(columns.low, axis=1).astype(np.float32)
        return left + (near.take(columns.high, axis=1) - left) * across

    top = line(rows.low)
    return top + (line(rows.high) - top) * down


def antialiased(pixels: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """Resize an (H, W, 3) image to (side, side, 3) float32 with antialias, as upstream did before version 1.9."""
    import torch
    from torch.nn.functional import interpolate

    planes = torch.from_numpy(np.ascontiguousarray(pixels)).permute(2, 0, 1)[None].float()
    resized = interpolate(planes, size=(side, side), mode="bilinear", align_corners=False, antialias=True)
    return resized[0].permute(1, 2, 0).numpy()


RESIZERS: dict[str, Callable[[NDArray[np.uint8], int], NDArray[np.float32]]] = {
    "bilinear": bilinear,
    "bilinear-antialias": antialiased,
}


def to_tensor(images: Sequence[NDArray[np.uint8]], *, side: int, resize: str) -> torch.Tensor:
    """Return images, blue-green-red (H, W, 3) or grey (H, W), as the network's input.

    Returns:
        Normalised red-green-blue, float32 (N, 3, side, side), on the CPU.
    """
    import torch

    resizer = RESIZERS[resize]
    batch = np.empty((len(images), 3, side, side), dtype=np.float32)
    scale, shift = 1 / (255 * DEVIATION), -MEAN / DEVIATION
    for planes, pixels in zip(batch, images, strict=True):
        coloured = pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
        planes[...] = (resizer(coloured, side)[:, :, ::-1] * scale + shift).transpose(2, 0, 1)
    return torch.from_numpy(batch)
