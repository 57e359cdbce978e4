"""Workflows of the ecosystem give here what its own engine answered.

Each case of ``workflows/cases`` is a definition, one or more runs, and the answers of ``roboflow-workflows`` 0.2.13
(OpenCV 4.12), or the type of the error due. ``workflows/compare.py`` holds the tolerances.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.workflows.compare import compare
from workflow_engine import Engine, WorkflowError
from workflow_engine import settings as engine_settings
from workflow_engine.server.problems import rule_of

ROOT = Path(__file__).parent / "workflows"
CASES = sorted((ROOT / "cases").glob("*.json"))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(engine_settings.load({"HOME": "/nowhere"}))


def encoded(value: Any) -> Any:
    if isinstance(value, dict) and "$image" in value:
        return {"type": "base64", "value": base64.b64encode((ROOT / value["$image"]).read_bytes()).decode()}
    return [encoded(element) for element in value] if isinstance(value, list) else value


def answers(engine: Engine, case: dict[str, Any]) -> list[Any]:
    session = engine.session(engine.compile(case["definition"]))
    return [session.run({k: encoded(v) for k, v in run.items()}, serialised=True).outputs for run in case["runs"]]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(engine: Engine, path: Path) -> None:
    case = json.loads(path.read_text())
    if "expected_error" in case:
        with pytest.raises(WorkflowError) as caught:
            answers(engine, case)
        assert rule_of(caught.value).error_type == case["expected_error"]["error_type"]
        return
    for expected, found in zip(case["expected"], answers(engine, case), strict=True):
        assert compare(expected, found, images=ROOT / "images", image_tolerance=1.5, jpeg=True) == []
