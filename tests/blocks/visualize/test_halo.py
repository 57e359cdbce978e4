"""The halo: around objects, never on them."""

from __future__ import annotations

import numpy as np

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


def test_a_black_halo_changes_nothing(run: BlockRunner) -> None:
    image = picture()
    fields = {"color_palette": "CUSTOM", "custom_colors": ["black"]}
    objects = table(image, [(30, 20, 50, 40)])
    drawn = run("core/halo_visualization@v1", image=image, predictions=objects, **fields)["image"].pixels
    np.testing.assert_array_equal(drawn, image.pixels)
