"""Outlines without a model."""

from __future__ import annotations

import numpy as np

from tests.blocks.runner import BlockRunner
from workflow_engine.vision.image import Image


def test_contours_of_what_is_not_black(run: BlockRunner) -> None:
    pixels = np.zeros((40, 60), dtype=np.uint8)
    pixels[5:15, 5:25] = 1
    pixels[8:12, 10:20] = 0
    pixels[20:30, 40:50] = 200
    result = run("core/contours_detection@v1", image=Image.from_array(pixels), line_thickness=1)
    assert result["number_contours"] == len(result["contours"]) == 2
    corners = sorted(tuple(contour.reshape(-1, 2).min(axis=0).tolist()) for contour in result["contours"])
    assert corners == [(5, 5), (40, 20)]
    magenta = (result["image"].pixels == (255, 0, 255)).all(axis=2)
    assert magenta[5, 5:25].all()
    assert not magenta[8:12, 10:20].any()


def test_a_black_image_has_no_contours(run: BlockRunner) -> None:
    result = run("core/contours_detection@v1", image=Image.from_array(np.zeros((9, 9), dtype=np.uint8)))
    assert (result["number_contours"], result["contours"], result["hierarchy"]) == (0, [], None)
