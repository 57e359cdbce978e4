"""What crops show, joined on the image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, dense, picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

IMAGE = picture()
CROPS = table(IMAGE, [(5.6, 4.4, 40, 50), (30, 10, 80, 60)], with_masks=False)


def rolled_up(run: BlockRunner, parents: Detections, children: list[Detections], **fields: Any) -> Any:
    return run("core/detections_list_rollup@v1", parent_detection=parents, child_detections=children, **fields)


def cropped(run: BlockRunner, objects: Detections, parents: Detections = CROPS) -> list[Detections]:
    """What each crop shows of the objects, in its own coordinates."""
    shown = []
    for one in run("core/dynamic_crop@v1", images=IMAGE, predictions=parents):
        crop = one["crops"]
        x, y = crop.ancestry.parent_offset
        rows = [
            detections.crop(objects, index, x, y, x + crop.width, y + crop.height, crop.ancestry)
            for index in range(len(objects))
        ]
        shown.append(detections.merge([detections.empty(crop.ancestry, masks=objects.mask is not None), *rows]))
    return shown


def test_what_one_crop_shows_comes_back_to_its_place(run: BlockRunner) -> None:
    objects = table(IMAGE, [(10, 10, 20, 25)])
    first, second = cropped(run, objects)
    result = rolled_up(run, CROPS, [first, second.select([])])
    found = result["rolled_up_detections"]
    np.testing.assert_array_equal(dense(found, 0), dense(objects, 0))
    assert found.xyxy.tolist() == [[10, 10, 20, 25]]
    assert detections.ancestry_of(found) == IMAGE.ancestry
    assert result["crop_zones"] == [
        [[5.6, 4.4], [40, 4.4], [40, 50], [5.6, 50]],
        [[30, 10], [80, 10], [80, 60], [30, 60]],
    ]


def test_what_two_crops_show_becomes_one(run: BlockRunner) -> None:
    objects = table(IMAGE, [(20, 15, 60, 45)])
    found = rolled_up(run, CROPS, cropped(run, objects))["rolled_up_detections"]
    assert len(found) == 1
    np.testing.assert_array_equal(dense(found, 0), dense(objects, 0))


@pytest.mark.parametrize(("how", "expected"), [("max", 0.9), ("mean", 0.7), ("min", 0.5)])
def test_the_confidence_of_the_joined(run: BlockRunner, how: str, expected: float) -> None:
    first = table(IMAGE, [(0, 0, 10, 10)], confidence=[0.5], with_masks=False)
    second = table(IMAGE, [(0, 0, 10, 10)], confidence=[0.9], with_masks=False)
    parents = table(IMAGE, [(0, 0, 40, 40), (5, 5, 50, 50)])
    found = rolled_up(run, parents, [first, second], confidence_strategy=how)["rolled_up_detections"]
    assert found.confidence is not None
    assert found.confidence.tolist() == pytest.approx([expected])
    assert found.xyxy.tolist() == [[0, 0, 15, 15]]


def test_too_little_overlap_and_other_classes_stay_apart(run: BlockRunner) -> None:
    parents = table(IMAGE, [(0, 0, 40, 40), (5, 5, 50, 50)])
    bolt, nut = (table(IMAGE, [(0, 0, 10, 10)], names=[name], with_masks=False) for name in ("bolt", "nut"))
    assert len(rolled_up(run, parents, [bolt, bolt], overlap_threshold=0.2)["rolled_up_detections"]) == 2
    assert len(rolled_up(run, parents, [bolt, bolt], overlap_threshold=0.1)["rolled_up_detections"]) == 1
    apart = rolled_up(run, parents, [bolt, nut])["rolled_up_detections"]
    assert detections.class_names(apart) == ["bolt", "nut"]


def test_a_chain_of_overlaps_is_one_object(run: BlockRunner) -> None:
    boxes = [(30, 0, 41, 10), (0, 0, 11, 10), (10, 0, 31, 10), (60, 0, 70, 10)]
    parents = table(IMAGE, [(0, 0, 80, 60)])
    children = [table(IMAGE, boxes, names=["bolt"] * 4, with_masks=False)]
    found = rolled_up(run, parents, children)["rolled_up_detections"]
    assert found.xyxy.tolist() == [[0, 0, 41, 10], [60, 0, 70, 10]]


def with_key_points(box: tuple[int, int, int, int], places: list[tuple[int, int]]) -> Detections:
    one = table(IMAGE, [box], names=["bolt"], with_masks=False)
    columns = {
        "keypoints_xy": np.array([places], dtype=float),
        "keypoints_confidence": np.ones((1, len(places))),
        "keypoints_class_id": np.zeros((1, len(places)), dtype=int),
        "keypoints_class_name": np.full((1, len(places)), "tip", dtype=object),
    }
    for name, values in columns.items():
        one = detections.with_column(one, name, values)
    return one


def test_key_points_that_are_close_are_averaged(run: BlockRunner) -> None:
    parents = table(IMAGE, [(0, 0, 40, 40), (10, 0, 50, 40)])
    children = [
        with_key_points((10, 0, 30, 10), [(12, 2), (28, 8)]),
        with_key_points((0, 0, 20, 10), [(2, 4), (18, 8)]),
    ]
    found = rolled_up(run, parents, children)["rolled_up_detections"]
    assert found.data["keypoints_xy"].tolist() == [[[12, 3], [28, 8]]]
    assert len(rolled_up(run, parents, children, keypoint_merge_threshold=1)["rolled_up_detections"]) == 2
    other = with_key_points((0, 0, 20, 10), [(2, 4)])
    assert len(rolled_up(run, parents, [children[0], other])["rolled_up_detections"]) == 2


def test_crops_without_masks_go_with_crops_that_have_them(run: BlockRunner) -> None:
    masked, plain = table(IMAGE, [(0, 0, 10, 10)]), table(IMAGE, [(0, 0, 10, 10)], with_masks=False)
    found = rolled_up(run, CROPS, [masked, plain])["rolled_up_detections"]
    assert len(found) == 2
    assert found.mask is not None


def test_a_crowd_comes_back_complete_class_by_class(run: BlockRunner) -> None:
    objects = crowd(IMAGE)
    parents = table(IMAGE, [(0, 0, 80, 60)])
    found = rolled_up(run, parents, [objects], overlap_threshold=0.999)["rolled_up_detections"]
    names = np.array(detections.class_names(objects))
    order = np.concatenate([np.flatnonzero(names == name) for name in ("bolt", "nut", "washer")])
    assert detections.class_names(found) == names[order].tolist()
    for index, row in enumerate(order.tolist()):
        np.testing.assert_array_equal(dense(found, index), dense(objects, row))


def test_nothing_on_nothing(run: BlockRunner) -> None:
    result = rolled_up(run, detections.empty(IMAGE.ancestry), [])
    assert (len(result["rolled_up_detections"]), result["crop_zones"]) == (0, [])
    assert detections.image_size(result["rolled_up_detections"]) == (60, 80)
    assert len(rolled_up(run, CROPS, [detections.empty(IMAGE.ancestry)] * 2)["rolled_up_detections"]) == 0


def test_one_table_for_each_object(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="2 objects, but tables of 1 crops"):
        rolled_up(run, CROPS, [CROPS])
    with pytest.raises(BlockError, match="which image they lie on"):
        rolled_up(run, detections.replace(CROPS, metadata={}), [CROPS, CROPS])
