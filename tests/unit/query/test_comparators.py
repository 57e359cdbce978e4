"""Every comparator of two values and every operator on one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.query import QueryError, holds
from workflow_engine.query.comparators import COMPARATORS, UNARY_OPERATORS, in_zone

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10]]


def compare(left: Any, comparator: str, right: Any, **fields: Any) -> bool:
    return holds(
        {
            "type": "BinaryStatement",
            "left_operand": {"type": "StaticOperand", "value": left},
            "comparator": {"type": comparator},
            "right_operand": {"type": "StaticOperand", "value": right},
            **fields,
        }
    )


def ask(operator: str, value: Any, **fields: Any) -> bool:
    operand = {"type": "StaticOperand", "value": value}
    return holds({"type": "UnaryStatement", "operand": operand, "operator": {"type": operator}, **fields})


BINARY: list[tuple[Any, str, Any, bool]] = [
    (1, "==", 1.0, True),
    ("1", "==", 1, False),
    ([1, 2], "==", [1, 2], True),
    (None, "==", None, True),
    (1, "!=", "1", True),
    (True, "!=", True, False),
    (2, "(Number) ==", 2.0, True),
    (2, "(Number) !=", 2.0, False),
    (3, "(Number) >", 2.5, True),
    (2, "(Number) >", 2, False),
    (2, "(Number) >=", 2, True),
    (1, "(Number) >=", 2, False),
    (1, "(Number) <", 2, True),
    (2, "(Number) <", 2, False),
    (2, "(Number) <=", 2, True),
    (3, "(Number) <=", 2, False),
    (1, "(Number) in range", [1, 3], True),
    (3, "(Number) in range", [1, 3], True),
    (3.1, "(Number) in range", [1, 3], False),
    ("washer", "(String) startsWith", "wash", True),
    ("washer", "(String) startsWith", "Wash", False),
    ("washer", "(String) endsWith", "her", True),
    ("washer", "(String) endsWith", "wash", False),
    ("washer", "(String) contains", "ash", True),
    ("washer", "(String) contains", "nut", False),
    ("nut", "in (Sequence)", ["nut", "bolt"], True),
    ("nut", "in (Sequence)", {"nut": 0}, True),
    ("nut", "in (Sequence)", "a nut", True),
    (3, "in (Sequence)", [1, 2], False),
    ([1, 9], "any in (Sequence)", [1, 2], True),
    ([8, 9], "any in (Sequence)", [1, 2], False),
    ([], "any in (Sequence)", [1, 2], False),
    ([1, 2], "all in (Sequence)", [1, 2, 3], True),
    ([1, 9], "all in (Sequence)", [1, 2, 3], False),
    ([], "all in (Sequence)", [1], True),
    ([5, 5], "(Detection) in zone", SQUARE, True),
    ([10, 5], "(Detection) in zone", SQUARE, False),
    ([0, 0], "(Detection) in zone", SQUARE, False),
    ([11, 5], "(Detection) in zone", SQUARE, False),
    ([5, 5], "(Detection) in zone", [], False),
]


@pytest.mark.parametrize(("left", "comparator", "right", "expected"), BINARY)
def test_comparators_and_their_negation(left: Any, comparator: str, right: Any, expected: bool) -> None:
    assert compare(left, comparator, right) is expected
    assert compare(left, comparator, right, negate=True) is not expected


UNARY: list[tuple[str, Any, bool]] = [
    ("Exists", None, False),
    ("Exists", 0, True),
    ("DoesNotExist", None, True),
    ("DoesNotExist", "", False),
    ("(Boolean) is True", True, True),
    ("(Boolean) is True", 1, False),
    ("(Boolean) is True", np.True_, False),
    ("(Boolean) is False", False, True),
    ("(Boolean) is False", 0, False),
    ("(Sequence) is empty", [], True),
    ("(Sequence) is empty", {}, True),
    ("(Sequence) is empty", "a", False),
    ("(Sequence) is not empty", [0], True),
    ("(Sequence) is not empty", "", False),
]


@pytest.mark.parametrize(("operator", "value", "expected"), UNARY)
def test_operators_and_their_negation(operator: str, value: Any, expected: bool) -> None:
    assert ask(operator, value) is expected
    assert ask(operator, value, negate=True) is not expected


def test_all_of_them_are_tried() -> None:
    assert {comparator for _, comparator, _, _ in BINARY} == set(COMPARATORS)
    assert {operator for operator, _, _ in UNARY} == set(UNARY_OPERATORS)


@pytest.mark.parametrize(
    ("left", "comparator", "right"),
    [
        (None, "(Number) >", 3),
        ("3", "(Number) <", 3),
        (3, "(Number) in range", [1]),
        (3, "(Number) in range", 3),
        (3, "(String) startsWith", "3"),
        ("3", "(String) endsWith", 3),
        ("3", "(String) contains", 3),
        (1, "in (Sequence)", None),
        (1, "any in (Sequence)", [1]),
        ([1], "all in (Sequence)", 1),
        ([1, 2], "(Detection) in zone", [[0, 0], [1, 1]]),
        ([1, 2, 3], "(Detection) in zone", SQUARE),
        ([1, 2], "==", np.array([1, 2])),
    ],
)
def test_what_cannot_be_compared_is_an_error_that_names_both(left: Any, comparator: str, right: Any) -> None:
    with pytest.raises(QueryError) as caught:
        compare(left, comparator, right)
    assert caught.value.message.startswith(f"{comparator} cannot be evaluated for ")
    assert (caught.value.code, caught.value.whose) == ("query_evaluation", "author")


def test_a_missing_value_comes_with_advice() -> None:
    with pytest.raises(QueryError, match=r"for nothing \(null\) and the number 3: ") as caught:
        compare(None, "(Number) >", 3)
    assert "Exists" in caught.value.hint


@pytest.mark.parametrize("value", [None, 3])
def test_only_what_has_a_length_can_be_empty(value: Any) -> None:
    with pytest.raises(QueryError, match="is empty cannot be evaluated for ") as caught:
        ask("(Sequence) is empty", value)
    assert caught.value.code == "query_evaluation"


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(QueryError, match="'in Sequence' is not a known comparator") as caught:
        compare(1, "in Sequence", [1])
    assert "'in (Sequence)'" in caught.value.hint
    with pytest.raises(QueryError, match="'Exist' is not a known operator"):
        ask("Exist", 1)


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("first", range(8))
def test_a_zone_with_a_notch_from_any_corner_either_way(first: int, turned: bool) -> None:
    notched = [(0, 0), (4, 0), (4, 4), (3, 4), (3, 2), (1, 2), (1, 4), (0, 4)]
    corners = (notched[first:] + notched[:first])[:: -1 if turned else 1]
    inside = {(x / 2, y / 2) for x in range(-1, 10) for y in range(-1, 10) if in_zone((x / 2, y / 2), corners)}
    legs = {(x, y) for x in (0.5, 3.5) for y in (0.5, 1, 1.5, 2, 2.5, 3, 3.5)}
    bar = {(x / 2, y) for x in range(1, 8) for y in (0.5, 1, 1.5)}
    assert inside == legs | bar


@given(st.integers(-2, 12), st.integers(-2, 12), st.integers(1, 10), st.integers(1, 10))
def test_a_rectangle_holds_what_lies_between_its_sides(x: int, y: int, width: int, height: int) -> None:
    zone = [(0, 0), (0, height), (width, height), (width, 0)]
    assert in_zone((x, y), zone) is (0 < x < width and 0 < y < height)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=3), st.data())
def test_a_triangle_holds_points_on_the_same_side_of_all_edges(
    corners: list[tuple[int, int]], data: st.DataObject
) -> None:
    x, y = data.draw(st.tuples(st.integers(-1, 21), st.integers(-1, 21)))
    sides = [
        (x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True)
    ]
    assert in_zone((x, y), corners) is (all(side > 0 for side in sides) or all(side < 0 for side in sides))
