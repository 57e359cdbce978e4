"""Operations on lists, each against what the language says of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflow_engine.query import QueryError, apply


def run(operation: str, value: Any, **fields: Any) -> Any:
    return apply([{"type": operation, **fields}], value)


@pytest.mark.parametrize(
    ("operation", "fields", "value", "expected"),
    [
        ("SequenceMap", {"lookup_table": {"a": 1, "b": 2}}, ["b", "a", "b"], [2, 1, 2]),
        ("SequenceMap", {"lookup_table": {}}, [], []),
        ("SequenceApply", {"operations": [{"type": "StringToUpperCase"}]}, ["a", "b"], ["A", "B"]),
        ("SequenceApply", {"operations": []}, (1, 2), [1, 2]),
        ("NumericSequenceAggregate", {"function": "min"}, [3, 1, 2], 1),
        ("NumericSequenceAggregate", {"function": "max"}, [3, 1, 2], 3),
        ("NumericSequenceAggregate", {"function": "sum"}, np.array([3, 1, 2]), 6),
        ("NumericSequenceAggregate", {"function": "sum"}, [], None),
        ("NumericSequenceAggregate", {"function": "max", "neutral_value": 0}, [], 0),
        ("SequenceAggregate", {"mode": "first"}, ["x", "y"], "x"),
        ("SequenceAggregate", {"mode": "last"}, ["x", "y"], "y"),
        ("SequenceAggregate", {"mode": "most_common"}, ["x", "y", "z", "y", "x"], "x"),
        ("SequenceAggregate", {"mode": "least_common"}, ["x", "x", "y", "z"], "z"),
        ("SequenceAggregate", {"mode": "first"}, [[1, 2]], [1, 2]),
        ("SequenceLength", {}, ["x", "y"], 2),
        ("SequenceLength", {}, {"x": 1}, 1),
        ("SequenceLength", {}, "four", 4),
        ("SequenceElementsCount", {}, ["x", 1, "1", "x"], {"x": 2, "1": 2}),
        ("SequenceElementsCount", {}, ["a" * 128, "a" * 129], {"a" * 128: 1, "a" * 128 + " [...]": 1}),
        ("SequenceJoin", {}, ["a", 1, None], "a, 1, None"),
        ("SequenceJoin", {"separator": ""}, [], ""),
        ("SequenceJoin", {"separator": "|"}, ["a"], "a"),
    ],
)
def test_it_returns(operation: str, fields: dict[str, Any], value: Any, expected: Any) -> None:
    assert run(operation, value, **fields) == expected


@pytest.mark.parametrize(
    ("operation", "fields", "value", "message"),
    [
        (
            "SequenceMap",
            {"lookup_table": {"a": 1}},
            ["b"],
            "the lookup table has no entry for the text 'b'; it has 'a'.",
        ),
        ("SequenceMap", {"lookup_table": {}}, "text", "expected a list, got the text 'text'."),
        ("SequenceApply", {"operations": []}, {}, "expected a list, got a dictionary of 0."),
        ("NumericSequenceAggregate", {"function": "min"}, None, "expected a list, got nothing (null)."),
        ("NumericSequenceAggregate", {"function": "max"}, [1, "a"], "cannot take the max of a list that holds the "),
        ("SequenceAggregate", {"mode": "first"}, [], "cannot take the first of an empty list."),
        ("SequenceAggregate", {"mode": "most_common"}, [[1], [1]], "expected a list of single values"),
        ("SequenceLength", {}, 5, "expected a list, a dictionary, text or a table of detections, got the number 5."),
        ("SequenceElementsCount", {}, "text", "expected a list, got the text 'text'."),
        ("SequenceJoin", {}, 1, "expected a list, got the number 1."),
    ],
)
def test_it_refuses_and_says_why(operation: str, fields: dict[str, Any], value: Any, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        run(operation, value, **fields)
    assert caught.value.message.startswith(f"operations[0] ({operation}): {message}")
    assert caught.value.code == "query_bad_input"


def test_a_joined_text_has_at_most_a_million_characters() -> None:
    assert len(run("SequenceJoin", ["x" * 499_999] * 2)) == 1_000_000
    with pytest.raises(QueryError, match="would have 1000002 characters, at most 1000000") as caught:
        run("SequenceJoin", ["x" * 500_000] * 2)
    assert caught.value.code == "query_operation"


def test_an_error_in_a_nested_chain_names_the_whole_way() -> None:
    inner = [{"type": "ToString"}, {"type": "Multiply", "other": 2}]
    with pytest.raises(QueryError) as caught:
        apply([{"type": "SequenceApply", "operations": inner}], [1])
    place = "operations[0] (SequenceApply).operations[1] (Multiply)"
    assert caught.value.message == f"{place}: expected a number, got the text '1'."
    assert caught.value.place == place


@given(st.lists(st.sampled_from("abcd"), min_size=1))
def test_counts_and_commonest_agree_with_a_plain_count(values: list[str]) -> None:
    count = Counter(values)
    assert run("SequenceElementsCount", values) == count
    assert count[run("SequenceAggregate", values, mode="most_common")] == max(count.values())
    assert count[run("SequenceAggregate", values, mode="least_common")] == min(count.values())
