"""Saved workflows over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.conftest import served, serving

EMPTY: dict[str, Any] = {"version": "1.0", "inputs": [], "steps": [], "outputs": []}
NOTE = {
    **EMPTY,
    "inputs": [{"type": "WorkflowParameter", "name": "note"}],
    "outputs": [{"type": "JsonField", "name": "note", "selector": "$inputs.note"}],
}


def test_a_workflow_is_created_read_updated_and_deleted(server: httpx.Client) -> None:
    created = server.post("/api/workflows", json={"id": "life", "definition": EMPTY})
    assert created.status_code == 201
    assert created.json() | {"saved_at": "", "bytes": 0} == {
        "id": "life",
        "version": 1,
        "saved_at": "",
        "bytes": 0,
        "definition": EMPTY,
        "ok": True,
        "problems": [],
        "warnings": [],
    }
    updated = server.put("/api/workflows/life", json={"definition": NOTE, "expected_version": 1})
    assert (updated.status_code, updated.json()["version"]) == (200, 2)
    assert server.get("/api/workflows/life").json()["definition"] == NOTE
    assert server.get("/api/workflows/life", params={"version": 1}).json()["definition"] == EMPTY
    assert [entry["version"] for entry in server.get("/api/workflows/life/versions").json()["versions"]] == [2, 1]
    assert ("life", 2) in [
        (entry["id"], entry["version"]) for entry in server.get("/api/workflows").json()["workflows"]
    ]
    deleted = server.delete("/api/workflows/life")
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert server.get("/api/workflows/life").status_code == 404


def test_work_in_progress_is_saved_and_its_problems_told(server: httpx.Client) -> None:
    step = {"type": "core/count_by_class@v1", "name": "count", "predictions": "$steps.none.predictions"}
    told = server.put("/api/workflows/draft", json={"definition": {**EMPTY, "steps": [step]}}).json()
    assert not told["ok"]
    assert [problem["at"] for problem in told["problems"]] == ["/steps/0/predictions"]
    run = server.post("/any/workflows/draft", json={"inputs": {}})
    assert (run.status_code, run.json()["code"]) == (400, "unknown_step")


def test_two_who_save_from_one_version(server: httpx.Client) -> None:
    server.put("/api/workflows/shared", json={"definition": EMPTY})

    def save(number: int) -> int:
        definition = {**EMPTY, "number": number}
        return server.put("/api/workflows/shared", json={"definition": definition, "expected_version": 1}).status_code

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(save, range(4))) == [200, 409, 409, 409]
    again = server.post("/api/workflows", json={"id": "shared", "definition": EMPTY})
    assert (again.status_code, again.json()["code"]) == (409, "workflow_changed")


def test_a_saved_workflow_runs_in_any_version(server: httpx.Client) -> None:
    server.put("/api/workflows/note", json={"definition": EMPTY})
    server.put("/api/workflows/note", json={"definition": NOTE})
    for path in ("/any/workflows/note", "/infer/workflows/local/note"):
        answer = server.post(path, json={"inputs": {"note": "hello"}, "use_cache": False})
        assert answer.json()["outputs"] == [{"note": "hello"}]
        for version in (1, "1"):
            answer = server.post(path, json={"inputs": {"note": "x"}, "workflow_version_id": version})
            assert answer.json()["outputs"] == [{}]
    for version in ("3", "latest"):
        answer = server.post("/any/workflows/note", json={"inputs": {}, "workflow_version_id": version})
        assert (answer.status_code, answer.json()["code"]) == (404, "workflow_version_unknown")


@pytest.mark.parametrize("name", ["..%2F..%2Fetc%2Fpasswd", "%2e%2e", "a%00b", "a%5Cb", "A", "%F0%9F%98%80", "x" * 300])
def test_no_name_leads_out_of_the_folder(server: httpx.Client, name: str) -> None:
    saved = server.put(f"/api/workflows/{name}", json={"definition": EMPTY})
    assert saved.status_code in (400, 404, 405)
    assert server.get(f"/api/workflows/{name}").status_code in (400, 404, 405)
    assert "passwd" not in server.get("/api/workflows").text


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"definition": []}', b'{"definition": {}, "expected_version": -1}']
)
def test_what_is_no_request_is_not_saved(server: httpx.Client, body: bytes) -> None:
    answer = server.put("/api/workflows/none", content=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
    assert server.get("/api/workflows/none").status_code == 404


def test_workflows_outlive_the_server_and_need_its_token(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        assert server.put("/api/workflows/kept", json={"definition": NOTE}).status_code == 200
    with served(tmp_path, SEGFLOW_API_TOKEN="s3cret") as server:
        assert server.get("/api/workflows/kept").status_code == 401
        assert server.delete("/api/workflows/kept").status_code == 401
        assert server.get("/api/workflows/kept", params={"api_key": "s3cret"}).json()["definition"] == NOTE


def test_a_folder_that_cannot_be_written_is_the_operators_matter(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with serving(tmp_path, SEGFLOW_WORKFLOWS=str(tmp_path / "file" / "in")) as server:
        answer = server.client.put("/api/workflows/a", json={"definition": EMPTY})
        assert (answer.status_code, answer.json()["code"]) == (507, "library_failed")
        assert str(tmp_path) not in answer.text
