"""Models by themselves: listed, loaded ahead of use, and asked about images without a workflow around them."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any
from uuid import uuid4

import orjson

from workflow_engine.errors import InputError, WorkflowError
from workflow_engine.models.catalogue import Entry
from workflow_engine.models.pool import ModelPool
from workflow_engine.plan import Plan
from workflow_engine.server.requests import InferRequest, ModelRequest, read
from workflow_engine.server.tasks.call import Call
from workflow_engine.server.tasks.run import check_batch

TASK_TYPE = "instance-segmentation"
"""What clients call it; every family of models that there is segments instances."""

_HINT = 'Send a JSON object with model_id and image, such as {"type": "base64", "value": "…"}.'
_MODEL_HINT = 'Send a JSON object with model_id, such as {"model_id": "demo/fasteners"}.'
_MASKS = "roboflow_core/roboflow_instance_segmentation_model@v2"
_BOXES = "roboflow_core/roboflow_object_detection_model@v2"
_OWN_COLUMNS = ("parent_id", "root_parent_id", "parent_origin", "root_parent_origin")


def models(call: Call) -> dict[str, Any]:
    """List the models of this machine, and those that could be pulled."""
    return {"models": [entry.to_json() for entry in call.bench.engine.models.catalogue.list()]}


def classes(call: Call) -> dict[str, Any]:
    """Return the classes of a model, as choices for a form."""
    entry = call.bench.engine.models.catalogue.find(call.options["model_id"])
    return {"options": [{"const": name, "title": name} for name in entry.contract.classes.values()]}


def load(call: Call) -> dict[str, Any]:
    """Load a model, pulling it if it is published and not here; describe it under the name that was asked for."""
    asked = read(ModelRequest, call.body, hint=_MODEL_HINT)
    resolution = _find(call, asked.model_id).contract.resolution
    call.bench.engine.models.get(asked.model_id)
    return {
        "model_id": asked.model_id,
        "task_type": TASK_TYPE,
        "batch_size": "dynamic",
        "input_height": resolution,
        "input_width": resolution,
    }


def infer(call: Call) -> dict[str, Any] | list[dict[str, Any]]:
    """Find the objects of an image, or of each of several: a workflow of one step, written here."""
    asked = read(InferRequest, call.body, hint=_HINT)
    _find(call, asked.model_id)
    started = time.perf_counter()
    plan = _plan(call, asked, _MASKS if call.options["masks"] else _BOXES)
    given = {"image": asked.image}
    try:
        check_batch(plan, given, call.bench.engine.settings.limits.batch)
        result = call.bench.engine.session(plan).run(given, serialised=True, stop=call.stop, observers=(call.observe,))
    except InputError as error:  # which speaks of the inputs of a workflow that the caller knows nothing of
        raise InputError(replace(one, at=one.at.removeprefix("/inputs")) for one in error.problems) from error
    seconds = time.perf_counter() - started
    answers = [_answer(output, seconds) for output in result.outputs]
    return answers if isinstance(asked.image, list) else answers[0]


def _find(call: Call, model_id: str) -> Entry:
    """Return what is known of the model that a body names.

    Raises:
        WorkflowError: If there is none; the problem points at the body's member.
    """
    pool: ModelPool = call.bench.engine.models
    try:
        return pool.entry(model_id)
    except WorkflowError as error:
        raise WorkflowError(replace(error.problem, at="/model_id")) from error


def _plan(call: Call, asked: InferRequest, block: str) -> Plan:
    step: dict[str, Any] = {"type": block, "name": "model", "images": "$inputs.image", "model_id": asked.model_id}
    if asked.confidence is not None and asked.confidence != "default":
        step["confidence"] = None if asked.confidence == "best" else asked.confidence
    step |= {
        name: value
        for name, value in (("class_filter", asked.class_filter), ("max_detections", asked.max_detections))
        if value is not None
    }
    steps, picture = [step], _drawing(asked, block)
    output = {"type": "JsonField", "name": "found", "selector": "$steps.model.predictions"}
    if asked.response_mask_format == "rle":
        output["mask_format"] = "rle"
    outputs = [output]
    if picture:
        steps += picture
        selector = f"$steps.{picture[-1]['name']}.image"
        outputs.append({"type": "JsonField", "name": "picture", "selector": selector})
    inputs = [{"type": "WorkflowImage", "name": "image"}]
    document = {"version": "1.0", "inputs": inputs, "steps": steps, "outputs": outputs}
    return call.bench.plan(orjson.dumps(document))


def _drawing(asked: InferRequest, block: str) -> list[dict[str, Any]]:
    """The steps that draw what was found, if a picture is wanted."""
    if not asked.visualize_predictions:
        return []
    shape = "polygon" if block == _MASKS else "bounding_box"
    drawn = {
        "type": f"roboflow_core/{shape}_visualization@v1",
        "name": "drawn",
        "image": "$inputs.image",
        "predictions": "$steps.model.predictions",
        "thickness": asked.visualization_stroke_width,
    }
    if not asked.visualization_labels:
        return [drawn]
    labels = {**drawn, "type": "roboflow_core/label_visualization@v1", "name": "labelled"}
    del labels["thickness"]
    return [drawn, labels | {"image": "$steps.drawn.image"}]


def _answer(output: dict[str, Any], seconds: float) -> dict[str, Any]:
    found = output["found"]
    rows = [{name: value for name, value in row.items() if name not in _OWN_COLUMNS} for row in found["predictions"]]
    told = {"inference_id": str(uuid4()), "time": seconds, "image": found["image"], "predictions": rows}
    return told | ({"visualization": output["picture"]["value"]} if "picture" in output else {})
