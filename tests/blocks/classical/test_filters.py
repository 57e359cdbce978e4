"""Grey tones, blur, thresholds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture
from workflow_engine.vision.image import Image


def test_grey_tones(run: BlockRunner) -> None:
    image = picture()
    grey = run("core/convert_grayscale@v1", image=image)["image"]
    expected = image.pixels @ np.array([0.114, 0.587, 0.299])
    assert np.abs(grey.pixels - expected).max() <= 1
    assert grey.ancestry == image.ancestry
    np.testing.assert_array_equal(run("core/convert_grayscale@v1", image=grey)["image"].pixels, grey.pixels)


def point(value: int = 255) -> NDArray[np.uint8]:
    pixels = np.zeros((21, 21), dtype=np.uint8)
    pixels[10, 10] = value
    return pixels


@pytest.mark.parametrize(
    ("kind", "size", "reach"), [("average", 4, 4), ("average", 5, 5), ("gaussian", 4, 5), ("median", 4, 0)]
)
def test_a_point_is_blurred_over_the_kernel(run: BlockRunner, kind: str, size: int, reach: int) -> None:
    image = Image.from_array(point())
    blurred = run("core/image_blur@v1", image=image, blur_type=kind, kernel_size=size)["image"].pixels
    assert blurred.any(axis=0).sum() == reach
    assert blurred.any(axis=1).sum() == reach


def test_a_bilateral_blur_keeps_edges(run: BlockRunner) -> None:
    pixels = np.full((20, 20, 3), 20, dtype=np.uint8)
    pixels[:, 10:] = 240
    blurred = run("core/image_blur@v1", image=Image.from_array(pixels), blur_type="bilateral")["image"].pixels
    assert np.abs(blurred.astype(int) - pixels).max() <= 2


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("binary", [0, 0, 200]),
        ("binary_inv", [200, 200, 0]),
        ("trunc", [50, 100, 100]),
        ("tozero", [0, 0, 150]),
        ("tozero_inv", [50, 100, 0]),
    ],
)
@pytest.mark.parametrize("channels", [1, 3])
def test_fixed_thresholds_work_on_every_channel(
    run: BlockRunner, kind: str, expected: list[int], channels: int
) -> None:
    row = np.array([[50, 100, 150]], dtype=np.uint8)
    image = Image.from_array(row if channels == 1 else np.dstack([row] * 3))
    fields: dict[str, Any] = {"threshold_type": kind, "thresh_value": 100, "max_value": 200}
    split = run("core/threshold@v1", image=image, **fields)["image"].pixels
    assert split.reshape(3, channels)[:, 0].tolist() == expected


@pytest.mark.parametrize("kind", ["otsu", "adaptive_mean", "adaptive_gaussian"])
def test_other_thresholds_find_their_value_in_the_grey_tones(run: BlockRunner, kind: str) -> None:
    pixels = np.full((40, 40, 3), 60, dtype=np.uint8)
    pixels[18:22, 18:22] = 20
    image = Image.from_array(pixels)
    split = run("core/threshold@v1", image=image, threshold_type=kind, thresh_value=0)["image"].pixels
    assert split.shape == (40, 40)
    assert not split[18:22, 18:22].any()
    assert (split[:8] == 255).all()
