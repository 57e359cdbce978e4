"""The operations language on random values: laws that tie operations together, and no value that makes one crash."""

from __future__ import annotations

import copy
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.blocks.scenes import CLASSES, picture, table
from workflow_engine.query import QueryError, apply, choose, holds
from workflow_engine.query.interpreter import OPERATIONS
from workflow_engine.schemas import Validator
from workflow_engine.vision import detections
from workflow_engine.vision.detections import Detections

IMAGE = picture(100, 120)
NUMBERS = ("x_min", "y_min", "x_max", "y_max", "size", "confidence", "class_id")
COMPARISONS = {
    "(Number) >": lambda value, limit: value > limit,
    "(Number) >=": lambda value, limit: value >= limit,
    "(Number) <": lambda value, limit: value < limit,
    "(Number) <=": lambda value, limit: value <= limit,
    "==": lambda value, limit: value == limit,
    "!=": lambda value, limit: value != limit,
}


@st.composite
def objects(draw: st.DrawFn, *, least: int = 0) -> Detections:
    """A table of objects with whole coordinates, some of them beyond the image's edges."""
    count = draw(st.integers(least, 7))
    corner, side = st.integers(-20, 110), st.integers(1, 40)
    corners = [(draw(corner), draw(corner), draw(side), draw(side)) for _ in range(count)]
    return table(
        IMAGE,
        [(x, y, x + width, y + height) for x, y, width, height in corners],
        names=[draw(st.sampled_from(CLASSES)) for _ in range(count)],
        confidence=[draw(st.sampled_from([0.1, 0.25, 0.5, 0.75, 1.0])) for _ in range(count)],
    )


@st.composite
def conditions(draw: st.DrawFn, depth: int = 2) -> Any:
    """A condition on one object, as a statement and as a Python function of its properties."""
    if depth and draw(st.booleans()):
        members = draw(st.lists(conditions(depth - 1), min_size=1, max_size=3))
        operator = draw(st.sampled_from(["and", "or"]))
        statement = {"type": "StatementGroup", "operator": operator, "statements": [one for one, _ in members]}
        combined = all if operator == "and" else any
        return statement, lambda row: combined([truth(row) for _, truth in members])
    negate = draw(st.booleans())
    if draw(st.booleans()):
        name, limit = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from([-5, 0, 0.25, 0.5, 1, 20, 60, 300]))
        comparator = draw(st.sampled_from(sorted(COMPARISONS)))
        statement = _binary(_property(name), comparator, limit, negate)
        return statement, lambda row: COMPARISONS[comparator](row[name], limit) is not negate
    names = draw(st.lists(st.sampled_from([*CLASSES, "tray"]), max_size=3))
    return _binary(
        _property("class_name"), "in (Sequence)", names, negate
    ), lambda row: (row["class_name"] in names) is not negate


def _property(name: str) -> dict[str, Any]:
    extract = {"type": "ExtractDetectionProperty", "property_name": name}
    return {"type": "DynamicOperand", "operations": [extract]}


def _binary(left: dict[str, Any], comparator: str, right: Any, negate: bool) -> dict[str, Any]:
    operand = {"type": "StaticOperand", "value": right}
    statement = {"type": "BinaryStatement", "left_operand": left, "comparator": {"type": comparator}}
    return {**statement, "right_operand": operand, "negate": negate}


def filtering(statement: dict[str, Any]) -> dict[str, Any]:
    if statement["type"] != "StatementGroup":
        statement = {"type": "StatementGroup", "statements": [statement]}
    return {"type": "DetectionsFilter", "filter_operation": statement}


def column(found: Detections, name: str) -> list[Any]:
    return list(apply([{"type": "DetectionsPropertyExtract", "property_name": name}], found))


def ids(found: Detections) -> list[str]:
    return detections.detection_ids(found)


@settings(deadline=None)
@given(found=objects(), condition=conditions())
def test_a_filter_keeps_the_rows_that_a_loop_would_keep(found: Detections, condition: Any) -> None:
    statement, truth = condition
    columns = {name: column(found, name) for name in (*NUMBERS, "class_name")}
    rows = [{name: values[i] for name, values in columns.items()} for i in range(len(found))]
    kept = apply([filtering(statement)], found)
    assert ids(kept) == [name for name, row in zip(ids(found), rows, strict=True) if truth(row)]


@settings(deadline=None)
@given(found=objects(), one=conditions(), other=conditions())
def test_filters_follow_the_laws_of_sets(found: Detections, one: Any, other: Any) -> None:
    (first, _), (second, _) = one, other
    both = {"type": "StatementGroup", "operator": "and", "statements": [first, second]}
    either = {"type": "StatementGroup", "operator": "or", "statements": [first, second]}
    kept = {name: ids(apply([filtering(s)], found)) for name, s in zip("ab", (first, second), strict=True)}
    assert ids(apply([filtering(both)], found)) == [name for name in kept["a"] if name in kept["b"]]
    assert ids(apply([filtering(either)], found)) == [n for n in ids(found) if n in kept["a"] or n in kept["b"]]
    assert ids(apply([filtering(first), filtering(second)], found)) == ids(apply([filtering(both)], found))
    assert ids(apply([filtering(first), filtering(first)], found)) == kept["a"]


