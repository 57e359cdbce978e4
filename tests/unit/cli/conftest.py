"""The command line, called in this process, and small things to call it on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import pytest

from workflow_engine.cli import main, terminal


class Done(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


Segflow = Callable[..., Done]

ROOT = Path(__file__).resolve().parents[3]

CROP: dict[str, Any] = {
    "version": "1.0",
    "inputs": [
        {"type": "WorkflowImage", "name": "image"},
        {"type": "WorkflowParameter", "name": "note", "default_value": "none"},
    ],
    "steps": [
        {
            "type": "core/relative_static_crop@v1",
            "name": "crop",
            "images": "$inputs.image",
            "x_center": 0.5,
            "y_center": 0.5,
            "width": 0.5,
            "height": 0.5,
        }
    ],
    "outputs": [
        {"type": "JsonField", "name": "crop", "selector": "$steps.crop.crops"},
        {"type": "JsonField", "name": "note", "selector": "$inputs.note"},
    ],
}


@pytest.fixture
def segflow(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Segflow:
    """Call a command; the console is made anew each time, as the captured streams are."""
    monkeypatch.setenv("SEGFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("SEGFLOW_DEBUG", raising=False)

    def call(*arguments: str | Path) -> Done:
        terminal.console.cache_clear()
        code = main([str(argument) for argument in arguments])
        terminal.console.cache_clear()
        return Done(code, *capsys.readouterr())

    return call


@pytest.fixture
def workflow(tmp_path: Path) -> Path:
    path = tmp_path / "workflow.json"
    path.write_text(json.dumps(CROP))
    return path


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return draw(tmp_path / "photo.png")


def draw(path: Path) -> Path:
    """Write a picture of 40 by 20 pixels."""
    cv2.imwrite(str(path), np.full((20, 40, 3), 128, np.uint8))
    return path
