"""Golden messages: ``NAME.workflow.json`` beside ``NAME.problems.json``, the problems that it must give."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from workflow_engine.compiler import compile_workflow
from workflow_engine.definition import parse
from workflow_engine.errors import WorkflowError
from workflow_engine.registry import Registry

CASES = sorted(Path(__file__).parent.glob("*.workflow.json"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.name.removesuffix(".workflow.json"))
def test_messages(path: Path, toys: Registry) -> None:
    golden = path.with_name(path.name.replace(".workflow.", ".problems."))
    with pytest.raises(WorkflowError) as caught:
        compile_workflow(parse(path.read_bytes()), toys)
    found = [
        {"code": p.code, "at": p.at, "message": p.message, "hint": p.hint, "step": p.step}
        for p in caught.value.problems
    ]
    assert found == json.loads(golden.read_text())
