"""Many objects in one, and two tables in one."""

from __future__ import annotations

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, picture, table
from workflow_engine.vision import detections

MERGE, COMBINE = "core/detections_merge@v1", "core/detections_combine@v1"
BOXES = [(10, 20, 30, 50), (5, 40, 20, 45), (60, 1, 75, 9)]


def test_one_object_of_all(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, BOXES, confidence=[0.5, 0.9, 0.75], tracker_id=[1, 2, 3])
    merged = run(MERGE, predictions=objects, class_name="pile")["predictions"]
    assert merged.xyxy.tolist() == [[5, 1, 75, 50]]
    assert (merged.confidence.tolist(), merged.class_id.tolist(), merged.tracker_id) == ([0.5], [0], None)
    assert detections.class_names(merged) == ["pile"]
    assert not set(detections.detection_ids(merged)) & set(detections.detection_ids(objects))
    assert detections.ancestry_of(merged) == image.ancestry
    union = dense(objects, 0) | dense(objects, 1) | dense(objects, 2)
    np.testing.assert_array_equal(dense(merged, 0), union)


def test_objects_without_masks_merge_too(run: BlockRunner) -> None:
    merged = run(MERGE, predictions=table(picture(), BOXES, with_masks=False))["predictions"]
    assert merged.mask is None
    assert detections.class_names(merged) == ["merged_detection"]


def test_two_tables_one_after_the_other(run: BlockRunner) -> None:
    image = picture()
    one, two = table(image, BOXES[:2]), table(image, BOXES[2:])
    both = run(COMBINE, prediction_one=one, prediction_two=two)["predictions"]
    assert both.xyxy.tolist() == [list(box) for box in BOXES]
    assert detections.detection_ids(both) == [*detections.detection_ids(one), *detections.detection_ids(two)]
    np.testing.assert_array_equal(dense(both, 2), dense(two, 0))


@pytest.mark.parametrize("first", [True, False])
def test_objects_without_masks_get_empty_ones(run: BlockRunner, first: bool) -> None:
    image = picture()
    one, two = table(image, BOXES[:1], with_masks=first), table(image, BOXES[1:], with_masks=not first)
    both = run(COMBINE, prediction_one=one, prediction_two=two)["predictions"]
    covered = [dense(both, index).any() for index in range(3)]
    assert covered == [first, not first, not first]


def test_an_empty_table_adds_nothing(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, BOXES)
    none = detections.empty(image.ancestry, prediction_type="object-detection")
    both = run(COMBINE, prediction_one=none, prediction_two=objects)["predictions"]
    assert len(both) == len(objects)
    np.testing.assert_array_equal(dense(both, 1), dense(objects, 1))
