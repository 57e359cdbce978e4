"""Images: crops, ancestry, video metadata."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision.decode import decode
from workflow_engine.vision.image import Ancestry, Image, VideoMetadata

FRAME = VideoMetadata(
    video_identifier="cam", frame_number=61, frame_timestamp=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), fps=20.0
)


def test_an_array_is_the_root_of_its_own_ancestry() -> None:
    image = Image.from_array(np.zeros((12, 16, 3), np.uint8), id="photo")
    assert (image.height, image.width) == (12, 16)
    assert image.ancestry == Ancestry.root("photo", (12, 16))
    assert image.ancestry.is_root


def test_what_is_printed_has_no_pixels_and_a_notebook_shows_them() -> None:
    image = Image.from_array(np.full((12, 16, 3), 200, np.uint8), id="photo")
    assert repr([image]) == "[Image(16 x 12, id='photo')]"
    assert np.abs(decode(image._repr_jpeg_(), limits=Limits()).astype(int) - 200).max() < 5


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4,), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((2, 4, 4, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 array"):
        Image.from_array(pixels)


def test_a_crop_of_a_crop_knows_its_place_in_both() -> None:
    pixels = np.arange(40 * 30, dtype=np.uint8).reshape(30, 40)
    outer = Image.from_array(pixels, id="photo", video=FRAME).crop(-5, 10, 25, 99, id="outer")
    assert outer is not None
    inner = outer.crop(3, 4, 9, 8, id="inner", keep_video=True)
    assert inner is not None
    assert np.array_equal(inner.pixels, pixels[14:18, 3:9])
    assert outer.ancestry.parent_offset == (0, 10)
    assert outer.ancestry.size == (20, 25)
    assert inner.ancestry == Ancestry(
        id="inner",
        size=(4, 6),
        root_id="photo",
        parent_offset=(3, 4),
        parent_size=(20, 25),
        root_offset=(3, 14),
        root_size=(30, 40),
    )
    assert not inner.ancestry.is_root
    assert outer.video is None


def test_a_crop_may_keep_the_video() -> None:
    image = Image.from_array(np.zeros((4, 4), np.uint8), video=FRAME)
    kept = image.crop(0, 0, 2, 2, id="x", keep_video=True)
    assert kept is not None
    assert kept.video is FRAME


@pytest.mark.parametrize("box", [(5, 0, 9, 4), (0, -4, 4, 0), (2, 2, 2, 4), (3, 3, 1, 4)])
def test_nothing_remains_of_a_crop_outside(box: tuple[int, int, int, int]) -> None:
    assert Image.from_array(np.zeros((4, 4), np.uint8)).crop(*box, id="x") is None


def test_other_pixels_drop_the_text_the_image_came_with() -> None:
    root = Ancestry.root("photo", (2, 2))
    image = Image(pixels=np.zeros((2, 2, 3), np.uint8), ancestry=root, video=FRAME, encoded="AAAA")
    other = image.with_pixels(np.ones((2, 2), np.uint8))
    assert other.encoded is None
    assert other.ancestry == root
    assert other.video is FRAME


def test_video_metadata_goes_to_json_and_back() -> None:
    written = FRAME.to_json()
    assert written == {
        "video_identifier": "cam",
        "frame_number": 61,
        "frame_timestamp": "2026-01-02T03:04:05+00:00",
        "fps": 20.0,
        "measured_fps": None,
        "comes_from_video_file": None,
        "total_frames": None,
    }
    assert VideoMetadata.from_json(written) == VideoMetadata.from_json(FRAME) == FRAME


def test_time_of_a_file_follows_from_the_frame_number() -> None:
    assert FRAME.seconds_since_start == 3.0
    assert FRAME.time == FRAME.frame_timestamp.timestamp()
    assert VideoMetadata.from_json(FRAME.to_json() | {"comes_from_video_file": True}).time == 61 / 20
    still = VideoMetadata.from_json(FRAME.to_json() | {"comes_from_video_file": True, "fps": 0})
    assert still.time == FRAME.frame_timestamp.timestamp()
    assert VideoMetadata.from_json(FRAME.to_json() | {"fps": None}).seconds_since_start == 2.0


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"video_identifier": None}, "'video_identifier' must be text; found None"),
        ({"frame_number": True}, "'frame_number' must be a whole number; found True"),
        ({"frame_timestamp": "yesterday"}, "ISO 8601 was expected; found 'yesterday'"),
        ({"frame_timestamp": 12}, "'frame_timestamp' must be a date and time; found 12"),
        ({"fps": "30"}, "'fps' must be a number; found '30'"),
        ({"total_frames": [1]}, "'total_frames' must be a whole number; found a list"),
    ],
)
def test_wrong_video_metadata_is_refused(change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError, match=sentence) as caught:
        VideoMetadata.from_json(FRAME.to_json() | change, at="/inputs/image")
    assert caught.value.problem.at == "/inputs/image"
    assert caught.value.problem.whose == "caller"


def test_a_single_image_gets_video_metadata_when_asked() -> None:
    synthesised = Image.from_array(np.zeros((2, 2), np.uint8), id="photo").video_metadata()
    assert (synthesised.video_identifier, synthesised.frame_number, synthesised.fps) == ("photo", 0, 30.0)


def test_a_crop_of_an_enlarged_view_lies_in_the_root_at_the_root_s_scale() -> None:
    enlarged = replace(Ancestry.root("photo", (40, 60)), size=(80, 120), scale=2.0)
    crop = enlarged.crop("crop", 30, 10, (20, 20))
    assert (crop.parent_offset, crop.root_offset, crop.scale) == ((30, 10), (15, 5), 2.0)
