"""What holds for every block that comes with the engine."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pytest

from tests.blocks.runner import BlockRunner
from tests.blocks.scenes import crowd, picture, tables
from workflow_engine import CompileError, Engine
from workflow_engine.manifest import BlockManifest
from workflow_engine.plan import Plan
from workflow_engine.registry import Registry, built_in
from workflow_engine.selectors import is_reference
from workflow_engine.server.problems import rule_of
from workflow_engine.vision.detections import Detections
from workflow_engine.vision.image import Image
from workflow_engine.vision.values import TABLES

BLOCKS = Registry([built_in()]).blocks()
NEEDING_A_NAME = ("KEYPOINT",)  # a choice that means nothing without another parameter
CLASSES = {"predictions": [{"class": "bolt", "class_id": 0, "confidence": 0.9}], "top": "bolt", "confidence": 0.9}
WITHOUT_MODEL = [block for block in BLOCKS if block.model_family is None]


def test_every_manifest_loads() -> None:
    assert [str(problem) for problem in Registry([built_in()]).load_errors] == []
    assert len(BLOCKS) == sum(path.name.endswith(".json") for path in files("manifests").iterdir())


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_the_function_agrees_with_the_manifest(block: BlockManifest, run: BlockRunner) -> None:
    assert callable(run.registry.function(block.type))


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.type)
def test_a_user_finds_words_on_everything(block: BlockManifest) -> None:
    assert block.examples
    assert block.keywords
    for name, schema in block.parameters.properties.items():
        assert schema["description"].endswith("."), name
    assert block.category == "flow" or all(port.preview for port in block.outputs)


def _fits(block: BlockManifest, table: Detections) -> bool:
    """Whether the table is of a kind that the block takes: one without masks is for blocks that take boxes."""
    wanted = {kind for port in block.inputs for kind in port.kinds if kind in TABLES}
    return not wanted or table.mask is not None or "object_detection_prediction" in wanted


@pytest.mark.parametrize(
    ("block", "table"),
    [
        pytest.param(block, name, id=f"{block.type} {name}")
        for block in WITHOUT_MODEL
        for name, table in tables(picture()).items()
        if _fits(block, table)
    ],
)
def test_every_example_runs_on_every_table(block: BlockManifest, table: str, run: BlockRunner) -> None:
    """It gives outputs of the declared kinds that can be written as JSON, and leaves its inputs as they were."""
    kind = run.registry.step_type(block.type)
    image = picture()
    objects = tables(image)[table]
    before = copy.deepcopy(objects)
    for example in block.examples:
        fields = {
            name: _filled(value, name, block, image, objects)
            for name, value in example.step.items()
            if name not in ("type", "name")
        }
        assert fields.keys() <= kind.fields.keys()
        run(block.type, **fields)
    assert _same(objects, before)


def _choices(block: BlockManifest) -> list[tuple[str, Any]]:
    """Every value of every parameter that has a list of them."""
    properties = block.parameters.properties
    choices = [(name, value) for name, schema in properties.items() for value in schema.get("enum", ())]
    return [(name, value) for name, value in choices if value not in NEEDING_A_NAME]


@pytest.mark.parametrize(
    ("block", "name", "value"),
    [
        pytest.param(block, name, value, id=f"{block.type} {name} {value}")
        for block in WITHOUT_MODEL
        for name, value in _choices(block)
    ],
)
def test_every_choice_works(block: BlockManifest, name: str, value: Any, run: BlockRunner) -> None:
    image = picture()
    objects = crowd(image, 5, tracker_id=[3, 1, 4, 15, 9])
    step = {"custom_colors": ["red"]} if "custom_colors" in block.parameters.properties else {}
    step |= {name: text for name, text in block.examples[0].step.items() if name not in ("type", "name")}
    fields = {name: _filled(text, name, block, image, objects) for name, text in step.items()}
    run(block.type, **fields | {name: value})


def _filled(value: Any, name: str, block: BlockManifest, image: Image, objects: Detections) -> Any:
    """Put a value in the place of every reference of an example."""
    ports = {port.name: port for port in block.inputs}
    if name in ports:
        port = ports[name]
        one = _of_kind(port.kinds, image, objects)
        many = port.multiple or port.dimensionality_offset or block.execution.output_dimensionality == -1
        return [one, one] if many else one
    schema = block.parameters.properties[name]
    if schema.get("x-steps"):
        return value
    if isinstance(value, list) and "x-kinds" in schema.get("items", {}):
        return [_of_kind(schema["items"]["x-kinds"], image, objects) for _ in value]
    if isinstance(value, dict) and "x-kinds" in schema.get("additionalProperties", {}):
        return {key: _sample(schema["additionalProperties"], objects) for key in value}
    return _sample(schema, objects) if is_reference(value) else value


def _of_kind(kinds: Sequence[str], image: Image, objects: Detections) -> Any:
    others = {
        "numpy_array": np.ones((4, 5)),
        "classification_prediction": CLASSES,
        "string": "bolt",
        "list_of_values": [objects] * len(objects),
        "embedding": [0.6, 0.0, 0.8],
    }
    return image if "image" in kinds else others.get(kinds[0], objects)


def _sample(schema: dict[str, Any], objects: Detections) -> Any:
    if "string" in schema.get("type", ()):
        return "bolt"
    if "integer" in schema.get("type", ()):
        return 7
    kinds = schema["x-kinds"]
    return objects if "*" in kinds or set(kinds) & set(TABLES) else ["bolt", "nut"]


def _same(one: Detections, other: Detections) -> bool:
    columns = one.data.keys() == other.data.keys() and all(list(one.data[n]) == list(other.data[n]) for n in one.data)
    masks = one.mask is None or np.array_equal(np.asarray(one.mask), np.asarray(other.mask))
    return columns and masks and np.array_equal(one.xyxy, other.xyxy) and one.metadata == other.metadata


SETTINGS_OF_A_WHOLE_BATCH = {
    "DynamicCrop": ({"images": "$inputs.i", "predictions": "$inputs.p"}, "mask_opacity"),
    "roboflow_core/absolute_static_crop@v1": (
        {"images": "$inputs.i", "y_center": 9, "width": 9, "height": 9},
        "x_center",
    ),
    "roboflow_core/relative_statoic_crop@v1": (
        {"images": "$inputs.i", "y_center": 0, "width": 1, "height": 1},
        "x_center",
    ),
    "roboflow_core/detection_offset@v1": ({"predictions": "$inputs.p", "offset_width": 1}, "offset_height"),
    "roboflow_core/per_class_confidence_filter@v1": (
        {"predictions": "$inputs.p", "class_thresholds": {}},
        "default_threshold",
    ),
    "roboflow_core/detections_consensus@v1": ({"predictions_batches": ["$inputs.p"]}, "required_votes"),
    "roboflow_core/dynamic_zone@v1": ({"predictions": "$inputs.p"}, "required_number_of_vertices"),
    "roboflow_core/stitch_ocr_detections@v1": ({"predictions": "$inputs.p", "reading_direction": "auto"}, "tolerance"),
    "roboflow_core/stitch_ocr_detections@v2": (
        {"predictions": "$inputs.p", "reading_direction": "auto", "stitching_algorithm": "tolerance"},
        "tolerance",
    ),
}


@pytest.mark.parametrize("name", SETTINGS_OF_A_WHOLE_BATCH)
def test_a_setting_of_a_block_that_the_ecosystem_hands_whole_batches_is_one_value(name: str) -> None:
    """Rule 20 of the language; by our own name the same block takes a setting per image."""
    fields, setting = SETTINGS_OF_A_WHOLE_BATCH[name]
    ours = Engine().registry.step_type(name).manifest.type
    step = {"name": "s", **fields, setting: "$inputs.k"}
    one = {"type": "WorkflowParameter", "name": "k"}
    each = {"type": "WorkflowBatchInput", "name": "k"}
    compiled({**step, "type": name}, one)
    with pytest.raises(CompileError, match=f"{setting} takes one value for the whole run") as caught:
        compiled({**step, "type": name}, each)
    assert rule_of(caught.value).error_type == "ExecutionGraphStructureError"
    compiled({**step, "type": ours, **STITCHING.get(ours, {})}, each)


def with_copy_image(value: Any) -> dict[str, Any]:
    """A step with a field of the ecosystem that means nothing here."""
    blur = "roboflow_core/blur_visualization@v1"
    return {"type": blur, "name": "s", "image": "$inputs.i", "predictions": "$inputs.p", "copy_image": value}


@pytest.mark.parametrize("value", ["$inputs.k", True])
def test_a_field_that_means_nothing_here_may_be_set(value: Any) -> None:
    plan = compiled(with_copy_image(value), {"type": "WorkflowParameter", "name": "k"})
    assert [warning.code for warning in plan.warnings] == ["ignored_field"]


@pytest.mark.parametrize("reference", ["$inputs.nothing", "$steps.nothing.image"])
def test_what_a_field_that_means_nothing_here_refers_to_must_exist(reference: str) -> None:
    with pytest.raises(CompileError, match=r"no (input|step) 'nothing'") as caught:
        compiled(with_copy_image(reference), {"type": "WorkflowParameter", "name": "k"})
    assert rule_of(caught.value).error_type == "InvalidReferenceTargetError"


STITCHING = {"core/stitch_ocr_detections@v1": {"stitching_algorithm": "tolerance"}}


def compiled(step: dict[str, Any], setting: dict[str, Any]) -> Plan:
    inputs = [{"type": "WorkflowImage", "name": "i"}, {"type": "WorkflowBatchInput", "name": "p"}, setting]
    return Engine().compile({"version": "1.0", "inputs": inputs, "steps": [step], "outputs": []})
