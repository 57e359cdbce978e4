"""Lines, zones and paths."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from workflow_engine.errors import BlockError
from workflow_engine.vision.image import Image

IMAGE = Image.from_array(np.full((60, 80, 3), 100, dtype=np.uint8))
SQUARE = [[10, 10], [30, 10], [30, 30], [10, 30]]


def drawn(run: BlockRunner, name: str, **fields: Any) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = run(f"core/{name}_visualization@v1", image=IMAGE, **fields)["image"].pixels
    return pixels


def test_a_zone_adds_its_colour_up_to_white(run: BlockRunner) -> None:
    pixels = drawn(run, "polygon_zone", zone=SQUARE, color="rgb(255, 100, 0)", opacity=0.8)
    assert pixels[20, 20].tolist() == [100, 180, 255]
    assert (pixels[10:31, 10:31] == pixels[20, 20]).all()
    pixels[10:31, 10:31] = 100
    assert (pixels == 100).all()


def test_several_zones_and_none(run: BlockRunner) -> None:
    other = [[50, 40], [60, 40], [60, 50]]
    pixels = drawn(run, "polygon_zone", zone=[SQUARE, other], color="WHITE")
    assert (pixels[20, 20] > 100).all()
    assert (pixels[42, 58] > 100).all()
    assert (drawn(run, "polygon_zone", zone=[]) == 100).all()


@pytest.mark.parametrize("zone", [np.array(SQUARE), [np.array(SQUARE)], [tuple(map(tuple, SQUARE))]])
def test_zones_that_other_blocks_give(run: BlockRunner, zone: Any) -> None:
    function = run.registry.function("core/polygon_zone_visualization@v1")
    pixels = function(IMAGE, zone=zone, color="WHITE", opacity=0.3)["image"].pixels
    np.testing.assert_array_equal(pixels, drawn(run, "polygon_zone", zone=SQUARE, color="WHITE"))


def test_a_line_is_as_thick_as_asked_and_tells_its_counts(run: BlockRunner) -> None:
    fields = {"zone": [[40, 5], [40, 55]], "color": "BLUE", "opacity": 1.0, "text_scale": 0.3}
    pixels = drawn(run, "line_counter", thickness=1, **fields)
    column = pixels[30:56, 40]
    assert (column == (255, 100, 100)).all()
    assert (pixels[30:56, 41:] == 100).all()
    plate = (pixels == 255).all(axis=2)
    assert plate[:12].any()
    assert not plate[12:].any()
    more = drawn(run, "line_counter", thickness=1, count_in=888, **fields)
    assert (more[:12] != pixels[:12]).any()


def test_a_path_is_open(run: BlockRunner) -> None:
    pixels = drawn(run, "reference_path", reference_path=SQUARE, color="RED", thickness=1)
    red = (pixels == (0, 0, 255)).all(axis=2)
    expected = np.zeros((60, 80), dtype=bool)
    expected[10, 10:31] = expected[10:31, 30] = expected[30, 10:31] = True
    np.testing.assert_array_equal(red, expected)
    assert (drawn(run, "reference_path", reference_path=[]) == 100).all()


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("line_counter", {"zone": ["a", "b"]}),
        ("line_counter", {"zone": [[1, 2]]}),
        ("polygon_zone", {"zone": [[1, 2, 3], [4, 5, 6]]}),
        ("polygon_zone", {"zone": [1, 2]}),
        ("reference_path", {"reference_path": [[1, float("nan")]]}),
    ],
)
def test_what_is_no_point_is_refused(run: BlockRunner, name: str, fields: dict[str, Any]) -> None:
    function = run.registry.function(f"core/{name}_visualization@v1")
    defaults = run.registry.step_type(f"core/{name}_visualization@v1").defaults
    with pytest.raises(BlockError, match="point"):
        function(**{**defaults, "image": IMAGE, **fields})
