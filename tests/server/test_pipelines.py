"""Workflows on videos over HTTP: files, a real RTSP camera, the limits of both, and how pipelines end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest

from tests.server import trouble
from tests.server.conftest import Server, below, serving, until
from tests.unit.stream.clips import BLUR, steady
from tests.unit.stream.test_live import needs_rtsp, rtsp
from workflow_engine.settings import Limits
from workflow_engine.vision.decode import decode

FRAMES = 6
LONG = 8000
COUNTING: dict[str, Any] = {
    "version": "1.0",
    "inputs": [
        {"type": "WorkflowImage", "name": "image"},
        {"type": "WorkflowParameter", "name": "strength", "kind": ["integer"], "default_value": 5},
    ],
    "steps": [
        {"type": "core/image_blur@v1", "name": "blurred", "image": "$inputs.image", "kernel_size": "$inputs.strength"},
    ],
    "outputs": [
        {"type": "JsonField", "name": "picture", "selector": "$steps.blurred.image"},
        {"type": "JsonField", "name": "strength", "selector": "$inputs.strength"},
    ],
}


# Pipelines are processes of their own: on a crowded machine one may come too late. Told of by "R".
pytestmark = pytest.mark.flaky(reruns=1)


def order(reference: Any, *, document: dict[str, Any] = COUNTING, **more: Any) -> dict[str, Any]:
    """Return what a client sends; members of ``more`` go where they belong."""
    sink = {"type": "MemorySinkConfiguration", "results_buffer_size": more.pop("results_buffer_size", 64)}
    top = {"consumption_timeout": more.pop("consumption_timeout")} if "consumption_timeout" in more else {}
    video_members = ("max_fps", "source_buffer_filling_strategy", "video_source_properties")
    video = {name: more.pop(name) for name in video_members if name in more}
    return {
        "video_configuration": {"type": "VideoConfiguration", "video_reference": reference, **video},
        "processing_configuration": {
            "type": "WorkflowConfiguration",
            "workflow_specification": document,
            **more,
        },
        "sink_configuration": sink,
        **top,
    }


def start(client: httpx.Client, reference: Any, **more: Any) -> str:
    answer = client.post("/inference_pipelines/initialise", json=order(reference, **more))
    assert answer.status_code == 200, answer.text
    assert answer.json()["status"] == "success"
    pipeline_id: str = answer.json()["context"]["pipeline_id"]
    return pipeline_id


def refusal(client: httpx.Client, body: dict[str, Any]) -> tuple[int, str]:
    answer = client.post("/inference_pipelines/initialise", json=body)
    return answer.status_code, answer.json()["message"]


def report(client: httpx.Client, pipeline_id: str) -> dict[str, Any]:
    told: dict[str, Any] = client.get(f"/inference_pipelines/{pipeline_id}/status").json()["report"]
    return told


def states(client: httpx.Client, pipeline_id: str) -> list[str]:
    return [source["state"] for source in report(client, pipeline_id)["sources_metadata"]]


def consume(client: httpx.Client, pipeline_id: str, **asked: Any) -> dict[str, Any]:
    answer = client.request("GET", f"/inference_pipelines/{pipeline_id}/consume", json=asked)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def everything(client: httpx.Client, pipeline_id: str, **asked: Any) -> list[dict[str, Any]]:
    """Wait for the end of all videos, and take every result."""
    until(lambda: set(states(client, pipeline_id)) == {"ENDED"} and "PIPELINE" not in str(report(client, pipeline_id)))
    results = []
    while (one := consume(client, pipeline_id, **asked))["frames_metadata"]:
        results.append(one)
    return results


def terminate(client: httpx.Client, pipeline_id: str) -> None:
    assert client.post(f"/inference_pipelines/{pipeline_id}/terminate").json()["status"] == "success"
    assert pipeline_id not in client.get("/inference_pipelines/list").json()["pipelines"]


def alive(processes: set[int]) -> set[int]:
    """Return those that run; one that has ended and is not buried yet has no command line."""
    return {one for one in processes if any(path.read_bytes() for path in Path("/proc").glob(f"{one}/cmdline"))}


@cache
def long_clip() -> bytes:
    """Return a video that is not over when the next request is answered, not even on a busy machine."""
    with TemporaryDirectory() as folder:
        return steady(Path(folder) / "long.mp4", LONG).read_bytes()


@contextmanager
def server_of_videos(home: Path, **environment: str) -> Iterator[Server]:
    videos = home / "videos"
    videos.mkdir()
    steady(videos / "clip.mp4", FRAMES)
    (videos / "long.mp4").write_bytes(long_clip())
    told = {"SEGFLOW_VIDEO_FOLDER": str(videos), "SEGFLOW_PIPELINES": "2", **environment}
    with serving(home, **told) as server:
        yield server


@pytest.fixture(scope="module")
def served_videos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server_of_videos(tmp_path_factory.mktemp("pipelines"), SEGFLOW_ALLOWED_HOSTS="127.0.0.1") as server:
        yield server
    assert server.process.returncode == 0
    assert "Traceback" not in server.log()


@pytest.fixture
def videos(served_videos: Server) -> Iterator[httpx.Client]:
    yield served_videos.client
    for pipeline_id in served_videos.client.get("/inference_pipelines/list").json()["pipelines"]:
        terminate(served_videos.client, pipeline_id)


def test_every_frame_of_a_file(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "clip.mp4", workflows_parameters={"strength": 3})
    assert videos.get("/inference_pipelines/list").json()["pipelines"] == [pipeline_id]
    first, *rest = everything(videos, pipeline_id, excluded_fields=["picture"])
    assert first["outputs"] == [{"strength": 3}]
    assert set(first["frames_metadata"][0]) == {"frame_timestamp", "frame_id", "source_id"}
    assert [one["frames_metadata"][0]["frame_id"] for one in (first, *rest)] == [*range(1, FRAMES + 1)]
    assert consume(videos, pipeline_id)["outputs"] == []
    told = report(videos, pipeline_id)
    (source,) = told["sources_metadata"]
    assert source["source_reference"] == "clip.mp4"
    assert source["source_properties"]["total_frames"] == FRAMES
    assert source["source_properties"]["is_file"] is True
    (account,) = told["completion_statistics"]
    assert account["read"] == account["processed"] == FRAMES
    assert told["latency_reports"][0]["inference_latency"] > 0
    assert told["inference_throughput"] > 0
    terminate(videos, pipeline_id)
    gone = videos.get(f"/inference_pipelines/{pipeline_id}/status")
    assert gone.status_code == 404
    assert "any more: it was terminated" in gone.json()["message"]


def test_pictures_are_those_of_a_run(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "clip.mp4")
    (outputs,) = everything(videos, pipeline_id)[0]["outputs"]
    assert outputs["picture"]["type"] == "base64"
    assert outputs["picture"]["video_metadata"]["frame_number"] == 1


def test_the_oldest_results_make_room(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "clip.mp4", results_buffer_size=2)
    found = everything(videos, pipeline_id)
    assert [one["frames_metadata"][0]["frame_id"] for one in found] == [FRAMES - 1, FRAMES]


def test_frames_are_thinned(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "clip.mp4", max_fps=12.5)
    assert [one["frames_metadata"][0]["frame_id"] for one in everything(videos, pipeline_id)] == [1, 3, 5]


def test_two_sources_come_together_and_one_that_is_bad_says_so(videos: httpx.Client) -> None:
    pipeline_id = start(videos, ["clip.mp4", "clip.mp4"])
    found = everything(videos, pipeline_id)
    for source in range(2):
        frames = [one["frames_metadata"][source] for one in found if one["frames_metadata"][source] is not None]
        assert [frame["frame_id"] for frame in frames] == [*range(1, FRAMES + 1)]
        assert {frame["source_id"] for frame in frames} == {source}
    for one in found:
        assert [outputs is None for outputs in one["outputs"]] == [frame is None for frame in one["frames_metadata"]]
    assert any(None not in one["outputs"] for one in found)
    terminate(videos, pipeline_id)
    pipeline_id = start(videos, ["clip.mp4", "none.mp4"])
    until(lambda: states(videos, pipeline_id) == ["ENDED", "ERROR"])
    (update,) = report(videos, pipeline_id)["video_source_status_updates"]
    assert "none.mp4" in update["payload"]["message"]
    assert consume(videos, pipeline_id)["frames_metadata"][1] is None


def test_a_saved_workflow(videos: httpx.Client) -> None:
    videos.put("/api/workflows/blur", json={"definition": COUNTING})
    named = {"workflow_specification": None, "workspace_name": "any", "workflow_id": "blur"}
    pipeline_id = start(videos, "clip.mp4", **named)
    assert len(everything(videos, pipeline_id)) == FRAMES
    status, message = refusal(videos, order("clip.mp4", **{**named, "workflow_id": "blurr"}))
    assert status == 404
    assert "blurr" in message


def test_pause_and_resume(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "long.mp4")
    for what, state in (("pause", "PAUSED"), ("resume", "RUNNING")):
        assert videos.post(f"/inference_pipelines/{pipeline_id}/{what}").json()["status"] == "success"
        assert states(videos, pipeline_id) == [state]


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("none.mp4", "none.mp4"),
        ("../server.log", "does not stay inside its folder"),
        ("/etc/passwd", "does not stay inside its folder"),
        ("clip%d.mp4", "clip%d.mp4"),
        ("*.mp4", "*.mp4"),
        (0, "The camera 0 may not be used"),
        ("/dev/video0", "The camera 0 may not be used"),
        ("http://127.0.0.1/a.m3u8", "Videos by web address are not accepted"),
        ("rtsp://10.0.0.1/camera", "is not on the list of this server"),
        ("concat:clip.mp4|clip.mp4", "no file, and no address"),
        ("file:///etc/passwd", "no file, and no address"),
    ],
)
def test_only_listed_sources_are_opened(videos: httpx.Client, reference: Any, message: str) -> None:
    status, told = refusal(videos, order(reference))
    assert status == 400
    assert message in told


def test_by_default_there_is_no_source(server: httpx.Client, tmp_path: Path) -> None:
    clip = steady(tmp_path / "clip.mp4", 2)
    for reference, message in (
        (str(clip), "Videos by path are not accepted here."),
        ("rtsp://127.0.0.1/camera", "is not on the list of this server"),
        (0, "The camera 0 may not be used."),
    ):
        status, told = refusal(server, order(reference))
        assert status == 400
        assert message in told


def test_a_bad_payload_is_told(videos: httpx.Client) -> None:
    broken = {**COUNTING, "steps": []}
    for body, message in (
        ({}, "video_configuration"),
        (order([]), "video_reference"),
        (order("clip.mp4", source_buffer_filling_strategy="LOSE"), "source_buffer_filling_strategy"),
        (order("clip.mp4", video_source_properties={"fps": 3}), "settings of cameras"),
        (order("clip.mp4", workspace_name="w", workflow_id="i"), "names both or neither"),
        (order("clip.mp4", image_input_name="picture"), "no image input 'picture'"),
        (order("clip.mp4", video_metadata_input_name="when"), "no input 'when' for the metadata"),
        (order("clip.mp4", workflows_parameters={"strength": "high"}), "strength"),
        (order("clip.mp4", document=broken), "there is no step 'blurred'"),
    ):
        status, told = refusal(videos, body)
        assert status == 400, told
        assert message in told
    assert videos.get("/inference_pipelines/list").json()["pipelines"] == []
    answer = videos.post("/inference_pipelines/initialise_webrtc", json={})
    assert (answer.status_code, answer.json()["code"]) == (400, "not_offered")


def test_one_more_than_fit_is_refused(videos: httpx.Client) -> None:
    for _ in range(2):
        start(videos, "long.mp4")
    status, message = refusal(videos, order("clip.mp4"))
    assert status == 503
    assert "2 pipelines" in message


def test_an_unknown_pipeline(videos: httpx.Client) -> None:
    asked = ("GET status", "GET consume", "POST pause", "POST resume", "POST terminate")
    for method, what in (one.split() for one in asked):
        answer = videos.request(method, f"/inference_pipelines/none/{what}")
        assert answer.status_code == 404
        assert answer.json()["error_type"] == "PipelineNotFoundError"
        assert answer.json()["hint"] == "The list of pipelines is at /inference_pipelines/list."
    assert videos.get("/api/pipelines/none/events").status_code == 404


def test_events_of_every_result_and_of_the_end(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "long.mp4")
    videos.post(f"/inference_pipelines/{pipeline_id}/pause")
    kinds, results = set(), []
    with videos.stream("GET", f"/api/pipelines/{pipeline_id}/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        videos.post(f"/inference_pipelines/{pipeline_id}/resume")
        kind = ""
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name == "event":
                kind = value
                kinds.add(kind)
            elif name == "data" and kind == "message":
                results.append(json.loads(value))
    assert kinds == {"message", "end"}
    numbers = [result["frame"] for result in results]
    assert numbers == sorted(set(numbers))
    assert set(results[0]["outputs"]) == {"strength"}
    assert numbers[-1] == LONG, "nobody misses how it ended"
    for seen, status in (("end", 204), ("9" * 26, 200), ("", 200)):
        with videos.stream("GET", f"/api/pipelines/{pipeline_id}/events", headers={"Last-Event-ID": seen}) as answer:
            assert answer.status_code == status


def test_a_preview_is_pictures(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "clip.mp4")
    with videos.stream("GET", f"/api/pipelines/{pipeline_id}/preview") as answer:
        boundary = answer.headers["content-type"].partition("boundary=")[2]
        parts = answer.read().split(f"--{boundary}\r\n".encode())
    assert len(parts) > 2
    picture = parts[1].partition(b"\r\n\r\n")[2]
    assert decode(picture, limits=Limits()).shape == (48, 64, 3)
    answer = videos.get(f"/api/pipelines/{pipeline_id}/preview", params={"output": "strength"})
    assert (answer.status_code, answer.json()["hint"]) == (400, "Its pictures are picture.")


@needs_rtsp
def test_a_camera_whose_password_is_nowhere(served_videos: Server, videos: httpx.Client) -> None:
    with rtsp() as (_, port):
        pipeline_id = start(videos, f"rtsp://gatekeeper:s3cret@127.0.0.1:{port}/camera")
        until(lambda: consume(videos, pipeline_id, excluded_fields=["picture"])["frames_metadata"] != [])
        told = report(videos, pipeline_id)
        assert told["sources_metadata"][0]["source_reference"] == f"rtsp://127.0.0.1:{port}/camera"
        assert told["sources_metadata"][0]["state"] == "RUNNING"
        readers = below(served_videos.process.pid)
        terminate(videos, pipeline_id)
        until(lambda: len(alive(readers)) == 1)  # the worker is left
    status, message = refusal(videos, order(f"rtsp://gatekeeper:s3cret@127.0.0.1:{port}/camera"))
    assert status == 400
    assert "s3cret" not in f"{told}{message}{served_videos.log()}"
    assert "gatekeeper" not in f"{told}{message}"


def test_a_pipeline_that_nobody_consumes_ends(videos: httpx.Client) -> None:
    pipeline_id = start(videos, "long.mp4", consumption_timeout=0.5)
    videos.post(f"/inference_pipelines/{pipeline_id}/pause")
    until(lambda: videos.get("/inference_pipelines/list").json()["pipelines"] == [])
    answer = videos.get(f"/inference_pipelines/{pipeline_id}/status")
    assert "nobody asked for its results" in answer.json()["message"]


def hanging(folder: Path, how: str) -> dict[str, Any]:
    step = {"type": trouble.TYPE, "name": "s", "value": "$inputs.image", "how": how, "folder": str(folder), "mark": "m"}
    return {
        "version": "1.0",
        "inputs": [{"type": "WorkflowImage", "name": "image"}],
        "steps": [step],
        "outputs": [{"type": "JsonField", "name": "value", "selector": "$steps.s.value"}],
    }


def test_a_pipeline_that_hangs_is_ended_and_the_server_lives(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    with server_of_videos(tmp_path, SEGFLOW_FRAME_SECONDS="2", **trouble.install(site)) as server:
        pipeline_id = start(server.client, "clip.mp4", document=hanging(tmp_path, "wait"))
        until(lambda: server.client.get("/inference_pipelines/list").json()["pipelines"] == [])
        answer = server.client.get(f"/inference_pipelines/{pipeline_id}/status")
        assert "not done with a frame" in answer.json()["message"]
        assert server.client.get("/healthz").status_code == 200


def test_a_step_in_the_way_does_not_keep_a_pipeline_from_ending(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    with server_of_videos(tmp_path, **trouble.install(site)) as server:
        pipeline_id = start(server.client, "clip.mp4", document=hanging(tmp_path, "wait"))
        until((tmp_path / "m").exists)
        terminate(server.client, pipeline_id)
        assert len(alive(below(server.process.pid))) == 1  # the worker


def test_a_pipeline_that_lets_no_other_thread_run_is_ended_too(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    limits = {"SEGFLOW_RUN_SECONDS": "8", "SEGFLOW_FRAME_SECONDS": "3"}
    with server_of_videos(tmp_path, **limits, **trouble.install(site)) as server:
        asked = order("clip.mp4", document=hanging(tmp_path, "spin"))
        answer = server.client.post("/inference_pipelines/initialise", json=asked)
        assert answer.status_code in (200, 504)  # it may or may not come to say that it is ready
        until(lambda: len(alive(below(server.process.pid))) == 1)  # the worker
        assert server.client.get("/inference_pipelines/list").json()["pipelines"] == []


def test_failures_of_steps_are_told_in_words_that_are_fit_for_clients(tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    with server_of_videos(tmp_path, **trouble.install(site)) as server:
        pipeline_id = start(server.client, "clip.mp4", document=hanging(tmp_path, "fail"))
        found = everything(server.client, pipeline_id)
        assert [one["outputs"] for one in found] == [[None]] * FRAMES
        updates = report(server.client, pipeline_id)["video_source_status_updates"]
        assert [update["event_type"] for update in updates] == ["INFERENCE_ERROR"]
        assert "fell over" not in str(updates)
        assert "fell over" in server.log()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_is_left_when_the_server_has_ended(tmp_path: Path, how: signal.Signals) -> None:
    with server_of_videos(tmp_path) as server:
        start(server.client, "long.mp4", document=BLUR)
        followed = start(server.client, "long.mp4", document=BLUR)
        theirs = below(server.process.pid)
        assert len(theirs) == 3
        with server.client.stream("GET", f"/api/pipelines/{followed}/preview") as following:
            os.kill(server.process.pid, how)
            if how is signal.SIGTERM:
                assert following.read()
            server.process.wait(timeout=40)
        until(lambda: not alive(theirs))
    assert server.process.returncode == (0 if how is signal.SIGTERM else -signal.SIGKILL)


def test_those_who_follow_are_few_and_show_the_token(tmp_path: Path) -> None:
    with server_of_videos(tmp_path, SEGFLOW_LISTENERS="1", SEGFLOW_API_TOKEN="t0ken") as server:
        assert server.client.get("/inference_pipelines/list").status_code == 401
        server.client.headers["authorization"] = "Bearer t0ken"
        pipeline_id = start(server.client, "long.mp4")
        server.client.post(f"/inference_pipelines/{pipeline_id}/pause")  # so that it does not end meanwhile
        address = f"/api/pipelines/{pipeline_id}/preview"
        with server.client.stream("GET", address) as following:
            told = following.iter_raw()  # letting go of it would close the connection
            next(told)
            assert server.client.get(address).json()["code"] == "pipelines_full"
        del server.client.headers["authorization"]
        assert server.client.get(address).status_code == 401
