"""Growing and shrinking what is bright."""

from __future__ import annotations

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture
from workflow_engine.vision.image import Image

BLOCK = "core/morphological_transformation@v1"


@pytest.mark.parametrize(
    ("operation", "square", "speck", "hole"),
    [
        ("Erosion", 6, False, True),
        ("Dilation", 10, True, False),
        ("Opening", 8, False, True),
        ("Closing", 8, True, False),
        ("Opening then Closing", 8, False, False),
    ],
)
def test_operations_on_a_square_a_speck_and_a_hole(
    run: BlockRunner, operation: str, square: int, speck: bool, hole: bool
) -> None:
    pixels = np.zeros((40, 60), dtype=np.uint8)
    pixels[5:13, 5:13] = 255
    pixels[30, 10] = 255
    pixels[20:36, 30:50] = 255
    pixels[28, 40] = 0
    fields = {"image": Image.from_array(pixels), "operation": operation, "kernel_size": 3, "channels": "Grey"}
    changed = run(BLOCK, **fields)["image"].pixels
    assert int((changed[8] > 0)[:20].sum()) == square
    assert bool(changed[30, 10]) is speck
    assert (not changed[28, 40]) is hole


def test_hats_show_what_is_removed_and_gradients_the_border(run: BlockRunner) -> None:
    pixels = np.zeros((30, 30), dtype=np.uint8)
    pixels[5:15, 5:15], pixels[20, 20], pixels[10, 10] = 200, 200, 0
    fields = {"image": Image.from_array(pixels), "kernel_size": 3, "channels": "Grey"}
    top, black, border = (
        run(BLOCK, operation=operation, **fields)["image"].pixels for operation in ("Top Hat", "Black Hat", "Gradient")
    )
    assert top[20, 20] == 200
    assert black[10, 10] == 200
    assert not top[7, 7]
    assert border[5, 7] == border[4, 7] == 200
    assert not border[7, 7]


@pytest.mark.parametrize("grey", [True, False])
def test_channels(run: BlockRunner, grey: bool) -> None:
    image = picture(grey=grey)
    assert run(BLOCK, image=image, channels="Grey")["image"].pixels.shape == (60, 80)
    assert run(BLOCK, image=image, channels="Colour")["image"].pixels.shape == (60, 80, 3)


def test_the_ecosystem_s_first_version_is_grey_and_closes(run: BlockRunner) -> None:
    image = picture()
    first = run("roboflow_core/morphological_transformation@v1", image=image)["image"].pixels
    expected = run(BLOCK, image=image, channels="Grey", operation="Closing")["image"].pixels
    np.testing.assert_array_equal(first, expected)
    second = run("roboflow_core/morphological_transformation@v2", image=image)["image"].pixels
    np.testing.assert_array_equal(second, run(BLOCK, image=image)["image"].pixels)
