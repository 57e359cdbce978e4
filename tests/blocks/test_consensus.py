"""Voting: who agrees with whom, what becomes of them, and whether enough is there."""

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
BOX = (10.0, 10.0, 30.0, 30.0)


def boxes(*where: tuple[float, float, float, float], **options: Any) -> Detections:
    options = {"names": ["bolt"] * len(where), "with_masks": False, **options}
    return table(IMAGE, where, **options)


def vote(run: BlockRunner, *sources: Detections, votes: int = 2, **fields: Any) -> Any:
    return run("core/detections_consensus@v1", predictions_batches=list(sources), required_votes=votes, **fields)


def test_two_that_agree_become_one(run: BlockRunner) -> None:
    first = boxes(BOX, (50, 10, 70, 30), confidence=[0.9, 0.8])
    second = boxes((12, 10, 32, 30), confidence=[0.5])
    result = vote(run, first, second)
    found = result["predictions"]
    assert found.xyxy.tolist() == [[11, 10, 31, 30]]
    assert found.confidence is not None
    assert found.confidence.tolist() == pytest.approx([0.7])
    assert not {*detections.detection_ids(found)} & {
        *detections.detection_ids(first),
        *detections.detection_ids(second),
    }
    assert found.metadata["prediction_type"] == "object-detection"
    assert detections.ancestry_of(found) == IMAGE.ancestry
    assert (result["object_present"], result["presence_confidence"]) == (True, {"bolt": pytest.approx(0.7)})


def test_one_vote_lets_everything_pass_but_merges(run: BlockRunner) -> None:
    found = vote(run, boxes(BOX, (50, 10, 70, 30)), boxes(BOX), votes=1)["predictions"]
    assert found.xyxy.tolist() == [list(BOX), [50, 10, 70, 30]]


def test_the_one_that_overlaps_most_is_joined_and_only_once(run: BlockRunner) -> None:
    first = boxes(BOX, (11, 10, 31, 30))
    second = boxes((14, 10, 34, 30), (11, 10, 31, 30))
    found = vote(run, first, second)["predictions"]
    assert found.xyxy.tolist() == [[10.5, 10, 30.5, 30], [12.5, 10, 32.5, 30]]
    assert len(vote(run, first, boxes(BOX))["predictions"]) == 1


def test_classes_have_to_agree_unless_they_do_not_matter(run: BlockRunner) -> None:
    first, second = boxes(BOX, names=["nut"], confidence=[0.6]), boxes(BOX, confidence=[0.8])
    assert vote(run, first, second)["object_present"] is False
    result = vote(run, first, second, class_aware=False, detections_merge_confidence_aggregation="max")
    assert detections.class_names(result["predictions"]) == ["bolt"]
    assert result["presence_confidence"] == {"any_object": 0.8}
    result = vote(run, first, second, class_aware=False, detections_merge_confidence_aggregation="min")
    assert detections.class_names(result["predictions"]) == ["nut"]


def test_the_majority_names_the_class(run: BlockRunner) -> None:
    sources = [boxes(BOX, names=["nut"]), boxes(BOX), boxes(BOX)]
    assert detections.class_names(vote(run, *sources, votes=3, class_aware=False)["predictions"]) == ["bolt"]


@pytest.mark.parametrize(("how", "box"), [("average", [10, 10, 31, 30]), ("max", [10, 10, 32, 30]), ("min", list(BOX))])
def test_boxes_are_averaged_or_chosen_by_area(run: BlockRunner, how: str, box: list[float]) -> None:
    merged = vote(run, boxes(BOX), boxes((10, 10, 32, 30)), detections_merge_coordinates_aggregation=how)
    assert merged["predictions"].xyxy.tolist() == [box]


