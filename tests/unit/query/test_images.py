"""Operations on images."""

from __future__ import annotations

import base64
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from workflow_engine.query import QueryError, apply
from workflow_engine.vision.image import Image, VideoMetadata

SHOT = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
VIDEO = VideoMetadata(video_identifier="cam", frame_number=31, frame_timestamp=SHOT, fps=15.0)
PIXELS = np.full((20, 30, 3), (10, 120, 240), np.uint8)
IMAGE = Image.from_array(PIXELS, video=VIDEO)


def run(operation: str, value: Any, **fields: Any) -> Any:
    return apply([{"type": operation, **fields}], value)


@pytest.mark.parametrize(("name", "expected"), [("size", 600), ("height", 20), ("width", 30), ("aspect_ratio", 1.5)])
def test_properties_in_pixels(name: str, expected: float) -> None:
    assert run("ExtractImageProperty", IMAGE, property_name=name) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("frame_number", 31), ("frame_timestamp", SHOT), ("seconds_since_start", 2.0)]
)
def test_properties_of_a_frame(name: str, expected: Any) -> None:
    assert run("ExtractFrameMetadata", IMAGE, property_name=name) == expected


def test_an_image_of_no_video_is_frame_0() -> None:
    assert run("ExtractFrameMetadata", Image.from_array(PIXELS), property_name="frame_number") == 0


@pytest.mark.parametrize("fps", [None, 0])
def test_no_time_without_a_frame_rate(fps: float | None) -> None:
    image = Image.from_array(PIXELS, video=replace(VIDEO, fps=fps))
    with pytest.raises(QueryError, match="'cam' declares no frame rate") as caught:
        run("ExtractFrameMetadata", image, property_name="seconds_since_start")
    assert caught.value.code == "query_operation"


def test_jpeg_has_the_quality_asked_for() -> None:
    noisy = Image.from_array(np.random.default_rng(0).integers(0, 255, (60, 60, 3), np.uint8))
    fine, coarse = run("ConvertImageToJPEG", noisy), run("ConvertImageToJPEG", noisy, compression_level=10)
    assert fine[:2] == coarse[:2] == b"\xff\xd8"
    assert len(coarse) < len(fine) / 2
    assert fine == run("ConvertImageToJPEG", noisy, compression_level=95)


def test_base64_is_that_of_the_jpeg_and_an_untouched_image_keeps_its_text() -> None:
    assert base64.b64decode(run("ConvertImageToBase64", IMAGE)) == run("ConvertImageToJPEG", IMAGE)
    assert run("ConvertImageToBase64", replace(IMAGE, encoded="as it came")) == "as it came"


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        ("ExtractImageProperty", {"property_name": "width"}),
        ("ExtractFrameMetadata", {"property_name": "frame_number"}),
        ("ConvertImageToJPEG", {}),
        ("ConvertImageToBase64", {}),
    ],
)
def test_only_images_are_taken(operation: str, fields: dict[str, Any]) -> None:
    with pytest.raises(QueryError, match="expected an image, got an array") as caught:
        run(operation, PIXELS, **fields)
    assert caught.value.code == "query_bad_input"
