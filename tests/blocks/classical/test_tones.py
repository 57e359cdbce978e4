"""Colours are measured."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture
from workflow_engine.errors import BlockError
from workflow_engine.vision.image import Image

COUNT, MAIN = "core/pixel_color_count@v1", "core/dominant_color@v1"


@pytest.mark.parametrize("color", ["#3cb43c", "(60, 180, 60)", [60, 180, 60], "rgb(60,180,60)", (60, 180, 60)])
def test_every_channel_must_be_near(run: BlockRunner, color: Any) -> None:
    pixels = np.zeros((2, 3, 3), dtype=np.uint8)
    pixels[0] = [[60, 180, 60], [70, 170, 50], [60, 180, 71]]
    image = Image.from_array(pixels)
    counts = [run.registry.function(COUNT)(image, target_color=color, tolerance=t) for t in (0, 10, 11)]
    assert [count["matching_pixels_count"] for count in counts] == [1, 2, 3]


def test_grey_and_unreadable(run: BlockRunner) -> None:
    image = picture(grey=True)
    found = run(COUNT, image=image, target_color="GREY", tolerance=255)["matching_pixels_count"]
    assert found == 60 * 80
    with pytest.raises(BlockError, match="not a colour"):
        run(COUNT, image=image, target_color="#12")


def test_the_largest_group_of_colours_wins(run: BlockRunner) -> None:
    random = np.random.default_rng(0)
    pixels = np.zeros((100, 120, 3))
    pixels[:] = (200, 40, 30)
    pixels[:30] = (10, 220, 20)
    pixels[30:50] = (250, 250, 250)
    noisy = Image.from_array((pixels + random.normal(0, 3, pixels.shape)).clip(0, 255).astype(np.uint8))
    red, green, blue = run(MAIN, image=noisy, color_clusters=3)["rgb_color"]
    assert np.abs(np.array([red, green, blue]) - (30, 40, 200)).max() <= 2
    assert run(MAIN, image=noisy) == run(MAIN, image=noisy)


@pytest.mark.parametrize("clusters", [1, 4, 10])
def test_fewer_colours_than_clusters(run: BlockRunner, clusters: int) -> None:
    flat = Image.from_array(np.full((20, 20, 3), (1, 2, 3), dtype=np.uint8))
    assert run(MAIN, image=flat, color_clusters=clusters)["rgb_color"] == (3, 2, 1)


def test_one_cluster_is_the_mean_of_the_rows_that_are_looked_at(run: BlockRunner) -> None:
    image = picture(100, 100)
    fields = {"color_clusters": 1, "max_iterations": 1}
    for size, step in ((100, 1), (50, 2), (1, 100)):
        mean = image.pixels[::step, ::step].reshape(-1, 3).mean(axis=0)[::-1]
        assert np.abs(np.array(run(MAIN, image=image, target_size=size, **fields)["rgb_color"]) - mean).max() <= 0.51
