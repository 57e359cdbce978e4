"""A text in a box."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.blocks.runner import BlockRunner
from workflow_engine.vision.image import Image

PLAIN = Image.from_array(np.full((200, 300, 3), 50, dtype=np.uint8))


def drawn(run: BlockRunner, text: str = "Ag", **fields: Any) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = run("core/text_display@v1", image=PLAIN, text=text, **fields)["image"].pixels
    return pixels


def box(pixels: NDArray[np.uint8]) -> tuple[int, int, int, int]:
    ys, xs = np.nonzero((pixels != 50).any(axis=2))
    return int(xs.min()), int(ys.min()), int(xs.max()) + 1, int(ys.max()) + 1


@pytest.mark.parametrize(
    ("anchor", "across", "down"),
    [
        ("top_left", 0, 0),
        ("top_center", 0.5, 0),
        ("top_right", 1, 0),
        ("center_left", 0, 0.5),
        ("center", 0.5, 0.5),
        ("center_right", 1, 0.5),
        ("bottom_left", 0, 1),
        ("bottom_center", 0.5, 1),
        ("bottom_right", 1, 1),
    ],
)
def test_the_box_lies_at_its_anchor(run: BlockRunner, anchor: str, across: float, down: float) -> None:
    x1, y1, x2, y2 = box(drawn(run, anchor=anchor, offset_x=0, offset_y=0))
    assert abs(x1 - across * (300 - (x2 - x1))) <= 1
    assert abs(y1 - down * (200 - (y2 - y1))) <= 1


def test_an_offset_moves_the_box_but_not_out_of_the_image(run: BlockRunner) -> None:
    still, moved = (box(drawn(run, anchor="center", offset_x=x, offset_y=y)) for x, y in ((0, 0), (20, -30)))
    assert [b - a for a, b in zip(still, moved, strict=True)] == [20, -30, 20, -30]
    assert box(drawn(run, offset_x=1000, offset_y=1000))[2:] == (300, 200)
    assert box(drawn(run, position_mode="absolute", position_x=40, position_y=50))[:2] == (40, 50)
    assert box(drawn(run, position_mode="absolute", position_x=-40, position_y=999))[::3] == (0, 200)


def test_values_stand_for_their_names(run: BlockRunner) -> None:
    fields = {
        "text_parameters": {"count": ["a", "b", "c"], "name": "nuts"},
        "text_parameters_operations": {"count": [{"type": "SequenceLength"}]},
    }
    filled = drawn(run, "{{ $parameters.count }} {{$parameters.name}}", **fields)
    np.testing.assert_array_equal(filled, drawn(run, "3 nuts"))
    np.testing.assert_array_equal(drawn(run, "{{ $parameters.x }}", **fields), drawn(run, "{{ $parameters.x }}"))


def test_lines_are_below_each_other(run: BlockRunner) -> None:
    one, two = box(drawn(run, "Ag")), box(drawn(run, "Ag\nAg"))
    assert two[2] == one[2]
    assert two[3] - two[1] > 1.8 * (one[3] - one[1] - 20)


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_short_lines_are_aligned(run: BlockRunner, align: str) -> None:
    pixels = drawn(run, "mmmm\ni", text_align=align, offset_x=0, offset_y=0)
    x1, y1, x2, y2 = box(pixels)
    xs = np.flatnonzero((pixels[(y1 + y2) // 2 + 4 : y2, x1:x2] > 200).all(axis=2).any(axis=0))
    share = float(xs.mean()) / (x2 - x1)
    assert abs(share - {"left": 0.15, "center": 0.5, "right": 0.85}[align]) < 0.1


def test_backgrounds(run: BlockRunner) -> None:
    plain = drawn(run, " ", background_color="rgb(0, 0, 250)", padding=20)
    x1, y1, x2, y2 = box(plain)
    assert (plain[y1:y2, x1:x2] == (250, 0, 0)).all()
    half = drawn(run, " ", background_color="rgb(0, 0, 250)", background_opacity=0.5, padding=20)
    assert half[y1 + 5, x1 + 5].tolist() == [150, 25, 25]
    assert (drawn(run, " ", background_color="transparent") == 50).all()
    round_corners = drawn(run, " ", background_color="WHITE", border_radius=10, padding=20)
    assert (round_corners[y1, x1] == 50).all()
    assert (round_corners[y1 + 10, x1] == 255).all()
    assert (drawn(run, "", padding=0) == 50).all()


def test_letters_have_their_colour_and_grey_images_take_it(run: BlockRunner) -> None:
    grey = Image.from_array(np.full((200, 300), 50, dtype=np.uint8))
    pixels = run("core/text_display@v1", image=grey, text="III", text_color="#00ff00")["image"].pixels
    assert (pixels == (0, 255, 0)).all(axis=2).any()
