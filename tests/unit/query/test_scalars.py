"""Operations on single values, each against what the language says of it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
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
        ("LookupTable", {"lookup_table": {"nut": 7}}, "nut", 7),
        ("ToString", {}, None, "None"),
        ("ToString", {}, 1.0, "1.0"),
        ("ToString", {}, True, "True"),
        ("ToBoolean", {}, 0, False),
        ("ToBoolean", {}, 0.5, True),
        ("ToBoolean", {}, "false", True),
        ("StringToLowerCase", {}, "NuT", "nut"),
        ("StringToUpperCase", {}, "NuT", "NUT"),
        ("StringSubSequence", {}, "washer", "washe"),
        ("StringSubSequence", {"start": 1, "end": 3}, "washer", "as"),
        ("StringSubSequence", {"start": -3, "end": 99}, "washer", "her"),
        ("StringSubSequence", {"start": 1.0, "end": 3.0}, "washer", "as"),
        ("StringMatches", {"regex": "s.e"}, "washer", True),
        ("StringMatches", {"regex": "^s"}, "washer", False),
        ("ToNumber", {"cast_to": "int"}, "3.9", 3),
        ("ToNumber", {"cast_to": "int"}, -3.9, -3),
        ("ToNumber", {"cast_to": "float"}, " 2 ", 2.0),
        ("ToNumber", {"cast_to": "float"}, True, 1.0),
        ("NumberRound", {"decimal_digits": 0}, 2.5, 2.0),
        ("NumberRound", {"decimal_digits": 0}, 3.5, 4.0),
        ("NumberRound", {"decimal_digits": 2}, 1.005, 1.0),
        ("NumberRound", {"decimal_digits": -1}, 15, 20),
        ("Multiply", {"other": 2.5}, 4, 10.0),
        ("Multiply", {"other": 2}, True, 2),
        ("Divide", {"other": 4}, 2, 0.5),
        ("ConvertDictionaryToJSON", {}, {"a": [1, None]}, '{"a": [1, null]}'),
        ("TimestampToISOFormat", {}, datetime(2026, 11, 20, 8, 30, tzinfo=UTC), "2026-11-20T08:30:00+00:00"),
    ],
)
def test_it_returns(operation: str, fields: dict[str, Any], value: Any, expected: Any) -> None:
    answer = run(operation, value, **fields)
    assert answer == expected
    assert isinstance(answer, type(expected))


@pytest.mark.parametrize(
    ("operation", "fields", "value", "message"),
    [
        ("LookupTable", {"lookup_table": {"1": "x"}}, 1, "the lookup table has no entry for the number 1; it has '1'."),
        ("LookupTable", {"lookup_table": {}}, [], "the lookup table has no entry for a list of 0; it has nothing."),
        ("ToBoolean", {}, np.zeros(2), "expected one value that is true or false, got an array."),
        ("StringToLowerCase", {}, 3, "expected text, got the number 3."),
        ("StringToUpperCase", {}, None, "expected text, got nothing (null)."),
        ("StringToUpperCase", {}, True, "expected text, got the boolean true."),
        ("StringSubSequence", {}, ["a"], "expected text, got a list of 1."),
        ("StringMatches", {"regex": "("}, "a", "'(' is not a regular expression: "),
        ("StringMatches", {"regex": "a"}, b"a", "expected text, got bytes."),
        (
            "ToNumber",
            {"cast_to": "float"},
            "three",
            "expected something that can be read as float, got the text 'three'.",
        ),
        ("ToNumber", {"cast_to": "int"}, "inf", "expected something that can be read as int, got the text 'inf'."),
        ("ToNumber", {"cast_to": "int"}, None, "expected something that can be read as int, got nothing (null)."),
        ("NumberRound", {"decimal_digits": 1}, "2", "expected a number, got the text '2'."),
        ("Multiply", {"other": 2}, "2", "expected a number, got the text '2'."),
        ("Divide", {"other": 2}, {}, "expected a number, got a dictionary of 0."),
        ("Divide", {"other": 0}, 2, "cannot divide the number 2 by zero."),
        ("Divide", {"other": 4}, 10**400, "the result is larger than any number can be."),
        ("Multiply", {"other": 2.5}, 10**400, "the result is larger than any number can be."),
        ("ConvertDictionaryToJSON", {}, [], "expected a dictionary, got a list of 0."),
        ("TimestampToISOFormat", {}, "2026", "expected a timestamp, got the text '2026'."),
    ],
)
def test_it_refuses_and_says_why(operation: str, fields: dict[str, Any], value: Any, message: str) -> None:
    with pytest.raises(QueryError) as caught:
        run(operation, value, **fields)
    assert caught.value.message.startswith(f"operations[0] ({operation}): {message}")
    assert (caught.value.code, caught.value.whose) == ("query_bad_input", "caller")


def test_numbers_of_arrays_are_numbers() -> None:
    assert run("Multiply", np.float32(1.5), other=2) == 3.0
    assert run("NumberRound", np.float64(2.26), decimal_digits=1) == 2.3


def test_a_dictionary_that_json_cannot_hold_is_a_failed_operation() -> None:
    with pytest.raises(QueryError, match="cannot be written as JSON") as caught:
        run("ConvertDictionaryToJSON", {"a": {1, 2}})
    assert caught.value.code == "query_operation"


def test_long_text_is_shortened_in_messages() -> None:
    with pytest.raises(QueryError) as caught:
        run("ToNumber", "x" * 5000, cast_to="int")
    assert len(caught.value.message) < 200


@given(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6))
def test_a_random_number_lies_between_the_bounds(smallest: float, largest: float) -> None:
    drawn = run("RandomNumber", "ignored", min_value=smallest, max_value=largest)
    assert smallest <= drawn <= smallest + abs(largest - smallest)


def test_a_random_number_between_equal_bounds_is_that_number() -> None:
    assert run("RandomNumber", None, min_value=4.0, max_value=4.0) == 4.0


def test_random_numbers_differ_and_lie_between_0_and_1_unless_told() -> None:
    drawn = [run("RandomNumber", None) for _ in range(20)]
    assert len(set(drawn)) > 1
    assert all(0 <= number < 1 for number in drawn)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text()))
def test_json_text_reads_back(value: dict[str, Any]) -> None:
    assert json.loads(run("ConvertDictionaryToJSON", value)) == value
