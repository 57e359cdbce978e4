"""The ecosystem's own client, unmodified, against our server.

It needs an older numpy than we do, so it lives in an environment of its own: ``make client`` makes one and runs this.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.conftest import ROOT

PYTHON = os.environ.get("SEGFLOW_CLIENT_PYTHON", "")
EXAMPLE = ROOT / "examples" / "count_fasteners"

pytestmark = pytest.mark.skipif(
    not PYTHON, reason="inference-sdk was not tried: make client makes an environment with it"
)

START = """
import json, sys
import numpy as np
from inference_sdk import InferenceConfiguration, InferenceHTTPClient
from inference_sdk.http.errors import HTTPCallErrorError

address, folder = sys.argv[1:]
client = InferenceHTTPClient(address, api_key="any")
workflow = json.load(open(f"{folder}/workflow.json"))
tray = f"{folder}/tray.jpg"
small = np.zeros((50, 60, 3), np.uint8)
told = {}

def refused(call, **arguments):
    try:
        call(**arguments)
    except HTTPCallErrorError as error:
        return [error.status_code, error.api_message]
"""


def ask(server: httpx.Client, folder: Path, script: str) -> dict[str, Any]:
    """Run a script in the client's environment and return what it puts into ``told``."""
    path = folder / "client.py"
    path.write_text(f"{START}\n{script}\nprint(json.dumps(told))\n")
    command = [PYTHON, "-W", "ignore", str(path), str(server.base_url), str(EXAMPLE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


INLINE = """
told["server"] = client.get_server_info().name
(one,) = client.run_workflow(
    specification=workflow, images={"image": tray}, parameters={"confidence": 0.6}, excluded_fields=["parts"]
)
told["outputs"] = sorted(one)
told["total"] = one["total"]
told["picture"] = type(one["picture"]).__name__
told["crops"] = len(one["crops"])
told["batch"] = len(client.run_workflow(specification=workflow, images={"image": [small] * 2}))
told["refused"] = refused(client.run_workflow, specification={**workflow, "steps": []}, images={"image": small})
told["old"] = len(client.infer_from_workflow(specification=workflow, images={"image": small}))
"""


def test_an_inline_workflow(server: httpx.Client, tmp_path: Path) -> None:
    told = ask(server, tmp_path, INLINE)
    assert told["server"] == "segflow"
    assert told["outputs"] == ["counts", "crops", "picture", "total"]
    assert told["picture"] == "str"
    assert told["crops"] == told["total"] > 5
    assert (told["batch"], told["old"]) == (2, 1)
    status, message = told["refused"]
    assert status == 400
    assert "there is no step 'parts'" in message


SAVED = """
named = {"workspace_name": "any", "workflow_id": "count-fasteners", "images": {"image": tray}}
(latest,) = client.run_workflow(**named, excluded_fields=["picture", "crops", "parts"])
(first,) = client.run_workflow(**named, workflow_version_id="1", parameters={"confidence": 0.6})
told["outputs"] = [sorted(latest), sorted(first)]
told["old"] = len(client.infer_from_workflow("any", "count-fasteners", images={"image": tray}))
told["no version"] = refused(client.run_workflow, **named, workflow_version_id="9")
told["no workflow"] = refused(client.run_workflow, **{**named, "workflow_id": "count-fastener"})
"""


def test_a_saved_workflow(server: httpx.Client, tmp_path: Path) -> None:
    document = json.loads((EXAMPLE / "workflow.json").read_text())
    total = [output for output in document["outputs"] if output["name"] == "total"]
    for definition in ({**document, "outputs": total}, document):
        saved = server.put("/api/workflows/count-fasteners", json={"definition": definition})
        assert saved.json()["ok"]
    told = ask(server, tmp_path, SAVED)
    assert told["outputs"] == [["counts", "total"], ["total"]]
    assert told["old"] == 1
    assert told["no version"][0] == 404
    assert "its latest is 2" in told["no version"][1]
    assert told["no workflow"][0] == 404
    assert "Did you mean 'count-fasteners'?" in told["no workflow"][1]


SINGLE_MODEL = """
model = "demo/fasteners"
found = client.infer(tray, model_id=model)
told["classes"] = sorted({row["class"] for row in found["predictions"]})
told["points"] = min(len(row["points"]) for row in found["predictions"])
told["image"] = found["image"]
settings = InferenceConfiguration(
    confidence_threshold=0.9, max_batch_size=2, class_filter=["bolt"], visualize_predictions=True
)
with client.use_configuration(settings):
    several = client.infer([tray, small], model_id=model)
told["several"] = [{row["class"] for row in one["predictions"]} == {"bolt"} for one in several]
told["drawn"] = type(several[0]["visualization"]).__name__
told["loaded"] = [known.model_id for known in client.list_loaded_models().models]
told["task"] = client.get_model_description(model).task_type
client.unload_model(model)
told["unloaded"] = [known.model_id for known in client.list_loaded_models().models]
told["again"] = [known.model_id for known in client.load_model(model).models]
told["none left"] = client.unload_all_models().models
told["unknown"] = refused(client.infer, inference_input=tray, model_id="demo/fastener")
"""


def test_a_model_without_a_workflow(server: httpx.Client, tmp_path: Path) -> None:
    told = ask(server, tmp_path, SINGLE_MODEL)
    assert set(told["classes"]) <= {"bolt", "nut", "screw", "washer"}
    assert told["points"] >= 3
    assert told["image"] == {"width": 1280, "height": 960}
    assert told["several"] == [True, False]
    assert told["drawn"] == "str"
    assert told["loaded"] == told["again"] == ["demo/fasteners"]
    assert told["task"] == "instance-segmentation"
    assert told["unloaded"] == told["none left"] == []
    assert told["unknown"][0] == 404
    assert "Did you mean 'demo/fasteners'?" in told["unknown"][1]


def test_published_sizes_go_by_the_name_that_the_client_makes_of_them(server: httpx.Client, tmp_path: Path) -> None:
    sent = ask(
        server,
        tmp_path,
        "from inference_sdk.http.utils.aliases import resolve_roboflow_model_alias as sent\n"
        "for size in ('nano', 'small', 'medium', 'large', 'xlarge', '2xlarge', 'preview'):\n"
        "    told[f'rfdetr-seg-{size}'] = sent(f'rfdetr-seg-{size}')\n",
    )
    for ours, theirs in sent.items():
        assert ours != theirs
        classes = [server.get("/api/options/classes", params={"model_id": name}) for name in (ours, theirs)]
        assert [answer.status_code for answer in classes] == [200, 200]
        assert classes[0].json() == classes[1].json()
