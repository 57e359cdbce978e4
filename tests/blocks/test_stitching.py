"""Two pictures of one scene in one."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from workflow_engine.settings import Limits, Settings
from workflow_engine.vision.image import Image


def scene(height: int = 240, width: int = 400) -> NDArray[np.uint8]:
    """A picture with details of its own everywhere."""
    random = np.random.default_rng(3)
    pixels = np.full((height, width, 3), 90, np.uint8)
    for _ in range(250):
        x, y, radius = random.integers((0, 0, 3), (width, height, 16)).tolist()
        cv2.circle(pixels, (x, y), radius, random.integers(0, 256, 3).tolist(), -1)
    return pixels


SCENE = scene()
LEFT, RIGHT = Image.from_array(SCENE[:, :250].copy(), id="left"), Image.from_array(SCENE[:, 150:].copy(), id="right")


def stitched(run: BlockRunner, first: Image, second: Image) -> Image | None:
    result: Image | None = run("core/stitch_images@v1", image1=first, image2=second)["stitched_image"]
    return result


def off(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    return float(np.abs(one.astype(float) - other).mean())


@pytest.mark.parametrize("swapped", [False, True])
def test_two_halves_make_the_scene(run: BlockRunner, swapped: bool) -> None:
    pair = (RIGHT, LEFT) if swapped else (LEFT, RIGHT)
    whole = stitched(run, *pair)
    assert whole is not None
    assert abs(whole.width - 400) <= 2
    assert abs(whole.height - 240) <= 2
    common = np.s_[:238, :398]
    assert off(whole.pixels[common], SCENE[common]) < 12
    assert whole.ancestry.id == " + ".join(image.ancestry.id for image in pair)
    assert whole.ancestry.is_root


def test_the_picture_on_top_stays_as_it_is_wherever_the_other_one_lies(run: BlockRunner) -> None:
    """The second lies lower: the canvas grows upwards, and the one on top is whole."""
    upper, lower = Image.from_array(SCENE[:180, :300].copy()), Image.from_array(SCENE[60:, 60:].copy())
    whole = stitched(run, upper, lower)
    assert whole is not None
    on_top = [
        image for image in (upper, lower) if cv2.matchTemplate(whole.pixels, image.pixels, cv2.TM_SQDIFF).min() < 1
    ]
    assert len(on_top) == 1


def test_a_turned_picture_is_turned_back(run: BlockRunner) -> None:
    turn = cv2.getRotationMatrix2D((125, 120), 8, 1)
    whole = stitched(run, Image.from_array(cv2.warpAffine(LEFT.pixels, turn, (250, 240))), RIGHT)
    assert whole is not None
    assert whole.width > 380


def test_grey_pictures_stay_grey_and_mixed_ones_become_coloured(run: BlockRunner) -> None:
    grey = [image.with_pixels(np.ascontiguousarray(image.pixels[:, :, 1])) for image in (LEFT, RIGHT)]
    both, mixed = stitched(run, *grey), stitched(run, grey[0], RIGHT)
    assert both is not None
    assert mixed is not None
    assert (both.pixels.ndim, mixed.pixels.ndim) == (2, 3)


def test_pictures_of_other_things_do_not_fit(run: BlockRunner) -> None:
    plain = Image.from_array(np.full((50, 60, 3), 7, np.uint8))
    assert stitched(run, plain, plain) is None
    assert stitched(run, LEFT, plain) is None


def test_a_picture_that_would_be_too_large_is_none(run: BlockRunner) -> None:
    settings = replace(run.context.settings, limits=Limits(image_pixels=90_000))
    assert isinstance(settings, Settings)
    block = run.start("core/stitch_images@v1", settings=settings)
    assert block(image1=LEFT, image2=RIGHT) == {"stitched_image": None}