@pytest.mark.parametrize("how", ["union", "intersection", "max", "min"])
def test_masks_are_merged_and_the_box_is_their_extent(run: BlockRunner, how: str) -> None:
    first, second = table(IMAGE, [BOX], names=["bolt"]), table(IMAGE, [(12, 6, 34, 30)], names=["bolt"])
    found = vote(run, first, second, detections_merge_mask_aggregation=how)["predictions"]
    one, other = dense(first, 0), dense(second, 0)
    expected = {"union": one | other, "intersection": one & other, "max": other, "min": one}[how]
    np.testing.assert_array_equal(dense(found, 0), expected)
    rows, columns = np.nonzero(expected)
    assert found.xyxy.tolist() == [[columns.min(), rows.min(), columns.max(), rows.max()]]


def test_a_source_without_masks_votes_too(run: BlockRunner) -> None:
    masked = table(IMAGE, [BOX], names=["bolt"])
    found = vote(run, masked, boxes(BOX))["predictions"]
    np.testing.assert_array_equal(dense(found, 0), dense(masked, 0))
    nothing = vote(run, masked, boxes(BOX), detections_merge_mask_aggregation="intersection")["predictions"]
    assert not dense(nothing, 0).any()
    assert nothing.xyxy.tolist() == [list(BOX)]


def test_what_is_unsure_is_left_out(run: BlockRunner) -> None:
    sources = [boxes(BOX, confidence=[0.5]), boxes(BOX, confidence=[0.7])]
    assert len(vote(run, *sources, confidence=0.59)["predictions"]) == 1
    assert len(vote(run, *sources, confidence=0.61)["predictions"]) == 0


def test_some_classes_only(run: BlockRunner) -> None:
    source = boxes(BOX, (50, 10, 70, 30), names=["bolt", "nut"])
    found = vote(run, source, source, classes_to_consider=["nut"])["predictions"]
    assert detections.class_names(found) == ["nut"]


@pytest.mark.parametrize(
    ("required", "class_aware", "present"),
    [
        (3, True, True),
        (4, True, False),
        ({"bolt": 2, "nut": 1}, True, True),
        ({"bolt": 1, "nut": 2}, True, False),
        ({"washer": 1}, True, False),
        ({"bolt": 1, "nut": 2}, False, True),
        ({"bolt": 2, "nut": 2}, False, False),
    ],
)
def test_enough_objects_have_to_be_there(run: BlockRunner, required: Any, class_aware: bool, present: bool) -> None:
    source = boxes(BOX, (50, 10, 70, 30), (5, 40, 20, 55), names=["bolt", "nut", "bolt"], confidence=[0.9, 0.6, 0.8])
    result = vote(run, source, source, required_objects=required, class_aware=class_aware)
    assert result["object_present"] is present
    by_class = {"bolt": 0.9, "nut": 0.6} if class_aware else {"any_object": 0.9}
    assert result["presence_confidence"] == (by_class if present else {})


@pytest.mark.parametrize(("how", "expected"), [("average", 0.85), ("max", 0.9), ("min", 0.8)])
def test_the_confidence_of_presence(run: BlockRunner, how: str, expected: float) -> None:
    source = boxes(BOX, (5, 40, 20, 55), confidence=[0.9, 0.8])
    sure = vote(run, source, presence_confidence_aggregation=how, votes=1)["presence_confidence"]
    assert sure == {"bolt": pytest.approx(expected)}


def test_a_crowd_that_agrees_with_itself_stays(run: BlockRunner) -> None:
    objects = crowd(IMAGE)
    found = vote(run, objects, objects, objects, votes=3, iou_threshold=0.99)["predictions"]
    assert found.confidence is not None
    assert objects.confidence is not None
    np.testing.assert_allclose(found.confidence, objects.confidence)


def test_nothing_is_found_where_no_one_sees_anything(run: BlockRunner) -> None:
    nothing = detections.empty(IMAGE.ancestry)
    result = vote(run, nothing, nothing, votes=1)
    assert (len(result["predictions"]), detections.image_size(result["predictions"])) == (0, (60, 80))
    assert (result["object_present"], result["presence_confidence"]) == (False, {})


def test_sources_have_to_look_at_one_image(run: BlockRunner) -> None:
    crop = IMAGE.crop(0, 0, 40, 40, id="crop")
    assert crop is not None
    with pytest.raises(BlockError, match="different images: crop, image"):
        vote(run, boxes(BOX), table(crop, [BOX]))
