"""The time, and secrets of the operator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.blocks.runner import BlockRunner
from workflow_engine.errors import BlockError, CompileError
from workflow_engine.settings import load
from workflow_engine.workflow import Engine


@pytest.mark.parametrize(("zone", "hours"), [("UTC", 0), ("Asia/Tokyo", 9), ("Etc/GMT+7", -7)])
def test_the_time_is_that_of_the_zone(run: BlockRunner, zone: str, hours: int) -> None:
    found = run("roboflow_core/current_time@v1", timezone=zone)
    now = found["timestamp"]
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)
    assert now.utcoffset() == timedelta(hours=hours)
    assert datetime.fromisoformat(found["iso_string"]) == now
    assert now.isoformat().startswith(f"{found['date']}T{found['time']}")


def test_the_zone_is_utc_by_default(run: BlockRunner) -> None:
    assert run("core/current_time@v1")["iso_string"].endswith("+00:00")


@pytest.mark.parametrize("zone", ["Europe/Berln", "", "../../etc/passwd", "/etc/localtime", "Europe", "a\0b"])
def test_a_zone_that_does_not_exist_is_refused(run: BlockRunner, zone: str) -> None:
    with pytest.raises(BlockError, match="There is no time zone") as caught:
        run("core/current_time@v1", timezone=zone)
    assert ("Europe/Berlin" in caught.value.hint) == (zone == "Europe/Berln")


ENVIRONMENT = {"SEGFLOW_SECRETS": "TOKEN,UNSET", "TOKEN": "t0ken-t0ken", "OTHER": "x"}


def secrets(*names: str, output: str = "*") -> Any:
    type_name = "roboflow_core/environment_secrets_store@v1"
    step = {"type": type_name, "name": "s", "variables_storing_secrets": list(names)}
    shown = {"type": "JsonField", "name": "found", "selector": f"$steps.s.{output}"}
    engine = Engine(load(ENVIRONMENT))
    session = engine.session(engine.compile({"version": "1.0", "inputs": [], "steps": [step], "outputs": [shown]}))
    return lambda serialised: session.run({}, serialised=serialised).outputs[0]["found"]


def test_named_secrets_can_be_read_and_results_show_them_masked() -> None:
    run = secrets("TOKEN", "UNSET")
    assert run(False) == {"token": "t0ken-t0ken", "unset": None}
    assert run(True) == {"token": "t0********en", "unset": None}
    assert secrets("TOKEN", output="token")(False) == "t0ken-t0ken"


def test_other_variables_are_refused(run: BlockRunner) -> None:
    for name in ("OTHER", "HOME", "token"):
        with pytest.raises(BlockError, match=f"may not read the variable '{name}'") as caught:
            run("core/environment_secrets_store@v1", variables_storing_secrets=["MY_TOKEN", name])
        assert caught.value.whose == "author"


def test_an_output_that_no_variable_gives_is_unknown() -> None:
    with pytest.raises(CompileError, match="no output 'other'"):
        secrets("TOKEN", output="other")


def test_variables_that_give_the_same_output_are_refused() -> None:
    with pytest.raises(CompileError, match="differ in capitals only"):
        secrets("TOKEN", "Token")
