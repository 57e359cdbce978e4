"""A run tells nobody of it: no connection is opened, and nothing is written but where segflow keeps its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "count_fasteners"

# What connects without Python, as ONNX Runtime's reports do, is not heard of here; but it leaves its files in HOME.
RUN = """
import sys

def tell(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        print(event, arguments, file=sys.stderr, flush=True)

sys.addaudithook(tell)
from workflow_engine.cli import main
{command}
"""


@pytest.mark.parametrize(
    ("backend", "precision"),
    [("openvino", "float32"), ("openvino", "int8"), ("onnx", "float32"), ("torch", "float32")],
)
def test_a_run_connects_to_nothing(backend: str, precision: str, tmp_path: Path) -> None:
    """From the first import to the result, with the model compiled in between."""
    document = json.loads((EXAMPLE / "workflow.json").read_text())
    document["steps"][0]["precision"] = precision
    workflow = tmp_path / "workflow.json"
    workflow.write_text(json.dumps(document))
    arguments = ["run", str(workflow), "--image", str(EXAMPLE / "tray.jpg"), "--json"]
    done = _watched(f"assert main({arguments}) == 0", tmp_path, backend=backend)
    assert json.loads(done.stdout)["outputs"][0]["total"] > 5
    assert "socket." not in done.stderr
    assert list((tmp_path / "home").iterdir()) == []


def test_an_export_connects_to_nothing(tmp_path: Path) -> None:
    arguments = ["models", "export", "demo/fasteners", "--format", "openvino", "--out", str(tmp_path / "out")]
    done = _watched(f"assert main({arguments}) == 0", tmp_path, backend="auto")
    assert "socket." not in done.stderr
    assert list((tmp_path / "home").iterdir()) == []


def _watched(command: str, folder: Path, *, backend: str) -> subprocess.CompletedProcess[str]:
    (folder / "home").mkdir()
    # Nothing else of the environment, by which libraries would know that they are being tested, and keep quiet.
    environment = {"HOME": str(folder / "home"), "SEGFLOW_HOME": str(folder / "kept"), "SEGFLOW_BACKEND": backend}
    return subprocess.run(
        [sys.executable, "-c", RUN.format(command=command)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
