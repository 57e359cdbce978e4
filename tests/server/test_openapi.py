"""The description of the API, held against what the server does, and the page that shows it."""

from __future__ import annotations

import re

import httpx
import pytest

from workflow_engine.server.access import OPEN


def test_every_example_is_answered_as_described(server: httpx.Client) -> None:
    server.delete("/api/workflows/count-parts")
    tried = 0
    for path, operations in server.get("/openapi.json").json()["paths"].items():
        for method, told in operations.items():
            example = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            if example is None or "{" in path:
                continue
            answer = server.request(method, path, json=example)
            assert answer.is_success, f"{method} {path}: {answer.text}"
            assert str(answer.status_code) in told["responses"]
            tried += 1
    assert tried > 8


def test_the_page_of_the_api_names_nothing_outside(server: httpx.Client) -> None:
    page = server.get("/docs").text
    addresses = re.findall(r'(?:href|src|url)[=:]\s*["\']([^"\']+)', page)
    assert len(addresses) == 4
    for address in addresses:
        assert address.startswith("./")
        assert server.get(address[1:]).status_code == 200


def test_a_browser_that_is_given_the_address_alone_gets_to_the_page(server: httpx.Client) -> None:
    answer = server.get("/", follow_redirects=True)
    assert (answer.status_code, answer.url.path) == (200, "/docs")


def test_the_page_is_open_to_those_without_a_token(server: httpx.Client) -> None:
    assert {f"/docs/{name}" for name in ("swagger-ui.css", "swagger-ui-bundle.js")} < OPEN


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/api/workflows/a", "DELETE, GET, PUT"),
        ("DELETE", "/api/workflows", "GET, POST"),
        ("GET", "/workflows/run", "POST"),
        ("PUT", "/any/workflows/a", "POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(server: httpx.Client, method: str, path: str, allowed: str) -> None:
    answer = server.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == allowed


def test_an_address_with_nothing_there(server: httpx.Client) -> None:
    answer = server.get("/any/1")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
