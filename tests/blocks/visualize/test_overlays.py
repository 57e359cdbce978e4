"""Comparisons and anomaly maps."""

from __future__ import annotations

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image

PLAIN = Image.from_array(np.full((40, 60, 3), 100, dtype=np.uint8))


@pytest.mark.parametrize("with_masks", [True, False])
def test_what_both_found_stays(run: BlockRunner, with_masks: bool) -> None:
    image = picture()
    a, b = (table(image, [box], with_masks=with_masks) for box in ((10, 10, 40, 40), (25, 10, 60, 40)))
    fields = {"image": image, "predictions_a": a, "predictions_b": b, "opacity": 0.5}
    pixels = run("core/model_comparison_visualization@v1", **fields)["image"].pixels
    in_a, in_b = np.zeros((2, 60, 80), dtype=bool)
    in_a[10:40, 10:40] = in_b[10:40, 25:60] = True
    if with_masks:
        in_a, in_b = dense(a, 0), dense(b, 0)
    expected = image.pixels.astype(float)
    for where, color in ((~in_a & ~in_b, (0, 0, 0)), (in_a & ~in_b, (0, 255, 0)), (in_b & ~in_a, (0, 0, 255))):
        expected[where] = expected[where] / 2 + np.array(color) / 2
    assert np.abs(pixels - expected).max() <= 1


def test_two_empty_answers_are_all_background(run: BlockRunner) -> None:
    none = detections.empty(PLAIN.ancestry)
    fields = {"image": PLAIN, "predictions_a": none, "predictions_b": none, "background_color": "WHITE"}
    pixels = run("core/model_comparison_visualization@v1", opacity=1.0, **fields)["image"].pixels
    assert (pixels == 255).all()


def test_only_what_is_above_the_threshold_is_coloured(run: BlockRunner) -> None:
    odd = np.zeros((40, 60))
    odd[10:20, 10:20], odd[20:30, 30:40] = 0.6, 1.5
    fields = {"image": PLAIN, "anomaly_map": odd, "anomaly_threshold": 0.5, "color_map": "HOT", "opacity": 1.0}
    pixels = run("core/anomaly_heatmap_visualization@v1", **fields)["image"].pixels
    assert (pixels[odd == 0] == 100).all()
    assert (pixels[25, 35] == 255).all(), "twice the threshold is the end of the colours"
    assert 0 < pixels[15, 15, 2] < 255
    assert not pixels[15, 15, 0]


def test_a_map_of_another_size_is_stretched(run: BlockRunner) -> None:
    odd = np.zeros((1, 4, 6, 1))
    odd[0, :, 3:] = 2
    pixels = run("core/anomaly_heatmap_visualization@v1", image=PLAIN, anomaly_map=odd, anomaly_threshold=1.0)
    changed = (pixels["image"].pixels != 100).any(axis=2)
    assert changed[:, 32:].all()
    assert not changed[:, :28].any()


def test_the_colours_of_the_house_get_lighter(run: BlockRunner) -> None:
    odd = np.tile(np.linspace(1.01, 2, 60), (40, 1))
    fields = {"image": PLAIN, "anomaly_map": odd, "anomaly_threshold": 1.0, "opacity": 1.0}
    row = run("core/anomaly_heatmap_visualization@v1", **fields)["image"].pixels[20].astype(int)
    assert (np.diff(row.sum(axis=1)) >= 0).all()
    assert np.abs(row[0] - (154, 4, 77)).max() <= 2
    assert row[-1].tolist() == [252, 141, 194]


def test_a_map_that_is_none_is_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="rows and columns"):
        run("core/anomaly_heatmap_visualization@v1", image=PLAIN, anomaly_map=np.ones(5), anomaly_threshold=0.5)
