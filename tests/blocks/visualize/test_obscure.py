"""Blurred, pixelated and faded: what is touched, what is not."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, picture, table
from workflow_engine.vision import detections

BOX = (20, 15, 50, 40)


def drawn(run: BlockRunner, name: str, **fields: Any) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = run(f"core/{name}_visualization@v1", **fields)["image"].pixels
    return pixels


def test_blur_averages_the_pixels_of_the_mask_within_its_rectangle(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [BOX])
    pixels = drawn(run, "blur", image=image, predictions=objects, kernel_size=9)
    inside = dense(objects, 0)
    assert not inside[:, 45:].any(), "the rectangle of the mask is narrower than the box"
    expected = image.pixels.copy()
    expected[15:40, 20:45] = cv2.blur(image.pixels[15:40, 20:45], (9, 9))
    np.testing.assert_array_equal(pixels[inside], expected[inside])
    np.testing.assert_array_equal(pixels[~inside], image.pixels[~inside])


def test_blur_grows_masks_by_the_padding_as_far_as_the_image_goes(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [BOX])
    padding = 8
    changed = (drawn(run, "blur", image=image, predictions=objects, padding=padding) != image.pixels).any(axis=2)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * padding + 1, 2 * padding + 1))
    near = cv2.dilate(dense(objects, 0).view(np.uint8), disc).astype(bool)
    assert (changed & near).sum() > 0.98 * near.sum()
    assert (changed & ~near).sum() < 0.03 * near.sum(), "a disc of whole pixels is not quite round"
    everything = drawn(run, "blur", image=image, predictions=objects, padding=100000)
    assert (everything != image.pixels).any(axis=2).mean() > 0.98


def test_blur_grows_boxes_by_the_padding(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [BOX], with_masks=False)
    changed = (drawn(run, "blur", image=image, predictions=objects, padding=3) != image.pixels).any(axis=2)
    ys, xs = np.nonzero(changed)
    assert (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1) == (17, 12, 53, 43)


def test_nothing_of_a_blurred_object_can_be_told_from_beside_it(run: BlockRunner) -> None:
    """What lies outside the rectangle of an object has no influence on its blurred pixels."""
    image = picture()
    objects = table(image, [BOX], with_masks=False)
    other = np.zeros_like(image.pixels)
    other[15:40, 20:50] = image.pixels[15:40, 20:50]
    one = drawn(run, "blur", image=image, predictions=objects)
    two = drawn(run, "blur", image=image.with_pixels(other), predictions=objects)
    np.testing.assert_array_equal(one[15:40, 20:50], two[15:40, 20:50])


def test_pixelate_turns_the_box_into_squares(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(20, 10, 50, 40)])
    pixels = drawn(run, "pixelate", image=image, predictions=objects, pixel_size=10)
    squares = pixels[10:40, 20:50].reshape(3, 10, 3, 10, 3)
    assert (squares == squares[:, :1, :, :1]).all()
    outside = np.ones((60, 80), dtype=bool)
    outside[10:40, 20:50] = False
    np.testing.assert_array_equal(pixels[outside], image.pixels[outside])


def test_a_box_smaller_than_a_square_gets_its_mean_colour(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(20, 10, 28, 16)])
    pixels = drawn(run, "pixelate", image=image, predictions=objects, pixel_size=10)[10:16, 20:28]
    mean = image.pixels[10:16, 20:28].mean(axis=(0, 1))
    assert np.abs(pixels - mean).max() <= 1


@pytest.mark.parametrize("name", ["blur", "pixelate"])
def test_a_grey_image_stays_grey(run: BlockRunner, name: str) -> None:
    image = picture(grey=True)
    pixels = drawn(run, name, image=image, predictions=table(image, [BOX]))
    assert pixels.shape == (60, 80)
    assert (pixels != image.pixels).any()


@pytest.mark.parametrize("with_masks", [True, False])
def test_everything_but_the_objects_is_tinted(run: BlockRunner, with_masks: bool) -> None:
    image = picture()
    objects = table(image, [BOX, (60, 50, 90, 70)], with_masks=with_masks)
    inside = np.zeros((60, 80), dtype=bool)
    inside[15:40, 20:50] = inside[50:60, 60:80] = True
    if with_masks:
        inside = dense(objects, 0) | dense(objects, 1)
    fields = {"image": image, "predictions": objects, "color": "rgb(200, 100, 0)", "opacity": 0.3}
    pixels = drawn(run, "background_color", **fields)
    np.testing.assert_array_equal(pixels[inside], image.pixels[inside])
    expected = 0.7 * image.pixels + 0.3 * np.array([0, 100, 200])
    assert np.abs(pixels - expected)[~inside].max() <= 1


def test_without_objects_all_is_tinted(run: BlockRunner) -> None:
    image = picture()
    none = detections.empty(image.ancestry, masks=True)
    pixels = drawn(run, "background_color", image=image, predictions=none, opacity=1)
    assert not pixels.any()
