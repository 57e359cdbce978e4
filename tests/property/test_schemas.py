"""What compiled code lets pass, jsonschema lets pass too: the one answers, the other words the refusals."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest

from workflow_engine.faults import Schema, faults
from workflow_engine.registry import Registry, built_in
from workflow_engine.schemas import Validator, vocabulary

BLOCKS = Registry([built_in()]).blocks()
HOSTILE: list[Any] = [
    None, True, False, 0, 1, 1.0, -1, 0.5, 2**70, 10**400, 1e300, math.inf, -math.inf, math.nan,
    "", "a", "a\n", "٣", "\ud800", "auto", "$inputs.x",
    [], [1, 1], [1, True], [1, 1.0], [math.inf], (1, 2), ["a"], [[0, 0], [1, 1], [2, 0]],
    {}, {"a": 1}, {"a": math.inf}, {1: 2},
]  # fmt: skip


def unequal(schema: Schema, values: list[Any]) -> list[Any]:
    checker = Validator(schema)
    return [value for value in values if list(checker.faults(value)) != list(faults(value, schema, vocabulary()))]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_parameters(block: Any) -> None:
    given: dict[str, list[Any]] = {}
    for example in block.examples:
        for name, value in example.step.items():
            given.setdefault(name, []).append(value)
    for name, schema in block.parameters.properties.items():
        assert unequal(schema, [*HOSTILE, *given.get(name, [])]) == []


STATEMENT = {
    "type": "BinaryStatement",
    "left_operand": {
        "type": "DynamicOperand",
        "operations": [{"type": "ExtractDetectionProperty", "property_name": "confidence"}],
    },
    "comparator": {"type": "(Number) >"},
    "right_operand": {"type": "StaticOperand", "value": 0.1},
}
CHAIN = [
    {"type": "DetectionsFilter", "filter_operation": {"type": "StatementGroup", "statements": [STATEMENT]}},
    {"type": "SequenceApply", "operations": [{"type": "NumberRound", "decimal_digits": 2}]},
    {"type": "DetectionsOffset", "offset_x": 1, "offset_y": 2},
]


def changed(value: Any) -> Iterator[Any]:
    """Yield ``value`` with one part of it left out or replaced by something hostile, for every part."""
    yield from HOSTILE
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        rest = {k: v for k, v in members if k != key} if isinstance(value, dict) else value[:key]
        yield rest
        for other in changed(member):
            yield {**value, key: other} if isinstance(value, dict) else [*value[:key], other, *value[key + 1 :]]


@pytest.mark.parametrize("part", range(len(CHAIN)), ids=[step["type"] for step in CHAIN])
def test_operations(part: int) -> None:
    schema = {"$ref": "urn:segflow:query:1#/$defs/operations"}
    assert list(Validator(schema).faults(CHAIN)) == []
    assert unequal(schema, list(changed([CHAIN[part]]))) == []
