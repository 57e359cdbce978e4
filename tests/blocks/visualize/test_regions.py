"""Where objects lie: in rectangles of their own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from blocks.visualize.regions import regions
from tests.blocks.scenes import crowd, dense, picture, table
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections


def canvas(objects: Detections, index: int, size: tuple[int, int], *, padding: int = 0) -> NDArray[np.bool_]:
    drawn = np.zeros(size, dtype=bool)
    for region in regions(objects, size, padding=padding):
        if region.index == index:
            assert drawn[region.where].shape == region.inside.shape
            drawn[region.where] |= region.inside
    return drawn


def test_a_region_is_the_mask_in_the_smallest_rectangle() -> None:
    image = picture()
    objects = crowd(image)
    for region in regions(objects, image.ancestry.size):
        assert region.inside[[0, -1]].any(axis=1).all()
        assert region.inside[:, [0, -1]].any(axis=0).all()
        np.testing.assert_array_equal(canvas(objects, region.index, image.ancestry.size), dense(objects, region.index))


def test_dense_masks_are_the_same() -> None:
    image = picture()
    objects = crowd(image, 5)
    other = detections.replace(objects, mask=np.asarray(objects.mask))
    for index in range(len(objects)):
        size = image.ancestry.size
        np.testing.assert_array_equal(canvas(other, index, size), canvas(objects, index, size))


def test_masks_of_another_image_size_are_cut_off() -> None:
    size = (20, 30)
    objects = detections.replace(
        table(picture(), [(0, 0, 5, 5), (0, 0, 5, 5)]),
        mask=masks.from_windows(
            [(np.ones((40, 40), dtype=bool), 10, 5), (np.ones((4, 4), dtype=bool), 50, 50)], (60, 80)
        ),
    )
    expected = np.zeros(size, dtype=bool)
    expected[5:, 10:] = True
    np.testing.assert_array_equal(canvas(objects, 0, size), expected)
    assert not canvas(objects, 1, size).any()


def test_boxes_without_masks_are_padded_and_cut_off() -> None:
    image = picture()
    objects = table(image, [(10, 12, 20, 22), (-30, -30, 4, 4), (90, 0, 99, 9)], with_masks=False)
    expected = np.zeros(image.ancestry.size, dtype=bool)
    expected[10:24, 8:22] = True
    np.testing.assert_array_equal(canvas(objects, 0, image.ancestry.size, padding=2), expected)
    assert canvas(objects, 1, image.ancestry.size).sum() == 16
    assert [region.index for region in regions(objects, image.ancestry.size)] == [0, 1]
