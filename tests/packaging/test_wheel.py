"""The distribution: what is in it, and that nothing of the source tree is needed beside it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = (
    "pyproject.toml",
    "setup.py",
    "README.md",
    "LICENSE",
    "workflow_engine",
    "blocks",
    "manifests",
    "ui_schema",
    "examples",
)
BUILD = "import sys; from setuptools.build_meta import build_wheel; print(build_wheel(sys.argv[1]))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources and unpack it, which is what installing it does."""
    tree, place = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("installed")
    for name in NEEDED:
        source = ROOT / name
        copy = shutil.copytree if source.is_dir() else shutil.copy
        copy(source, tree / name)
    command = [sys.executable, "-W", "ignore", "-c", BUILD, str(place)]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = place.glob("segflow-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place)
    shutil.rmtree(tree)
    return place


def test_only_packages_of_ours_are_installed(installed: Path) -> None:
    found = {path.name for path in installed.iterdir() if path.suffix not in (".whl", ".dist-info")}
    assert found == {"workflow_engine", "blocks", "manifests", "ui_schema"}


def test_the_demo_runs_without_the_source_tree(installed: Path, tmp_path: Path) -> None:
    program = "import sys; from workflow_engine.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "demo", "--out", "out"]
    # the unpacked wheel stands before the editable installation that the tests run from
    env = {**os.environ, "PYTHONPATH": str(installed), "SEGFLOW_HOME": str(tmp_path / "home")}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(installed) in done.stdout, "it is the installed example that was run"
    found = json.loads((tmp_path / "out" / "result.json").read_text())
    assert found
