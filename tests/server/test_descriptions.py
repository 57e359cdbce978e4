"""What editors and clients ask about blocks and workflows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

CROP: dict[str, Any] = {
    "version": "1.0",
    "inputs": [{"type": "WorkflowImage", "name": "image"}, {"type": "WorkflowParameter", "name": "side"}],
    "steps": [
        {
            "type": "roboflow_core/absolute_static_crop@v1",
            "name": "crop",
            "images": "$inputs.image",
            "x_center": 20,
            "y_center": 20,
            "width": "$inputs.side",
            "height": "$inputs.side",
        },
        {
            "type": "roboflow_core/data_aggregator@v1",
            "name": "sums",
            "data": {"side": "$inputs.side"},
            "aggregation_mode": {"side": ["sum"]},
            "interval": 1,
        },
    ],
    "outputs": [
        {"type": "JsonField", "name": "crop", "selector": "$steps.crop.crops"},
        {"type": "JsonField", "name": "sums", "selector": "$steps.sums.*"},
    ],
}
INTERFACE = {
    "inputs": {"image": ["image"], "side": ["integer", "*"]},
    "outputs": {"crop": ["image"], "sums": {"side_sum": ["float", "integer"]}},
}


def test_what_a_workflow_takes_and_gives(server: httpx.Client) -> None:
    told = server.post("/workflows/describe_interface", json={"specification": CROP, "api_key": None}).json()
    assert told["inputs"] == INTERFACE["inputs"]
    assert told["outputs"]["crop"] == ["image"]
    assert list(told["outputs"]["sums"]) == ["side_sum"]
    assert told["typing_hints"]["image"] == "dict"
    assert told["kinds_schemas"]["image"]["required"] == ["type", "value"]
    server.put("/api/workflows/crop", json={"definition": CROP})
    assert server.post("/any/workflows/crop/describe_interface", json={}).json() == told
    assert server.post("/any/workflows/crop/describe_interface").json() == told
    assert server.post("/any/workflows/drop/describe_interface", json={}).status_code == 404


def test_every_block_in_the_ecosystems_form(server: httpx.Client) -> None:
    told = server.post("/workflows/blocks/describe", json={"execution_engine_version": "1.0"}).json()
    assert told == server.get("/workflows/blocks/describe").json()
    blocks = {block["manifest_type_identifier"]: block for block in told["blocks"]}
    crop = blocks["roboflow_core/dynamic_crop@v1"]
    assert crop["manifest_type_identifier_aliases"] == ["DynamicCrop", "Crop"]
    assert crop["output_dimensionality_offset"] == 1
    images = crop["block_schema"]["properties"]["images"]
    assert images["reference"]
    assert [kind["name"] for kind in images["kind"]] == ["image"]
    assert {"type", "name", "images", "predictions"} <= set(crop["block_schema"]["required"])
    kinds = {kind["name"] for kind in told["declared_kinds"]}
    assert set(told["kinds_connections"]) <= kinds
    taking = {
        (place["manifest_type_identifier"], place["property_name"])
        for place in told["kinds_connections"]["instance_segmentation_prediction"]
    }
    assert ("roboflow_core/dynamic_crop@v1", "predictions") in taking
    assert {place["manifest_type_identifier"] for place in told["primitives_connections"]} <= blocks.keys()
    language = told["universal_query_language_description"]
    assert len(language["operators_descriptions"]) == 22
    assert all(operation["description"] for operation in language["operations_description"])


def test_conditions_of_forms_are_told_with_the_fields(server: httpx.Client) -> None:
    blocks = server.get("/workflows/blocks/describe").json()["blocks"]
    box = next(b for b in blocks if b["manifest_type_identifier"] == "roboflow_core/bounding_box_visualization@v1")
    told = box["block_schema"]["properties"]["custom_colors"]["relevant_for"]
    assert told == {"color_palette": {"values": ["CUSTOM"], "required": False}}


@pytest.mark.parametrize("path", ["/workflows/blocks/describe", "/workflows/definition/schema", "/api/blocks"])
def test_what_is_long_is_sent_small_and_once(server: httpx.Client, path: str) -> None:
    first = server.get(path)
    assert first.headers["content-encoding"] == "gzip"
    assert int(first.headers["content-length"]) * 5 < len(first.content)
    plain = server.get(path, headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == first.content
    again = server.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_code_in_a_request_is_refused(server: httpx.Client) -> None:
    answer = server.post("/workflows/blocks/describe", json={"dynamic_blocks_definitions": [{"code": "print(1)"}]})
    assert (answer.status_code, answer.json()["code"]) == (400, "custom_code")


def test_outputs_that_depend_on_a_step(server: httpx.Client) -> None:
    told = server.post("/workflows/blocks/dynamic_outputs", json=CROP["steps"][1]).json()
    assert [output["name"] for output in told] == ["side_sum"]
    told = server.post("/workflows/blocks/dynamic_outputs", json=CROP["steps"][0]).json()
    assert [(output["name"], output["kind"][0]["name"]) for output in told] == [("crops", "image")]


def test_outputs_of_a_workflow_within_a_step(server: httpx.Client) -> None:
    step = {"type": "roboflow_core/inner_workflow@v1", "name": "inner"}
    told = server.post("/workflows/blocks/dynamic_outputs", json={**step, "workflow_definition": CROP}).json()
    assert [output["name"] for output in told] == [output["name"] for output in CROP["outputs"]]
    assert all(kind["name"] for output in told for kind in output["kind"])
    answer = server.post("/workflows/blocks/dynamic_outputs", json={**step, "workflow_definition": {}})
    assert (answer.status_code, answer.json()["at"]) == (400, "/workflow_definition/version")
    answer = server.post("/workflows/blocks/dynamic_outputs", json=step)
    assert (answer.status_code, answer.json()["code"]) == (400, "inner_step")


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        ({"type": "core/dynamic_crops@v1", "name": "a"}, 400, "unknown_block"),
        ({"type": "roboflow_core/open_ai@v4", "name": "a"}, 400, "unknown_block"),
        ({"name": "a"}, 422, "bad_request"),
    ],
)
def test_a_step_without_outputs_to_tell(server: httpx.Client, step: dict[str, str], status: int, code: str) -> None:
    answer = server.post("/workflows/blocks/dynamic_outputs", json=step)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_everything_that_an_editor_shows(server: httpx.Client) -> None:
    told = server.get("/api/blocks").json()
    blocks = {block["manifest"]["type"]: block for block in told["blocks"]}
    segmentation = blocks["core/instance_segmentation@v1"]
    assert segmentation["form"]["block"] == "core/instance_segmentation@v1"
    assert segmentation["manifest"]["parameters"]["properties"]["confidence"]["x-live"]
    assert told["load_errors"] == []
    assert told["kinds"]["image"]["json"] == "dict"
    assert any("roboflow_core/open_ai@v4" in refusal["types"] for refusal in told["refused"])


def test_checking_tells_problems_as_an_answer(server: httpx.Client) -> None:
    assert server.post("/api/check", json=CROP).json() == {"ok": True, "problems": [], "warnings": []}
    step = {**CROP["steps"][0], "images": "$inputs.photo", "odd": 1}
    told = server.post("/api/check", json={**CROP, "steps": [step], "outputs": []})
    assert told.status_code == 200
    assert [(problem["code"], problem["at"]) for problem in told.json()["problems"]] == [
        ("unknown_input", "/steps/0/images")
    ]
    assert server.post("/api/check", content=b"{").status_code == 422


def test_models_to_choose_from_and_their_classes(server: httpx.Client) -> None:
    models = {model["id"]: model for model in server.get("/api/models").json()["models"]}
    assert models["demo/fasteners"]["ready"]
    assert models["rfdetr-seg-nano"]["facts"]["coco_mask_ap"] == 40.3
    told = server.get("/api/options/classes", params={"model_id": "demo/fasteners"}).json()
    assert {option["const"] for option in told["options"]} == set(models["demo/fasteners"]["classes"])
    unknown = server.get("/api/options/classes", params={"model_id": "demo/none"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "model_unknown")
