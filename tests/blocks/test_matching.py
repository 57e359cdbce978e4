"""Pairs: the same object before and after, and the nearest neighbour."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, picture, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

IMAGE = picture()
BOX = (10, 10, 30, 30)


def difference(run: BlockRunner, before: Detections, after: Detections, **fields: Any) -> Any:
    return run("core/detections_difference@v1", reference_predictions=before, candidate_predictions=after, **fields)


def test_what_is_gone_what_stayed_and_what_is_new(run: BlockRunner) -> None:
    before = table(IMAGE, [BOX, (50, 10, 70, 30)], names=["bolt", "nut"])
    after = table(IMAGE, [(0, 40, 15, 55), (12, 10, 32, 30)], names=["washer", "bolt"])
    found = difference(run, before, after, reject_cost=0.5)
    assert detections.detection_ids(found["removed_detections"]) == detections.detection_ids(before)[1:]
    assert detections.detection_ids(found["persisted_detections"]) == detections.detection_ids(after)[1:]
    assert detections.detection_ids(found["new_detections"]) == detections.detection_ids(after)[:1]
    assert (found["removed_count"], found["new_count"], found["verified"]) == (1, 1, True)
    assert not difference(run, before, after, reject_cost=0.5, min_removed_to_verify=2)["verified"]


def test_the_cheapest_pair_comes_first(run: BlockRunner) -> None:
    """The second of before is nearer to the one of after, so the first is gone."""
    before = table(IMAGE, [(10, 10, 30, 30), (11, 10, 31, 30)], names=["nut", "nut"])
    after = table(IMAGE, [(12, 10, 32, 30)], names=["nut"])
    found = difference(run, before, after)
    assert detections.detection_ids(found["removed_detections"]) == detections.detection_ids(before)[:1]


def test_boxes_that_do_not_overlap_cost_more_the_farther_they_are(run: BlockRunner) -> None:
    """Two boxes of side 10 whose centres are 30 apart in a row: 1 + 30 / |(40, 10)|, times the weight."""
    before, after = table(IMAGE, [(0, 0, 10, 10)]), table(IMAGE, [(30, 0, 40, 10)])
    cost = 0.4 * (1 + 30 / np.hypot(40, 10))
    assert difference(run, before, after, reject_cost=cost + 1e-9)["removed_count"] == 0
    assert difference(run, before, after, reject_cost=cost - 1e-9)["removed_count"] == 1


def test_another_class_costs_more_or_is_forbidden(run: BlockRunner) -> None:
    before, after = table(IMAGE, [BOX], names=["nut"]), table(IMAGE, [BOX], names=["bolt"])
    assert difference(run, before, after, reject_cost=0.15)["new_count"] == 0
    assert difference(run, before, after, reject_cost=0.14)["new_count"] == 1
    assert difference(run, before, after, class_strict=True, reject_cost=1e9)["new_count"] == 1


def test_nothing_before_is_never_verified_and_all_gone_is(run: BlockRunner) -> None:
    nothing, some = detections.empty(IMAGE.ancestry), crowd(IMAGE, 5)
    assert difference(run, nothing, some)["verified"] is False
    found = difference(run, some, nothing)
    assert (found["removed_count"], found["verified"]) == (5, True)
    assert detections.image_size(found["new_detections"]) == (60, 80)


def neighbours(run: BlockRunner, query: Detections, target: Detections, **fields: Any) -> Any:
    return run("core/detections_nearest_neighbor@v1", query_predictions=query, target_predictions=target, **fields)


def test_the_nearest_other_object_and_ties_within_a_pixel(run: BlockRunner) -> None:
    objects = table(IMAGE, [(0, 0, 10, 10), (20, 0, 30, 10), (0, 20.5, 10, 30.5), (60, 40, 70, 50)])
    found = neighbours(run, objects, objects)
    distances = found["query_predictions"].data["nearest_target_distance"].tolist()
    assert distances == pytest.approx([20, 20, 20.5, np.hypot(40, 40)])
    ids = detections.detection_ids(objects)
    pairs = [
        (ids.index(query), ids.index(target))
        for query, target in zip(
            detections.detection_ids(found["matched_query_detections"]),
            detections.detection_ids(found["matched_target_detections"]),
            strict=True,
        )
    ]
    assert pairs == [(0, 1), (0, 2), (1, 0), (2, 0), (3, 1)]
    assert "nearest_target_distance" not in objects.data


def test_too_far_and_alone_is_no_neighbour(run: BlockRunner) -> None:
    one, other = table(IMAGE, [(0, 0, 10, 10)]), table(IMAGE, [(30, 0, 40, 10)])
    nothing = detections.empty(IMAGE.ancestry)
    for target, limit in ((other, 29), (one, None), (nothing, None)):
        found = neighbours(run, one, target, max_distance=limit)
        assert found["query_predictions"].data["nearest_target_distance"].tolist() == [None]
        assert len(found["matched_query_detections"]) == len(found["matched_target_detections"]) == 0
    assert neighbours(run, one, other, max_distance=30)["query_predictions"].data["nearest_target_distance"][0] == 30
    assert len(neighbours(run, nothing, one)["query_predictions"]) == 0


def test_other_points_of_the_box(run: BlockRunner) -> None:
    one, other = table(IMAGE, [(0, 0, 10, 10)]), table(IMAGE, [(30, 10, 40, 20)])
    found = neighbours(run, one, other, query_point="BOTTOM_RIGHT", target_point="TOP_LEFT")
    assert found["query_predictions"].data["nearest_target_distance"].tolist() == [20]


def with_key_points(objects: Detections, names: list[list[str | None]], places: Any) -> Detections:
    named = detections.with_column(objects, "keypoints_class_name", np.array(names, dtype=object))
    columns = {"keypoints_class_id": np.zeros((len(names), 2), int), "keypoints_confidence": np.ones((len(names), 2))}
    for name, values in columns.items():
        named = detections.with_column(named, name, values)
    return detections.with_column(named, "keypoints_xy", np.array(places, dtype=float))


def test_key_points_by_name(run: BlockRunner) -> None:
    objects = with_key_points(
        table(IMAGE, [(0, 0, 10, 10), (20, 0, 30, 10)]), [["head", "tail"], ["tail", None]], [[(1, 1), (5, 5)]] * 2
    )
    other = table(IMAGE, [(1, 1, 1, 5)])
    found = neighbours(run, objects, other, query_point="KEYPOINT", query_keypoint_name="head", target_point="TOP_LEFT")
    assert found["query_predictions"].data["nearest_target_distance"].tolist() == [0, None]
    with pytest.raises(BlockError, match="its name is not given"):
        neighbours(run, objects, other, query_point="KEYPOINT")
    with pytest.raises(BlockError, match="have no key points"):
        neighbours(run, objects, other, target_point="KEYPOINT", target_keypoint_name="head")


def test_too_many_are_refused(run: BlockRunner) -> None:
    many = table(IMAGE, [BOX] * 1001, with_masks=False)
    with pytest.raises(BlockError, match="1001 objects"):
        neighbours(run, many, table(IMAGE, [BOX]))
    with pytest.raises(BlockError, match="40000 pairs"):
        neighbours(run, many.select(slice(200)), table(IMAGE, [BOX] * 200, with_masks=False))
