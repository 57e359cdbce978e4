"""The first true case wins."""

from __future__ import annotations

from typing import Any

import pytest

from workflow_engine.query import QueryError, choose


def above(name: str, bound: float) -> dict[str, Any]:
    statement = {
        "type": "BinaryStatement",
        "left_operand": {"type": "DynamicOperand", "operand_name": name},
        "comparator": {"type": "(Number) >"},
        "right_operand": {"type": "StaticOperand", "value": bound},
    }
    return {"type": "StatementGroup", "statements": [statement]}


def case(condition: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    return {"type": "CaseDefinition", "condition": condition, "result": result}


def fixed(value: Any) -> dict[str, Any]:
    return {"type": "StaticCaseResult", "value": value}


def looked_up(name: str, *operations: dict[str, Any]) -> dict[str, Any]:
    return {"type": "DynamicCaseResult", "parameter_name": name, "operations": list(operations)}


def cases(*members: dict[str, Any], default: dict[str, Any]) -> dict[str, Any]:
    return {"type": "CasesDefinition", "cases": list(members), "default": default}


SIZES = cases(case(above("n", 10), fixed("many")), case(above("n", 2), fixed("some")), default=looked_up("n"))


@pytest.mark.parametrize(("n", "expected"), [(11, "many"), (10, "some"), (2, 2)])
def test_the_first_true_case_wins(n: int, expected: Any) -> None:
    assert choose(SIZES, parameters={"n": n}) == expected


def test_a_named_result_goes_through_its_operations() -> None:
    doubled = looked_up("n", {"type": "Multiply", "other": 2})
    assert choose(cases(case(above("n", 0), doubled), default=fixed(None)), parameters={"n": 4}) == 8
    plain = {"type": "DynamicCaseResult", "parameter_name": "n"}
    assert choose(cases(default=plain), parameters={"n": 4}) == 4


def test_cases_after_the_first_true_one_are_not_looked_at() -> None:
    hit = case(above("n", 0), fixed("hit"))
    broken = case(above("missing", 0), fixed("never"))
    assert choose(cases(hit, broken, default=fixed(None)), parameters={"n": 1}) == "hit"


@pytest.mark.parametrize(
    ("definition", "place"),
    [
        (
            cases(case(above("n", 5), fixed(1)), case(above("m", 0), fixed(2)), default=fixed(3)),
            "cases[1].condition.statements[0].left_operand",
        ),
        (cases(case(above("n", 0), looked_up("m")), default=fixed(3)), "cases[0].result"),
        (cases(default=looked_up("m")), "default"),
        (cases(default=looked_up("n", {"type": "StringToLowerCase"})), "default.operations[0] (StringToLowerCase)"),
    ],
)
def test_errors_name_the_case(definition: dict[str, Any], place: str) -> None:
    with pytest.raises(QueryError) as caught:
        choose(definition, parameters={"n": 1})
    assert caught.value.place == place
