"""Boxes made larger, and rectangles fitted to masks."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections, masks

OFFSET, RECTANGLE = "core/detection_offset@v1", "core/bounding_rect@v1"


@pytest.mark.parametrize(
    ("units", "width", "height", "boxes"),
    [
        ("Pixels", 11, 7, [[15, 7, 45, 53], [0, 0, 15, 13]]),
        ("Percent (%)", 20, 10, [[18, 8, 42, 52], [1, 0, 10, 10]]),
    ],
)
def test_boxes_grow_on_every_side_up_to_the_edge(
    run: BlockRunner, units: str, width: int, height: int, boxes: list[list[float]]
) -> None:
    objects = table(picture(), [(20, 10, 40, 50), (1, 0, 10, 10)])
    fields = {"units": units, "offset_width": width, "offset_height": height}
    assert run(OFFSET, predictions=objects, **fields)["predictions"].xyxy.tolist() == boxes


def test_a_larger_box_is_a_new_object_that_names_the_old_one(run: BlockRunner) -> None:
    objects = table(picture(), [(20, 10, 40, 50)])
    grown = run(OFFSET, predictions=objects, offset_width=4, offset_height=4)["predictions"]
    assert grown.data["parent_id"].tolist() == detections.detection_ids(objects)
    assert detections.detection_ids(grown) != detections.detection_ids(objects)
    np.testing.assert_array_equal(dense(grown, 0), dense(objects, 0))


@pytest.mark.parametrize(
    ("turn", "expected", "size"),
    [(30, 30, (120, 40)), (90, 90, (120, 40)), (120, 30, (40, 120)), (0, 90, (40, 120)), (-10, 80, (40, 120))],
)
def test_a_rectangle_is_fitted_at_any_angle(
    run: BlockRunner, turn: float, expected: float, size: tuple[int, int]
) -> None:
    image = picture(200, 300)
    corners = cv2.boxPoints(((150, 100), (120, 40), turn))
    objects = detections.replace(table(image, [(0, 0, 9, 9)]), mask=masks.from_polygons([corners], (200, 300)))
    found = run(RECTANGLE, predictions=objects)["detections_with_rect"]
    angle, width, height = (float(found.data[name][0]) for name in ("angle", "width", "height"))
    assert angle == pytest.approx(expected, abs=1.5)
    assert (width, height) == pytest.approx(size, abs=3)
    assert found.xyxy[0].tolist() == [*found.data["rect"][0].min(axis=0), *found.data["rect"][0].max(axis=0)]
    overlap = dense(found, 0) & dense(objects, 0)
    assert overlap.sum() > 0.95 * (dense(found, 0) | dense(objects, 0)).sum()


def test_an_empty_mask_has_the_rectangle_of_its_box(run: BlockRunner) -> None:
    objects = table(picture(), [(10, 20, 30, 50)])
    nothing = masks.from_windows([(np.zeros((2, 2), dtype=bool), 0, 0)], (60, 80))
    found = run(RECTANGLE, predictions=detections.replace(objects, mask=nothing))["detections_with_rect"]
    assert found.xyxy.tolist() == [[10, 20, 30, 50]]
    assert sorted((float(found.data["width"][0]), float(found.data["height"][0]))) == [20, 30]


def test_objects_without_masks_are_refused(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="fitted to masks"):
        run(RECTANGLE, predictions=table(picture(), [(10, 20, 30, 50)], with_masks=False))
