"""Trackers: numbers that stay, tables that keep their columns, one memory per video."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import dense, frame, table
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image

CONFIRMED = {
    "core/bytetrack_tracker@v1": 2,
    "core/sort_tracker@v1": 3,
    "core/ocsort_tracker@v1": 2,
    "core/botsort_tracker@v1": 2,
}
TRACKERS = ("core/byte_tracker@v1", *CONFIRMED)


def moving(image: Image, step: int, rows: Sequence[int] = (0, 1), **options: Any) -> Detections:
    """Two objects that drift to the right."""
    boxes = [(20 + 3 * step, 30, 60 + 3 * step, 80), (150 + 3 * step, 120, 200 + 3 * step, 170)]
    names = ["bolt", "nut"]
    return table(
        image,
        [boxes[row] for row in rows],
        names=[names[row] for row in rows],
        confidence=[0.9 - 0.1 * row for row in rows],
        **options,
    )


def follow(run: BlockRunner, block: str, count: int = 6, **fields: Any) -> list[dict[str, Detections]]:
    call = run.start(block)
    images = [frame(number) for number in range(1, count + 1)]
    return [call(image=image, predictions=moving(image, step), **fields) for step, image in enumerate(images)]


def ids(found: Detections) -> list[int]:
    assert found.tracker_id is not None
    return [int(track) for track in found.tracker_id]


def test_tracks_are_shown_at_once_and_begin_at_one(run: BlockRunner) -> None:
    answers = follow(run, "core/byte_tracker@v1")
    assert [ids(answer["tracked_detections"]) for answer in answers] == [[1, 2]] * 6


@pytest.mark.parametrize(("block", "first"), CONFIRMED.items())
def test_tracks_are_shown_once_confirmed_and_begin_at_zero(run: BlockRunner, block: str, first: int) -> None:
    shown = [ids(answer["tracked_detections"]) for answer in follow(run, block)]
    assert shown[: first - 1] == [[]] * (first - 1)
    assert [sorted(tracks) for tracks in shown[first - 1 :]] == [[0, 1]] * (6 - first + 1)


@pytest.mark.parametrize("block", TRACKERS)
def test_new_objects_are_told_from_known_ones(run: BlockRunner, block: str) -> None:
    answers = follow(run, block)
    new = [track for answer in answers for track in ids(answer["new_instances"])]
    assert sorted(new) == sorted(ids(answers[-1]["tracked_detections"]))
    for answer in answers:
        both = ids(answer["new_instances"]) + ids(answer["already_seen_instances"])
        assert sorted(both) == sorted(ids(answer["tracked_detections"]))


def test_the_track_remembered_first_is_forgotten_first(run: BlockRunner) -> None:
    answers = follow(run, "core/byte_tracker@v1", instances_cache_size=1)
    assert all(len(answer["new_instances"]) == 2 for answer in answers)


@pytest.mark.parametrize("block", TRACKERS)
def test_a_tracked_table_keeps_its_masks_and_columns(run: BlockRunner, block: str) -> None:
    call = run.start(block)
    for step in range(4):
        image = frame(step + 1)
        given = detections.with_column(moving(image, step), "polygon", [[[step, 0]], [[step, 1]]])
        answer = call(image=image, predictions=given)["tracked_detections"]
    rows = [detections.detection_ids(given).index(one) for one in detections.detection_ids(answer)]
    assert sorted(rows) == [0, 1]
    for index, row in enumerate(rows):
        assert np.array_equal(dense(answer, index), dense(given, row))
        assert answer.data["polygon"][index] == given.data["polygon"][row]
    assert detections.ancestry_of(answer) == image.ancestry
    assert given.tracker_id is None


@pytest.mark.parametrize("block", TRACKERS)
def test_a_frame_without_objects_keeps_its_size_and_the_tracks(run: BlockRunner, block: str) -> None:
    call = run.start(block)
    for step in range(4):
        image = frame(step + 1)
        before = call(image=image, predictions=moving(image, step))["tracked_detections"]
    image = frame(5)
    nothing = call(image=image, predictions=detections.empty(image.ancestry, masks=True))["tracked_detections"]
    assert (ids(nothing), detections.image_size(nothing)) == ([], (300, 300))
    for step in range(5, 9):
        image = frame(step + 1)
        after = call(image=image, predictions=moving(image, step))["tracked_detections"]
    assert sorted(ids(after)) == sorted(ids(before))


@pytest.mark.parametrize("block", TRACKERS)
def test_videos_do_not_mix(run: BlockRunner, block: str) -> None:
    call = run.start(block)
    for step in range(5):
        for video in ("left", "right"):
            image = frame(step + 1, video=video)
            answer = call(image=image, predictions=moving(image, step))["tracked_detections"]
    assert sorted(ids(answer)) == ([1, 2] if block == "core/byte_tracker@v1" else [0, 1])


@pytest.mark.parametrize("fps", [None, 0.0, 29.97])
def test_a_video_need_not_know_its_rate(run: BlockRunner, fps: float | None) -> None:
    for block in TRACKERS:
        image = frame(1, fps=fps)
        assert len(run(block, image=image, predictions=moving(image, 0))["tracked_detections"]) in (0, 2)


def test_the_first_version_takes_metadata(run: BlockRunner) -> None:
    image = frame(1)
    fields = {"metadata": image.video_metadata(), "detections": moving(image, 0)}
    assert ids(run("roboflow_core/byte_tracker@v1", **fields)["tracked_detections"]) == [1, 2]


def test_tables_without_confidence_are_sure(run: BlockRunner) -> None:
    image = frame(1)
    unsure = detections.replace(moving(image, 0), confidence=None)
    assert ids(run("core/byte_tracker@v1", image=image, predictions=unsure)["tracked_detections"]) == [1, 2]


@pytest.mark.parametrize(
    ("settings", "tracks"),
    [
        ({"enable_cmc": True}, {0}),
        ({"enable_cmc": True, "cmc_method": "sift", "cmc_downscale": 1}, {0}),
        ({"enable_cmc": False}, {0, 1}),
    ],
)
def test_the_camera_may_move(run: BlockRunner, settings: dict[str, Any], tracks: set[int]) -> None:
    """The whole picture jumps by more than an object; the track goes along where the motion is taken out."""
    noise = np.random.default_rng(0).integers(0, 256, (400, 400, 3), dtype=np.uint8)
    ground = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 4), np.empty(0), 0, 255, cv2.NORM_MINMAX)
    call = run.start("core/botsort_tracker@v1")
    found = set()
    for number, shift in enumerate([0, 0, 0, 14, 14, 14]):
        image = frame(number + 1).with_pixels(np.ascontiguousarray(ground[50:350, 50 + shift : 350 + shift]))
        objects = table(image, [(120 - shift, 100, 132 - shift, 112)], confidence=[0.95])
        answer = call(image=image, predictions=objects, **settings)
        found |= set(ids(answer["tracked_detections"]))
    assert found == tracks
