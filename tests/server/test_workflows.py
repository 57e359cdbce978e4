"""The ecosystem's workflow routes, asked as its clients ask them."""

from __future__ import annotations

from base64 import b64decode, b64encode
from pathlib import Path
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from tests.server.conftest import ROOT, served

PICTURE = np.full((60, 80, 3), (30, 60, 90), np.uint8)

CROP: dict[str, Any] = {
    "version": "1.0",
    "inputs": [{"type": "WorkflowImage", "name": "image"}, {"type": "WorkflowParameter", "name": "note"}],
    "steps": [
        {
            "type": "roboflow_core/absolute_static_crop@v1",
            "name": "crop",
            "images": "$inputs.image",
            "x_center": 20,
            "y_center": 20,
            "width": 20,
            "height": 10,
        }
    ],
    "outputs": [
        {"type": "JsonField", "name": "crop", "selector": "$steps.crop.crops"},
        {"type": "JsonField", "name": "note", "selector": "$inputs.note"},
    ],
}


def picture() -> dict[str, str]:
    return {"type": "base64", "value": b64encode(cv2.imencode(".png", PICTURE)[1].tobytes()).decode()}


def run(server: httpx.Client, document: Any, **inputs: Any) -> httpx.Response:
    return server.post("/workflows/run", json={"specification": document, "inputs": inputs, "use_cache": True})


def test_a_picture_in_a_crop_out(server: httpx.Client) -> None:
    answer = run(server, CROP, image=picture(), note="hello")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"outputs", "profiler_trace"}
    (element,) = body["outputs"]
    assert element["note"] == "hello"
    pixels = cv2.imdecode(np.frombuffer(b64decode(element["crop"]["value"]), np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    assert pixels.shape == (10, 20, 3)


def test_a_batch_gives_one_element_each_and_leaves_out_what_is_excluded(server: httpx.Client) -> None:
    asked = {"specification": CROP, "inputs": {"image": [picture()] * 3}, "excluded_fields": ["crop"]}
    answer = server.post("/infer/workflows", json=asked)
    assert answer.json()["outputs"] == [{"note": None}] * 3


def test_where_the_time_went_is_told_on_request(server: httpx.Client) -> None:
    asked = {"specification": CROP, "inputs": {"image": picture()}, "enable_profiling": True}
    events = server.post("/workflows/run", json=asked).json()["profiler_trace"]
    assert [event["name"] for event in events] == ["workflow_compilation", "step_execution", "workflow_run"]
    assert events[1]["args"]["step"] == "$steps.crop"
    assert run(server, CROP, image=picture()).json()["profiler_trace"] == []


def test_an_empty_batch_gives_nothing(server: httpx.Client) -> None:
    assert run(server, CROP, image=[]).json()["outputs"] == []


def test_validate_names_what_is_odd(server: httpx.Client) -> None:
    step = {**CROP["steps"][0], "colour": "red"}
    answer = server.post("/workflows/validate", json={**CROP, "steps": [step]})
    assert answer.status_code == 200
    body = answer.json()
    assert body["status"] == "ok"
    assert [(warning["code"], warning["at"]) for warning in body["warnings"]] == [("unknown_field", "/steps/0/colour")]


def test_validate_tells_every_problem_at_once(server: httpx.Client) -> None:
    step = {**CROP["steps"][0], "width": "wide", "images": "$inputs.photo"}
    answer = server.post("/workflows/validate", json={**CROP, "steps": [step]})
    assert answer.status_code == 400
    body = answer.json()
    assert body["error_type"] == "WorkflowSyntaxError"
    assert {problem["at"] for problem in body["problems"]} == {"/steps/0/width", "/steps/0/images"}
    assert [entry["block_id"] for entry in body["blocks_errors"]] == ["crop", "crop"]
    assert body["blocks_errors"][0]["block_type"] == "roboflow_core/absolute_static_crop@v1"
    assert body["message"] == body["problems"][0]["message"]


def test_versions(server: httpx.Client) -> None:
    assert server.get("/workflows/execution_engine/versions").json() == {"versions": ["1.17.0"]}


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("/etc/hostname", "image_unreadable"),
        ({"type": "file", "value": "/etc/hostname"}, "image_unreadable"),
        ("http://127.0.0.1:1/x.png", "url_refused"),
        (b64encode(b"no picture").decode(), "image_unreadable"),
        (17, "image_unreadable"),
        (None, "input_missing"),
    ],
)
def test_a_bad_picture_is_refused_in_a_sentence(server: httpx.Client, value: Any, code: str) -> None:
    answer = run(server, CROP, image=value)
    assert answer.status_code == 400
    body = answer.json()
    assert (body["error_type"], body["code"]) == ("RuntimeInputError", code)
    assert body["message"].endswith(".")
    assert body["at"] == "/inputs/image"


