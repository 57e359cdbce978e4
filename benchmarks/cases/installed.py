"""What an installation brings along: packages and their size on disk."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks.report import Table
from benchmarks.setting import OURS, Setting

COUNT = Path(__file__).parents[1] / "sides" / "count_packages.py"
HEADER = ("`pip install`", "packages", "MB", "of which torch, MB", "the rest, MB")


def measure(setting: Setting) -> Iterator[Table]:
    """Count what each distribution needs, in the environments that are there anyway."""
    wanted = [
        ("segflow", OURS),
        ("rfdetr", setting.rfdetr),
        ("inference-models[torch-cpu,onnx-cpu]", setting.inference),
        ("roboflow-workflows", setting.inference),
        ("inference-cpu[http]", setting.inference),
    ]
    rows = []
    for requirement, python in wanted:
        output = subprocess.run([str(python), str(COUNT), requirement], check=True, capture_output=True, text=True)
        found = json.loads(output.stdout)
        whole, torch = found["bytes"] / 1e6, found["torch"] / 1e6
        rows.append((requirement, str(found["packages"]), *(f"{mb:.0f}" for mb in (whole, torch, whole - torch))))
    note = "Sizes are those of the installed files, the compiled Python among them, with the CPU build of torch."
    yield Table("Installed", HEADER, tuple(rows), (note,))
