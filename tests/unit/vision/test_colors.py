"""Colours as texts and numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from workflow_engine.errors import BlockError
from workflow_engine.vision.colors import colored, cover, filled, parse_color, tinted


@pytest.mark.parametrize(
    ("value", "rgb"),
    [
        ("#0a64ff", (10, 100, 255)),
        ("#F80", (255, 136, 0)),
        ("rgb(1, 2, 3)", (1, 2, 3)),
        ("RGB(1,2,3)", (1, 2, 3)),
        (" (255 , 0, 7) ", (255, 0, 7)),
        ("bgr(1, 2, 3)", (3, 2, 1)),
        ("yellow", (255, 255, 0)),
        ("ROBOFLOW", (163, 81, 251)),
        ([9, 8, 7], (9, 8, 7)),
        ((0, 0, 0), (0, 0, 0)),
    ],
)
def test_a_colour_is_read(value: Any, rgb: tuple[int, int, int]) -> None:
    assert parse_color(value).as_rgb() == rgb


@pytest.mark.parametrize("value", ["mauve", "#12345", "#gggggg", "rgb(1, 2)", "rgb(1, 2, 256)", "", [1, 2], [1, 2, -3]])
def test_what_is_no_colour_is_refused(value: Any) -> None:
    with pytest.raises(BlockError, match="is not a colour; expected #RRGGBB") as caught:
        parse_color(value)
    assert "WHITE, BLACK" in caught.value.hint


def test_grey_pixels_can_take_a_colour() -> None:
    grey = np.array([[0, 100], [200, 255]], dtype=np.uint8)
    assert colored(grey).tolist() == [[[v] * 3 for v in row] for row in grey.tolist()]


def test_coloured_pixels_are_copied() -> None:
    pixels = np.zeros((2, 2, 3), dtype=np.uint8)
    colored(pixels)[:] = 9
    assert not pixels.any()


def test_pixels_are_mixed_in_the_order_blue_green_red() -> None:
    pixels = np.full((1, 1, 3), 100, dtype=np.uint8)
    assert tinted(pixels, parse_color("rgb(200, 100, 0)"), 0.25).tolist() == [[[75, 100, 125]]]


def test_an_image_of_one_colour() -> None:
    assert filled((2, 3), parse_color("#010203")).tolist() == [[[3, 2, 1]] * 3] * 2


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 3)])
@pytest.mark.parametrize("part", [np.s_[2:6, 3:8], np.s_[0:1, 0:9], np.s_[6:7, 8:9], np.s_[:, 4:5]])
def test_a_part_of_an_image_is_covered_in_place(shape: tuple[int, ...], part: tuple[slice, slice]) -> None:
    random = np.random.default_rng(0)
    pixels, source = random.integers(0, 256, (2, *shape), dtype=np.uint8)
    inside = random.random((9, 7)).T[part] < 0.5
    expected = pixels.copy()
    expected[part][inside] = source[part][inside]
    cover(pixels[part], inside, source[part])
    np.testing.assert_array_equal(pixels, expected)
