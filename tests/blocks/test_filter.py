"""Filtering: which objects stay, and that they stay what they were."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections

BOXES = [(0, 0, 10, 10), (20, 0, 40, 10), (5, 20, 15, 50), (50, 30, 70, 50)]
NAMES = ["bolt", "nut", "bolt", "washer"]


def where(property_name: str, comparator: str, right: dict[str, Any]) -> list[dict[str, Any]]:
    operand = {
        "type": "DynamicOperand",
        "operations": [{"type": "ExtractDetectionProperty", "property_name": property_name}],
    }
    statement = {
        "type": "BinaryStatement",
        "left_operand": operand,
        "comparator": {"type": comparator},
        "right_operand": right,
    }
    return [{"type": "DetectionsFilter", "filter_operation": {"type": "StatementGroup", "statements": [statement]}}]


def literal(value: Any) -> dict[str, Any]:
    return {"type": "StaticOperand", "value": value}


def test_objects_keep_order_ids_masks_and_origin(run: BlockRunner) -> None:
    image = picture()
    objects = table(image, BOXES, names=NAMES)
    kept = run("core/detections_filter@v1", predictions=objects, operations=where("class_name", "==", literal("bolt")))[
        "predictions"
    ]
    ids = detections.detection_ids(objects)
    assert detections.detection_ids(kept) == [ids[0], ids[2]]
    assert kept.xyxy.tolist() == [list(BOXES[0]), list(BOXES[2])]
    np.testing.assert_array_equal(np.asarray(kept.mask), np.asarray(objects.mask)[[0, 2]])
    assert detections.ancestry_of(kept) == image.ancestry


def test_a_condition_may_use_a_named_value(run: BlockRunner) -> None:
    objects = table(picture(), BOXES, names=NAMES)
    condition = where("class_name", "in (Sequence)", {"type": "DynamicOperand", "operand_name": "wanted"})
    result = run(
        "core/detections_filter@v1",
        predictions=objects,
        operations=condition,
        operations_parameters={"wanted": ["nut", "washer"]},
    )
    assert detections.class_names(result["predictions"]) == ["nut", "washer"]


def test_nothing_left_is_an_empty_table_of_the_same_image(run: BlockRunner) -> None:
    image = picture()
    condition = where("confidence", "(Number) >", literal(2))
    kept = run("core/detections_filter@v1", predictions=table(image, BOXES), operations=condition)["predictions"]
    assert len(kept) == 0
    assert detections.ancestry_of(kept) == image.ancestry


@pytest.mark.parametrize("block", ["core/detections_filter@v1", "core/detections_transformation@v1"])
def test_operations_must_end_in_objects(run: BlockRunner, block: str) -> None:
    with pytest.raises(BlockError, match="end in SequenceLength, which gives int where objects are expected"):
        run(block, predictions=table(picture(), BOXES), operations=[{"type": "SequenceLength"}])


def test_a_chain_changes_objects(run: BlockRunner) -> None:
    operations = [
        {"type": "SortDetections", "mode": "size", "ascending": False},
        {"type": "DetectionsSelection", "mode": "first"},
    ]
    result = run("core/detections_transformation@v1", predictions=table(picture(), BOXES), operations=operations)
    assert result["predictions"].xyxy.tolist() == [list(BOXES[3])]


def test_a_threshold_for_each_class(run: BlockRunner) -> None:
    objects = table(picture(), BOXES, names=NAMES, confidence=[0.8, 0.4, 0.79, 0.5])
    result = run(
        "core/per_class_confidence_filter@v1",
        predictions=objects,
        class_thresholds={"bolt": 0.8, "nut": 0.41},
        default_threshold=0.5,
    )
    assert detections.class_names(result["predictions"]) == ["bolt", "washer"]


def test_classes_are_named_as_text_and_others_may_be_kept_out(run: BlockRunner) -> None:
    plain = table(picture(), BOXES, confidence=[0.8, 0.4, 1.0, 0.5])
    objects = detections.with_column(plain, "class_name", ["7", "7", "bolt", "bolt"])
    fields = {"class_thresholds": {7: 0.5}, "default_threshold": 1.5}
    result = run("core/per_class_confidence_filter@v1", predictions=objects, **fields)
    assert result["predictions"].confidence.tolist() == [0.8]


def test_objects_without_confidence_are_refused(run: BlockRunner) -> None:
    objects = detections.replace(table(picture(), BOXES), confidence=None)
    with pytest.raises(BlockError, match="no confidence"):
        run("core/per_class_confidence_filter@v1", predictions=objects, class_thresholds={})
