"""What the network saw is kept: only what changes the picture or the model lets it look again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workflow_engine import Engine, ResultCache, Workflow

TRAY = Path(__file__).resolve().parents[3] / "examples" / "count_fasteners" / "tray.jpg"
STEP = {
    "type": "core/instance_segmentation@v1",
    "name": "parts",
    "images": "$inputs.image",
    "model_id": "demo/fasteners",
}
BOXES = {**STEP, "type": "core/object_detection@v1"}
FOREIGN = {**STEP, "type": "roboflow_core/roboflow_instance_segmentation_model@v3", "confidence_mode": "custom"}


def workflow(step: dict[str, Any], engine: Engine) -> Workflow:
    outputs = [{"type": "JsonField", "name": "parts", "selector": "$steps.parts.predictions"}]
    inputs = [{"type": "WorkflowImage", "name": "image"}]
    return Workflow({"version": "1.0", "inputs": inputs, "steps": [step], "outputs": outputs}, engine=engine)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


@pytest.fixture
def looks(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return how many images have gone through the network since it was last asked."""
    model = engine.models.get("demo/fasteners")
    backend = type(model._backend)
    seen: list[int] = []
    look = backend.look

    def counted(self: Any, pixels: Any) -> Any:
        seen.append(len(pixels))
        return look(self, pixels)

    def asked() -> int:
        count = sum(seen)
        seen.clear()
        return count

    monkeypatch.setattr(backend, "look", counted)
    return asked


def told(table: Any) -> list[Any]:
    return [table.xyxy.tolist(), table.confidence.tolist(), list(table.data["class_name"]), table.mask is not None]


@pytest.mark.parametrize(
    ("first", "then", "again"),
    [
        (STEP, {"confidence": 0.9}, False),
        (STEP, {"class_filter": ["nut"]}, False),
        (STEP, {"max_detections": 2}, False),
        (BOXES, {"confidence": 0.9}, False),
        (FOREIGN, {"custom_confidence": 0.9}, False),
        (STEP, {"resolution": 216}, True),
    ],
    ids=["confidence", "classes", "number", "boxes", "foreign type", "resolution"],
)
def test_the_network_looks_again_only_when_it_would_see_something_else(
    first: dict[str, Any], then: dict[str, Any], again: bool, engine: Engine, looks: Callable[[], int]
) -> None:
    cache = ResultCache()
    before = workflow(first, engine).session(cache=cache).run({"image": str(TRAY)})["parts"]
    assert looks() == 1
    changed = workflow({**first, **then}, engine)
    after = changed.session(cache=cache).run({"image": str(TRAY)})["parts"]
    assert bool(looks()) is again
    assert told(after) != told(before)
    assert told(after) == told(changed.run(image=str(TRAY))["parts"])


def test_two_steps_that_differ_in_their_thresholds_share_one_look(engine: Engine, looks: Callable[[], int]) -> None:
    cache = ResultCache()
    for confidence in (0.3, 0.5, 0.7):
        workflow({**STEP, "confidence": confidence}, engine).session(cache=cache).run({"image": [str(TRAY)] * 2})
    assert looks() == 2
    assert cache.nbytes < 64 << 20
    small = ResultCache(limit=1000)
    for confidence in (0.3, 0.5):
        workflow({**STEP, "confidence": confidence}, engine).session(cache=small).run({"image": str(TRAY)})
    assert looks() == 2
    assert small.nbytes == 0


def test_the_table_itself_is_kept_with_the_names_of_its_rows(engine: Engine, looks: Callable[[], int]) -> None:
    session = workflow(STEP, engine).session(cache=ResultCache())
    names = [list(session.run({"image": str(TRAY)})["parts"].data["detection_id"]) for _ in range(2)]
    assert names[0] == names[1]
    assert looks() == 1
