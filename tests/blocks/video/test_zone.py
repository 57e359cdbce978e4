"""Time in a zone: clocks, borders, leaving and coming back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

LEFT = [[0, 0], [100, 0], [100, 299], [0, 299]]
RIGHT = [[200, 0], [299, 0], [299, 299], [200, 299]]


def stay(run: BlockRunner, places: Sequence[float], *, live: bool = False, **fields: Any) -> list[Detections]:
    """Put one object at these x, frame by frame."""
    call = run.start("core/time_in_zone@v1")
    answers = []
    for number, x in enumerate(places):
        image = frame(number + 1, live=live)
        objects = table(image, [(x - 10, 40, x + 10, 60)], tracker_id=[3])
        answers.append(call(image=image, predictions=objects, **{"zone": LEFT, **fields})["timed_detections"])
    return answers


def seconds(answers: Sequence[Detections]) -> list[Any]:
    return [pytest.approx(answer.data["time_in_zone"][0]) if len(answer) else None for answer in answers]


def test_a_file_is_timed_by_its_frames(run: BlockRunner) -> None:
    assert seconds(stay(run, [50, 50, 50, 50])) == [0, 0.1, 0.2, 0.3]


def test_a_camera_is_timed_by_the_clock(run: BlockRunner) -> None:
    assert seconds(stay(run, [50, 50, 50], live=True)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("remove", "reset", "times"),
    [
        (True, True, [0, 0.1, None, 0, 0.1]),
        (True, False, [0, 0.1, None, 0.3, 0.4]),
        (False, True, [0, 0.1, 0, 0, 0.1]),
        (False, False, [0, 0.1, 0, 0.3, 0.4]),
    ],
)
def test_leaving_and_coming_back(run: BlockRunner, remove: bool, reset: bool, times: list[float | None]) -> None:
    flags = {"remove_out_of_zone_detections": remove, "reset_out_of_zone_detections": reset}
    assert seconds(stay(run, [50, 60, 150, 60, 50], **flags)) == times


def test_a_frame_in_which_an_object_is_missed_does_not_count_as_leaving(run: BlockRunner) -> None:
    call = run.start("core/time_in_zone@v1")
    for number in (1, 2, 5):
        image = frame(number)
        objects = table(image, [(40, 40, 60, 60)], tracker_id=[3]) if number != 2 else detections.empty(image.ancestry)
        answer = call(image=image, predictions=objects, zone=LEFT)["timed_detections"]
    assert seconds([answer]) == [0.4]


@pytest.mark.parametrize(("x", "inside"), [(100.4, True), (100.6, False), (0, True), (-0.6, False), (-400, False)])
def test_the_border_belongs_to_the_zone(run: BlockRunner, x: float, inside: bool) -> None:
    (answer,) = stay(run, [x])
    assert len(answer) == inside


@pytest.mark.parametrize(("anchor", "inside"), [("CENTER", False), ("CENTER_LEFT", True), ("CENTER_OF_MASS", True)])
def test_the_point_that_counts(run: BlockRunner, anchor: str, inside: bool) -> None:
    (answer,) = stay(run, [103], triggering_anchor=anchor)
    assert len(answer) == inside


def test_a_zone_may_be_several_polygons(run: BlockRunner) -> None:
    assert seconds(stay(run, [50, 250, 150], zone=[LEFT, RIGHT])) == [0, 0.1, None]


def test_a_zone_may_be_arrays(run: BlockRunner) -> None:
    zone = [np.array(LEFT), np.array(RIGHT)]
    call = run.registry.function("core/time_in_zone@v1")()
    image = frame(1)
    objects = table(image, [(40, 40, 60, 60), (140, 40, 160, 60)], tracker_id=[1, 2])
    flags = {"remove_out_of_zone_detections": True, "reset_out_of_zone_detections": True}
    for given in (zone, zone[0], np.array([LEFT, RIGHT])):
        answer = call(image, None, objects, zone=given, triggering_anchor="CENTER", **flags)["timed_detections"]
        assert answer.tracker_id.tolist() == [1]


def test_a_zone_may_change(run: BlockRunner) -> None:
    call = run.start("core/time_in_zone@v1")
    for number, zone in enumerate([LEFT, RIGHT, [LEFT]]):
        image = frame(number)
        objects = table(image, [(40, 40, 60, 60), (240, 40, 260, 60)], tracker_id=[1, 2])
        fields = {"zone": zone, "reset_out_of_zone_detections": False}
        answer = call(image=image, predictions=objects, **fields)["timed_detections"]
        assert list(answer.tracker_id) == [2 if number == 1 else 1]
    assert seconds([answer]) == [0.2]


def test_no_zone_holds_nothing(run: BlockRunner) -> None:
    assert [len(answer) for answer in stay(run, [50, 50], zone=[])] == [0, 0]


def test_a_table_without_rows_stays_tracked_and_timed(run: BlockRunner) -> None:
    (answer,) = stay(run, [150])
    assert answer.tracker_id is not None
    assert (len(answer.data["time_in_zone"]), detections.image_size(answer)) == (0, (300, 300))
    image = frame(1)
    after = run("core/velocity@v1", image=image, predictions=answer)["velocity_detections"]
    assert len(after) == 0


def test_the_first_version_has_its_clock_beside_the_image(run: BlockRunner) -> None:
    call = run.start("roboflow_core/time_in_zone@v1")
    for number in (1, 21):
        image, still = frame(number), frame(1, video="still")
        objects = table(image, [(40, 40, 60, 60)], tracker_id=[3])
        fields = {"image": still, "metadata": image.video_metadata(), "detections": objects, "zone": LEFT}
        answer = call(**fields)["timed_detections"]
    assert seconds([answer]) == [2]


@pytest.mark.parametrize("zone", [[[0, 0], [5, 5]], [[0, 0], [5, 5], [1, "x"]], [1, 2, 3], [LEFT, [[0, 0]]]])
def test_a_zone_is_a_polygon(run: BlockRunner, zone: Any) -> None:
    with pytest.raises(BlockError, match="A zone must be a list of 3 or more points"):
        stay(run, [50], zone=zone)


def test_a_zone_far_outside_takes_no_memory(run: BlockRunner) -> None:
    with pytest.raises(BlockError, match="far outside"):
        stay(run, [50], zone=[[0, 0], [10**9, 0], [10**9, 10**9]])


def test_objects_must_be_tracked(run: BlockRunner) -> None:
    image = frame(1)
    with pytest.raises(BlockError, match="not tracked"):
        run("core/time_in_zone@v1", image=image, predictions=table(image, [(1, 1, 9, 9)]), zone=LEFT)