@settings(deadline=None)
@given(found=objects(), condition=conditions(), name=st.sampled_from([*NUMBERS, "class_name", "center", "top_left"]))
def test_the_properties_of_what_is_kept_are_those_kept_of_the_properties(
    found: Detections, condition: Any, name: str
) -> None:
    kept = apply([filtering(condition[0])], found)
    by_id = dict(zip(ids(found), column(found, name), strict=True))
    assert column(kept, name) == [by_id[one] for one in ids(kept)]


@settings(deadline=None)
@given(found=objects(), mode=st.sampled_from(["x_min", "x_max", "y_min", "y_max", "size", "confidence"]))
def test_sorting_orders_all_rows_and_both_ways_are_mirrors(found: Detections, mode: str) -> None:
    rising = apply([{"type": "SortDetections", "mode": mode}], found)
    falling = apply([{"type": "SortDetections", "mode": mode, "ascending": False}], found)
    assert column(rising, mode) == sorted(column(found, mode))
    assert ids(falling) == ids(rising)[::-1]
    assert sorted(ids(rising)) == sorted(ids(found))


@settings(deadline=None)
@given(found=objects(least=1))
def test_the_selected_row_is_the_extreme_one(found: Detections) -> None:
    centres = [(x1 + x2) / 2 for x1, x2 in zip(column(found, "x_min"), column(found, "x_max"), strict=True)]
    expected = {
        "left_most": centres.index(min(centres)),
        "right_most": centres.index(max(centres)),
        "top_confidence": column(found, "confidence").index(max(column(found, "confidence"))),
        "first": 0,
        "last": len(found) - 1,
    }
    for mode, row in expected.items():
        assert ids(apply([{"type": "DetectionsSelection", "mode": mode}], found)) == [ids(found)[row]]


@settings(deadline=None)
@given(found=objects(), x=st.integers(-50, 50), y=st.integers(-50, 50))
def test_shifts_and_offsets_can_be_taken_back_and_shift_and_grow_boxes_alone(found: Detections, x: int, y: int) -> None:
    shifted = apply([{"type": "DetectionsShift", "shift_x": x, "shift_y": y}], found)
    grown = apply([{"type": "DetectionsOffset", "offset_x": 2 * x, "offset_y": 2 * y}], found)
    assert np.array_equal(shifted.xyxy - found.xyxy, np.tile([x, y, x, y], (len(found), 1)))
    assert np.array_equal(grown.xyxy - found.xyxy, np.tile([-x, -y, x, y], (len(found), 1)))
    for changed in (shifted, grown):
        assert ids(changed) == ids(found)
        assert changed.mask is found.mask or np.array_equal(np.asarray(changed.mask), np.asarray(found.mask))


@settings(deadline=None)
@given(found=objects(), data=st.data())
def test_renaming_is_reading_the_map_and_ids_follow_names(found: Detections, data: st.DataObject) -> None:
    names = st.sampled_from([*CLASSES, "tray", "part"])
    class_map = data.draw(st.fixed_dictionaries(dict.fromkeys(CLASSES, names)))
    strict = data.draw(st.booleans())
    renamed = apply([{"type": "DetectionsRename", "class_map": class_map, "strict": strict}], found)
    assert column(renamed, "class_name") == [class_map[name] for name in column(found, "class_name")]
    pairs = set(zip(column(renamed, "class_name"), column(renamed, "class_id"), strict=True))
    assert len(pairs) == len({name for name, _ in pairs}), "one id for each name"
    if strict:
        order = sorted(set(class_map.values()))
        assert all(order[number] == name for name, number in pairs)


@settings(deadline=None)
@given(found=objects(), parent=st.sampled_from(CLASSES))
def test_children_of_a_class_lie_in_one_of_its_boxes(found: Detections, parent: str) -> None:
    picked = apply([{"type": "PickDetectionsByParentClass", "parent_class": parent}], found)
    boxes = dict(zip(ids(found), found.xyxy.tolist(), strict=True))
    names = dict(zip(ids(found), column(found, "class_name"), strict=True))
    parents = [one for one in ids(found) if names[one] == parent]

    def inside(one: str) -> bool:
        x1, y1, x2, y2 = boxes[one]
        x, y = (x1 + x2) / 2, (y1 + y2) / 2
        return any(a <= x <= c and b <= y <= d for a, b, c, d in (boxes[other] for other in parents))

    assert ids(picked) == parents + [one for one in ids(found) if names[one] != parent and inside(one)]


