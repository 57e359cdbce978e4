"""``segflow check`` and ``segflow explain``."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.unit.cli.conftest import CROP, Segflow
from workflow_engine.cli.layout import lay_out
from workflow_engine.workflow import Workflow

ROOT = Path(__file__).resolve().parents[3]
EXAMPLES = sorted((ROOT / "examples").glob("*/workflow.json"))


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    step = {**CROP["steps"][0], "width": "wide", "images": "$inputs.imag"}
    path = tmp_path / "bad.json"
    path.write_text(json.dumps({**CROP, "steps": [step]}))
    return path


def test_every_problem_of_every_file_is_told(segflow: Segflow, workflow: Path, bad: Path) -> None:
    done = segflow("check", workflow, bad, "nowhere.json")
    assert done.code == 1
    lines = done.out.splitlines()
    assert lines[0] == f"{workflow}: ok, 1 step"
    assert lines[1] == f"{bad}: 2 problems"
    assert "  /steps/0/width" in lines
    assert "    Did you mean 'image'?" in lines
    assert "nowhere.json: 1 problem" in lines


def test_check_as_json(segflow: Segflow, workflow: Path, bad: Path) -> None:
    good, wrong = json.loads(segflow("check", "--json", workflow, bad).out)
    assert good == {"file": str(workflow), "ok": True, "problems": [], "warnings": []}
    assert [problem["at"] for problem in wrong["problems"]] == ["/steps/0/width", "/steps/0/images"]


def test_a_good_workflow_may_have_warnings(segflow: Segflow, tmp_path: Path) -> None:
    path = tmp_path / "odd.json"
    path.write_text(json.dumps({**CROP, "steps": [{**CROP["steps"][0], "widht": 1}]}))
    done = segflow("check", path)
    assert done.code == 0
    assert "warning: " in done.out
    assert "Did you mean 'width'?" in done.out


def test_explain_tells_the_steps_and_draws_them(segflow: Segflow, tmp_path: Path) -> None:
    picture = tmp_path / "plan.svg"
    done = segflow("explain", ROOT / "examples" / "missing_parts" / "workflow.json", "--picture", picture)
    assert done.code == 0
    assert "only where if_incomplete lets it pass" in done.out
    texts = [element.text for element in ElementTree.parse(picture).iter() if element.tag.endswith("text")]
    assert {"image", "parts", "Instance Segmentation", "verdict", "evidence"} <= set(texts)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.parent.name)
def test_no_boxes_overlap_and_no_wire_runs_under_one(path: Path) -> None:
    layout = lay_out(Workflow.load(path).plan)
    for box in layout.boxes:
        assert box.y >= 0
        assert box.y + box.height <= layout.height
        assert box.right <= layout.width
        for other in layout.boxes:
            apart = box.column != other.column or box.y + box.height <= other.y or other.y + other.height <= box.y
            assert box is other or apart
    for wire in layout.wires:
        columns = [box.column for box in wire.route]
        assert columns == list(range(columns[0], columns[-1] + 1)), "a wire passes every column in a lane of its own"
        for lane in wire.route[1:-1]:
            under = [
                box for box in layout.boxes if box.column == lane.column and box.y <= lane.middle <= box.y + box.height
            ]
            assert not under


def test_an_empty_workflow_can_be_drawn() -> None:
    empty = Workflow({"version": "1.0", "inputs": [], "steps": [], "outputs": []})
    assert lay_out(empty.plan).boxes == []
