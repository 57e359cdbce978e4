"""A workflow within a workflow runs as if its steps stood in the outer one."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.test_execution import BATCH, PARAMETER, document, run, step
from workflow_engine import settings as engine_settings
from workflow_engine.errors import CompileError
from workflow_engine.registry import Registry
from workflow_engine.workflow import Engine


@pytest.fixture
def engine(toys: Registry) -> Engine:
    return Engine(engine_settings.load({"HOME": "/nowhere"}), registry=toys)


def inner(name: str, child: Any, **bindings: Any) -> dict[str, Any]:
    kind = "roboflow_core/inner_workflow@v1"
    return {"type": kind, "name": name, "workflow_definition": child, "parameter_bindings": bindings}


CHILD = document(
    [BATCH, PARAMETER],
    [step("add", "a", a="$inputs.n", b="$inputs.p"), step("first", "f", candidates=["$steps.a.sum"])],
    out="$steps.f.value",
    echo="$inputs.n",
)


def test_inner_steps_take_the_place_of_the_step(engine: Engine) -> None:
    steps = [step("add", "z", a="$steps.iw.out", b="$steps.iw.echo"), inner("iw", CHILD, n="$inputs.n", p=5)]
    workflow = document([BATCH], steps, z="$steps.z.sum", out="$steps.iw.out")
    assert [planned.name for planned in engine.compile(workflow).steps] == ["iw__a", "iw__f", "z"]
    assert run(engine, workflow, n=[1, 2]) == [{"z": 7, "out": 6}, {"z": 9, "out": 7}]


def test_defaults_names_that_clash_and_inner_ones_within_inner_ones(engine: Engine) -> None:
    middle = document([BATCH], [inner("deep", CHILD, n="$inputs.n")], out="$steps.deep.out")
    steps = [
        step("add", "iw__deep__a", a="$inputs.n", b=0),
        inner("two", CHILD, n="$steps.iw.out", p="$inputs.p"),
        inner("iw", middle, n="$inputs.n"),
    ]
    workflow = document([BATCH, PARAMETER], steps, out="$steps.two.out")
    names = {planned.name for planned in engine.compile(workflow).steps}
    assert names == {"iw__deep__a", "iw__deep__a__2", "iw__deep__f", "two__a", "two__f"}
    assert run(engine, workflow, n=1, p=10) == [{"out": 12}]


def test_a_gate_on_an_inner_workflow_holds_its_first_step(engine: Engine) -> None:
    gate = step("allow_above", "gate", number="$inputs.n", limit=1, next_steps=["$steps.iw"])
    workflow = document([BATCH], [gate, inner("iw", CHILD, n="$inputs.n")], out="$steps.iw.out")
    assert run(engine, workflow, n=[1, 2]) == [{"out": 0}, {"out": 3}]


def nested(levels: int) -> dict[str, Any]:
    child = CHILD
    for _ in range(levels):
        child = document([BATCH], [inner("x", child, n="$inputs.n")], out="$steps.x.out")
    return child


@pytest.mark.parametrize(
    ("steps", "code", "at"),
    [
        ([inner("iw", CHILD, n="$inputs.n", q=1)], "inner_bindings", "/steps/0/parameter_bindings/q"),
        ([inner("iw", CHILD)], "inner_bindings", "/steps/0/parameter_bindings"),
        ([inner("iw", None, n="$inputs.n")], "inner_step", "/steps/0"),
        ([{**inner("iw", CHILD, n="$inputs.n"), "execution_mode": "remote_dispatch"}], "inner_step", "/steps/0"),
        ([inner("iw", {"version": "1.0"}, n="$inputs.n")], "missing_field", "/steps/0/workflow_definition/inputs"),
        (
            [inner("iw", document([BATCH], [step("add", "a", a="$inputs.n", b=500)]), n="$inputs.n")],
            "bad_value",
            "/steps/0/workflow_definition/steps/0/b",
        ),
        (
            [inner("iw", CHILD, n="$inputs.n"), step("add", "a", a="$steps.iw.otu", b=1)],
            "unknown_inner_output",
            "/steps/1/a",
        ),
        (nested(5)["steps"], "inner_depth", "/steps/0" + "/workflow_definition/steps/0" * 4),
        ([inner(f"iw{i}", CHILD, n="$inputs.n") for i in range(33)], "inner_count", "/steps/32"),
    ],
)
def test_what_is_wrong_with_an_inner_workflow_is_said_where_it_stands(
    engine: Engine, steps: list[Any], code: str, at: str
) -> None:
    with pytest.raises(CompileError) as caught:
        engine.compile(document([BATCH], steps))
    assert (caught.value.problem.code, caught.value.problem.at) == (code, at)


def test_every_output_of_an_inner_workflow_at_once_is_refused(engine: Engine) -> None:
    with pytest.raises(CompileError, match="one by one"):
        engine.compile(document([BATCH], [inner("iw", CHILD, n="$inputs.n")], all="$steps.iw.*"))
