"""The properties of detections, as lists and one by one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from supervision import Detections

from workflow_engine.query import QueryError, apply
from workflow_engine.query.rows import PROPERTIES, rows
from workflow_engine.vision import detections

STORED: dict[str, list[Any]] = {
    "time_in_zone": [0.5, 1.5, 0.0, 2.0],
    "path_deviation": [1.0, 2.0, 3.0, 4.0],
    "area_px": [400, 200, 400, 10000],
    "area_converted": [4.0, 2.0, 4.0, 100.0],
    "in_out": ["in", None, "out", None],
    "velocity": [[1, 2], [3, 4], [5, 6], [7, 8]],
    "speed": [1.0, 2.0, 3.0, 4.0],
    "smoothed_velocity": [[1, 2], [3, 4], [5, 6], [7, 8]],
    "smoothed_speed": [1.0, 2.0, 3.0, 4.0],
    "polygon": [[[0, 0], [1, 0], [1, 1]]] * 4,
    "keypoints_xy": [[[1, 2]], [[3, 4]], [[5, 6]], [[7, 8]]],
    "rect": [[[0, 0], [1, 0], [1, 1], [0, 1]]] * 4,
    "width": [9.0, 8.0, 7.0, 6.0],
    "height": [1.0, 2.0, 3.0, 4.0],
    "angle": [0.0, 10.0, 20.0, 30.0],
}


def listed(table: Any, name: str) -> Any:
    return apply([{"type": "DetectionsPropertyExtract", "property_name": name}], table)


def single(table: Detections, name: str, index: int = 1) -> Any:
    return apply([{"type": "ExtractDetectionProperty", "property_name": name}], list(rows(table))[index])


@pytest.mark.parametrize(
    ("name", "as_list", "second"),
    [
        ("confidence", [0.7, 0.9, 0.4, 0.9], 0.9),
        ("class_name", ["nut", "bolt", "nut", "tray"], "bolt"),
        ("class_id", [1, 0, 1, 5], 0),
        ("tracker_id", [11, 12, 13, 14], 12),
        ("x_min", [10, 40.4, 120, 100], 40.4),
        ("y_min", [20, 10.6, 50, 0], 10.6),
        ("x_max", [30, 51, 140, 200], 51),
        ("y_max", [41, 30, 70, 100], 30),
        ("center", [[20, 30], [46, 20], [130, 60], [150, 50]], (45.7, 20.3)),
        ("top_left", [[10, 20], [40, 11], [120, 50], [100, 0]], (40.4, 10.6)),
        ("top_right", [[30, 20], [51, 11], [140, 50], [200, 0]], (51, 10.6)),
        ("bottom_left", [[10, 41], [40, 30], [120, 70], [100, 100]], (40.4, 30)),
        ("bottom_right", [[30, 41], [51, 30], [140, 70], [200, 100]], (51, 30)),
        ("image_dimensions", [[100, 200]] * 4, [100, 200]),
        ("prediction_type", ["instance-segmentation"] * 4, "instance-segmentation"),
    ],
)
def test_computed_properties(parts: Detections, name: str, as_list: list[Any], second: Any) -> None:
    assert listed(parts, name) == as_list
    assert single(parts, name) == (pytest.approx(second) if isinstance(second, tuple) else second)


def test_size_is_the_area_of_the_box_even_when_there_are_masks(parts: Detections) -> None:
    masked = detections.replace(parts, mask=np.ones((4, 100, 200), bool))
    assert listed(masked, "size") == pytest.approx([420, 10.6 * 19.4, 400, 10000])
    assert single(masked, "size") == pytest.approx(10.6 * 19.4)


def test_the_lists_are_plain_python(parts: Detections) -> None:
    assert {type(value) for name in ("confidence", "x_min", "size") for value in listed(parts, name)} == {float}
    assert {type(value) for name in ("class_id", "tracker_id") for value in listed(parts, name)} == {int}
    assert {type(value) for point in listed(parts, "center") for value in point} == {int}


@pytest.mark.parametrize("name", STORED)
def test_columns_that_blocks_add(parts: Detections, name: str) -> None:
    table = detections.with_column(parts, name, STORED[name])
    assert listed(table, name) == STORED[name]
    assert single(table, name) == STORED[name][1]


def test_every_property_is_either_computed_or_a_column(parts: Detections) -> None:
    absent = {name for name, read in PROPERTIES.items() if read(parts) is None}
    assert absent == set(STORED)


@pytest.mark.parametrize("name", [*STORED, "tracker_id", "confidence", "class_id", "image_dimensions"])
def test_a_property_that_the_table_lacks_is_null_for_one_row_and_an_error_for_all(name: str) -> None:
    bare = Detections(xyxy=np.array([[0.0, 0, 1, 1], [0, 0, 2, 2]]))
    assert single(bare, name) is None
    with pytest.raises(QueryError, match=f"the table of detections has no {name}") as caught:
        listed(bare, name)
    assert caught.value.code == "query_operation"
    assert caught.value.hint == f"Put a block that supplies {name} in front of this step."


@pytest.mark.parametrize("name", PROPERTIES)
def test_an_empty_table_has_an_empty_list_of_everything(nothing: Detections, name: str) -> None:
    assert listed(nothing, name) == []


def test_a_column_comes_before_the_computed_list(parts: Detections) -> None:
    table = detections.with_column(parts, "center", np.array([1, 2, 3, 4]))
    assert listed(table, "center") == [1, 2, 3, 4]


def test_a_stored_float32_equals_the_literal_it_was_made_from(parts: Detections) -> None:
    table = detections.replace(parts, confidence=np.array([0.7, 0.9, 0.4, 0.9], np.float32))
    assert single(table, "confidence", 0) == 0.7


def test_one_detection_and_a_table_are_not_mixed_up(parts: Detections) -> None:
    with pytest.raises(QueryError, match="expected one detection, got a table of detections") as caught:
        apply([{"type": "ExtractDetectionProperty", "property_name": "size"}], parts)
    assert "DetectionsPropertyExtract" in caught.value.hint
    with pytest.raises(QueryError, match="expected a table of detections, got one detection"):
        listed(next(rows(parts)), "size")
