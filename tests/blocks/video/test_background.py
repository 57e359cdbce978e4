"""What moves, and what differs from the background."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame
from workflow_engine.errors import BlockError
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image

MOTION, SUBTRACT = "core/motion_detection@v1", "core/background_subtraction@v1"


def scene(number: int, *boxes: tuple[int, int, int, int], video: str = "cam", grey: bool = False) -> Image:
    """A grey wall with a little noise, and white boxes in front of it."""
    noise = np.random.default_rng(number).integers(0, 4, (200, 260, 3), dtype=np.uint8)
    pixels = noise + np.uint8(90)
    for x1, y1, x2, y2 in boxes:
        pixels[y1:y2, x1:x2] = 250
    pixels.setflags(write=False)
    blank = frame(number, video=video)
    return Image.from_array(np.asarray(pixels[:, :, 0] if grey else pixels), video=blank.video)


def watch(run: BlockRunner, count: int = 12, **fields: Any) -> Any:
    """Return the block when it has seen the empty scene for so many frames."""
    call = run.start(MOTION)
    for number in range(count):
        answer = call(image=scene(number), **{"history": 10, **fields})
        assert not answer["motion"]
    return lambda image: call(image=image, **{"history": 10, **fields})


@pytest.mark.parametrize("grey", [False, True])
def test_a_box_that_comes_in_is_found(run: BlockRunner, grey: bool) -> None:
    call = run.start(MOTION)
    for number in range(12):
        call(image=scene(number, grey=grey), history=10)
    answer = call(image=scene(20, (50, 60, 90, 120), grey=grey), history=10)
    assert (answer["motion"], answer["alarm"]) == (True, True)
    assert np.abs(answer["detections"].xyxy - [50, 60, 90, 120]).max() <= 2
    assert detections.class_names(answer["detections"]) == ["motion"]
    assert len(detections.detection_ids(answer["detections"])) == 1
    (outline,) = answer["motion_zones"]
    assert cv2.contourArea(np.array(outline)) == pytest.approx(40 * 60, rel=0.1)


def test_the_alarm_is_given_once(run: BlockRunner) -> None:
    look = watch(run)
    scenes = [scene(20, (50, 60, 90, 120)), scene(21, (60, 60, 100, 120)), *[scene(22 + n) for n in range(40)]]
    answers = [look(image) for image in scenes]
    assert [answer["alarm"] for answer in answers[:2]] == [True, False]
    assert answers[1]["motion"]
    assert not answers[-1]["motion"]
    assert look(scene(99, (0, 0, 40, 40)))["alarm"]


def test_at_first_nothing_is_reported(run: BlockRunner) -> None:
    call = run.start(MOTION)
    answers = [call(image=scene(n, (10 * n, 20, 10 * n + 40, 60)), history=5) for n in range(7)]
    assert [answer["motion"] for answer in answers] == [False] * 5 + [True, True]
    assert answers[5]["alarm"]
    assert detections.image_size(answers[0]["detections"]) == (200, 260)
    eager = run(MOTION, image=scene(0), suppress_first_detections=False)
    assert eager["motion"]


def test_small_regions_are_left_out(run: BlockRunner) -> None:
    look = watch(run, minimum_contour_area=1000)
    assert not look(scene(20, (50, 60, 75, 90)))["motion"]
    assert look(scene(21, (150, 60, 195, 90)))["motion"]


@pytest.mark.parametrize("written", ["list", "text", "several"])
def test_motion_is_cut_to_the_zone(run: BlockRunner, written: str) -> None:
    zone = [[0, 0], [70, 0], [70, 199], [0, 199]]
    given = {"list": zone, "text": str(zone), "several": [zone, [[60, 0], [70, 0], [70, 199]]]}[written]
    look = watch(run, detection_zone=given)
    inside = look(scene(20, (50, 60, 90, 120)))
    assert np.abs(inside["detections"].xyxy - [50, 60, 71, 120]).max() <= 2
    outside = look(scene(21, (150, 60, 190, 120)))
    assert (outside["motion"], len(outside["motion_zones"])) == (False, 0)


@pytest.mark.parametrize("zone", ["left", "[[1, 2]]", [[1, 2], [3, 4]]])
def test_a_zone_is_a_polygon(run: BlockRunner, zone: Any) -> None:
    with pytest.raises(BlockError, match=r"points \[x, y\]"):
        run(MOTION, image=scene(0), detection_zone=zone)


def test_each_video_has_its_own_background(run: BlockRunner) -> None:
    call = run.start(MOTION)
    for number in range(12):
        call(image=scene(number, video="empty"), history=10)
        call(image=scene(number, (50, 60, 90, 120), video="full"), history=10)
    full = call(image=scene(20, (50, 60, 90, 120), video="full"), history=10)
    assert not full["motion"]
    empty = call(image=scene(20, (50, 60, 90, 120), video="empty"), history=10)
    assert empty["motion"]


def test_the_foreground_is_white(run: BlockRunner) -> None:
    call = run.start(SUBTRACT)
    for number in range(12):
        call(image=scene(number))
    image = scene(20, (50, 60, 90, 120))
    answer = call(image=image)["image"]
    assert answer.pixels.shape == (200, 260, 3)
    assert answer.pixels[60:120, 50:90].mean() > 250
    assert answer.pixels[:50].mean() < 5
    assert (answer.ancestry, answer.video) == (image.ancestry, image.video)
