"""Text of characters: lines, words, and every direction of reading."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Ancestry

BLOCK = "core/stitch_ocr_detections@v1"
WORDS = ["AN OAK", "IN MAY"]


def characters(boxes: dict[str, tuple[float, float, float, float]] | list[tuple[str, list[float]]]) -> Detections:
    rows = list(boxes.items()) if isinstance(boxes, dict) else boxes
    order = np.random.default_rng(3).permutation(len(rows))
    rows = [rows[i] for i in order]
    return detections.build(
        [box for _, box in rows] or np.zeros((0, 4)),
        ancestry=Ancestry.root("image", (500, 500)),
        class_id=[0] * len(rows),
        class_names=[name for name, _ in rows],
        confidence=[0.9] * len(rows),
        prediction_type="object-detection",
    )


def written(lines: list[str], *, pitch: int = 14, leading: int = 40, slant: float = 0.0, jitter: int = 0) -> Any:
    """Characters of 10 by 16, ``pitch`` apart, a space as wide as a character; each as (name, box)."""
    random = np.random.default_rng(5)
    rows = []
    for row, line in enumerate(lines):
        for column, name in enumerate(line):
            if name != " ":
                x, y = (
                    20 + column * pitch,
                    100 + row * leading + column * pitch * slant + random.integers(-jitter, jitter + 1),
                )
                rows.append((name, [x, y, x + 10, y + 16]))
    return rows


def turned(rows: Any, direction: str) -> Any:
    """The same text for another direction of reading."""
    turn = {
        "left_to_right": lambda x, y: (x, y),
        "right_to_left": lambda x, y: (400 - x, y),
        "vertical_top_to_bottom": lambda x, y: (y, x),
        "vertical_bottom_to_top": lambda x, y: (400 - y, 400 - x),
    }[direction]
    found = []
    for name, (x1, y1, x2, y2) in rows:
        corners = np.array([turn(x1, y1), turn(x2, y2)])
        found.append((name, [*corners.min(axis=0), *corners.max(axis=0)]))
    return found


def stitched(
    run: BlockRunner, rows: Any, algorithm: str = "tolerance", direction: str = "left_to_right", **fields: Any
) -> str:
    given = {"stitching_algorithm": algorithm, "reading_direction": direction, **fields}
    return str(run(BLOCK, predictions=characters(rows), **given)["ocr_text"])


DIRECTIONS = ["left_to_right", "right_to_left", "vertical_top_to_bottom", "vertical_bottom_to_top"]


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("algorithm", ["tolerance", "collimate"])
def test_lines_and_characters_come_in_the_order_of_reading(run: BlockRunner, algorithm: str, direction: str) -> None:
    end = "\n" if direction in DIRECTIONS[:2] else " "
    assert stitched(run, turned(written(WORDS), direction), algorithm, direction) == f"ANOAK{end}INMAY"


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_wide_gaps_end_words(run: BlockRunner, direction: str) -> None:
    end = "\n" if direction in DIRECTIONS[:2] else " "
    assert stitched(run, turned(written(WORDS, jitter=2), direction), "otsu", direction) == f"AN OAK{end}IN MAY"


@pytest.mark.parametrize("line", ["OAKTREE", "OA", "O"])
def test_even_gaps_end_no_word(run: BlockRunner, line: str) -> None:
    assert stitched(run, written([line], jitter=3), "otsu") == line


def test_a_larger_multiplier_ends_fewer_words(run: BlockRunner) -> None:
    rows = written(["AB CD  EF"])
    assert stitched(run, rows, "otsu", otsu_threshold_multiplier=0.5) == "AB CD EF"
    assert stitched(run, rows, "otsu", otsu_threshold_multiplier=2) == "ABCD EF"
    assert stitched(run, rows, "otsu", otsu_threshold_multiplier=10) == "ABCDEF"


def test_a_slanted_line_is_followed(run: BlockRunner) -> None:
    rows = written(["ABCDEFGH", "IJKLMNOP"], slant=0.4)
    assert stitched(run, rows, "collimate") == "ABCDEFGH\nIJKLMNOP"
    assert stitched(run, rows, "tolerance") != "ABCDEFGH\nIJKLMNOP"


@pytest.mark.parametrize(("tolerance", "text"), [(10, "A\nB"), (100, "BA")])
def test_tops_are_rounded_to_the_tolerance(run: BlockRunner, tolerance: int, text: str) -> None:
    boxes = {"A": (50.0, 104.0, 60.0, 120.0), "B": (20.0, 106.0, 30.0, 122.0)}
    assert stitched(run, boxes, tolerance=tolerance) == text


@pytest.mark.parametrize("direction", ["left_to_right", "vertical_top_to_bottom"])
def test_the_direction_can_be_found(run: BlockRunner, direction: str) -> None:
    rows = turned(written(WORDS), direction)
    assert stitched(run, rows, direction="auto") == stitched(run, rows, direction=direction)


def test_the_delimiter_stands_between_all_parts(run: BlockRunner) -> None:
    assert stitched(run, written(["AB", "C"]), delimiter="-") == "A-B-\n-C"


@pytest.mark.parametrize("algorithm", ["otsu", "collimate"])
def test_the_delimiter_stands_within_lines_only_where_lines_are_found_otherwise(
    run: BlockRunner, algorithm: str
) -> None:
    text = stitched(run, written(WORDS), algorithm=algorithm, delimiter="-")
    assert text == "A-N-O-A-K\nI-N-M-A-Y"


@pytest.mark.parametrize("algorithm", ["tolerance", "otsu", "collimate"])
@pytest.mark.parametrize("direction", [*DIRECTIONS, "auto"])
def test_none_and_one(run: BlockRunner, algorithm: str, direction: str) -> None:
    assert stitched(run, {}, algorithm, direction) == ""
    assert stitched(run, {"A": (5.0, 5.0, 9.0, 9.0)}, algorithm, direction) == "A"


def test_the_first_version_of_the_ecosystem_knows_one_algorithm(run: BlockRunner) -> None:
    objects = characters(written(WORDS))
    found = run("roboflow_core/stitch_ocr_detections@v1", predictions=objects, reading_direction="left_to_right")
    assert found == {"ocr_text": "ANOAK\nINMAY"}
