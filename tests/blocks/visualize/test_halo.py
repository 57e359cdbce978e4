"""The halo: around objects, never on them."""

from __future__ import annotations

import numpy as np
import pytest
from supervision import ColorLookup, HaloAnnotator

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, picture, table


def test_objects_stay_and_only_their_surroundings_change(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, [(30, 20, 50, 40)])
    drawn = run("core/halo_visualization@v1", image=image, predictions=objects, kernel_size=10)["image"].pixels
    changed = (drawn != image.pixels).any(axis=2)
    assert changed.any()
    assert not changed[dense(objects, 0)].any()
    ys, xs = np.nonzero(changed)
    assert (ys.min(), xs.min()) >= (15, 25)
    assert (ys.max(), xs.max()) <= (45, 55)


def test_glow_brightens_and_shade_darkens_a_dark_image(run: BlockRunner) -> None:
    image = picture()
    image = image.with_pixels(np.full_like(image.pixels, 60))
    fields = {"image": image, "predictions": table(image, [(30, 20, 50, 40)]), "kernel_size": 20}
    glow, shade = (
        run(f"roboflow_core/halo_visualization@v{version}", **fields)["image"].pixels[35, 27] for version in (1, 2)
    )
    assert glow.max() > 60
    assert glow.sum() > shade.sum()


@pytest.mark.parametrize("kernel_size", [7, 40])
def test_shade_is_what_supervision_draws(run: BlockRunner, kernel_size: int) -> None:
    image = picture()
    objects = table(image, [(30, 20, 50, 40), (5, 5, 30, 45), (60, 40, 90, 70)])
    fields = {"look": "Shade", "opacity": 0.7, "kernel_size": kernel_size}
    drawn = run("core/halo_visualization@v1", image=image, predictions=objects, **fields)["image"].pixels
    annotator = HaloAnnotator(opacity=0.7, kernel_size=kernel_size, color_lookup=ColorLookup.CLASS)
    expected = annotator.annotate(image.pixels.copy(), objects)
    assert np.abs(drawn.astype(int) - expected).max() <= 1


def test_a_black_halo_changes_nothing(run: BlockRunner) -> None:
    image = picture()
    fields = {"color_palette": "CUSTOM", "custom_colors": ["black"]}
    objects = table(image, [(30, 20, 50, 40)])
    drawn = run("core/halo_visualization@v1", image=image, predictions=objects, **fields)["image"].pixels
    np.testing.assert_array_equal(drawn, image.pixels)
