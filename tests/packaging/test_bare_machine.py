"""A machine without the system libraries that OpenCV needs is told which they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOADER = "libGL.so.1: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize("command", [("demo", "--out", "out"), ("serve", "--port", "0")], ids=lambda words: words[0])
def test_a_library_of_the_system_that_is_missing(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "cv2.py").write_text(f'raise ImportError("{LOADER}", name="cv2")\n')
    env = {**os.environ, "SEGFLOW_HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    run = [sys.executable, "-m", "workflow_engine.cli", *command]
    done = subprocess.run(run, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 4, done.stderr
    assert done.stderr.splitlines()[-1].startswith("error: The package cv2 is installed but needs a library")
    assert "lacks: libGL.so.1." in done.stderr
    assert "apt-get install libgl1 libglib2.0-0" in done.stderr
    assert "Traceback" not in done.stderr
