"""Servers that are told to stop while requests come in, wait, and run."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from reliability.outcome import Figure, Given, Outcome
from reliability.servers import Answer, Server, asked, figure, installed, post, serving, until

CLIENTS = 8
AT_ONCE = 2
"""Servers that are started and stopped at the same time."""


def check(given: Given) -> Outcome:
    """Stop servers at random moments under load; each request that one had accepted must be answered well."""
    environment = installed(given.folder / "site")
    one = partial(_stop, given.folder, environment, given.seed)
    with ThreadPoolExecutor(AT_ONCE) as servers:
        results = list(servers.map(one, range(given.count)))
    broken = [fault for faults, _, _ in results for fault in faults]
    drained = max(seconds for _, _, seconds in results)
    note = f"{sum(done for _, done, _ in results):,} requests were under way or waiting when their server was stopped."
    return Outcome(
        tried=given.count,
        broken=broken,
        figures={"slowest end": Figure(value=drained, unit="s", most=25)},
        notes=[note],
    )


def _stop(folder: Path, environment: dict[str, str], seed: int, number: int) -> tuple[list[str], int, float]:
    """Return what went wrong at one stop, how many requests it had to finish, and how long that took."""
    chance, home = random.Random(f"{seed}/{number}"), folder / str(number)
    home.mkdir()
    answers: dict[str, Answer] = {}
    stop = threading.Event()
    with serving(home, "--workers", "1", **environment) as server:
        clients = [threading.Thread(target=_ask, args=(server, f"{n}-", stop, answers)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        until(lambda: figure(server, "segflow_slots_busy") == 1)
        time.sleep(chance.uniform(0.0, 0.5))
        accepted = int(figure(server, "segflow_slots_busy") + figure(server, "segflow_queue_length"))
        server.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        time.sleep(chance.uniform(0.0, 0.3))
        (home / "go").touch()
        code = server.process.wait(timeout=60)
        spent = time.monotonic() - began
        stop.set()
        for client in clients:
            client.join()
    begun = {mark.name[:-1] for mark in home.glob("*-0")}
    answered = {line["request_id"] for line in _log(home) if line.get("status") == 200}
    faults = [
        f"stop {number}: {mark} had begun and got {answers[mark]}" for mark in begun if answers[mark].status != 200
    ]
    faults += [
        f"stop {number}: the answer to {mark} was lost: {answers[mark]}"
        for mark in answered & answers.keys()
        if answers[mark].status != 200
    ]
    done = sum(answer.status == 200 for answer in answers.values())
    faults += [f"stop {number}: {accepted} were accepted and {done} done"] if done < accepted else []
    faults += [f"stop {number}: it ended with {code}"] if code else []
    return faults, accepted, spent


def _ask(server: Server, name: str, stop: threading.Event, answers: dict[str, Answer]) -> None:
    """Ask for one run after the other until nobody answers; each goes on until it is told to end."""
    number = 0
    while not stop.is_set():
        number += 1
        mark = f"{name}{number}-"
        body = asked("wait", "mark", folder=server.home, mark=mark)
        answers[mark] = post(server, body, headers={"X-Request-Id": mark})
        if answers[mark].status != 200:
            return


def _log(home: Path) -> list[dict[str, Any]]:
    lines = (home / "server.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]
