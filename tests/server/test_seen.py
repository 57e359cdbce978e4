"""What the operator sees of requests: lines, figures and traces that agree, and no secret in any of them."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.server import trouble
from tests.server.conftest import Server, serving

EMPTY = {"specification": {"version": "1.0", "inputs": [], "steps": [], "outputs": []}, "inputs": {}}
CANARY = "canary-5ecret"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return trouble.install(tmp_path_factory.mktemp("site"))


def figures(client: httpx.Client, name: str) -> dict[tuple[str, ...], float]:
    """Return the samples of a metric by the values of their labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return {tuple(sample.labels.values()): sample.value for sample in samples}


def lines(server: Server) -> list[dict[str, Any]]:
    """Return the lines of the access log."""
    told = [json.loads(line) for line in server.log().splitlines()]
    return [line for line in told if line["logger"] == "segflow.access"]


def test_lines_and_figures_agree(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, **installed) as server:
        client = server.client
        for _ in range(3):
            client.post("/workflows/run", json=EMPTY)
        client.post("/workflows/run", json=trouble.asked("mark", "fail", folder=tmp_path))
        client.post("/workflows/run", content=b"{", headers={"x-request-id": "mine"})
        client.get("/no/such/page?api_key=x")
        client.request("BREW", "/healthz")
        client.post("/workflows/run", json=EMPTY, headers={"Host": "rebound.example"})
        counted = figures(client, "segflow_requests_total")
        told = Counter((line["message"], line["route"], str(line["status"])) for line in lines(server))
        told[("GET", "/metrics", "200")] -= 1  # its own answer is not yet in the figures
        told = Counter({("other" if method == "BREW" else method, *rest): n for (method, *rest), n in told.items()})
        assert {labels: n for labels, n in counted.items() if n} == +told
        assert told[("POST", "/workflows/run", "200")] == 3
        assert told[("POST", "/workflows/run", "500")] == 1
        assert told[("POST", "/workflows/run", "422")] == 1
        assert told[("POST", "none", "403")] == 1
        assert "mine" in {line["request_id"] for line in lines(server)}
        assert figures(client, "segflow_step_seconds_count") == {(trouble.TYPE,): 1}
        assert figures(client, "segflow_step_failures_total") == {(trouble.TYPE,): 1}
        assert figures(client, "segflow_queue_seconds_count") == {(): 5}


def test_labels_take_few_values_whatever_is_asked(server: httpx.Client) -> None:
    for i in range(50):
        server.request(f"M{i}", f"/page{i}/workflows/x{i}")
        server.post(f"/local/workflows/w{i}", json={"inputs": {}})
    assert len(figures(server, "segflow_requests_total")) < 30


def test_no_secret_is_written(installed: dict[str, str], tmp_path: Path) -> None:
    secrets = {"SEGFLOW_API_TOKEN": CANARY, "SEGFLOW_SECRETS": "CAMERA", "CAMERA": f"{CANARY}-camera"}
    with serving(tmp_path, **secrets, **installed) as server:
        client = server.client
        header = {"Authorization": f"Bearer {CANARY}"}
        assert client.post(f"/workflows/run?api_key={CANARY}", json=EMPTY).status_code == 200
        assert client.post("/workflows/run", json={**EMPTY, "api_key": CANARY}).status_code == 200
        assert client.post(f"/workflows/run?api_key=wrong-{CANARY}", json=EMPTY).status_code == 401
        asked = trouble.asked("fail", folder=tmp_path)
        for value in (
            CANARY,
            f"rtsp://user:other-{CANARY}@camera/1",
            f"https://a.example/?sig={CANARY}",
            "https://a.example/?sig=hid",
            "rtsp://camera/1?user=ann&code=hid",
            "api_key=hid",
            "pwd: hid",
        ):
            asked["inputs"]["value"] = value
            answer = client.post("/workflows/run", json=asked, headers=header)
            assert answer.status_code == 500
            assert CANARY not in answer.text
        seen = server.log() + client.get("/metrics", headers=header).text
        assert "it fell over" in seen, "the operator sees what happened"
        assert CANARY not in seen
        assert "hid" not in seen.replace("hidden", "")


@contextmanager
def collector() -> Iterator[tuple[str, list[bytes]]]:
    """A collector of traces: its address, and what it was sent."""
    sent: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/v1/traces", sent
        listening.shutdown()
        thread.join()


def test_a_span_for_the_request_and_one_for_each_step(installed: dict[str, str], tmp_path: Path) -> None:
    collected = pytest.importorskip(
        "opentelemetry.proto.collector.trace.v1.trace_service_pb2", reason="traces were not tried: pip install .[otel]"
    )
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with collector() as (address, sent):
        with serving(tmp_path, SEGFLOW_TRACES=address, **installed) as server:
            asked = trouble.asked("mark", "fail", folder=tmp_path)
            server.client.post("/workflows/run", json=asked, headers={"traceparent": caller, "x-request-id": "mine"})
        exports = [collected.ExportTraceServiceRequest.FromString(body) for body in sent]
    spans = [
        span
        for export in exports
        for resource in export.resource_spans
        for s in resource.scope_spans
        for span in s.spans
    ]
    (request,) = [span for span in spans if span.name == "POST /workflows/run"]
    steps = [span for span in spans if span.parent_span_id == request.span_id]
    assert request.trace_id.hex() == caller.split("-")[1]
    assert request.parent_span_id.hex() == caller.split("-")[2]
    assert {a.key: a.value.string_value for a in request.attributes}["segflow.request_id"] == "mine"
    named = [{a.key: a.value.string_value for a in span.attributes}["segflow.step"] for span in steps]
    assert named == ["s0", "s1"]
    assert [span.status.code for span in steps] == [0, 2], "the second step failed"
    assert all(request.start_time_unix_nano <= s.start_time_unix_nano <= s.end_time_unix_nano for s in steps)
