"""Text made of values, and values read out of text."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from blocks.text import LONGEST_TEXT
from tests.blocks.runner import BlockRunner
from workflow_engine.errors import BlockError, CompileError
from workflow_engine.settings import load
from workflow_engine.workflow import Engine

LENGTH = [{"type": "SequenceLength"}]


def text(run: BlockRunner, template: str, **data: Any) -> str:
    return str(run("core/string_template@v1", template=template, data=data)["output"])


@pytest.mark.parametrize(
    ("template", "data", "written"),
    [
        ("nothing to fill in", {}, "nothing to fill in"),
        ("{n} parts", {"n": 3}, "3 parts"),
        ("{share:.1%} of {n:04d}", {"share": np.float64(0.125), "n": 7}, "12.5% of 0007"),
        ("{name:>6}|{name!r}", {"name": "nut"}, "   nut|'nut'"),
        ("{{{n}}}", {"n": 1}, "{1}"),
        ("{n:{width}}", {"n": 1, "width": 3}, "  1"),
        ("{a b.c}", {"a b.c": "any name will do"}, "any name will do"),
        ("{at:%H:%M}", {"at": datetime(2026, 1, 2, 3, 4)}, "03:04"),
    ],
)
def test_values_stand_where_the_text_names_them(
    run: BlockRunner, template: str, data: dict[str, Any], written: str
) -> None:
    assert text(run, template, **data) == written


def test_values_go_through_their_operations_first(run: BlockRunner) -> None:
    fields = {"template": "{parts} parts", "data": {"parts": ["a", "b"]}, "data_operations": {"parts": LENGTH}}
    assert run("roboflow_core/string_template@v1", **fields) == {"output": "2 parts"}


def test_a_text_may_be_as_long_as_the_limit(run: BlockRunner) -> None:
    assert len(text(run, "{n}{{}}", n="x" * (LONGEST_TEXT - 2))) == LONGEST_TEXT
    with pytest.raises(BlockError, match="longer than 1000000"):
        text(run, "{n}{{}}", n="x" * (LONGEST_TEXT - 1))


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{m}", "names 'm'"),
        ("{}", "names '0'"),
        ("{n.real}", "names 'n.real'"),
        ("{n[0]}", "names 'n\\[0\\]'"),
        ("{n.__class__.__mro__}", "which is not among the values"),
        ("{n", "cannot be filled in"),
        ("{n:q}", "cannot be filled in"),
        ("{n!x}", "cannot be filled in"),
        ("{n:>10001}", "above 10000"),
        ("{n:>99999999999999999999}", "above 10000"),
        ("{n:.{m}}", "names 'm'"),
        ("{n:10000}" * 101, "longer than 1000000"),
    ],
)
def test_a_text_reaches_nothing_but_its_values_and_stays_small(run: BlockRunner, template: str, message: str) -> None:
    with pytest.raises(BlockError, match=message):
        text(run, template, n=1)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        ('{"a": 1, "b": [2]}', {"error_status": False, "a": 1, "b": [2]}),
        ('{"a": 1, "b": null, "c": 3}', {"error_status": False, "a": 1, "b": None}),
        ('{"a": 1}', {"error_status": True, "a": 1, "b": None}),
        ("[1, 2]", {"error_status": True, "a": None, "b": None}),
        ("", {"error_status": True, "a": None, "b": None}),
        ("[" * 100_000, {"error_status": True, "a": None, "b": None}),
        ('Here:\n```JSON\n{"a": 5, "b": 6}\n```\n```json\n{"a": 7}\n```', {"error_status": False, "a": 5, "b": 6}),
    ],
)
def test_fields_of_json_in_a_text(run: BlockRunner, raw: str, found: dict[str, Any]) -> None:
    assert run("core/json_parser@v1", raw_json=raw, expected_fields=["a", "b"]) == found


def compiled(step: dict[str, Any]) -> Any:
    engine = Engine(load({}))
    return engine.compile({"version": "1.0", "inputs": [], "steps": [{"name": "s", **step}], "outputs": []})


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            {"type": "core/json_parser@v1", "raw_json": "{}", "expected_fields": ["a", "error_status"]},
            "expected_fields.1 of the step 's': cannot be \"error_status\".",
        ),
        (
            {"type": "core/csv_formatter@v1", "columns_data": {"timestamp": 1}},
            "columns_data of the step 's': cannot have \"timestamp\" as a name.",
        ),
    ],
)
def test_names_that_the_block_gives_itself_are_refused(step: dict[str, Any], message: str) -> None:
    with pytest.raises(CompileError) as caught:
        compiled(step)
    assert caught.value.problem.message == message
    assert caught.value.problem.hint.endswith(".")


def table(engine: Engine, columns: dict[str, Any], **given: Any) -> list[str | None]:
    names = {"batch": "WorkflowBatchInput", "single": "WorkflowParameter"}
    document = {
        "version": "1.0",
        "inputs": [{"type": kind, "name": name} for name, kind in names.items() if name in given],
        "steps": [{"type": "core/csv_formatter@v1", "name": "s", "columns_data": columns}],
        "outputs": [{"type": "JsonField", "name": "csv", "selector": "$steps.s.csv_content"}],
    }
    return [element["csv"] for element in engine.session(engine.compile(document)).run(given).outputs]


def test_a_table_has_a_row_per_element_and_comes_with_the_last() -> None:
    engine = Engine(load({}))
    columns = {"batch": "$inputs.batch", "single": "$inputs.single", "fixed": 2.5}
    *others, written = table(engine, columns, batch=["x", None, "y, z"], single=True)
    assert others == [None, None]
    header, *rows = csv.reader(io.StringIO(written))
    assert header == ["batch", "single", "fixed", "timestamp"]
    assert [row[:3] for row in rows] == [["x", "True", "2.5"], ["y, z", "True", "2.5"]]
    age = datetime.now().astimezone() - datetime.fromisoformat(rows[0][3])
    assert timedelta() <= age < timedelta(minutes=1)
    assert "\r" not in str(written)


def test_a_table_of_single_values_has_one_row() -> None:
    (written,) = table(Engine(load({})), {"single": "$inputs.single"}, single=3)
    assert str(written).count("\n") == 2


def test_columns_go_through_their_operations_first(run: BlockRunner) -> None:
    fields = {"columns_data": {"parts": ["a", "b"], "site": "hall"}, "columns_operations": {"parts": LENGTH}}
    assert run("core/csv_formatter@v1", **fields)["csv_content"].splitlines()[1].startswith("2,hall,")
    with pytest.raises(BlockError, match=r"columns_operations\.site\.operations\[0\] \(ToNumber\): expected"):
        run(
            "core/csv_formatter@v1",
            columns_data={"site": "hall"},
            columns_operations={"site": [{"type": "ToNumber", "cast_to": "int"}]},
        )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_becomes_a_formula(run: BlockRunner, start: str) -> None:
    columns = {"text": f"{start}1", "number": -1}
    written = run("core/csv_formatter@v1", columns_data=columns)["csv_content"]
    _, row = csv.reader(io.StringIO(written, newline=""))
    assert len(row) == 3
    assert row[:2] == [f"'{start}1", "-1"]
