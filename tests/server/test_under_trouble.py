"""Runs that do not end, workers that die, clients that leave, more requests than fit, and a server told to stop."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.server import trouble
from tests.server.conftest import Server, ready, serving, until

EMPTY = {"specification": {"version": "1.0", "inputs": [], "steps": [], "outputs": []}, "inputs": {}}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return trouble.install(tmp_path_factory.mktemp("site"))


def run(server: Server, *ways: str, mark: str) -> httpx.Response:
    """Run steps that do as ``ways`` say; the files MARK0, MARK1, and so on, show that they began."""
    return server.client.post("/workflows/run", json=trouble.asked(*ways, folder=server.home, mark=mark))


def began(path: Path) -> int:
    """Wait until a step has begun; return the number of the process it is in."""
    until(lambda: path.exists() and path.read_text() != "")
    return int(path.read_text())


def metric(client: httpx.Client, name: str) -> float:
    lines = client.get("/metrics").text.splitlines()
    return float(next(line.split()[-1] for line in lines if line.split()[0] == name))


def becomes(client: httpx.Client, name: str, value: float) -> None:
    until(lambda: metric(client, name) == value)


def replaced(server: Server) -> None:
    """Wait until the one worker has ended and another is ready."""
    becomes(server.client, "segflow_workers_lost_total", 1)
    ready(server.client)


def closed(server: Server) -> bool:
    """Whether the server takes no connections any more."""
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", server.client.base_url.port or 0)) != 0


def test_one_more_than_fit_is_refused_at_once_and_the_others_finish(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, "--queue", "2", "--workers", "2", **installed) as server, ThreadPoolExecutor(4) as pool:
        client = server.client
        accepted = [pool.submit(run, server, "wait", mark=f"{i}-") for i in range(4)]
        becomes(client, "segflow_slots_busy", 2)
        becomes(client, "segflow_queue_length", 2)
        for _ in range(20):
            refused = client.post("/workflows/run", json=EMPTY)
            assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
            assert refused.headers["retry-after"] in {"1", "2", "3"}
        large = client.post("/workflows/run", content=b" " * 100_000)
        assert (large.status_code, large.json()["code"]) == (503, "overloaded")
        assert client.get("/healthz").status_code == 200
        assert client.get("/readiness").json() == {"status": "ready"}, "a full server is ready: its queue moves"
        (tmp_path / "go").touch()
        assert [future.result().json()["outputs"] for future in accepted] == [[{"value": 7}]] * 4
        becomes(client, "segflow_slots_busy", 0)
        assert metric(client, "segflow_queue_length") == 0
        assert client.post("/workflows/run", json=EMPTY).status_code == 200


def test_a_killed_worker_is_told_at_once_and_replaced(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, **installed) as server, ThreadPoolExecutor(1) as pool:
        for i in range(3):
            running = pool.submit(run, server, "wait", mark=f"{i}-")
            os.kill(began(tmp_path / f"{i}-0"), signal.SIGKILL)
            answer = running.result()
            assert (answer.status_code, answer.json()["code"]) == (503, "worker_lost")
            assert "retry-after" in answer.headers
            assert server.client.post("/workflows/run", json=EMPTY).status_code == 200
        assert metric(server.client, "segflow_workers_lost_total") == 3


@pytest.mark.parametrize("way", ["die", "memory"])
def test_a_run_that_takes_its_worker_with_it_is_an_answer(installed: dict[str, str], tmp_path: Path, way: str) -> None:
    with serving(tmp_path, SEGFLOW_WORKER_BYTES="2000000000", **installed) as server:
        answer = run(server, way, mark="m")
        code = {"die": "worker_lost", "memory": "out_of_memory"}[way]
        assert (answer.status_code, answer.json()["code"]) == (503, code)
        assert server.client.post("/workflows/run", json=EMPTY).status_code == 200


def test_what_a_run_fills_memory_with_is_given_back(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, "--workers", "1", SEGFLOW_WORKER_BYTES="2000000000", **installed) as server:
        for mark in "ab":
            assert run(server, "memory", mark=mark).json()["code"] == "out_of_memory"
        worker = began(tmp_path / "b0")
        assert worker == began(tmp_path / "a0")
        until(lambda: resident(worker) < 700_000_000)


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_a_step_that_cannot_be_stopped_is_stopped_at_the_deadline(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, "--timeout", "1", **installed) as server:
        answer = run(server, "spin", "mark", mark="m")
        assert (answer.status_code, answer.json()["code"]) == (504, "deadline")
        replaced(server)
        assert server.client.post("/workflows/run", json=EMPTY).status_code == 200
        assert not (tmp_path / "m1").exists()


def test_a_pattern_without_end_is_ended_at_the_deadline(tmp_path: Path) -> None:
    matches = {"type": "StringMatches", "regex": "(a|a)*b"}
    step = {
        "type": "roboflow_core/property_definition@v1",
        "name": "s",
        "data": "$inputs.text",
        "operations": [matches],
    }
    document = {
        "version": "1.0",
        "inputs": [{"type": "WorkflowParameter", "name": "text"}],
        "steps": [step],
        "outputs": [{"type": "JsonField", "name": "fits", "selector": "$steps.s.output"}],
    }
    with serving(tmp_path, "--timeout", "1") as server:
        asked = {"specification": document, "inputs": {"text": "aab"}}
        assert server.client.post("/workflows/run", json=asked).json()["outputs"] == [{"fits": True}]
        asked["inputs"] = {"text": "a" * 60}
        assert server.client.post("/workflows/run", json=asked).status_code == 504
        replaced(server)
        assert server.client.post("/workflows/run", json=EMPTY).status_code == 200


def test_the_wait_for_a_slot_counts_for_the_deadline(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, "--timeout", "1", **installed) as server, ThreadPoolExecutor(2) as pool:
        both = [pool.submit(run, server, "wait", mark=f"{i}-") for i in range(2)]
        assert [future.result().status_code for future in both] == [504, 504]
        started = sum((tmp_path / f"{i}-0").exists() for i in range(2))
        assert started == 1


@contextmanager
def asking(server: Server, *ways: str, mark: str) -> Iterator[None]:
    """Ask for a run, and hang up at the end of the ``with``."""
    body = json.dumps(trouble.asked(*ways, folder=server.home, mark=mark)).encode()
    with socket.create_connection(("127.0.0.1", server.client.base_url.port or 0)) as connection:
        head = f"POST /workflows/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)
        yield


def test_no_later_step_starts_once_the_client_has_left(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, **installed) as server:
        for i in range(5):
            mark = f"{i}-"
            (tmp_path / "go").unlink(missing_ok=True)
            with asking(server, "wait", "mark", mark=mark):
                began(tmp_path / f"{mark}0")
            until(lambda left=i: server.log().count('"status":499') > left)
            (tmp_path / "go").touch()
            becomes(server.client, "segflow_slots_busy", 0)
            assert not (tmp_path / f"{mark}1").exists()


def test_one_who_leaves_the_queue_is_never_run(installed: dict[str, str], tmp_path: Path) -> None:
    with serving(tmp_path, **installed) as server, ThreadPoolExecutor(1) as pool:
        first = pool.submit(run, server, "wait", mark="first")
        began(tmp_path / "first0")
        with asking(server, "mark", mark="second"):
            becomes(server.client, "segflow_queue_length", 1)
        becomes(server.client, "segflow_queue_length", 0)
        (tmp_path / "go").touch()
        assert first.result().status_code == 200
        assert server.client.post("/workflows/run", json=EMPTY).status_code == 200
        assert not (tmp_path / "second0").exists()


def test_a_server_told_to_stop_finishes_what_it_accepted(installed: dict[str, str], tmp_path: Path) -> None:
    with ThreadPoolExecutor(4) as pool, serving(tmp_path, **installed) as server:
        accepted = [pool.submit(run, server, "wait", mark=f"{i}-") for i in range(4)]
        becomes(server.client, "segflow_queue_length", 3)
        server.process.send_signal(signal.SIGTERM)
        until(lambda: closed(server))
        (tmp_path / "go").touch()
        assert [future.result().status_code for future in accepted] == [200] * 4
        assert server.process.wait() == 0
    assert server.log().count('"status":200') >= 4


def test_what_does_not_finish_in_time_is_cut_off(installed: dict[str, str], tmp_path: Path) -> None:
    drain = {"SEGFLOW_DRAIN_SECONDS": "1"}
    with ThreadPoolExecutor(1) as pool, serving(tmp_path, **drain, **installed) as server:
        running = pool.submit(run, server, "wait", mark="m")
        began(tmp_path / "m0")
        server.process.send_signal(signal.SIGTERM)
        answer = running.result()
        assert (answer.status_code, answer.json()["code"]) == (503, "stopping")
        assert server.process.wait() == 3


def test_a_body_that_still_arrives_is_told_and_does_not_count_as_accepted(tmp_path: Path) -> None:
    with serving(tmp_path, SEGFLOW_DRAIN_SECONDS="1") as server:
        address = (server.client.base_url.host, server.client.base_url.port)
        with socket.create_connection(address) as slow:
            slow.sendall(b"POST /workflows/run HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50000\r\n\r\n{")
            httpx.get(f"http://{address[0]}:{address[1]}/healthz", trust_env=False)  # accepted after it
            server.process.send_signal(signal.SIGTERM)
            answer = slow.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b'"code":"stopping"' in answer
        assert server.process.wait() == 0
    assert "Traceback" not in server.log()


def test_a_second_signal_ends_it_at_once(installed: dict[str, str], tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as pool, serving(tmp_path, **installed) as server:
        running = pool.submit(run, server, "wait", mark="m")
        worker = began(tmp_path / "m0")
        server.process.send_signal(signal.SIGTERM)
        until(lambda: closed(server))
        server.process.send_signal(signal.SIGTERM)
        with pytest.raises(httpx.TransportError):
            running.result()
        assert server.process.wait() == 128 + signal.SIGTERM
        until(lambda: not alive(worker))


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
