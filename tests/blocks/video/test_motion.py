"""Velocity, and how far a path strays from another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.video.motion import Vector, _next_row
from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, table
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections


def at(number: int, x: float, y: float = 50, *, track: int = 3, **options: Any) -> dict[str, Any]:
    image = frame(number, **options)
    return {"image": image, "predictions": table(image, [(x - 10, y - 10, x + 10, y + 10)], tracker_id=[track])}


def measured(found: Detections) -> tuple[Any, ...]:
    data = found.data
    return (
        data["velocity"][0].tolist(),
        float(data["speed"][0]),
        data["smoothed_velocity"][0].tolist(),
        float(data["smoothed_speed"][0]),
    )


def test_velocity_of_a_file_is_by_frame_numbers(run: BlockRunner) -> None:
    """3 and 4 pixels in two frames of a tenth of a second are 15 and 20 a second, 25 in all."""
    call = run.start("core/velocity@v1")
    first = call(**at(1, 50, 50), pixels_per_meter=5)["velocity_detections"]
    assert measured(first) == ([0, 0], 0, [0, 0], 0)
    second = call(**at(3, 53, 54), pixels_per_meter=5)["velocity_detections"]
    velocity, speed, smoothed, smoothed_speed = measured(second)
    assert (velocity, speed) == (pytest.approx([3, 4]), pytest.approx(5))
    assert (smoothed, smoothed_speed) == (pytest.approx([1.5, 2]), pytest.approx(2.5))


def test_velocity_of_a_camera_is_by_the_clock(run: BlockRunner) -> None:
    call = run.start("core/velocity@v1")
    call(**at(1, 50, live=True))
    answer = call(**at(3, 60, live=True), smoothing_alpha=1.0)["velocity_detections"]
    assert measured(answer) == (pytest.approx([5, 0]), 5, pytest.approx([5, 0]), 5)


@pytest.mark.parametrize("number", [4, 2])
def test_without_time_passing_there_is_no_velocity(run: BlockRunner, number: int) -> None:
    call = run.start("core/velocity@v1")
    call(**at(4, 50))
    assert measured(call(**at(number, 90))["velocity_detections"])[:2] == ([0, 0], 0)


def test_velocity_over_frames_in_which_an_object_was_missed(run: BlockRunner) -> None:
    call = run.start("core/velocity@v1")
    call(**at(1, 50))
    call(image=frame(2), predictions=detections.empty(frame(2).ancestry))
    assert measured(call(**at(3, 60))["velocity_detections"])[1] == pytest.approx(50)


def test_tracks_and_videos_are_apart(run: BlockRunner) -> None:
    call = run.start("core/velocity@v1")
    call(**at(1, 50))
    assert measured(call(**at(2, 90, track=4))["velocity_detections"])[1] == 0
    assert measured(call(**at(2, 90, video="other"))["velocity_detections"])[1] == 0


def test_velocity_leaves_its_input_alone(run: BlockRunner) -> None:
    fields = at(1, 50)
    run("core/velocity@v1", **fields)
    assert "velocity" not in fields["predictions"].data


@pytest.mark.parametrize("block", ["core/velocity@v1", "core/path_deviation_analytics@v1"])
def test_objects_must_be_tracked(run: BlockRunner, block: str) -> None:
    image = frame(1)
    path = {"reference_path": [[0, 0], [1, 1]]} if "path" in block else {}
    with pytest.raises(BlockError, match="not tracked"):
        run(block, image=image, predictions=table(image, [(1, 1, 9, 9)]), **path)


def deviations(run: BlockRunner, xs: Sequence[float], path: Any, **fields: Any) -> list[float]:
    call = run.start("core/path_deviation_analytics@v1")
    answers = [call(**at(n, x, 50), reference_path=path, **fields) for n, x in enumerate(xs)]
    return [float(answer["path_deviation_detections"].data["path_deviation"][0]) for answer in answers]


def test_deviation_from_a_path(run: BlockRunner) -> None:
    """The far end of the path is 20 away at first, then 10; in the end only its middle is off."""
    assert deviations(run, [40, 50, 60], [[40, 50], [50, 60], [60, 50]]) == pytest.approx([20, 10, 10])


def test_deviation_of_another_point(run: BlockRunner) -> None:
    fields = {"triggering_anchor": "TOP_LEFT"}
    assert deviations(run, [40, 50], [[30, 40], [40, 40]], **fields) == pytest.approx([10, 0])


def test_a_long_path_needs_no_depth(run: BlockRunner) -> None:
    assert len(deviations(run, list(range(1500)), [[0, 50], [1499, 50]])) == 1500


def test_the_first_version_of_the_path_takes_metadata(run: BlockRunner) -> None:
    fields = at(1, 50)
    given = {"metadata": fields["image"].video_metadata(), "detections": fields["predictions"]}
    answer = run("roboflow_core/path_deviation_analytics@v1", **given, reference_path=[[50, 53]])
    assert list(answer["path_deviation_detections"].data["path_deviation"]) == [3]


Path = list[tuple[int, int]]
POINTS = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), min_size=1, max_size=7)


@given(path=POINTS, reference=POINTS)
def test_row_by_row_gives_what_the_definition_does(path: Path, reference: Path) -> None:
    distances = np.linalg.norm(np.array(path)[:, None] - np.array(reference)[None], axis=2)

    @cache
    def coupled(i: int, j: int) -> float:
        """The definition of Eiter and Mannila."""
        ways = [coupled(a, b) for a, b in ((i - 1, j), (i - 1, j - 1), (i, j - 1)) if a >= 0 and b >= 0]
        return max(min(ways, default=0.0), float(distances[i, j]))

    row: Vector | None = None
    for index in range(len(path)):
        row = _next_row(row, distances[index])
    assert row is not None
    assert row[-1] == pytest.approx(coupled(len(path) - 1, len(reference) - 1))
