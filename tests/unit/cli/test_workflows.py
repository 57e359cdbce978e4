"""``segflow workflows``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.unit.cli.conftest import CROP, Segflow


def test_a_workflow_is_saved_listed_shown_and_deleted(segflow: Segflow, workflow: Path) -> None:
    assert "No workflow is saved yet" in segflow("workflows", "list").out
    assert segflow("workflows", "save", "crop", workflow).out == "crop is saved as version 1.\n"
    assert segflow("workflows", "save", "crop", workflow, "--expect", 1).code == 0
    assert "crop" in segflow("workflows", "list").out
    assert [entry["version"] for entry in json.loads(segflow("workflows", "list", "crop", "--json").out)] == [2, 1]
    assert json.loads(segflow("workflows", "show", "crop", "--version", 1).out) == CROP
    assert segflow("workflows", "delete", "crop").code == 0
    gone = segflow("workflows", "show", "crop")
    assert gone.code == 1
    assert "There is no saved workflow 'crop'." in gone.err


def test_work_in_progress_is_saved_with_a_word_about_it(segflow: Segflow, tmp_path: Path) -> None:
    draft = tmp_path / "draft.json"
    draft.write_text('{"version": "1.0", "inputs": [], "steps": []}')
    done = segflow("workflows", "save", "draft", draft)
    assert done.code == 0
    assert "It does not run yet" in done.out
    assert "outputs is required." in done.err


def test_a_save_that_came_too_late(segflow: Segflow, workflow: Path) -> None:
    segflow("workflows", "save", "crop", workflow)
    done = segflow("workflows", "save", "crop", workflow, "--expect", 0)
    assert done.code == 1
    assert "at version 1" in done.err


def test_a_name_that_is_none(segflow: Segflow, workflow: Path) -> None:
    done = segflow("workflows", "save", "../crop", workflow)
    assert done.code == 1
    assert "cannot name a workflow" in done.err