def test_inputs_as_deep_as_json_allows_do_no_harm(server: httpx.Client) -> None:
    deep = "[" * 900 + "]" * 900
    empty = '{"version": "1.0", "inputs": [], "steps": [], "outputs": []}'
    asked = f'{{"specification": {empty}, "inputs": {{"a": {deep}}}}}'
    assert server.post("/workflows/run", content=asked).status_code == 200


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", [("", "The request has no body.")]),
        (b"{", [("", "The request's body is not JSON: unexpected end of data at character 1.")]),
        (b"[]", [("", "The request's body is JSON, but no object.")]),
        (b'{"inputs": {}}', [("/specification", "specification of the request is missing.")]),
        (
            b'{"specification": [], "inputs": {}, "excluded_fields": ["a", 5]}',
            [
                ("/excluded_fields/1", "excluded_fields.1 of the request: expected text, got 5."),
                ("/specification", "specification of the request: expected an object, got []."),
            ],
        ),
    ],
)
def test_a_body_that_is_no_request(server: httpx.Client, body: bytes, told: list[tuple[str, str]]) -> None:
    answer = server.post("/workflows/run", content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert [(problem["at"], problem["message"]) for problem in answer.json()["problems"]] == told


def test_a_document_that_is_wrong_all_over_is_told_of_in_part(server: httpx.Client) -> None:
    kinds = [{"type": "WorkflowBatchInput", "name": "a", "kind": [1] * 200_000}]
    odd = {**CROP["steps"][0], **{f"field{i}": 1 for i in range(20_000)}}
    filters = {"type": "core/detections_filter@v1", "name": "f", "predictions": "$inputs.note"}
    wrong = {**filters, "operations": [{"type": f"Nope{i}"} for i in range(20_000)]}
    for part in ({"inputs": kinds}, {"steps": [odd]}, {"steps": [wrong]}):
        told = server.post("/api/check", json={**CROP, **part})
        assert told.status_code == 200
        assert 100 <= len(told.json()["problems"] + told.json()["warnings"]) < 210


def test_too_many_pictures_at_once(server: httpx.Client) -> None:
    answer = run(server, CROP, image=["x"] * 257)
    assert (answer.status_code, answer.json()["code"]) == (400, "batch_too_large")
    nested = {**CROP, "inputs": [{"type": "WorkflowBatchInput", "name": "a", "dimensionality": 2}], "steps": []}
    answer = run(server, {**nested, "outputs": []}, a=[["x"] * 200, ["x"] * 57])
    assert (answer.status_code, answer.json()["code"]) == (400, "batch_too_large")
    assert "257 elements" in answer.json()["message"]


SAVE: dict[str, Any] = {
    "version": "1.0",
    "inputs": [{"type": "WorkflowParameter", "name": "text", "kind": ["string"]}],
    "steps": [
        {
            "type": "roboflow_core/local_file_sink@v1",
            "name": "save",
            "content": "$inputs.text",
            "output_mode": "append_log",
            "target_directory": "reports",
        }
    ],
    "outputs": [{"type": "JsonField", "name": "failed", "selector": "$steps.save.error_status"}],
}


def test_sinks_may_be_switched_off(server: httpx.Client) -> None:
    asked = {"specification": SAVE, "inputs": {"text": "a"}, "disable_sinks": True}
    answer = server.post("/workflows/run", json=asked)
    assert answer.json()["outputs"] == [{"failed": False}]


def test_a_refused_block_is_told_as_a_fault_of_the_document(server: httpx.Client) -> None:
    document = {**SAVE, "steps": [{"type": "roboflow_core/open_ai@v4", "name": "ask"}], "outputs": []}
    answer = run(server, document, text="a")
    assert answer.status_code == 400
    body = answer.json()
    assert (body["error_type"], body["code"], body["at"]) == ("WorkflowSyntaxError", "refused_block", "/steps/0/type")
    assert "language model" in body["message"]


def segment(model: str) -> dict[str, Any]:
    step = {
        "type": "core/instance_segmentation@v1",
        "name": "parts",
        "images": "$inputs.image",
        "model_id": model,
        "confidence": 0.5,
    }
    output = {"type": "JsonField", "name": "parts", "selector": "$steps.parts.predictions"}
    return {"version": "1.0", "inputs": CROP["inputs"][:1], "steps": [step], "outputs": [output]}


def test_objects_are_found(server: httpx.Client) -> None:
    tray = (ROOT / "examples" / "count_fasteners" / "tray.jpg").read_bytes()
    answer = run(server, segment("demo/fasteners"), image={"type": "base64", "value": b64encode(tray).decode()})
    (element,) = answer.json()["outputs"]
    rows = element["parts"]["predictions"]
    assert {row["class"] for row in rows} <= {"bolt", "nut", "screw", "washer"}
    assert len(rows) > 5
    assert all(len(row["points"]) >= 3 for row in rows)


@pytest.mark.parametrize(
    ("model", "status", "code"),
    [
        ("demo/fastener", 404, "model_unknown"),
        ("/etc/passwd", 400, "model_path"),
        ("../../weights.pth", 400, "model_path"),
    ],
)
def test_a_request_names_a_model_by_an_id_that_exists(server: httpx.Client, model: str, status: int, code: str) -> None:
    answer = run(server, segment(model), image=picture())
    body = answer.json()
    assert (answer.status_code, body["code"]) == (status, code)
    assert body["error_type"] == "ClientCausedStepExecutionError"
    assert [entry["block_id"] for entry in body["blocks_errors"]] == ["parts"]


def test_a_run_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    with served(tmp_path, "--timeout", "0.01") as hasty:
        answer = run(hasty, segment("demo/fasteners"), image=picture())
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
        assert hasty.get("/healthz").status_code == 200
