"""Conditions, branches, and bringing branches back together."""

from __future__ import annotations

from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine import CompileError, Engine
from workflow_engine.plan import Plan
from workflow_engine.server.problems import rule_of

IS_TRUE = {
    "type": "StatementGroup",
    "statements": [
        {
            "type": "UnaryStatement",
            "operand": {"type": "DynamicOperand", "operand_name": "go"},
            "operator": {"type": "(Boolean) is True"},
        }
    ],
}


def gate(run: BlockRunner, **fields: Any) -> Any:
    started = run.start("core/continue_if@v1")
    return lambda go: started(condition_statement=IS_TRUE, evaluation_parameters={"go": go}, **fields)


def test_continue_while_the_condition_holds(run: BlockRunner) -> None:
    passes = gate(run, next_steps=["$steps.a", "$steps.b"])
    assert passes(True) == ["$steps.a", "$steps.b"]
    assert passes(False) == []


def test_no_next_steps_is_no_error(run: BlockRunner) -> None:
    assert gate(run, next_steps=[])(True) == []


def test_the_gate_stays_open_for_a_while(run: BlockRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([100.0, 101.0, 102.9, 103.1, 103.2, 107.0])
    monkeypatch.setattr("blocks.flow.time.monotonic", lambda: next(clock))
    passes = gate(run, next_steps=["$steps.a"], stop_delay=2)
    answers = [bool(passes(go)) for go in (False, True, False, False, True, False)]
    assert answers == [False, True, True, False, True, False]


def test_two_gates_do_not_share_their_memory(run: BlockRunner) -> None:
    first, second = (gate(run, next_steps=["$steps.a"], stop_delay=60) for _ in range(2))
    assert first(True)
    assert first(False)
    assert not second(False)


CASES = {"cases": {"a": "$steps.na", "True": "$steps.nb", "1.0": "$steps.nc"}, "default_next_steps": ["$steps.other"]}


@pytest.mark.parametrize(
    ("value", "step"), [("a", "na"), (True, "nb"), (1.0, "nc"), ("A", "other"), (1, "other"), ("", "other")]
)
def test_a_case_is_the_value_s_text(run: BlockRunner, value: Any, step: str) -> None:
    assert run("core/switch_case@v1", value=value, **CASES) == [f"$steps.{step}"]


def test_capitals_may_be_ignored(run: BlockRunner) -> None:
    fields = {"cases": {"Blur": "$steps.blur"}, "case_insensitive": True}
    assert run("SwitchCase", value="BLUR", **fields) == ["$steps.blur"]
    assert run("SwitchCase", value="draw", **fields) == []


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"cases": {"a": "$steps.x", "A": "$steps.y"}, "case_insensitive": True}, "differ in capitals only"),
        ({"cases": {"a": "$steps.x", "b": "$steps.x"}}, "[$]steps.x is named more than once"),
        ({"cases": {"a": "$steps.x"}, "default_next_steps": ["$steps.x"]}, "[$]steps.x is named more than once"),
        ({"cases": {"a": "$steps.x"}, "default_next_steps": ["$steps.y", "$steps.y"]}, "[$]steps.y is named more"),
    ],
)
def test_a_switch_whose_cases_clash_is_refused_before_it_runs(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled_switch(fields)
    assert rule_of(caught.value).error_type == "WorkflowSyntaxError"


def test_cases_may_differ_in_capitals_where_these_count() -> None:
    compiled_switch({"cases": {"a": "$steps.x", "A": "$steps.y"}})


def compiled_switch(fields: dict[str, Any]) -> Plan:
    steps = [{"type": "core/current_time@v1", "name": name} for name in "xy"]
    switch = {"type": "core/switch_case@v1", "name": "switch", "value": "$inputs.mode", **fields}
    inputs = [{"type": "WorkflowParameter", "name": "mode"}]
    return Engine().compile({"version": "1.0", "inputs": inputs, "steps": [*steps, switch], "outputs": []})


@pytest.mark.parametrize(
    ("data", "output"), [([None, 0, 5], 0), (["x"], "x"), ([None, None], "nothing"), ([[], 1], [])]
)
def test_the_first_value_that_is_there(run: BlockRunner, data: list[Any], output: Any) -> None:
    assert run("core/first_non_empty_or_default@v1", data=data, default="nothing") == {"output": output}


def test_values_of_children_in_one_list(run: BlockRunner) -> None:
    assert run("core/dimension_collapse@v1", data=[3, 1, 2]) == {"output": [3, 1, 2]}