CHAINS = {
    "text": ["ToString", "StringToUpperCase", "StringToLowerCase", "StringSubSequence", "SequenceLength"],
    "numbers": ["ToString", "NumberRound", "Multiply", "Divide", "ToBoolean", "ToNumber"],
}
FIELDS: dict[str, dict[str, Any]] = {
    "LookupTable": {"lookup_table": {"a": 1, "nut": [2]}},
    "SequenceMap": {"lookup_table": {"a": 1}},
    "StringMatches": {"regex": "a+"},
    "ToNumber": {"cast_to": "int"},
    "NumberRound": {"decimal_digits": 1},
    "Multiply": {"other": 2},
    "Divide": {"other": 4},
    "SequenceApply": {"operations": [{"type": "ToString"}]},
    "NumericSequenceAggregate": {"function": "max"},
    "SequenceAggregate": {"mode": "most_common"},
    "ExtractImageProperty": {"property_name": "aspect_ratio"},
    "ExtractFrameMetadata": {"property_name": "seconds_since_start"},
    "ClassificationPropertyExtract": {"property_name": "top_class_confidence_single"},
    "DetectionsPropertyExtract": {"property_name": "center"},
    "ExtractDetectionProperty": {"property_name": "confidence"},
    "DetectionsFilter": {
        "filter_operation": {
            "type": "StatementGroup",
            "statements": [_binary(_property("confidence"), "(Number) >", 0.4, False)],
        }
    },
    "DetectionsOffset": {"offset_x": 3, "offset_y": 5},
    "DetectionsShift": {"shift_x": 3, "shift_y": 5},
    "DetectionsRename": {"class_map": {"bolt": "screw"}, "strict": False},
    "DetectionsSelection": {"mode": "top_confidence"},
    "SortDetections": {"mode": "confidence"},
    "PickDetectionsByParentClass": {"parent_class": "nut"},
}
STEPS = {name: {"type": name, **FIELDS.get(name, {})} for name in OPERATIONS}


def test_the_steps_of_these_tests_are_of_the_language() -> None:
    checker = Validator({"$ref": "urn:segflow:query:1#/$defs/operations"})
    assert list(checker.faults(list(STEPS.values()))) == []


@given(
    chain=st.lists(st.sampled_from([STEPS[name] for names in CHAINS.values() for name in names]), max_size=6),
    cut=st.integers(0, 6),
    value=st.integers(-9, 9) | st.text(max_size=5),
)
def test_a_chain_is_its_parts_one_after_the_other(chain: list[dict[str, Any]], cut: int, value: Any) -> None:
    def outcome(*parts: list[dict[str, Any]]) -> Any:
        found = value
        try:
            for part in parts:
                found = apply(part, found)
        except QueryError as error:
            return error.code, error.reason
        return found

    assert outcome(chain) == outcome(chain[:cut], chain[cut:]) == outcome(*([step] for step in chain))


@given(
    values=st.lists(st.integers() | st.text(max_size=4), max_size=5), name=st.sampled_from(["ToString", "ToBoolean"])
)
def test_a_chain_for_each_element_is_the_chain_of_each(values: list[Any], name: str) -> None:
    each = apply([{"type": "SequenceApply", "operations": [STEPS[name]]}], values)
    assert each == [apply([STEPS[name]], value) for value in values]


TABLE = table(IMAGE, [(5, 5, 30, 40), (50, 10, 90, 60)])
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda parts: st.lists(parts, max_size=3) | st.dictionaries(st.text(max_size=4), parts, max_size=3),
    max_leaves=6,
)
VALUES = PLAIN | st.sampled_from(
    [
        IMAGE,
        TABLE,
        TABLE.select([]),
        Detections.empty(),
        Detections(xyxy=np.array([[0.0, 0.0, 1.0, 1.0]])),
        datetime(2026, 1, 2, tzinfo=UTC),
        b"bytes",
        np.arange(4),
        np.float32(0.5),
        np.zeros((2, 3)),
        {"top": "a", "confidence": 0.5, "predictions": [{"class": "a", "confidence": 0.5}]},
        (1, "a"),
        1 + 2j,
        10**400,
    ]
)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(value=VALUES)
def test_no_value_makes_an_operation_crash_or_is_changed(name: str, value: Any) -> None:
    before = copy.deepcopy(value)
    with suppress(QueryError):
        apply([STEPS[name]], value)
    assert _same(value, before)


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Detections):
        same = one.data.keys() == other.data.keys() and np.array_equal(one.xyxy, other.xyxy)
        return same and all(list(one.data[name]) == list(other.data[name]) for name in one.data)
    return one is IMAGE or repr(one) == repr(other)


@settings(deadline=None)
@given(limits=st.lists(st.integers(-3, 3), max_size=4), value=st.integers(-3, 3))
def test_cases_are_a_chain_of_ifs(limits: list[int], value: int) -> None:
    def above(limit: int) -> dict[str, Any]:
        statement = _binary({"type": "DynamicOperand", "operand_name": "n"}, "(Number) >", limit, False)
        return {"type": "StatementGroup", "statements": [statement]}

    cases = [
        {"type": "CaseDefinition", "condition": above(n), "result": {"type": "StaticCaseResult", "value": n}}
        for n in limits
    ]
    default = {"type": "DynamicCaseResult", "parameter_name": "n"}
    document = {"type": "CasesDefinition", "cases": cases, "default": default}
    expected = next((limit for limit in limits if value > limit), value)
    assert choose(document, parameters={"n": value}) == expected
    assert all(holds(above(limit), parameters={"n": value}) is (value > limit) for limit in limits)
