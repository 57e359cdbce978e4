"""What probes are told of the workers, and how many requests get in, whatever comes in whichever order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from starlette.requests import Request

from workflow_engine.errors import WorkflowError
from workflow_engine.server import work
from workflow_engine.server.frames import Frame
from workflow_engine.server.metrics import Metrics
from workflow_engine.server.work import Job, Workers
from workflow_engine.settings import Limits, Settings

SETTINGS = Settings(
    home=Path(), upstream_models=Path(), saved_workflows=Path(), workers=2, threads=2, limits=Limits(queue=3)
)


class Actor:
    """Plays a worker: it is up when it is let, answers when it is told to, and ends when it is made to."""

    made: list[Actor]
    may_start: asyncio.Event

    def __init__(self) -> None:
        self.pid, self.busy, self.ended = len(self.made), 0, asyncio.Event()
        self.calls: list[int] = []
        self.made.append(self)

    @classmethod
    async def start(cls, greeting: Mapping[str, Any]) -> Actor:
        await cls.may_start.wait()
        return cls()

    async def watch(self, answered: Callable[[Frame], None]) -> None:
        self.answered = answered
        await self.ended.wait()

    def call(self, head: Mapping[str, Any], body: bytes) -> None:
        self.busy += 1
        self.calls.append(head["id"])

    def cancel(self, call: int) -> None:
        pass

    def kill(self) -> None:
        self.ended.set()

    def answer(self) -> None:
        self.answered(({"id": self.calls.pop(), "steps": []}, b"{}"))


def acted(monkeypatch: pytest.MonkeyPatch) -> Workers:
    Actor.made, Actor.may_start = [], asyncio.Event()
    monkeypatch.setattr(work, "Worker", Actor)
    return Workers(SETTINGS, Metrics())


def request() -> tuple[Request, asyncio.Event]:
    """A request, and what makes its client leave."""
    gone = asyncio.Event()

    async def receive() -> dict[str, str]:
        await gone.wait()
        return {"type": "http.disconnect"}

    return cast(Request, SimpleNamespace(receive=receive, scope={"state": {}})), gone


async def turns() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


def test_what_a_probe_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        workers = acted(monkeypatch)
        starting = asyncio.create_task(workers.start())
        assert workers.state == "starting"
        Actor.may_start.set()
        await starting
        assert workers.state == "ready"
        jobs = [asyncio.create_task(workers.run(Job(task="run"), request()[0])) for _ in range(7)]
        await turns()
        assert (workers.full, workers.state) == (True, "ready")
        Actor.may_start.clear()
        for actor in list(Actor.made):
            actor.kill()
        await turns()
        assert workers.state == "restarting"
        Actor.may_start.set()
        await turns()
        assert workers.state == "ready"
        workers.draining = True
        assert workers.state == "draining"
        ended = [job for job in jobs if job.done()]
        assert len(ended) == 4, "those that were running; the others wait for the new workers"
        workers.cut_off()
        await asyncio.gather(*jobs, return_exceptions=True)
        await workers.close()

    asyncio.run(main())


@pytest.mark.parametrize("seed", range(5))
def test_the_limit_is_exact(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    async def main() -> None:
        chance = random.Random(seed)
        workers = acted(monkeypatch)
        Actor.may_start.set()
        await workers.start()
        inside: dict[asyncio.Task[bytes], asyncio.Event] = {}
        refused = 0
        for _ in range(2000):
            full = sum(len(actor.calls) for actor in Actor.made) + _waiting(workers) >= SETTINGS.slots + 3
            assert workers.full == full
            match chance.randrange(4):
                case 0 | 1:
                    asked, gone = request()
                    task = asyncio.create_task(workers.run(Job(task="run"), asked))
                    await turns()
                    assert task.done() == full
                    if full:
                        with pytest.raises(WorkflowError, match="as many requests as it can take"):
                            await task
                        refused += 1
                    else:
                        inside[task] = gone
                case 2:
                    busy = [actor for actor in Actor.made if actor.calls]
                    if busy:
                        chance.choice(busy).answer()
                case 3:
                    if inside and chance.random() < 0.3:
                        chance.choice(list(inside.values())).set()
            await turns()
            assert all(actor.busy == len(actor.calls) <= SETTINGS.threads for actor in Actor.made)
        assert refused > 50
        while any(actor.calls for actor in Actor.made):
            next(actor for actor in Actor.made if actor.calls).answer()
            await turns()
        assert not workers.full
        assert _waiting(workers) == 0
        assert all(task.done() for task in inside)
        await asyncio.gather(*inside, return_exceptions=True)
        await workers.close()

    asyncio.run(main())


def _waiting(workers: Workers) -> int:
    lines = workers._metrics.text().decode().splitlines()
    return int(float(next(line.split()[1] for line in lines if line.startswith("segflow_queue_length "))))
