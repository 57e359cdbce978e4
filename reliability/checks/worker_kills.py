"""Workers that are killed in the middle of what they do."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter

from reliability.outcome import Figure, Given, Outcome, share
from reliability.servers import Answer, Server, asked, figure, installed, post, serving, until, workers_of

CLIENTS = 4
WORKERS = 2


def check(given: Given) -> Outcome:
    """Kill a worker at random while clients ask all the time; every request is answered, and another worker comes."""
    chance, stop = random.Random(given.seed), threading.Event()
    answers: list[Answer] = []
    environment = installed(given.folder / "site")
    with serving(given.folder, "--workers", str(WORKERS), **environment) as server:
        until(lambda: figure(server, "segflow_workers_up") == WORKERS)
        (given.folder / "go").touch()
        clients = [threading.Thread(target=_ask, args=(server, str(n), stop, answers)) for n in range(CLIENTS)]
        for client in clients:
            client.start()
        back = [_kill(server, number, chance) for number in range(given.count)]
        stop.set()
        for client in clients:
            client.join()
    statuses = Counter(answer.status for answer in answers)
    broken = [f"a request got {answer}" for answer in answers if not _fine(answer)]
    if not statuses[200]:
        broken.append("no request was answered well")
    figures = {
        "capacity back, slowest": Figure(value=max(back), unit="s", most=5),
        "capacity back, half": Figure(value=share(back, 0.5), unit="s"),
    }
    note = f"{len(answers)} requests meanwhile: {statuses[200]} done, {statuses[503]} told that their worker was lost."
    return Outcome(tried=given.count, broken=broken, figures=figures, notes=[note])


def _ask(server: Server, name: str, stop: threading.Event, answers: list[Answer]) -> None:
    while not stop.is_set():
        answers.append(post(server, asked(*["mark"] * 5, folder=server.home, mark=f"{name}-")))


def _fine(answer: Answer) -> bool:
    return answer.status == 200 or (answer.status == 503 and answer.body["code"] == "worker_lost")


def _kill(server: Server, number: int, chance: random.Random) -> float:
    """Kill one worker; return the seconds until there are as many again."""
    time.sleep(chance.uniform(0.0, 0.1))
    os.kill(chance.choice(workers_of(server)), signal.SIGKILL)
    began = time.monotonic()
    until(lambda: figure(server, "segflow_workers_lost_total") == number + 1)
    until(lambda: figure(server, "segflow_workers_up") == WORKERS)
    return time.monotonic() - began
