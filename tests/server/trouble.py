"""A block that does what blocks should not, for a server process to find as if it had been installed."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path
from typing import Any

from tests import toys

TYPE = "trouble/act@v1"


def act(value: Any, *, how: str, folder: str, mark: str) -> dict[str, Any]:
    """Do as ``how`` says; the file MARK in ``folder`` shows that it began."""
    place = Path(folder)
    (place / mark).write_text(str(os.getpid()))
    match how:
        case "wait":
            while not (place / "go").exists():
                time.sleep(0.01)
        case "spin":
            re.fullmatch(r"(a|a)*b", "a" * 60)  # keeps the interpreter's lock for ever
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "memory":
            pieces = []
            while True:
                pieces.append([bytearray(50_000), {"of": len(pieces)}])
        case "fail":
            raise RuntimeError(f"it fell over {value}")
    return {"value": value}


MANIFEST = {
    "manifest_version": 1,
    "type": TYPE,
    "version": "1.0.0",
    "title": "Trouble",
    "summary": "Does what blocks should not.",
    "category": "logic",
    "license": "Apache-2.0",
    "entrypoint": "tests.server.trouble:act",
    "inputs": [{"name": "value", "title": "Value", "kinds": ["*"]}],
    "parameters": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"type": "string", "title": name, "description": f"The {name}.", "x-kinds": ["string"]}
            for name in ("how", "folder", "mark")
        },
        "required": ["how", "folder", "mark"],
    },
    "outputs": [{"name": "value", "title": "Value", "kinds": ["*"]}],
    "execution": {"cache": "never", "device": "cpu"},
}


def install(folder: Path) -> dict[str, str]:
    """Make a package with the block in ``folder``; return the environment in which it is installed."""
    toys.write(folder / "trouble_blocks", [MANIFEST])
    about = folder / "trouble_blocks-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: trouble-blocks\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[segflow.blocks]\ntrouble = trouble_blocks\n")
    (folder / "trouble_blocks" / "__init__.py").touch()
    root = Path(__file__).resolve().parents[2]
    return {"PYTHONPATH": f"{folder}{os.pathsep}{root}"}


def asked(*ways: str, folder: Path, mark: str = "step") -> dict[str, Any]:
    """Return a request for a run whose steps do as ``ways`` say, one after the other: MARK0, MARK1, and so on."""
    before = ["$inputs.value", *(f"$steps.s{i}.value" for i in range(len(ways) - 1))]
    steps = [
        {"type": TYPE, "name": f"s{i}", "value": source, "how": how, "folder": str(folder), "mark": f"{mark}{i}"}
        for i, (how, source) in enumerate(zip(ways, before, strict=True))
    ]
    document = {
        "version": "1.0",
        "inputs": [{"type": "WorkflowParameter", "name": "value"}],
        "steps": steps,
        "outputs": [{"type": "JsonField", "name": "value", "selector": f"$steps.s{len(ways) - 1}.value"}],
    }
    return {"specification": document, "inputs": {"value": 7}}
