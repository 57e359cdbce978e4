"""The ecosystem's own client against our server.

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

SCRIPT = """
import json, sys
import numpy as np
from inference_sdk import InferenceHTTPClient
from inference_sdk.http.errors import HTTPCallErrorError

address, folder = sys.argv[1:]
client = InferenceHTTPClient(address, api_key="any")
workflow = json.load(open(f"{folder}/workflow.json"))
told = {"server": client.get_server_info().name}
photo = {"image": f"{folder}/tray.jpg"}
(one,) = client.run_workflow(
    specification=workflow, images=photo, parameters={"confidence": 0.6}, excluded_fields=["parts"]
)
told["outputs"] = sorted(one)
told["total"] = one["total"]
told["picture"] = type(one["picture"]).__name__
told["crops"] = len(one["crops"])
two = {"image": [np.zeros((50, 60, 3), np.uint8)] * 2}
told["batch"] = len(client.run_workflow(specification=workflow, images=two))
try:
    client.run_workflow(specification={**workflow, "steps": []}, images={"image": np.zeros((5, 5, 3), np.uint8)})
except HTTPCallErrorError as error:
    told["refused"] = [error.status_code, error.api_message]
print(json.dumps(told))
"""


@pytest.mark.skipif(not PYTHON, reason="inference-sdk was not tried: make client makes an environment with it")
def test_the_real_client_runs_a_workflow(server: httpx.Client, tmp_path: Path) -> None:
    script = tmp_path / "client.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [PYTHON, "-W", "ignore", str(script), str(server.base_url), str(EXAMPLE)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["server"] == "segflow"
    assert told["outputs"] == ["counts", "crops", "picture", "total"]
    assert told["picture"] == "str"
    assert told["crops"] == told["total"] > 5
    assert told["batch"] == 2
    status, message = told["refused"]
    assert status == 400
    assert "there is no step 'parts'" in message
