"""Classes of a whole image, written on it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from workflow_engine.vision.image import Image

PLAIN = Image.from_array(np.full((300, 400, 3), 50, dtype=np.uint8))
BOLT, NUT = (251, 81, 163), (64, 64, 255)
SINGLE = {
    "predictions": [
        {"class": "bolt", "class_id": 0, "confidence": 0.2},
        {"class": "nut", "class_id": 1, "confidence": 0.8},
    ],
    "top": "nut",
    "confidence": 0.8,
}
MULTI = {
    "predictions": {
        "bolt": {"class_id": 0, "confidence": 0.6},
        "nut": {"class_id": 1, "confidence": 0.9},
        "washer": {"class_id": 2, "confidence": 0.1},
    },
    "predicted_classes": ["bolt", "nut"],
}


def middles(run: BlockRunner, predictions: Any, **fields: Any) -> dict[tuple[int, ...], tuple[float, float]]:
    """Middle (x, y) of the plates, by colour."""
    block = "core/classification_label_visualization@v1"
    pixels: NDArray[np.uint8] = run(block, image=PLAIN, predictions=predictions, **fields)["image"].pixels
    found: dict[tuple[int, ...], tuple[float, float]] = {}
    for color in (BOLT, NUT, (160, 161, 255)):
        ys, xs = np.nonzero((pixels == color).all(axis=2))
        if len(xs):
            found[color] = (float(xs.min() + xs.max()) / 2, float(ys.min() + ys.max()) / 2)
    return found


def test_of_exclusive_classes_the_surest_is_written(run: BlockRunner) -> None:
    assert middles(run, SINGLE).keys() == {NUT}
    assert middles(run, {"predictions": []}) == {}


@pytest.mark.parametrize("down", ["TOP", "CENTER", "BOTTOM"])
@pytest.mark.parametrize("across", ["LEFT", "CENTER", "RIGHT"])
def test_all_classes_that_apply_are_written_the_surest_on_top(run: BlockRunner, down: str, across: str) -> None:
    position = "CENTER" if down == across == "CENTER" else f"{down}_{across}"
    found = middles(run, MULTI, text_position=position, text_scale=0.5)
    assert found.keys() == {BOLT, NUT}
    assert found[NUT][1] < found[BOLT][1]
    x, y = found[BOLT]
    assert {"TOP": y < 120, "CENTER": 120 < y < 200, "BOTTOM": y > 200}[down]
    assert {"LEFT": x < 150, "CENTER": 170 < x < 230, "RIGHT": x > 250}[across]


def test_texts_differ(run: BlockRunner) -> None:
    block = "core/classification_label_visualization@v1"
    drawn = [
        run(block, image=PLAIN, predictions=SINGLE, text=text)["image"].pixels
        for text in ("Class", "Confidence", "Class and Confidence")
    ]
    widths = [int((pixels != 50).any(axis=2).any(axis=0).sum()) for pixels in drawn]
    assert widths[2] > widths[0] + 20
    assert (drawn[0] != drawn[1]).any()
