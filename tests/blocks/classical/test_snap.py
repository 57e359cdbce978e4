"""Outlines move to the edges that can be seen."""

from __future__ import annotations

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, picture, table
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image

BLOCK = "core/mask_edge_snap@v1"


def square_scene() -> Image:
    pixels = np.full((120, 160, 3), 40, dtype=np.uint8)
    pixels[30:90, 40:110] = 200
    return Image.from_array(pixels)


def rectangle(image: Image, x1: int, y1: int, x2: int, y2: int) -> Detections:
    found = table(image, [(x1, y1, x2, y2)], names=["nut"])
    window = np.ones((y2 - y1, x2 - x1), dtype=bool)
    return detections.replace(found, mask=masks.from_windows([(window, x1, y1)], image.ancestry.size))


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("off", [-6, 5])
@pytest.mark.parametrize("compact", [True, False])
def test_a_rough_outline_snaps_to_the_square(run: BlockRunner, off: int, compact: bool) -> None:
    image = square_scene()
    rough = rectangle(image, 40 - off, 30 - off, 110 + off, 90 + off)
    if not compact:
        rough = detections.replace(rough, mask=np.asarray(rough.mask))
    true = np.zeros((120, 160), dtype=bool)
    true[30:90, 40:110] = True
    result = run(BLOCK, image=image, segmentation=rough, sigma=0.5)
    refined = result["refined_segmentation"]
    assert overlap(dense(refined, 0), true) > max(0.96, overlap(dense(rough, 0), true))
    assert detections.class_names(refined) == ["nut"]
    assert detections.detection_ids(refined) == detections.detection_ids(rough)


def test_edges_are_one_object_near_the_outline(run: BlockRunner) -> None:
    image = square_scene()
    rough = rectangle(image, 45, 35, 105, 85)
    edges = run(BLOCK, image=image, segmentation=rough, sigma=0.5)["edges"]
    assert detections.class_names(edges) == ["edges"]
    ys, xs = np.nonzero(dense(edges, 0))
    np.testing.assert_array_equal(edges.xyxy, [[xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]])
    assert np.abs(edges.xyxy - [40, 30, 110, 90]).max() <= 3
    none = run(BLOCK, image=image, segmentation=rough, sigma=0.5, min_contour_area=10000.0)
    assert len(none["edges"]) == 0
    np.testing.assert_array_equal(dense(none["refined_segmentation"], 0), dense(rough, 0))


def test_edges_out_of_reach_move_nothing(run: BlockRunner) -> None:
    image = square_scene()
    rough = rectangle(image, 60, 50, 90, 70)
    refined = run(BLOCK, image=image, segmentation=rough, pixel_tolerance=5)["refined_segmentation"]
    np.testing.assert_array_equal(dense(refined, 0), dense(rough, 0))


def test_objects_without_masks_are_left_alone(run: BlockRunner) -> None:
    image = picture()
    boxes = table(image, [(5, 5, 20, 20)], with_masks=False)
    result = run(BLOCK, image=image, segmentation=boxes)
    assert result["refined_segmentation"] is boxes
    assert len(result["edges"]) == 0


def test_edges_within_edges_count_too(run: BlockRunner) -> None:
    pixels = np.full((120, 160, 3), 40, dtype=np.uint8)
    pixels[20:100, 30:120] = 200
    pixels[45:75, 60:90] = 40
    image = Image.from_array(pixels)
    ring = np.ones((80, 90), dtype=bool)
    ring[22:58, 27:63] = False
    rough = detections.replace(
        table(image, [(30, 20, 120, 100)]), mask=masks.from_windows([(ring, 30, 20)], image.ancestry.size)
    )
    edges = dense(run(BLOCK, image=image, segmentation=rough, sigma=0.5)["edges"], 0)
    assert edges[20:100, 28:33].any()
    assert edges[45:75, 58:63].sum() > 20
