"""Gathering over time."""

from __future__ import annotations

from typing import Any

import pytest

from blocks.aggregate import aggregates
from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import picture, table
from workflow_engine import CompileError, Engine
from workflow_engine import settings as engine_settings
from workflow_engine.errors import BlockError
from workflow_engine.query import QueryError

BLOCK = "core/data_aggregator@v1"


def gather(run: BlockRunner, values: list[Any], *modes: str, **fields: Any) -> list[Any]:
    call = run.start(BLOCK)
    given = {"aggregation_mode": {"n": list(modes)}, "interval_unit": "runs", "interval": len(values), **fields}
    return [call(data={"n": value}, **given) for value in values]


@pytest.mark.parametrize(
    ("mode", "values", "result"),
    [
        ("sum", [3, 1, 4], 8),
        ("avg", [3, 1, 5], 3),
        ("max", [3, 1, 4], 4),
        ("min", [3, 0, 4], 0),
        ("values_difference", [3, 1, 5], 4),
        ("count", [3, "ab", [1, 2, 3]], 6),
        ("distinct", [3, [1, 3], 2], [1, 2, 3]),
        ("distinct", ["b", "a", 1], ["b", "a", 1]),
        ("count_distinct", [[2, 2], [0, 2], 1], 3),
        ("values_counts", [["nut", "bolt"], "nut", []], {"nut": 2, "bolt": 1}),
    ],
)
def test_modes(run: BlockRunner, mode: str, values: list[Any], result: Any) -> None:
    answers = gather(run, values, mode)
    assert answers[:-1] == [{f"n_{mode}": None}] * (len(values) - 1)
    assert answers[-1] == {f"n_{mode}": result}


def test_gathering_begins_anew_after_the_interval(run: BlockRunner) -> None:
    answers = gather(run, [1, 2, 3, 4, 5], "sum", "count", interval=2)
    assert [answer["n_sum"] for answer in answers] == [None, 3, None, 7, None]


@pytest.mark.parametrize(("unit", "seconds"), [("seconds", 1), ("minutes", 60), ("hours", 3600)])
def test_intervals_of_time(run: BlockRunner, monkeypatch: pytest.MonkeyPatch, unit: str, seconds: int) -> None:
    now = 50.0
    monkeypatch.setattr("blocks.aggregate.time.monotonic", lambda: now)
    call = run.start(BLOCK)
    answers = []
    for share in (0.5, 1.9, 2.0, 3.9, 4.1):
        now = 50.0 + share * seconds
        answer = call(data={"n": 1}, aggregation_mode={"n": ["sum"]}, interval_unit=unit, interval=2)
        answers.append(answer["n_sum"])
    assert answers == [None, None, 3, None, 2]


def test_values_go_through_operations_first(run: BlockRunner) -> None:
    objects = table(picture(), [(1, 1, 9, 9), (5, 5, 30, 30)])
    names = [{"type": "DetectionsPropertyExtract", "property_name": "class_name"}]
    answer = gather(run, [objects], "values_counts", data_operations={"n": names})[0]
    assert answer == {"n_values_counts": {"bolt": 1, "nut": 1}}
    assert gather(run, [objects], "count")[0] == {"n_count": 2}


def test_values_without_a_mode_are_left_out(run: BlockRunner) -> None:
    fields = {"aggregation_mode": {"a": ["sum"]}, "interval_unit": "runs", "interval": 1}
    assert run(BLOCK, data={"a": 1, "b": 2}, **fields) == {"a_sum": 1}


@pytest.mark.parametrize(("mode", "value"), [("sum", "text"), ("avg", [1]), ("distinct", {"a": 1}), ("max", None)])
def test_values_that_do_not_fit_their_mode(run: BlockRunner, mode: str, value: Any) -> None:
    with pytest.raises(BlockError, match=f"'n' cannot be gathered as {mode}"):
        gather(run, [value, 1], mode)


def test_operations_that_fail_say_where(run: BlockRunner) -> None:
    with pytest.raises(QueryError, match=r"data_operations\.n"):
        gather(run, [5], "sum", data_operations={"n": [{"type": "SequenceLength"}]})


def document(aggregation_mode: Any, output: str) -> dict[str, Any]:
    step = {"type": "roboflow_core/data_aggregator@v1", "name": "s", "data": {"n": "$inputs.n"}}
    return {
        "version": "1.0",
        "inputs": [{"type": "WorkflowParameter", "name": "n"}],
        "steps": [{**step, "aggregation_mode": aggregation_mode, "interval_unit": "runs", "interval": 2}],
        "outputs": [{"type": "JsonField", "name": "o", "selector": f"$steps.s.{output}"}],
    }


def test_the_outputs_follow_from_the_fields() -> None:
    engine = Engine(engine_settings.load({"HOME": "/nowhere"}))
    session = engine.session(engine.compile(document({"n": ["avg", "max"]}, "n_max")))
    assert [session.run({"n": n}).outputs[0]["o"] for n in (4, 2)] == [None, 4]
    with pytest.raises(CompileError, match="n_min"):
        engine.compile(document({"n": ["avg"]}, "n_min"))
    with pytest.raises(CompileError, match="names 'm'"):
        engine.compile(document({"m": ["avg"]}, "m_avg"))
    with pytest.raises(CompileError, match="aggregation_mode"):
        engine.compile(document("avg", "n_avg"))


def test_modes_of_nothing() -> None:
    assert aggregates({"data": {"n": 1}, "aggregation_mode": {"n": []}}) == {}
