"""Writes a new block: manifest, form, function and test, sound from the start, to be changed from there."""

from __future__ import annotations

import json
import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workflow_engine.errors import InputError, Problem
from workflow_engine.vision.paths import write_atomic

_NAME = re.compile(r"[a-z][a-z0-9_]{1,40}")
_OURS = ("blocks", "manifests", "ui_schema")

_FUNCTION = '''"""{title}."""

from __future__ import annotations

from typing import Any

from workflow_engine.api import Detections


def {name}(predictions: Detections, *, least: int) -> dict[str, Any]:
    """Count the objects, and say whether there are at least ``least``."""
    return {{"count": len(predictions), "enough": len(predictions) >= least}}
'''

_TEST = '''"""What {type} promises."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from {module} import {name}
from workflow_engine.api import Detections
from workflow_engine.registry import Registry, Source

HOME = Path(__file__).resolve().parents[{depth}]{folder}

TWO = Detections(xyxy=np.array([[0, 0, 10, 10], [5, 5, 20, 20]], np.float32))


def test_counts_and_decides() -> None:
    assert {name}(TWO, least=2) == {{"count": 2, "enough": True}}
    assert {name}(TWO, least=3) == {{"count": 2, "enough": False}}


def test_manifest_form_and_function_agree() -> None:
    registry = Registry([Source("here", HOME / "manifests", HOME / "ui_schema")])
    assert registry.load_errors == ()
    assert registry.function("{type}") is {name}
'''

_PROJECT = """[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{distribution}"
version = "0.1.0"
description = "Blocks for segflow."
requires-python = ">=3.11"
dependencies = ["segflow"]

[project.entry-points."segflow.blocks"]
{package} = "{package}"

[tool.setuptools]
packages = ["{package}"]

[tool.setuptools.package-data]
{package} = ["manifests/*.json", "ui_schema/*.json"]

[tool.pytest.ini_options]
pythonpath = ["."]
"""


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where the parts of a block go.

    Attributes:
        root: The project.
        package: Python package of the functions.
        owner: First part of block types.
        data: Folder with the folders ``manifests`` and ``ui_schema``.
        code: Folder of the functions.
        tests: Folder of the tests.
    """

    root: Path
    package: str
    owner: str
    data: Path
    code: Path
    tests: Path


def block_folders(root: Path) -> Iterator[Path]:
    """Yield ``root`` and the packages in it, where they have manifests and forms."""
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        if (folder / "manifests").is_dir() and (folder / "ui_schema").is_dir():
            yield folder


def write_block(name: str, root: Path) -> list[Path]:
    """Write a block called ``name`` into the project at ``root``; return the files, relative to it.

    In a checkout of segflow it becomes ``core/NAME@v1``. Elsewhere it goes into the package that has blocks already, or
    into a new one named after the folder, with a ``pyproject.toml`` that offers it to segflow.

    Raises:
        InputError: If the name is no name, or a file of the block is there already.
        WorkflowError: If a file cannot be written.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        hint = "Use small letters, digits and underscores, such as count_holes."
        raise InputError(Problem(code="bad_name", message=f"{name!r} cannot name a block.", hint=hint, whose="caller"))
    layout = _layout(root)
    files = dict(_files(name, layout))
    taken = next((path for path in files if path.exists()), None)
    if taken is not None:
        message = f"{taken.relative_to(root)} is there already."
        raise InputError(Problem(code="name_taken", message=message, hint="Choose another name.", whose="caller"))
    files |= _project_files(layout)
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())
    return [path.relative_to(root) for path in files]


def _layout(root: Path) -> _Layout:
    if all((root / name / "__init__.py").is_file() for name in _OURS):
        return _Layout(root, "blocks", "core", root, root / "blocks", root / "tests" / "blocks")
    packages = [folder.name for folder in block_folders(root) if folder != root]
    package = packages[0] if packages else re.sub(r"\W+", "_", root.resolve().name.lower()).strip("_") or "my_blocks"
    package = package if package[0].isalpha() else f"blocks_{package}"
    return _Layout(root, package, package, root / package, root / package, root / "tests")


def _files(name: str, layout: _Layout) -> Iterator[tuple[Path, str]]:
    kind = f"{layout.owner}/{name}@v1"
    title = name.replace("_", " ").capitalize()
    module = f"{layout.package}.{name}"
    words = {"name": name, "title": title, "type": kind, "module": module}
    depth = len(layout.tests.relative_to(layout.root).parts)
    folder = "" if layout.data == layout.root else f' / "{layout.package}"'
    yield layout.data / "manifests" / f"{name}.v1.json", _json(_manifest(name, title, kind, module))
    yield layout.data / "ui_schema" / f"{name}.v1.json", _json(_form(kind))
    yield layout.code / f"{name}.py", _FUNCTION.format(**words)
    yield layout.tests / f"test_{name}.py", _TEST.format(**words, depth=depth, folder=folder)


def _project_files(layout: _Layout) -> dict[Path, str]:
    """What a project of blocks needs besides the blocks, as far as it is not there."""
    distribution = layout.package.replace("_", "-")
    wanted = {
        layout.code / "__init__.py": f'"""Blocks of {layout.package}."""\n',
        layout.root / "pyproject.toml": _PROJECT.format(package=layout.package, distribution=distribution),
    }
    return {path: text for path, text in wanted.items() if not path.exists()}


def _json(content: Any) -> str:
    return json.dumps(content, indent=2) + "\n"


def _manifest(name: str, title: str, kind: str, module: str) -> dict[str, Any]:
    return {
        "manifest_version": 1,
        "type": kind,
        "version": "1.0.0",
        "title": title,
        "summary": "Count the objects, and say whether there are enough.",
        "category": "measure",
        "license": "Apache-2.0",
        "entrypoint": f"{module}:{name}",
        "inputs": [
            {
                "name": "predictions",
                "title": "Objects",
                "kinds": ["instance_segmentation_prediction", "object_detection_prediction"],
            }
        ],
        "parameters": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "least": {
                    "title": "At least",
                    "description": "How many objects are enough.",
                    "type": "integer",
                    "minimum": 0,
                    "default": 1,
                    "x-kinds": ["integer"],
                }
            },
        },
        "outputs": [
            {"name": "count", "title": "Count", "kinds": ["integer"]},
            {"name": "enough", "title": "Enough", "kinds": ["boolean"]},
        ],
        "execution": {"cache": "by_inputs", "device": "cpu"},
    }


def _form(kind: str) -> dict[str, Any]:
    control = {"type": "Control", "scope": "#/properties/least", "options": {"widget": "number"}}
    return {
        "ui_schema_version": 1,
        "block": kind,
        "form": {"type": "VerticalLayout", "elements": [control]},
        "node": {"preview": {"output": "count"}},
    }
