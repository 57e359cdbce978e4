"""Sharp images measure more than blurred ones, and aids are drawn where they belong."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.vision.image import Image

BRENNER, TENENGRAD = "core/brenner_focus@v1", "core/camera_focus@v1"
NO_AIDS: dict[str, Any] = {
    "show_zebra_warnings": False,
    "show_hud": False,
    "show_focus_peaking": False,
    "show_center_marker": False,
    "grid_overlay": "None",
}
PLAIN = Image.from_array(np.full((60, 80, 3), 100, dtype=np.uint8))


@pytest.mark.parametrize("block", [BRENNER, TENENGRAD])
@pytest.mark.parametrize("grey", [True, False])
def test_blur_measures_less(run: BlockRunner, block: str, grey: bool) -> None:
    image = picture(grey=grey)
    blurred = image.with_pixels(np.asarray(cv2.blur(image.pixels, (5, 5)), dtype=np.uint8))
    assert run(block, image=blurred)["focus_measure"] < run(block, image=image)["focus_measure"] / 4
    assert run(block, image=PLAIN)["focus_measure"] == 0


def test_brenner_s_measure_by_hand(run: BlockRunner) -> None:
    pixels = np.zeros((4, 5), dtype=np.uint8)
    pixels[:, 2:] = 10
    result = run(BRENNER, image=Image.from_array(pixels))
    assert result["focus_measure"] == 8 * 100 / 20
    assert result["image"].pixels.shape == (4, 5)


def test_tenengrad_by_hand_and_in_boxes(run: BlockRunner) -> None:
    pixels = np.zeros((20, 30), dtype=np.uint8)
    pixels[:, 15:] = 10
    image = Image.from_array(pixels)
    boxes = table(image, [(12, 4, 18, 8), (0, 0, 5, 5), (-90, -90, -80, -80), (14, -5, 99, 3)], with_masks=False)
    result = run(TENENGRAD, image=image, detections=boxes, **NO_AIDS)
    assert result["focus_measure"] == pytest.approx(2 * 20 * 1600 / 600)
    assert result["bbox_focus_measures"] == pytest.approx([2 * 1600 / 6, 0.0, None, 2 * 1600 / 16])
    np.testing.assert_array_equal(result["image"].pixels[..., 0], pixels)
    assert run(TENENGRAD, image=image)["bbox_focus_measures"] == []


def drawn(run: BlockRunner, image: Image = PLAIN, **aids: Any) -> np.ndarray:
    pixels: np.ndarray = run(TENENGRAD, image=image, **(NO_AIDS | aids))["image"].pixels
    return pixels


@pytest.mark.parametrize(("grid", "lines"), [("None", 0), ("2x2", 1), ("3x3", 2), ("4x4", 3), ("5x5", 4)])
def test_a_grid_divides_the_image(run: BlockRunner, grid: str, lines: int) -> None:
    pixels = drawn(run, grid_overlay=grid)
    assert int((pixels[3] == 128).all(axis=1).sum()) == lines
    assert int((pixels[:, 3] == 128).all(axis=1).sum()) == lines


def test_stripes_mark_what_is_too_dark_or_too_bright(run: BlockRunner) -> None:
    pixels = np.full((60, 80, 3), 100, dtype=np.uint8)
    pixels[:20], pixels[40:] = 2, 254
    changed = drawn(run, Image.from_array(pixels), show_zebra_warnings=True)
    assert {tuple(color) for color in changed[5]} == {(2, 2, 2), (128, 1, 1)}
    assert {tuple(color) for color in changed[45]} == {(254, 254, 254), (127, 127, 254)}
    assert (changed[20:40] == 100).all()
    wider = drawn(run, Image.from_array(pixels), show_zebra_warnings=True, overexposed_threshold_percent=30.0)
    assert (wider[20:40] != 100).any()


def test_sharp_edges_are_green(run: BlockRunner) -> None:
    pixels = np.full((60, 80, 3), 50, dtype=np.uint8)
    pixels[:, 40:] = 200
    changed = drawn(run, Image.from_array(pixels), show_focus_peaking=True)
    green = changed[..., 1].astype(int) - changed[..., 0]
    assert np.flatnonzero(green[30] > 50).tolist() == [39, 40]
    assert (drawn(run, show_focus_peaking=True) == 100).all()


def test_the_centre_and_the_panel(run: BlockRunner) -> None:
    cross = (drawn(run, show_center_marker=True) == 255).all(axis=2)
    assert cross[30, 32:49].all()
    assert int(cross.sum()) == 2 * 17 - 1
    large = Image.from_array(np.full((400, 600, 3), 100, dtype=np.uint8))
    panel = (drawn(run, large, show_hud=True) != 100).any(axis=2)
    assert panel[10:50, 10:100].all()
    assert not panel[200:].any()
    assert not panel[:, 300:].any()
