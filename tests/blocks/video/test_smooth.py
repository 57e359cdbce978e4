"""Steady boxes: mixing with the box before, going on for a while."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, frame, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

BLOCK = "core/stabilize_detections@v1"


def walk(run: BlockRunner, lefts: Sequence[float | None], **fields: Any) -> list[Detections]:
    """An object of 20 by 20 at each left edge; ``None`` where it is missed."""
    call = run.start(BLOCK)
    answers = []
    for number, left in enumerate(lefts):
        image = frame(number)
        boxes = [] if left is None else [(left, 40, left + 20, 60)]
        objects = table(image, boxes, tracker_id=[5] * len(boxes))
        answers.append(call(image=image, predictions=objects, **fields)["tracked_detections"])
    return answers


def lefts(answers: Sequence[Detections]) -> list[Any]:
    return [pytest.approx(float(answer.xyxy[0, 0])) if len(answer) else None for answer in answers]


def test_a_box_is_mixed_with_the_raw_one_before(run: BlockRunner) -> None:
    """A quarter of now and three of before: 100, then 10 + 75 + 10, then 30 + 82.5 ..."""
    answers = walk(run, [100, 110, 130], bbox_smoothing_coefficient=0.25)
    assert lefts(answers) == [100, 102.5, 115]


def test_a_lost_object_goes_on_at_its_velocity(run: BlockRunner) -> None:
    """It is shown for as many frames as it was measured in, and moves by the weight of now of its velocity."""
    answers = walk(run, [100, 110, 120, None, None, None, None], bbox_smoothing_coefficient=0.5)
    assert lefts(answers) == [100, 105, 115, 125, 130, None, None]
    assert [len(answer) for answer in answers[3:5]] == [1, 1]
    assert answers[3].tracker_id is not None
    assert answers[3].tracker_id.tolist() == [5]


def test_it_is_shown_for_the_window_at_most(run: BlockRunner) -> None:
    answers = walk(run, [0, 10, 20, 30, 40, None, None, None], smoothing_window_size=2)
    assert [len(answer) for answer in answers[5:]] == [1, 1, 0]


def test_an_object_seen_once_is_gone_when_it_is_gone(run: BlockRunner) -> None:
    assert lefts(walk(run, [100, None, 140])) == [100, None, 140]


def test_an_object_that_comes_back_is_still_known(run: BlockRunner) -> None:
    answers = walk(run, [100, 110, None, 130], bbox_smoothing_coefficient=0.5)
    assert lefts(answers) == [100, 105, 115, 122.5]


def test_lost_and_present_objects_are_in_one_table(run: BlockRunner) -> None:
    call = run.start(BLOCK)
    for number, shift in enumerate((0, 5, 10)):
        image = frame(number)
        boxes = [(10 + shift, 10, 30 + shift, 30), (100, 100, 140, 150)][: 2 if number < 2 else 1]
        objects = table(image, boxes, tracker_id=range(len(boxes)))
        answer = call(image=image, predictions=objects)["tracked_detections"]
    assert answer.tracker_id is not None
    assert answer.tracker_id.tolist() == [0, 1]
    assert dense(answer, 1).sum() > 0
    assert np.array_equal(dense(answer, 0), dense(objects, 0))


def test_a_frame_without_objects_keeps_its_size(run: BlockRunner) -> None:
    image = frame(1)
    answer = run(BLOCK, image=image, predictions=detections.empty(image.ancestry, masks=True))["tracked_detections"]
    assert (len(answer), answer.tracker_id.tolist(), detections.image_size(answer)) == (0, [], (300, 300))


def test_objects_must_be_tracked(run: BlockRunner) -> None:
    image = frame(1)
    with pytest.raises(BlockError, match="not tracked"):
        run(BLOCK, image=image, predictions=table(image, [(1, 1, 9, 9)]))
