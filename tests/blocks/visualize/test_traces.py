"""What is drawn of earlier frames."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import table
from workflow_engine.vision import detections
from workflow_engine.vision.image import Image, VideoMetadata

NUT = (64, 64, 255)
TRACE, HEAT = "core/trace_visualization@v1", "core/heatmap_visualization@v1"


def frame(number: int, video: str = "cam") -> Image:
    metadata = VideoMetadata(video_identifier=video, frame_number=number, frame_timestamp=datetime.now(UTC))
    return Image.from_array(np.full((60, 80, 3), 90, dtype=np.uint8), id=video, video=metadata)


def seen(start: Any, number: int, *boxes: Any, video: str = "cam", tracks: Any = (1,), **fields: Any) -> Any:
    """Which pixels a frame with nuts in these boxes gets changed."""
    image = frame(number, video)
    objects = table(image, boxes, names=["nut"] * len(boxes), tracker_id=tracks)
    pixels = start(image=image, predictions=objects, **fields)["image"].pixels
    return (pixels != 90).any(axis=2)


def nut(x: int) -> tuple[int, int, int, int]:
    return x - 5, 20, x + 5, 40


def test_a_trace_leads_through_the_last_positions(run: BlockRunner) -> None:
    block = run.start(TRACE)
    assert not seen(block, 1, nut(10), thickness=1).any(), "one position is no way"
    assert np.flatnonzero(seen(block, 2, nut(20))[30]).tolist() == list(range(10, 21))
    assert np.flatnonzero(seen(block, 3, nut(40))[30]).tolist() == list(range(10, 41))


def test_a_trace_is_no_longer_than_asked(run: BlockRunner) -> None:
    block = run.start(TRACE)
    for number, x in enumerate((10, 20, 30, 40, 50)):
        marked = seen(block, number, nut(x), trace_length=3)
    assert np.flatnonzero(marked[30]).tolist() == list(range(30, 51))


def test_videos_and_tracks_have_traces_of_their_own(run: BlockRunner) -> None:
    block = run.start(TRACE)
    seen(block, 1, nut(10))
    assert not seen(block, 1, nut(60), video="other").any()
    assert not seen(block, 2, nut(70), tracks=(2,)).any()


def test_objects_without_tracks_leave_the_image_as_it_is(run: BlockRunner) -> None:
    block = run.start(TRACE)
    assert not seen(block, 1, nut(10), tracks=None).any()
    assert not seen(block, 2, nut(30), tracks=(-1,)).any()
    assert not seen(block, 3, nut(50), tracks=(-1,)).any()
    image = frame(4)
    none = detections.empty(image.ancestry)
    np.testing.assert_array_equal(block(image=image, predictions=none)["image"].pixels, image.pixels)


def heat(start: Any, number: int, x: int, *, track: int | None = 1, **fields: Any) -> NDArray[np.bool_]:
    fields = {"radius": 3, "kernel_size": 1, "opacity": 1.0} | fields
    marked: NDArray[np.bool_] = seen(start, number, nut(x), tracks=None if track is None else (track,), **fields)
    return marked


def test_heat_is_a_disc_at_the_foot_and_stays(run: BlockRunner) -> None:
    block = run.start(HEAT)
    assert np.flatnonzero(heat(block, 1, 20, track=None)[40]).tolist() == list(range(17, 24))
    both = heat(block, 2, 60, track=None)
    assert np.flatnonzero(both[40]).tolist() == [*range(17, 24), *range(57, 64)]
    assert heat(block, 3, 20, track=None, position="TOP_CENTER")[20, 20]


def test_what_stands_still_leaves_no_heat_unless_asked(run: BlockRunner) -> None:
    block = run.start(HEAT)
    assert not heat(block, 1, 20).any(), "seen for the first time"
    assert not heat(block, 2, 24, motion_threshold=5).any()
    assert heat(block, 3, 25, motion_threshold=5)[40, 25]
    assert heat(run.start(HEAT), 1, 20, ignore_stationary=False)[40, 20]


def test_the_hottest_place_has_the_top_hue(run: BlockRunner) -> None:
    block = run.start(HEAT)
    image = frame(1)
    fields = {"radius": 3, "kernel_size": 1, "opacity": 1.0, "top_hue": 0, "low_hue": 120}
    for x in (20, 20, 60):
        result = block(image=image, predictions=table(image, [nut(x)]), **fields)["image"].pixels
    assert result[40, 20].tolist() == [0, 0, 255]
    assert result[40, 60].tolist() == [0, 255, 0]


@pytest.mark.parametrize("given", [True, False])
def test_videos_have_heat_of_their_own(run: BlockRunner, given: bool) -> None:
    block = run.start(HEAT)
    other = frame(1, "other")
    heat(block, 1, 20, track=None)
    image = frame(1) if given else other
    fields = {"metadata": other.video} if given else {}
    result = block(image=image, predictions=detections.empty(image.ancestry), **fields)["image"].pixels
    assert (result == 90).all()
