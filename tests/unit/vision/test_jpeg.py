"""JPEG files that are encoded in strips: what a reader finds in them is what one finds in those encoded as a whole."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest
import simplejpeg
from numpy.typing import NDArray

from workflow_engine.side_by_side import CROWDED
from workflow_engine.vision import jpeg

RESTARTS = [bytes((0xFF, 0xD0 + number)) for number in range(8)]
NOISE = np.random.default_rng(0)


def drawn(height: int, width: int, *channels: int) -> NDArray[np.uint8]:
    """A soft picture with a little noise: coefficients of every kind, in any number."""
    coarse = NOISE.integers(0, 256, (max(height // 40, 2), max(width // 40, 2), *channels)).astype(np.uint8)
    soft = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC).reshape(height, width, *channels)
    return (soft // 2 + NOISE.integers(0, 100, soft.shape)).astype(np.uint8)


def whole(pixels: NDArray[Any], quality: int) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def read(file: bytes) -> NDArray[Any]:
    return np.asarray(cv2.imdecode(np.frombuffer(file, np.uint8), cv2.IMREAD_UNCHANGED))


@pytest.mark.parametrize(
    ("shape", "strips"),
    [
        pytest.param((480, 640, 3), 2, id="a small one"),
        pytest.param((1080, 1920, 3), 8, id="1080p"),
        pytest.param((1080, 1920), 8, id="grey"),
        pytest.param((1080, 1920, 1), 8, id="grey, with an axis for it"),
        pytest.param((1080, 1920, 4), 8, id="with an alpha channel, which JPEG has not"),
        pytest.param((1079, 1917, 3), 8, id="odd"),
        pytest.param((517, 509, 3), 2, id="a last strip that is cut"),
        pytest.param((5000, 17, 3), 1, id="tall, and few pixels"),
        pytest.param((65_500, 9, 3), 4, id="as tall as can be"),
        pytest.param((17, 60_000, 3), 2, id="wide: strips of one row of blocks"),
        pytest.param((100, 100, 3), 1, id="too small to share"),
        pytest.param((5, 7), 1, id="tiny"),
    ],
)
@pytest.mark.parametrize("quality", [95, 30])
def test_a_reader_finds_the_same_pixels(shape: tuple[int, ...], strips: int, quality: int) -> None:
    pixels = drawn(*shape)
    file, expected = jpeg.encode(pixels, quality), whole(pixels, quality)
    assert np.array_equal(read(file), read(expected))
    assert np.array_equal(simplejpeg.decode_jpeg(file, "BGR"), simplejpeg.decode_jpeg(expected, "BGR"))
    assert sum(file.count(marker) for marker in RESTARTS) == strips - 1
    assert len(file) < len(expected) + 100 * strips


def test_more_strips_than_there_are_names_for_markers(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many blocks as may lie between two markers are few rows of a picture that is wide enough."""
    monkeypatch.setattr(jpeg, "MOST_BLOCKS", 2 * 40)
    pixels = drawn(700, 640, 3)
    file = jpeg.encode(pixels, 95)
    assert np.array_equal(read(file), read(whole(pixels, 95)))
    assert sum(file.count(marker) for marker in RESTARTS) == 21


def test_values_that_are_no_bytes_are_taken_as_opencv_takes_them() -> None:
    pixels = NOISE.uniform(-20, 280, (700, 800, 3)).astype(np.float32)
    assert np.array_equal(read(jpeg.encode(pixels, 95)), read(whole(pixels, 95)))  # type: ignore[arg-type]


def test_the_file_is_the_same_when_other_runs_have_the_cores() -> None:
    pixels = drawn(1080, 1920, 3)
    file = jpeg.encode(pixels, 95)
    token = CROWDED.set(True)
    try:
        assert jpeg.encode(pixels, 95) == file
    finally:
        CROWDED.reset(token)


@pytest.mark.parametrize("shape", [(65_501, 20, 3), (20, 65_501, 3), (0, 5), (800, 0), (800, 800, 2), (2, 2, 2, 2)])
def test_what_is_no_picture_for_a_jpeg_is_an_error_of_opencv(shape: tuple[int, ...]) -> None:
    with pytest.raises(cv2.error):
        jpeg.encode(np.zeros(shape, np.uint8), 95)
