"""``segflow blocks``, and what ``blocks new`` writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.cli.conftest import ROOT, Segflow
from workflow_engine.cli.scaffold import write_block


def test_list_and_show(segflow: Segflow) -> None:
    listed = json.loads(segflow("blocks", "list", "--json").out)
    crop = next(block for block in listed if block["type"] == "core/dynamic_crop@v1")
    assert "roboflow_core/dynamic_crop@v1" in crop["also"]
    shown = segflow("blocks", "show", "roboflow_core/dynamic_crop@v1").out
    assert "images or image" in shown
    assert "mask_opacity" in shown


def test_an_unknown_block_has_nearest_names(segflow: Segflow) -> None:
    done = segflow("blocks", "show", "core/dynamic_crops@v1")
    assert done.code == 1
    assert "Did you mean 'core/dynamic_crop@v1'" in done.err


def test_a_new_project_with_a_new_block_is_sound_and_passes_its_test(tmp_path: Path) -> None:
    project = tmp_path / "Acme parts"
    project.mkdir()
    files = [path.as_posix() for path in write_block("count_holes", project)]
    assert "acme_parts/manifests/count_holes.v1.json" in files
    assert "pyproject.toml" in files
    assert "pyproject.toml" not in [path.as_posix() for path in write_block("count_slots", project)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for command in (["-m", "workflow_engine.cli", "blocks", "check"], ["-m", "pytest", "-q", "-p", "no:cacheprovider"]):
        done = subprocess.run(
            [sys.executable, *command], cwd=project, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_in_a_checkout_it_becomes_one_of_ours(tmp_path: Path) -> None:
    for name in ("blocks", "manifests", "ui_schema"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "pyproject.toml").touch()
    files = [path.as_posix() for path in write_block("count_holes", tmp_path)]
    assert files == [
        "manifests/count_holes.v1.json",
        "ui_schema/count_holes.v1.json",
        "blocks/count_holes.py",
        "tests/blocks/test_count_holes.py",
    ]
    assert json.loads((tmp_path / files[0]).read_text())["type"] == "core/count_holes@v1"


def test_nothing_is_overwritten(segflow: Segflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert segflow("blocks", "new", "count_holes").code == 0
    again = segflow("blocks", "new", "count_holes")
    assert again.code == 1
    assert "is there already" in again.err


@pytest.mark.parametrize("name", ["Bad", "a", "class", "../x", "two words"])
def test_names_that_are_none(segflow: Segflow, name: str) -> None:
    done = segflow("blocks", "new", name)
    assert done.code == 1
    assert "cannot name a block" in done.err


def test_check_finds_what_does_not_agree(segflow: Segflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "pkg_of_test").mkdir()
    for part in ("manifests", "ui_schema"):
        (tmp_path / "pkg_of_test" / part).mkdir()
    write_block("count_holes", tmp_path)
    code = tmp_path / "pkg_of_test" / "count_holes.py"
    code.write_text(code.read_text().replace("least: int", "most: int"))
    done = segflow("blocks", "check")
    assert done.code == 1
    assert "'least'" in done.err
