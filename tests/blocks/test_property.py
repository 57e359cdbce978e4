"""Values computed from values, and results chosen by conditions."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine.errors import BlockError

LENGTH = [{"type": "SequenceLength"}]


def above(name: str, limit: float) -> dict[str, Any]:
    statement = {
        "type": "BinaryStatement",
        "left_operand": {"type": "DynamicOperand", "operand_name": name},
        "comparator": {"type": "(Number) >"},
        "right_operand": {"type": "StaticOperand", "value": limit},
    }
    return {"type": "StatementGroup", "statements": [statement]}


def cases(*pairs: tuple[dict[str, Any], str], default: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "CasesDefinition",
        "cases": [
            {"type": "CaseDefinition", "condition": condition, "result": {"type": "StaticCaseResult", "value": value}}
            for condition, value in pairs
        ],
        "default": default,
    }


@pytest.mark.parametrize("name", ["core/property_definition@v1", "PropertyExtraction"])
def test_a_value_goes_through_the_operations(run: BlockRunner, name: str) -> None:
    objects = table(picture(), [(0, 0, 10, 10), (20, 0, 40, 10)])
    assert run(name, data=objects, operations=LENGTH) == {"output": 2}
    assert run(name, data=picture(30, 50), operations=[{"type": "ExtractImageProperty", "property_name": "width"}]) == {
        "output": 50
    }


@pytest.mark.parametrize(("count", "result"), [(0, 0), (1, "some"), (4, "many")])
def test_the_first_case_that_holds_decides(run: BlockRunner, count: int, result: object) -> None:
    objects = table(picture(), [(0, 0, 10, 10)] * count)
    output = run(
        "core/expression@v1",
        data={"found": objects},
        data_operations={"found": LENGTH},
        switch=cases(
            (above("found", 2), "many"),
            (above("found", 0), "some"),
            default={"type": "DynamicCaseResult", "parameter_name": "found"},
        ),
    )
    assert output == {"output": result}


def test_an_operation_that_fails_is_named_with_its_value(run: BlockRunner) -> None:
    switch = cases(default={"type": "StaticCaseResult", "value": None})
    with pytest.raises(BlockError) as caught:
        run(
            "core/expression@v1",
            data={"a": [1], "found": 3},
            data_operations={"a": LENGTH, "found": LENGTH},
            switch=switch,
        )
    assert caught.value.message.startswith("data_operations.found.operations[0] (SequenceLength): expected")


def test_an_unknown_name_is_refused(run: BlockRunner) -> None:
    switch = cases((above("fuond", 2), "many"), default={"type": "StaticCaseResult", "value": None})
    with pytest.raises(BlockError, match="'fuond'"):
        run("core/expression@v1", data={"found": 1}, switch=switch)
