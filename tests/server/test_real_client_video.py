"""The ecosystem's own client, unmodified, starts, watches and ends pipelines on our server."""

from __future__ import annotations

import json
from pathlib import Path

from tests.server.test_pipelines import FRAMES, server_of_videos
from tests.server.test_real_client import EXAMPLE, ask, pytestmark  # noqa: F401 - skipped where there is no client

INLINE = """
import time

def wait_for(state, pipeline_id):
    for _ in range(3000):
        report = client.get_inference_pipeline_status(pipeline_id)["report"]
        if all(source["state"] == state for source in report["sources_metadata"]):
            return report
        time.sleep(0.02)

def results(pipeline_id, **more):
    while (one := client.consume_inference_pipeline_result(pipeline_id, **more))["outputs"]:
        yield one

started = client.start_inference_pipeline_with_workflow(
    video_reference=["clip.mp4"],
    workflow_specification=workflow,
    workflows_parameters={"confidence": 0.6},
    results_buffer_size=10,
)
inline = started["context"]["pipeline_id"]
told["started"] = started["status"]
told["paused"] = client.pause_inference_pipeline(inline)["status"]
told["resumed"] = client.resume_inference_pipeline(inline)["status"]
told["listed"] = client.list_inference_pipelines()["pipelines"] == [inline]
report = wait_for("ENDED", inline)
told["report"] = sorted(report)
found = list(results(inline, excluded_fields=["picture", "crops"]))
told["frames"] = [one["frames_metadata"][0]["frame_id"] for one in found]
told["outputs"] = sorted(found[0]["outputs"][0])
told["terminated"] = client.terminate_inference_pipeline(inline)["status"]
told["gone"] = refused(client.get_inference_pipeline_status, pipeline_id=inline)

saved = client.start_inference_pipeline_with_workflow(
    video_reference="clip.mp4", workspace_name="any", workflow_id="count-fasteners", max_fps=5
)["context"]["pipeline_id"]
wait_for("ENDED", saved)
told["thinned"] = len(list(results(saved)))
told["left"] = client.list_inference_pipelines()["pipelines"] == [saved]
told["refused"] = refused(
    client.start_inference_pipeline_with_workflow, video_reference="/etc/passwd", workflow_specification=workflow
)
"""


def test_pipelines(tmp_path: Path) -> None:
    with server_of_videos(tmp_path) as server:
        definition = json.loads((EXAMPLE / "workflow.json").read_text())
        server.client.put("/api/workflows/count-fasteners", json={"definition": definition})
        told = ask(server.client, tmp_path, INLINE)
    assert told["started"] == told["paused"] == told["resumed"] == told["terminated"] == "success"
    assert {"inference_throughput", "latency_reports", "sources_metadata"} < set(told["report"])
    assert "video_source_status_updates" in told["report"]
    assert told["frames"] == [*range(1, FRAMES + 1)]
    assert told["outputs"] == ["counts", "parts", "total"]
    assert told["gone"][0] == 404
    assert told["thinned"] == 2
    assert told["listed"] is told["left"] is True
    assert told["refused"][0] == 400
    assert "does not stay inside its folder" in told["refused"][1]
