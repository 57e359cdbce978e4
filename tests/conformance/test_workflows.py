"""Workflows of the ecosystem give here what its own engine answered.

Each case of ``workflows/cases`` is a definition, one or more runs, and the answers of ``roboflow-workflows`` 0.2.13
(OpenCV 4.12), or the type of the error due. Cases of videos give their frames in turn to one session.
``workflows/compare.py`` holds the tolerances.
"""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.workflows.compare import compare
from workflow_engine import Engine, Limits, WorkflowError
from workflow_engine import settings as engine_settings
from workflow_engine.server.problems import rule_of
from workflow_engine.vision.decode import read_file
from workflow_engine.vision.image import Image, VideoMetadata

ROOT = Path(__file__).parent / "workflows"
CASES = sorted((ROOT / "cases").glob("*.json"))


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(engine_settings.load({"HOME": "/nowhere"}))


def encoded(value: Any) -> Any:
    if isinstance(value, dict) and "$image" in value:
        return {"type": "base64", "value": base64.b64encode((ROOT / value["$image"]).read_bytes()).decode()}
    if isinstance(value, dict) and "$video_frame" in value:
        return frame(**value)
    return [encoded(element) for element in value] if isinstance(value, list) else value


def frame(*, frame_number: int, fps: float, video_identifier: str, **picture: str) -> Image:
    """A frame of a video file, whose time follows from its number."""
    video = VideoMetadata(
        video_identifier=video_identifier,
        frame_number=frame_number,
        frame_timestamp=datetime(2026, 1, 1) + timedelta(seconds=frame_number / fps),
        fps=fps,
        comes_from_video_file=True,
    )
    return Image.from_array(read_file(ROOT / picture["$video_frame"], limits=Limits()), video=video)


def answers(engine: Engine, case: dict[str, Any]) -> list[Any]:
    session = engine.session(engine.compile(case["definition"]))
    return [session.run({k: encoded(v) for k, v in run.items()}, serialised=True).outputs for run in case["runs"]]


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(engine: Engine, path: Path) -> None:
    case = json.loads(path.read_text())
    if "expected_error" in case:
        with pytest.raises(WorkflowError) as caught:
            answers(engine, case)
        assert rule_of(caught.value).error_type == case["expected_error"]["error_type"]
        return
    for expected, found in zip(case["expected"], answers(engine, case), strict=True):
        assert compare(expected, found, images=ROOT / "images", image_tolerance=1.5, jpeg=True) == []
