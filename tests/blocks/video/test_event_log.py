"""The log of what came and went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, table
from workflow_engine.vision import detections

BLOCK = "core/detection_event_log@v1"


def log(run: BlockRunner, frames: Sequence[Sequence[int]], **fields: Any) -> list[Any]:
    """Show these tracks, frame by frame."""
    call = run.start(BLOCK)
    answers = []
    for number, tracks in enumerate(frames):
        image = frame(number + 5)
        objects = table(image, [(10, 10, 30, 30)] * len(tracks), names=["nut"] * len(tracks), tracker_id=tracks)
        answers.append(call(image=image, predictions=objects, **fields))
    return answers


def test_events_are_pending_until_seen_often_enough(run: BlockRunner) -> None:
    answers = log(run, [[1], [1, 2], [1]], frame_threshold=2)
    assert [(answer["total_logged"], answer["total_pending"]) for answer in answers] == [(0, 1), (1, 1), (1, 1)]
    assert list(answers[-1]["event_log"]["pending"]) == ["2"]
    event = answers[-1]["event_log"]["logged"]["1"]
    moment = frame(5).video_metadata().frame_timestamp.timestamp()
    assert event == {
        "tracker_id": 1,
        "class_name": "nut",
        "first_seen_frame": 1,
        "first_seen_timestamp": moment,
        "last_seen_frame": 3,
        "last_seen_timestamp": moment + 2,
        "first_seen_relative": 0.0,
        "last_seen_relative": pytest.approx(0.2),
        "frame_count": 3,
    }


def test_objects_that_have_gone_leave_the_log(run: BlockRunner) -> None:
    fields = {"frame_threshold": 2, "flush_interval": 3, "stale_frames": 2}
    answers = log(run, [[1, 2], [1], [], [], [], [], [], [1]], **fields)
    complete = [list(answer["complete_events"]) for answer in answers]
    assert complete == [[], [], [], [], [], [], ["1"], []]
    assert answers[5]["total_logged"] == 1
    assert answers[6]["event_log"] == {"logged": {}, "pending": {}}
    assert answers[7]["event_log"]["pending"]["1"]["first_seen_frame"] == 8


def test_a_file_without_a_rate(run: BlockRunner) -> None:
    call = run.start(BLOCK)
    for number in (1, 9):
        image = frame(number, fps=None)
        objects = table(image, [(10, 10, 30, 30)], tracker_id=[1])
        answer = call(image=image, predictions=objects, fallback_fps=4.0)
    assert answer["event_log"]["pending"]["1"]["last_seen_relative"] == 2


def test_objects_without_tracks_pass_by(run: BlockRunner) -> None:
    image = frame(1)
    objects = table(image, [(10, 10, 30, 30)])
    answer = run(BLOCK, image=image, predictions=objects)
    assert answer["detections"] is objects
    assert answer["event_log"] == {"logged": {}, "pending": {}}


def test_an_empty_frame_shows_the_log_so_far(run: BlockRunner) -> None:
    call = run.start(BLOCK)
    image = frame(1)
    call(image=image, predictions=table(image, [(10, 10, 30, 30)], tracker_id=[1]))
    answer = call(image=image, predictions=detections.empty(image.ancestry))
    assert answer["total_pending"] == 1


def test_videos_have_logs_of_their_own(run: BlockRunner) -> None:
    call = run.start(BLOCK)
    for video in ("a", "b"):
        image = frame(1, video=video)
        answer = call(image=image, predictions=table(image, [(10, 10, 30, 30)], tracker_id=[1]))
    assert answer["event_log"]["pending"]["1"]["frame_count"] == 1
