"""Probes, ids, limits, tokens and origins: what holds for every route."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest

from tests.server.conftest import ROOT, served

EMPTY = {"specification": {"version": "1.0", "inputs": [], "steps": [], "outputs": []}, "inputs": {}}


def test_probes(server: httpx.Client) -> None:
    assert server.get("/healthz").json() == {"status": "healthy"}
    assert server.get("/readiness").json() == {"status": "ready"}
    assert {"name", "version", "uuid"} <= server.get("/info").json().keys()
    assert [server.head(path).status_code for path in ("/healthz", "/readiness", "/info")] == [200] * 3


def test_every_answer_has_an_id_and_repeats_a_plain_one(server: httpx.Client) -> None:
    assert server.get("/healthz", headers={"x-request-id": "job-7"}).headers["x-request-id"] == "job-7"
    made = server.get("/nowhere", headers={"x-request-id": "not plain"})
    assert made.status_code == 404
    assert len(made.headers["x-request-id"]) == 32
    refused = server.post("/workflows/run", content=b"{")
    assert refused.json()["request_id"] == refused.headers["x-request-id"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "rebound.example"},
        {"Host": "localhost@rebound.example"},
        {"Host": "rebound.example@localhost"},
        {"Host": "localhost/rebound.example"},
        {"Host": "localhost:rebound"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example\\@localhost"},
        {"Origin": "localhost"},
        {"Origin": "null"},
    ],
)
def test_foreign_pages_are_kept_out(server: httpx.Client, headers: dict[str, str]) -> None:
    answer = server.post("/workflows/run", json=EMPTY, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (403, "foreign_origin")


def test_pages_of_this_machine_may_ask(server: httpx.Client) -> None:
    assert server.post("/workflows/run", json=EMPTY, headers={"Origin": "http://localhost:5173"}).status_code == 200


def test_a_proxy_may_be_asked_for_another_name(tmp_path: Path) -> None:
    with served(tmp_path, "--allowed-host", "vision.example") as client:
        page = {"Host": "vision.example:8080", "Origin": "https://vision.example"}
        assert client.post("/workflows/run", json=EMPTY, headers=page).status_code == 200
        assert client.post("/workflows/run", json=EMPTY, headers={"Host": "x.vision.example"}).status_code == 403


def test_unsafe_switches_are_told(tmp_path: Path) -> None:
    with served(tmp_path, SEGFLOW_DEBUG="1") as client:
        (told,) = client.get("/info").json()["unsafe"]
        assert "SEGFLOW_DEBUG" in told
    assert "SEGFLOW_DEBUG is on" in (tmp_path / "server.log").read_text()


def test_a_body_beyond_the_limit_is_refused_from_its_announcement(server: httpx.Client) -> None:
    with closing(HTTPConnection("127.0.0.1", server.base_url.port or 0, timeout=30)) as connection:
        connection.putrequest("POST", "/workflows/run")
        connection.putheader("Content-Length", "100000001")
        connection.endheaders()
        answer = connection.getresponse()
        assert (answer.status, json.load(answer)["code"]) == (413, "body_too_large")


def test_a_token_is_wanted_where_one_is_set(tmp_path: Path) -> None:
    with served(tmp_path, SEGFLOW_API_TOKEN="s3cret") as client:
        assert client.get("/healthz").status_code == 200
        for wrong in ({}, {"Authorization": "Bearer guess"}, {"Authorization": "s3cret"}):
            answer = client.post("/workflows/run", json=EMPTY, headers=wrong)
            assert (answer.status_code, answer.json()["code"]) == (401, "token_wanted")
            assert client.post("/workflows/validate", json=EMPTY["specification"], headers=wrong).status_code == 401
        assert client.post("/workflows/run", json=EMPTY, headers={"Authorization": "Bearer s3cret"}).status_code == 200
        assert client.post("/workflows/run?api_key=s3cret", json=EMPTY).status_code == 200
        assert client.post("/workflows/run", json={**EMPTY, "api_key": "s3cret"}).status_code == 200


def serve(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "workflow_engine.cli", "serve", *arguments]
    env = {**os.environ, **environment}
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False)


def test_no_server_for_others_without_a_token() -> None:
    done = serve("--host", "0.0.0.0", "--port", "0")
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    assert "SEGFLOW_API_TOKEN" in done.stderr


def test_ctrl_c_is_how_a_server_ends(tmp_path: Path) -> None:
    with served(tmp_path, stop=signal.SIGINT) as client:
        assert client.get("/healthz").status_code == 200


def test_an_address_that_is_taken(server: httpx.Client) -> None:
    done = serve("--port", str(server.base_url.port))
    assert done.returncode == 4
    assert "cannot be listened on: address already in use. Stop what" in done.stderr


def test_an_address_of_another_machine() -> None:
    done = serve("--host", "192.0.2.1", "--port", "0", SEGFLOW_API_TOKEN="s3cret")
    assert done.returncode == 4
    assert "Give --host an address of this machine." in done.stderr


@pytest.mark.parametrize(
    ("option", "text", "expected"),
    [
        ("--port", "99999", "a whole number from 0 to 65535"),
        ("--port", "http", "a whole number from 0 to 65535"),
        ("--timeout", "-5", "a number above 0"),
        ("--timeout", "nan", "a number above 0"),
        ("--workers", "two", "a whole number from 1"),
        ("--queue", "-1", "a whole number from 0"),
    ],
)
def test_an_option_that_means_nothing(option: str, text: str, expected: str) -> None:
    done = serve(f"{option}={text}")
    assert done.returncode == 2
    assert f"argument {option}: expected {expected}, got {text!r}" in done.stderr


def test_a_worker_that_cannot_live_is_told_as_what_it_is() -> None:
    done = serve("--port", "0", SEGFLOW_WORKER_BYTES="1000")
    assert done.returncode == 4
    assert "ended before it was ready" in done.stderr
    assert "SEGFLOW_WORKER_BYTES" in done.stderr


def test_a_model_to_preload_that_cannot_be_had() -> None:
    done = serve("--port", "0", "--preload", "demo/fastener")
    assert done.returncode == 1
    assert "Did you mean 'demo/fasteners'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_limits_are_shown_with_the_variables_that_set_them() -> None:
    done = serve("--show-limits", "--queue", "3")
    assert "SEGFLOW_QUEUE              3\n" in done.stdout
    assert done.returncode == 0
