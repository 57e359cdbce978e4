"""What a schema asks for, and how a value falls short of it, in words that read after a field's name."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_engine.faults import expectation
from workflow_engine.schemas import VOCABULARY, Validator, vocabulary


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({"type": "number", "minimum": 0, "maximum": 1}, "a number from 0 to 1"),
        ({"type": "integer", "minimum": 1}, "a whole number of at least 1"),
        ({"type": "integer", "maximum": 9}, "a whole number of at most 9"),
        ({"type": "number", "exclusiveMinimum": 0}, "a number above 0"),
        ({"type": ["string", "null"]}, "text or null"),
        ({"type": "array", "items": {"type": "string"}}, "a list of texts"),
        ({"type": "array"}, "a list"),
        ({"enum": ["a", 1]}, 'one of "a", 1'),
        ({"const": True}, "true"),
        ({"anyOf": [{"type": "boolean"}, {"const": "auto"}]}, 'true or false or "auto"'),
        ({}, "another value"),
    ],
)
def test_expectations(schema: dict[str, Any], text: str) -> None:
    assert expectation(schema) == text


LONG = {"enum": [f"choice{i}" for i in range(30)]}


@pytest.mark.parametrize(
    ("schema", "value", "fault"),
    [
        ({"type": "number", "maximum": 1}, "x", ("", 'expected a number of at most 1, got "x"', "")),
        (
            {"enum": ["left", "right"]},
            "lfet",
            ("", 'expected one of "left", "right", got "lfet"', "Did you mean 'left'?"),
        ),
        (LONG, "choise29", ("", '"choise29" is none of the 30 choices', "Did you mean 'choice29'?")),
        ({"required": ["type"]}, {}, ("", "lacks 'type'", "Add 'type'.")),
        (
            {"properties": {"colour": {}}, "additionalProperties": False},
            {"color": 1},
            ("", "has no field 'color'", "Did you mean 'colour'?"),
        ),
        ({"items": {"type": "integer"}}, [1, "a"], ("/1", 'expected a whole number, got "a"', "")),
        ({"minItems": 2}, [1], ("", "expected at least 2 elements, got 1", "")),
        ({"maxItems": 1}, [1, 2], ("", "expected at most 1 elements, got 2", "")),
        ({"minLength": 1}, "", ("", "must not be empty", "")),
        ({"uniqueItems": True}, [1, 1], ("", "holds the same element twice", "Keep one of them.")),
        ({"pattern": "^a"}, "b", ("", 'expected text like ^a, got "b"', "")),
        (
            {"anyOf": [{"type": "string"}, {"type": "array", "minItems": 3}]},
            [1],
            ("", "expected at least 3 elements, got 1", ""),
        ),
        ({"type": "integer"}, "x" * 99, ("", f'expected a whole number, got "{"x" * 56}…', "")),
    ],
)
def test_faults(schema: dict[str, Any], value: Any, fault: tuple[str, str, str]) -> None:
    assert list(Validator(schema).faults(value)) == [fault]


def test_a_reference_to_the_vocabulary_is_known_by_its_beginning() -> None:
    assert vocabulary()
    for name in vocabulary():
        assert name.startswith(VOCABULARY)
        assert list(Validator({"anyOf": [{"$ref": name}, {"type": "integer"}]}).faults(1)) == []
