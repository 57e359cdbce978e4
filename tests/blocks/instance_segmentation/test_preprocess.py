"""Images as the network's input, held against PyTorch's own resizing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn.functional import interpolate

from blocks.instance_segmentation.preprocess import to_array

MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
DEVIATION = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (height, width, 3), dtype=np.uint8)


def as_upstream(pixels: NDArray[np.uint8], side: int, *, antialias: bool) -> torch.Tensor:
    """Do as upstream's ``predict``: red-green-blue, to [0, 1], resized, normalised."""
    planes = torch.from_numpy(pixels[:, :, ::-1].copy()).permute(2, 0, 1).float() / 255
    resized = interpolate(planes[None], size=(side, side), mode="bilinear", align_corners=False, antialias=antialias)[0]
    return (resized - MEAN) / DEVIATION


@pytest.mark.parametrize("size", [(48, 64), (480, 640), (31, 500), (96, 96), (7, 5), (1, 1)])
@pytest.mark.parametrize(("resize", "antialias"), [("bilinear", False), ("bilinear-antialias", True)])
def test_is_what_upstream_computes(size: tuple[int, int], resize: str, antialias: bool) -> None:
    pixels = noise(*size)
    (planes,) = to_array([pixels], side=96, resize=resize)
    torch.testing.assert_close(
        torch.from_numpy(planes), as_upstream(pixels, 96, antialias=antialias), atol=3e-6, rtol=0
    )


@pytest.mark.parametrize("resize", ["bilinear", "bilinear-antialias"])
def test_grey_is_a_picture_whose_colours_are_equal(resize: str) -> None:
    grey = noise(40, 50)[:, :, 0]
    coloured = np.repeat(grey[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(*(to_array([image], side=48, resize=resize) for image in (grey, coloured)))


def test_images_of_different_sizes_make_one_batch_and_stay_as_they_were() -> None:
    images = [noise(40, 50), noise(90, 20)[::-1]]
    before = [image.copy() for image in images]
    batch = to_array(images, side=48, resize="bilinear")
    assert (batch.shape, batch.dtype) == ((2, 3, 48, 48), np.float32)
    np.testing.assert_array_equal(batch[1], to_array([images[1].copy()], side=48, resize="bilinear")[0])
    assert all(np.array_equal(image, copy) for image, copy in zip(images, before, strict=True))
