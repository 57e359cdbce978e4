"""Counting across a line: sides, anchors, the line's ends, directions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections

DOWN, UP = [[100, 0], [100, 200]], [[100, 200], [100, 0]]


def walk(run: BlockRunner, centers: Sequence[tuple[float, float]], half: float = 10, **fields: Any) -> list[Any]:
    """Move one object from place to place; return the answers."""
    call = run.start("core/line_counter@v1")
    answers = []
    for number, (x, y) in enumerate(centers):
        image = frame(number)
        objects = table(image, [(x - half, y - half, x + half, y + half)], tracker_id=[4])
        answers.append(call(image=image, predictions=objects, **fields))
    return answers


def counts(answers: Sequence[Any]) -> list[tuple[int, int]]:
    return [(answer["count_in"], answer["count_out"]) for answer in answers]


@pytest.mark.parametrize(("line", "last"), [(DOWN, (1, 0)), (UP, (0, 1))])
def test_in_is_to_the_left_of_the_line(run: BlockRunner, line: Any, last: tuple[int, int]) -> None:
    """Who walks along a line that goes down has the right side of the picture at the left hand."""
    answers = walk(run, [(50, 100), (80, 100), (130, 100), (150, 100)], line_segment=line)
    assert counts(answers) == [(0, 0), (0, 0), last, last]
    crossed = [(len(answer["detections_in"]), len(answer["detections_out"])) for answer in answers]
    assert crossed == [(0, 0), (0, 0), last, (0, 0)]


def test_back_and_forth(run: BlockRunner) -> None:
    answers = walk(run, [(50, 100), (150, 100), (50, 100), (150, 100)], line_segment=DOWN)
    assert counts(answers) == [(0, 0), (1, 0), (1, 1), (2, 1)]


def test_all_corners_must_cross_unless_a_point_is_chosen(run: BlockRunner) -> None:
    path = [(50, 100), (105, 100)]
    assert counts(walk(run, path, line_segment=DOWN))[-1] == (0, 0)
    assert counts(walk(run, path, line_segment=DOWN, triggering_anchor="CENTER"))[-1] == (1, 0)
    assert counts(walk(run, path, line_segment=DOWN, triggering_anchor="CENTER_LEFT"))[-1] == (0, 0)


def test_beyond_the_ends_of_the_line_nothing_crosses(run: BlockRunner) -> None:
    assert counts(walk(run, [(50, 250), (150, 250)], line_segment=DOWN))[-1] == (0, 0)


def test_the_centre_of_a_mask(run: BlockRunner) -> None:
    """The mask is the lower left triangle of the box: its centre crosses later than that of the box."""
    fields = {"line_segment": DOWN, "triggering_anchor": "CENTER_OF_MASS"}
    assert counts(walk(run, [(50, 100), (104, 100), (120, 100)], half=30, **fields)) == [(0, 0), (0, 0), (1, 0)]


def test_the_first_version_counts_centres(run: BlockRunner) -> None:
    call = run.start("roboflow_core/line_counter@v1")
    for number, x in enumerate((50, 105)):
        image = frame(number)
        objects = table(image, [(x - 10, 90, x + 10, 110)], tracker_id=[1])
        answer = call(
            metadata=image.video_metadata(), detections=objects, line_segment=DOWN, triggering_anchor="CENTER"
        )
    assert counts([answer]) == [(1, 0)]
    assert run.registry.step_type("roboflow_core/line_counter@v1").defaults["triggering_anchor"] == "CENTER"


def test_counts_go_on_over_frames_without_objects(run: BlockRunner) -> None:
    call = run.start("core/line_counter@v1")
    image = frame(1)
    for x in (50, 150):
        call(image=image, predictions=table(image, [(x, 10, x + 9, 20)], tracker_id=[1]), line_segment=DOWN)
    answer = call(image=image, predictions=detections.empty(image.ancestry), line_segment=DOWN)
    assert counts([answer]) == [(1, 0)]
    assert detections.image_size(answer["detections_in"]) == (300, 300)


def test_each_video_has_its_own_counts(run: BlockRunner) -> None:
    call = run.start("core/line_counter@v1")
    for video, x in (("a", 50), ("b", 150), ("a", 150), ("b", 160)):
        image = frame(1, video=video)
        objects = table(image, [(x, 10, x + 9, 20)], tracker_id=[1])
        answer = call(image=image, predictions=objects, line_segment=DOWN)
        assert counts([answer]) == [(1, 0) if (video, x) == ("a", 150) else (0, 0)]


def test_objects_must_be_tracked(run: BlockRunner) -> None:
    image = frame(1)
    with pytest.raises(BlockError, match="not tracked"):
        run("core/line_counter@v1", image=image, predictions=table(image, [(1, 1, 9, 9)]), line_segment=DOWN)


@pytest.mark.parametrize("line", [[[1, 2]], [[1, 2, 3], [4, 5, 6]], [["a", "b"], ["c", "d"]], [], [[1, 2]] * 3])
def test_a_line_is_two_points(run: BlockRunner, line: Any) -> None:
    with pytest.raises(BlockError, match=r"points \[x, y\]|two points"):
        walk(run, [(5, 5)], line_segment=line)


def test_masks_are_needed_for_their_centres(run: BlockRunner) -> None:
    image = frame(1)
    boxes = table(image, [(1, 1, 9, 9)], with_masks=False, tracker_id=[1])
    with pytest.raises(BlockError, match="the objects have none"):
        run(
            "core/line_counter@v1",
            image=image,
            predictions=boxes,
            line_segment=DOWN,
            triggering_anchor="CENTER_OF_MASS",
        )
