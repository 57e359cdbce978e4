"""Operations that make one table of detections of another."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervision import Detections

from workflow_engine.query import QueryError, apply
from workflow_engine.vision import detections
from workflow_engine.vision.detections_json import to_json
from workflow_engine.vision.image import Ancestry


def run(operation: str, table: Any, *, parameters: dict[str, Any] | None = None, **fields: Any) -> Any:
    return apply([{"type": operation, **fields}], table, parameters=parameters or {})


def ids(table: Detections) -> str:
    return "".join(detections.detection_ids(table))


IS_NUT = {
    "type": "StatementGroup",
    "statements": [
        {
            "type": "BinaryStatement",
            "left_operand": {
                "type": "DynamicOperand",
                "operations": [{"type": "ExtractDetectionProperty", "property_name": "class_name"}],
            },
            "comparator": {"type": "=="},
            "right_operand": {"type": "StaticOperand", "value": "nut"},
        }
    ],
}
EVERY: dict[str, dict[str, Any]] = {
    "DetectionsFilter": {"filter_operation": IS_NUT},
    "DetectionsOffset": {"offset_x": 1, "offset_y": 2},
    "DetectionsShift": {"shift_x": 1, "shift_y": 2},
    "DetectionsRename": {"class_map": {"nut": "n", "bolt": "b", "tray": "t"}},
    "DetectionsSelection": {"mode": "first"},
    "SortDetections": {"mode": "size"},
    "PickDetectionsByParentClass": {"parent_class": "tray"},
}


@pytest.mark.parametrize("operation", EVERY)
def test_the_given_table_stays_as_it_is(parts: Detections, operation: str) -> None:
    masked = detections.replace(parts, mask=np.ones((4, 100, 200), bool))
    before = deepcopy(masked)
    run(operation, masked, **EVERY[operation])
    assert masked == before


@pytest.mark.parametrize("operation", EVERY)
def test_an_empty_table_stays_empty_and_keeps_what_is_known_of_its_image(nothing: Detections, operation: str) -> None:
    answer = run(operation, nothing, **EVERY[operation])
    assert len(answer) == 0
    assert detections.ancestry_of(answer) == Ancestry.root("photo", (100, 200))


@pytest.mark.parametrize("operation", EVERY)
def test_only_tables_are_taken(operation: str) -> None:
    with pytest.raises(QueryError, match="expected a table of detections, got a list of 0") as caught:
        run(operation, [], **EVERY[operation])
    assert caught.value.code == "query_bad_input"


def test_to_dictionary_is_the_json_form(parts: Detections) -> None:
    assert run("DetectionsToDictionary", parts) == to_json(parts)


def test_filter_keeps_rows_in_order_with_their_columns(parts: Detections) -> None:
    kept = run("DetectionsFilter", parts, filter_operation=IS_NUT)
    assert ids(kept) == "ac"
    assert kept.tracker_id.tolist() == [11, 13]


def test_offset_grows_the_box_by_half_on_every_side_and_beyond_the_image(parts: Detections) -> None:
    grown = run("DetectionsOffset", parts, offset_x=30, offset_y=7)
    assert grown.xyxy[0].tolist() == [-5, 16.5, 45, 44.5]
    assert ids(grown) == "abcd"


def test_shift_moves_boxes_and_leaves_masks(parts: Detections) -> None:
    mask = np.arange(4 * 100 * 200).reshape(4, 100, 200) % 3 == 0
    moved = run("DetectionsShift", detections.replace(parts, mask=mask), shift_x=-20, shift_y=5)
    assert moved.xyxy[0].tolist() == [-10, 25, 10, 46]
    assert np.array_equal(moved.mask, mask)


@pytest.mark.parametrize(
    ("mode", "chosen"),
    [("left_most", "a"), ("right_most", "d"), ("top_confidence", "b"), ("first", "a"), ("last", "d")],
)
def test_selection(parts: Detections, mode: str, chosen: str) -> None:
    assert ids(run("DetectionsSelection", parts, mode=mode)) == chosen


@pytest.mark.parametrize(
    ("mode", "order"),
    [
        ("confidence", "ca"),
        ("x_min", "abdc"),
        ("x_max", "abcd"),
        ("y_min", "dbac"),
        ("y_max", "bacd"),
        ("size", "bcad"),
        ("center_x", "abcd"),
        ("center_y", "badc"),
    ],
)
def test_sort(parts: Detections, mode: str, order: str) -> None:
    rising, falling = (ids(run("SortDetections", parts, mode=mode, ascending=up)) for up in (True, False))
    assert rising.startswith(order)
    assert falling == rising[::-1]
    assert ids(run("SortDetections", parts, mode=mode)) == rising


@given(st.lists(st.integers(0, 3), min_size=1, max_size=40), st.booleans())
def test_equals_come_out_as_numpys_own_sort_leaves_them(values: list[int], ascending: bool) -> None:
    xyxy = np.array([[value, 0, value + 1, 1] for value in values], dtype=float)
    order = np.argsort(xyxy[:, 0])[:: 1 if ascending else -1]
    table = Detections(xyxy=xyxy, class_id=np.arange(len(values)))
    assert run("SortDetections", table, mode="x_min", ascending=ascending).class_id.tolist() == order.tolist()


@pytest.mark.parametrize(
    ("operation", "mode"), [("SortDetections", "confidence"), ("DetectionsSelection", "top_confidence")]
)
def test_no_order_by_confidence_without_confidence(operation: str, mode: str) -> None:
    with pytest.raises(QueryError, match="has no confidence") as caught:
        run(operation, Detections(xyxy=np.zeros((2, 4))), mode=mode)
    assert caught.value.code == "query_operation"


def test_pick_by_parent_puts_parents_first_then_what_lies_in_them(parts: Detections) -> None:
    assert ids(run("PickDetectionsByParentClass", parts, parent_class="tray")) == "dc"


def test_pick_by_parent_counts_a_centre_on_the_border_and_no_parent_twice(parts: Detections) -> None:
    boxes = [(0, 0, 20, 20), (90, 40, 110, 60), (0, 0, 10, 10), (100, 0, 200, 100)]
    table = detections.with_column(detections.replace(parts, xyxy=np.array(boxes, float)), "class_name", [*"xytt"])
    assert ids(run("PickDetectionsByParentClass", table, parent_class="t")) == "cdab"


def test_pick_by_parent_without_parents_keeps_nothing_but_the_metadata(parts: Detections) -> None:
    picked = run("PickDetectionsByParentClass", parts, parent_class="box")
    assert len(picked) == 0
    assert detections.ancestry_of(picked) == detections.ancestry_of(parts)


def names_and_ids(table: Detections) -> list[tuple[str, int]]:
    assert table.class_id is not None
    return list(zip(detections.class_names(table), table.class_id.tolist(), strict=True))


def test_a_strict_renaming_numbers_classes_by_the_rank_of_their_new_names(parts: Detections) -> None:
    class_map = {"nut": "metal", "bolt": "metal", "tray": "wood", "unused": "glass"}
    renamed = run("DetectionsRename", parts, class_map=class_map)
    assert names_and_ids(renamed) == [("metal", 1), ("metal", 1), ("metal", 1), ("wood", 2)]


def test_a_strict_renaming_wants_every_class(parts: Detections) -> None:
    with pytest.raises(QueryError, match="class_map has none for bolt, tray") as caught:
        run("DetectionsRename", parts, class_map={"nut": "n"})
    assert caught.value.code == "query_operation"


def test_a_loose_renaming_keeps_known_ids_and_counts_new_ones_from_the_offset(parts: Detections) -> None:
    class_map = {"nut": "tray", "bolt": "screw", "tray": "box"}
    renamed = run("DetectionsRename", parts, class_map=class_map, strict=False)
    assert names_and_ids(renamed) == [("tray", 5), ("screw", 1025), ("tray", 5), ("box", 1024)]
    renamed = run("DetectionsRename", parts, class_map={"nut": "n"}, strict=False, new_classes_id_offset=7)
    assert names_and_ids(renamed) == [("n", 7), ("bolt", 0), ("n", 7), ("tray", 5)]


def test_the_ids_of_a_loose_renaming_count_the_whole_map_whatever_is_in_the_table(parts: Detections) -> None:
    class_map = {"nut": "z", "absent": "a", "also_absent": "bolt"}
    renamed = run("DetectionsRename", parts, class_map=class_map, strict=False)
    assert dict(names_and_ids(renamed))["z"] == 1025


def test_the_map_and_strictness_may_come_from_parameters(parts: Detections) -> None:
    parameters = {"names": {"nut": "n"}, "exact": False}
    renamed = run("DetectionsRename", parts, class_map="names", strict="exact", parameters=parameters)
    assert detections.class_names(renamed) == ["n", "bolt", "n", "tray"]
    with pytest.raises(QueryError, match="expected a dictionary of class names as class_map, got the number 3"):
        run("DetectionsRename", parts, class_map="names", parameters={"names": 3})
    with pytest.raises(QueryError, match="there is no parameter 'name'; known here: 'names'") as caught:
        run("DetectionsRename", parts, class_map="name", parameters={"names": {}})
    assert (caught.value.code, caught.value.hint) == ("query_undeclared", "Did you mean 'names'?")


def test_a_table_without_names_can_only_be_renamed_loosely() -> None:
    bare = Detections(xyxy=np.zeros((1, 4)), class_id=np.array([3]))
    assert run("DetectionsRename", bare, class_map={"a": "b"}, strict=False) == bare
    with pytest.raises(QueryError, match="has no class names to rename") as caught:
        run("DetectionsRename", bare, class_map={"a": "b"})
    assert caught.value.code == "query_operation"
    assert len(run("DetectionsRename", Detections.empty(), class_map={"a": "b"})) == 0
