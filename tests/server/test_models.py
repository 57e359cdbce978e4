"""Single models over HTTP."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from tests.server.conftest import ROOT

MODEL = "demo/fasteners"


@pytest.fixture(scope="module")
def tray() -> dict[str, str]:
    picture = (ROOT / "examples" / "count_fasteners" / "tray.jpg").read_bytes()
    return {"type": "base64", "value": b64encode(picture).decode()}


def blank() -> dict[str, str]:
    picture = cv2.imencode(".png", np.zeros((30, 40, 3), np.uint8))[1]
    return {"type": "base64", "value": b64encode(picture.tobytes()).decode()}


def infer(server: httpx.Client, image: Any, kind: str = "instance_segmentation", **asked: Any) -> httpx.Response:
    return server.post(f"/infer/{kind}", json={"model_id": MODEL, "image": image, **asked})


def test_masks_and_boxes_of_one_image(server: httpx.Client, tray: dict[str, str]) -> None:
    masks = infer(server, tray).json()
    assert set(masks) == {"inference_id", "time", "image", "predictions"}
    assert masks["image"] == {"width": 1280, "height": 960}
    assert all(len(row["points"]) >= 3 for row in masks["predictions"])
    assert not any("parent_id" in row for row in masks["predictions"])
    boxes = infer(server, tray, "object_detection").json()
    assert not any("points" in row for row in boxes["predictions"])
    assert [row["class"] for row in boxes["predictions"]] == [row["class"] for row in masks["predictions"]]
    lengths = infer(server, tray, response_mask_format="rle").json()["predictions"]
    assert all(row["rle_mask"]["size"] == [960, 1280] and "points" not in row for row in lengths)


def test_a_list_of_images_gives_a_list(server: httpx.Client, tray: dict[str, str]) -> None:
    first, second = infer(server, [tray, blank()]).json()
    assert len(first["predictions"]) > 5
    assert (second["image"], second["predictions"]) == ({"width": 40, "height": 30}, [])
    assert infer(server, []).json() == []


def test_what_to_keep(server: httpx.Client, tray: dict[str, str]) -> None:
    every = infer(server, tray).json()["predictions"]
    sure = infer(server, tray, confidence=0.9).json()["predictions"]
    assert 0 < len(sure) < len(every)
    assert all(row["confidence"] > 0.9 for row in sure)
    assert len(infer(server, tray, max_detections=2).json()["predictions"]) == 2
    bolts = infer(server, tray, class_filter=["bolt"]).json()["predictions"]
    assert {row["class"] for row in bolts} == {"bolt"}
    assert infer(server, tray, confidence="default").json()["predictions"][0]["class"] == every[0]["class"]
    assert infer(server, tray, confidence="best").status_code == 200


@pytest.mark.parametrize("kind", ["instance_segmentation", "object_detection"])
def test_a_picture_of_what_was_found(server: httpx.Client, tray: dict[str, str], kind: str) -> None:
    drawn = []
    for labels in (False, True):
        told = infer(server, tray, kind, visualize_predictions=True, visualization_labels=labels).json()
        picture = cv2.imdecode(np.frombuffer(b64decode(told["visualization"]), np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        assert picture.shape == (960, 1280, 3)
        drawn.append(picture)
    assert (drawn[0] != drawn[1]).any()


def test_the_registry(server: httpx.Client) -> None:
    server.post("/model/clear")
    assert server.get("/model/registry").json() == {"models": []}
    (added,) = server.post("/model/add", json={"model_id": MODEL}).json()["models"]
    assert (added["model_id"], added["task_type"]) == (MODEL, "instance-segmentation")
    assert server.post("/model/add", json={"model_id": MODEL}).json()["models"] == [added]
    assert server.post("/model/remove", json={"model_id": "another"}).json()["models"] == [added]
    assert server.post("/model/remove", json={"model_id": MODEL}).json()["models"] == []


@pytest.mark.parametrize(
    ("asked", "status", "code", "at"),
    [
        ({"model_id": "demo/fastener"}, 404, "model_unknown", "/model_id"),
        ({"model_id": "/etc/passwd"}, 400, "model_path", "/model_id"),
        ({"model_id": ""}, 422, "bad_request", "/model_id"),
        ({"image": {"type": "file", "value": "/etc/hostname"}}, 400, "image_unreadable", "/image"),
        ({"image": {"type": "url", "value": "http://127.0.0.1:1/x.png"}}, 400, "url_refused", "/image"),
        ({"image": [{"type": "base64", "value": "x"}] * 257}, 400, "batch_too_large", "/image"),
        ({"image": [blank(), {}]}, 400, "image_unreadable", "/image/1"),
        ({"image": [blank(), 5]}, 422, "bad_request", "/image/1"),
        ({"image": "text"}, 422, "bad_request", "/image"),
        ({"confidence": 40}, 422, "bad_request", "/confidence"),
        ({"max_detections": 0}, 422, "bad_request", "/max_detections"),
    ],
)
def test_what_is_refused(server: httpx.Client, asked: dict[str, Any], status: int, code: str, at: str) -> None:
    answer = infer(server, **{"image": blank(), **asked})
    assert (answer.status_code, answer.json()["code"], answer.json()["at"]) == (status, code, at)
    assert answer.json()["blocks_errors"] == []
    assert "step" not in answer.json()["message"]
    if "model_id" in asked:
        added = server.post("/model/add", json={"model_id": asked["model_id"]})
        assert (added.status_code, added.json()["code"]) == (status, code)
