"""Looking back: values some frames ago, and the last pictures."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import frame, picture

DELAY, STACK = "core/frame_delay@v1", "core/image_stack@v1"


def delayed(run: BlockRunner, frames: dict[int, Any] | list[tuple[int, Any]], **fields: Any) -> list[Any]:
    call = run.start(DELAY)
    pairs = frames.items() if isinstance(frames, dict) else frames
    answers = [call(image=frame(number), data=value, **fields) for number, value in pairs]
    assert [answer["reference_frame_number"] for answer in answers] == [number for number, _ in pairs]
    return [(answer["output"], answer["is_available"]) for answer in answers]


def test_the_value_two_frames_ago(run: BlockRunner) -> None:
    answers = delayed(run, {1: "a", 2: "b", 3: "c", 4: "d"}, offset=-2, default_value="none")
    assert answers == [("none", False), ("none", False), ("a", True), ("b", True)]


def test_the_value_of_now(run: BlockRunner) -> None:
    assert delayed(run, {7: 1}, offset=0) == [(1, True)]


def test_frames_that_were_left_out_are_not_there(run: BlockRunner) -> None:
    assert delayed(run, {1: "a", 3: "c", 4: "d"}, offset=-1) == [(None, False), (None, False), ("c", True)]


def test_going_back_begins_anew(run: BlockRunner) -> None:
    assert delayed(run, [(5, "a"), (6, "b"), (4, "x"), (5, "y"), (6, "z")], offset=-1)[2:] == [
        (None, False),
        ("x", True),
        ("y", True),
    ]


def test_the_offset_may_vary(run: BlockRunner) -> None:
    call = run.start(DELAY)
    offsets = [-3, 0, 0, -3, 0]
    outputs = [call(image=frame(n), data=n, offset=offset)["output"] for n, offset in enumerate(offsets)]
    assert outputs == [None, 1, 2, 0, 4]


@pytest.mark.parametrize("alias", ["FrameDelay", "roboflow_core/time_travel@v1", "TimeTravel"])
def test_it_has_more_names(run: BlockRunner, alias: str) -> None:
    assert run(alias, image=frame(1), data=5, offset=0)["output"] == 5


def test_videos_are_apart(run: BlockRunner) -> None:
    call = run.start(DELAY)
    call(image=frame(1, video="a"), data=1, offset=-1)
    assert not call(image=frame(2, video="b"), data=1, offset=-1)["is_available"]


def decoded(data: bytes) -> Any:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def test_the_last_pictures(run: BlockRunner) -> None:
    call = run.start(STACK)
    for shade in (10, 60, 110, 160):
        image = frame(1).with_pixels(np.full((80, 90, 3), shade, dtype=np.uint8))
        answer = call(image=image, stack_size=3)
    assert answer["frames_count"] == 3
    assert [round(decoded(data).mean()) for data in answer["frames"]] == [160, 110, 60]
    assert call(image=image, stack_size=2)["frames_count"] == 2
    assert call(image=image, stack_size=3, clear=True)["frames_count"] == 1


@pytest.mark.parametrize(
    ("limits", "size"),
    [((1920, 1080), (150, 400)), ((200, 500), (75, 200)), ((500, 75), (75, 200)), ((1, 1), (24, 64))],
)
def test_pictures_are_shrunk_to_fit(run: BlockRunner, limits: tuple[int, int], size: tuple[int, int]) -> None:
    fields = {"resolution_width": limits[0], "resolution_height": limits[1]}
    (data,) = run(STACK, image=picture(150, 400), **fields)["frames"]
    assert decoded(data).shape == (*size, 3)


def test_grey_pictures_stay_grey(run: BlockRunner) -> None:
    (data,) = run(STACK, image=picture(grey=True))["frames"]
    assert decoded(data).ndim == 2


@pytest.mark.parametrize(("size", "kept"), [(500, 64), (0, 1), (-3, 1)])
def test_a_stack_is_neither_endless_nor_empty(run: BlockRunner, size: int, kept: int) -> None:
    call = run.start(STACK)
    image = picture(64, 64)
    for _ in range(70):
        answer = call(image=image, stack_size=size)
    assert answer["frames_count"] == kept
