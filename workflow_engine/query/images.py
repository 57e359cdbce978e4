"""Operations on images: their size, which frame of a video they are, and their encoded forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from workflow_engine.query.errors import QueryError, wrong_input
from workflow_engine.vision.decode import encode_jpeg
from workflow_engine.vision.image import Image, VideoMetadata
from workflow_engine.vision.image_json import as_base64

PROPERTIES: Mapping[str, Callable[[Image], float]] = {
    "size": lambda image: image.height * image.width,
    "height": lambda image: image.height,
    "width": lambda image: image.width,
    "aspect_ratio": lambda image: image.width / image.height if image.height else 0,
}


def image_property(value: Any, *, property_name: str) -> float:
    """Return the height, the width, their product or width over height, in pixels."""
    return PROPERTIES[property_name](_image(value))


def frame_metadata(value: Any, *, property_name: str) -> Any:
    """Return the frame's number, its timestamp, or its seconds since the first frame at the declared rate."""
    return FRAME_PROPERTIES[property_name](_image(value).video_metadata())


def to_jpeg(value: Any, *, compression_level: int = 95) -> bytes:
    """Encode as JPEG; ``compression_level`` is the quality, 1 to 100."""
    return encode_jpeg(_image(value).pixels, quality=int(compression_level))


def to_base64(value: Any) -> str:
    """Return the base64 text an untouched image came with, otherwise that of a JPEG of quality 95."""
    return as_base64(_image(value))


def _seconds_since_start(video: VideoMetadata) -> float:
    if not video.fps:
        message = f"the video {video.video_identifier!r} declares no frame rate, so a frame number gives no time."
        raise QueryError(message, code="query_operation", hint="Give fps in the image's video metadata.")
    return video.seconds_since_start


FRAME_PROPERTIES: Mapping[str, Callable[[VideoMetadata], Any]] = {
    "frame_number": lambda video: video.frame_number,
    "frame_timestamp": lambda video: video.frame_timestamp,
    "seconds_since_start": _seconds_since_start,
}


def _image(value: Any) -> Image:
    if not isinstance(value, Image):
        raise wrong_input("an image", value)
    return value
