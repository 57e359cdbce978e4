"""Zones: convex polygons of few corners out of masks."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, dense, picture, table
from workflow_engine.vision import detections, masks
from workflow_engine.vision.detections import Detections

IMAGE = picture(120, 160)
COURT = [(30, 20), (20, 100), (140, 95), (120, 25)]


def filled(*polygons: Any) -> Detections:
    """One object for every polygon."""
    corners = [np.array(polygon) for polygon in polygons]
    boxes = [(*points.min(axis=0), *points.max(axis=0)) for points in corners]
    return detections.replace(table(IMAGE, boxes), mask=masks.from_polygons(corners, (120, 160)))


def zones(run: BlockRunner, objects: Detections, corners: int = 4, **fields: Any) -> Any:
    return run("core/dynamic_zone@v1", predictions=objects, required_number_of_vertices=corners, **fields)


def test_a_quadrilateral_is_found_again_in_the_order_of_its_outline(run: BlockRunner) -> None:
    objects = filled(COURT)
    result = zones(run, objects)
    assert result["zones"] == [[list(corner) for corner in COURT]]
    assert result["simplification_converged"] is True
    found = result["predictions"]
    np.testing.assert_array_equal(dense(found, 0), dense(objects, 0))
    assert detections.detection_ids(found) == detections.detection_ids(objects)
    assert found.xyxy.tolist() == objects.xyxy.tolist()


@pytest.mark.parametrize("corners", [3, 4, 5, 6, 8])
def test_a_disc_gets_just_so_many_corners_on_its_outline(run: BlockRunner, corners: int) -> None:
    disc = cv2.ellipse2Poly((80, 60), (40, 40), 0, 0, 360, 3)
    (zone,) = zones(run, filled(disc), corners)["zones"]
    assert len(zone) == corners
    np.testing.assert_allclose(np.linalg.norm(np.array(zone) - (80, 60), axis=1), 40, atol=1.5)


def test_dents_and_smaller_parts_do_not_count(run: BlockRunner) -> None:
    dented = [(30, 20), (30, 100), (80, 60), (130, 100), (130, 20)]
    objects = filled(dented)
    mask = dense(objects, 0).copy()
    mask[0:3, 0:3] = True
    objects = detections.replace(objects, mask=mask[np.newaxis])
    assert zones(run, objects)["zones"] == [[[30, 20], [30, 100], [130, 100], [130, 20]]]


def test_too_few_corners_are_repeated_and_the_user_is_told(run: BlockRunner) -> None:
    result = zones(run, filled([(20, 20), (20, 100), (100, 100)]), 5)
    assert result["zones"] == [[[20, 20], [20, 100], [100, 100], [100, 100], [100, 100]]]
    assert result["simplification_converged"] is False


def test_a_hull_that_jumps_over_the_number_is_cut_or_padded(run: BlockRunner) -> None:
    """Opposite corners of this hexagon vanish at one tolerance: it has six, four or two."""
    hexagon = [(20, 50), (20, 60), (80, 100), (140, 60), (140, 50), (80, 10)]
    whole, cut, padded = (zones(run, filled(hexagon), corners) for corners in (6, 5, 3))
    assert whole["simplification_converged"] is True
    assert cut["zones"][0] == whole["zones"][0][:5]
    assert padded["zones"] == [[[80, 10], [80, 100], [80, 100]]]
    assert cut["simplification_converged"] is padded["simplification_converged"] is False


def test_zones_are_scaled_around_their_centroids(run: BlockRunner) -> None:
    square = [(60, 40), (60, 60), (80, 60), (80, 40)]
    result = zones(run, filled(square), scale_ratio=2)
    assert result["zones"] == [[[50, 30], [50, 70], [90, 70], [90, 30]]]
    assert result["predictions"].data["polygon"][0].tolist() == result["zones"][0]
    assert dense(result["predictions"], 0).sum() == 41 * 41


def test_edges_are_fitted_to_a_ragged_outline(run: BlockRunner) -> None:
    """A bump on the corner of a rectangle pulls the simplified polygon, but not the middle of the fitted edges."""
    mask = np.zeros((1, 120, 160), dtype=bool)
    mask[0, 30:91, 30:131] = True
    mask[0, 24:30, 30:36] = True
    objects = detections.replace(filled(COURT), mask=mask)
    plain = np.array(zones(run, objects)["zones"][0])
    fitted = np.array(zones(run, objects, apply_least_squares=True, midpoint_fraction=0.5)["zones"][0])
    wanted = np.array([(30, 30), (30, 90), (130, 90), (130, 30)])
    nearest = [np.linalg.norm(fitted - corner, axis=1).min() for corner in wanted]
    assert max(nearest) <= 3
    assert max(np.linalg.norm(plain - corner, axis=1).min() for corner in wanted) > 3


def test_straight_edges_steep_ones_too_stay_when_fitted(run: BlockRunner) -> None:
    square = [(60, 40), (60, 60), (80, 60), (80, 40)]
    assert zones(run, filled(square), apply_least_squares=True)["zones"] == [[list(corner) for corner in square]]


def test_an_empty_mask_gives_the_box(run: BlockRunner) -> None:
    boxes = table(IMAGE, [(10, 20, 30, 40), (50, 50, 60, 60)], with_masks=False)
    result = zones(run, detections.with_masks(boxes, (120, 160)))
    assert sorted(result["zones"][0]) == [[10, 20], [10, 40], [30, 20], [30, 40]]
    assert len(result["zones"]) == 2


def test_every_object_of_a_crowd_gets_a_zone(run: BlockRunner) -> None:
    objects = crowd(IMAGE)
    result = zones(run, objects)
    assert [len(zone) for zone in result["zones"]] == [4] * len(objects)
    assert len(result["predictions"]) == len(objects)


def test_no_masks_no_zones(run: BlockRunner) -> None:
    for objects in (table(IMAGE, [(1, 1, 9, 9)], with_masks=False), detections.empty(IMAGE.ancestry, masks=True)):
        assert zones(run, objects) == {"zones": [], "predictions": None, "simplification_converged": False}
