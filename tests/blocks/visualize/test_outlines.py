"""Masks, outlines and boxes, pixel by pixel."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import CLASSES, crowd, dense, picture, table
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image

BGR = {"bolt": (251, 81, 163), "nut": (64, 64, 255), "washer": (160, 161, 255)}
DRAWING = ["mask", "polygon", "bounding_box", "halo", "color"]


def mixed(image: Image, objects: Detections, opacity: float) -> NDArray[np.float64]:
    """What drawing masks means: each pixel is mixed with the colour of the smallest object that covers it."""
    paint = image.pixels.astype(float)
    areas = [int(dense(objects, index).sum()) for index in range(len(objects))]
    for index in sorted(range(len(objects)), key=lambda index: -areas[index]):
        paint[dense(objects, index)] = BGR[detections.class_names(objects)[index]]
    return (1 - opacity) * image.pixels + opacity * paint


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("opacity", [0.0, 0.5, 0.8, 1.0])
def test_masks_are_mixed_in_larger_ones_first(run: BlockRunner, seed: int, opacity: float) -> None:
    image = picture(seed=seed)
    objects = _of_different_areas(crowd(image, seed=seed))
    drawn = run("core/mask_visualization@v1", image=image, predictions=objects, opacity=opacity)["image"]
    assert np.abs(drawn.pixels - mixed(image, objects, opacity)).max() <= 1


def _of_different_areas(objects: Detections) -> Detections:
    _, first = np.unique(objects.area, return_index=True)
    return objects.select(first)


def test_dense_masks_look_the_same(run: BlockRunner) -> None:
    image = picture()
    objects = _of_different_areas(crowd(image, 8))
    other = detections.replace(objects, mask=np.asarray(objects.mask))
    for block in ("core/mask_visualization@v1", "core/polygon_visualization@v1", "core/halo_visualization@v1"):
        one, two = (run(block, image=image, predictions=o)["image"] for o in (objects, other))
        np.testing.assert_array_equal(one.pixels, two.pixels)


@pytest.mark.parametrize("name", DRAWING)
def test_a_grey_image_takes_the_colours(run: BlockRunner, name: str) -> None:
    image = picture(grey=True)
    drawn = run(f"core/{name}_visualization@v1", image=image, predictions=table(image, [(10, 10, 40, 40)]))["image"]
    assert drawn.pixels.shape == (60, 80, 3)
    assert (drawn.pixels[..., 0] != drawn.pixels[..., 2]).any()
    assert drawn.ancestry == image.ancestry


@pytest.mark.parametrize("name", DRAWING)
def test_no_objects_no_change(run: BlockRunner, name: str) -> None:
    image = picture()
    none = detections.empty(image.ancestry, masks=True)
    drawn = run(f"core/{name}_visualization@v1", image=image, predictions=none)["image"]
    np.testing.assert_array_equal(drawn.pixels, image.pixels)


def test_without_masks_nothing_is_tinted(run: BlockRunner) -> None:
    image = picture()
    objects = detections.replace(table(image, [(10, 10, 40, 40)]), mask=None)
    drawn = run("core/mask_visualization@v1", image=image, predictions=objects)["image"]
    np.testing.assert_array_equal(drawn.pixels, image.pixels)


def test_a_box_is_drawn_around_the_object(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(10, 12, 40, 44)], names=["nut"])
    drawn = run("core/bounding_box_visualization@v1", image=image, predictions=objects, thickness=1)["image"].pixels
    border = np.zeros((60, 80), dtype=bool)
    border[12:45, 10:41] = True
    border[13:44, 11:40] = False
    assert (drawn[border] == BGR["nut"]).all()
    np.testing.assert_array_equal(drawn[~border], image.pixels[~border])


def test_round_corners_leave_the_corner_free(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(10, 12, 50, 52)], names=["nut"])
    fields = {"image": image, "predictions": objects, "thickness": 1, "roundness": 0.8}
    drawn = run("core/bounding_box_visualization@v1", **fields)["image"].pixels
    np.testing.assert_array_equal(drawn[12, 10], image.pixels[12, 10])
    assert (drawn[12, 30] == BGR["nut"]).all()


def test_an_outline_follows_every_part_of_the_mask(run: BlockRunner) -> None:
    from workflow_engine.vision import masks

    image = picture()
    window = np.zeros((30, 40), dtype=bool)
    window[:10, :10] = window[20:, 25:] = True
    objects = detections.replace(
        table(image, [(5, 5, 45, 35)], names=["bolt"]), mask=masks.from_windows([(window, 5, 5)], (60, 80))
    )
    drawn = run("core/polygon_visualization@v1", image=image, predictions=objects, thickness=1)["image"].pixels
    changed = (drawn != image.pixels).any(axis=2)
    inner = np.zeros((60, 80), dtype=bool)
    inner[6:14, 6:14] = inner[26:34, 31:44] = True
    expected = np.zeros((60, 80), dtype=bool)
    expected[5:35, 5:45] = window
    np.testing.assert_array_equal(changed, expected & ~inner)
    assert (drawn[changed] == BGR["bolt"]).all()


def test_outlines_of_objects_without_masks_are_their_boxes(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(10, 12, 40, 44)], with_masks=False)
    fields = {"image": image, "predictions": objects}
    boxes = run("core/bounding_box_visualization@v1", **fields)["image"].pixels
    np.testing.assert_array_equal(run("core/polygon_visualization@v1", **fields)["image"].pixels, boxes)


def test_classes_have_colours_of_their_own(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(5, 5, 15, 25), (25, 5, 45, 25), (50, 30, 70, 50)], names=CLASSES)
    drawn = run("core/mask_visualization@v1", image=image, predictions=objects, opacity=1)["image"].pixels
    assert [tuple(drawn[y, x]) for y, x in ((24, 5), (24, 25), (49, 50))] == [BGR[name] for name in CLASSES]


def test_boxes_are_filled(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(10, 12, 40, 44)], names=["nut"])
    drawn = run("core/color_visualization@v1", image=image, predictions=objects, opacity=0.25)["image"].pixels
    expected = image.pixels.astype(float)
    expected[12:45, 10:41] = 0.75 * expected[12:45, 10:41] + 0.25 * np.array(BGR["nut"])
    assert np.abs(drawn - expected).max() <= 1
