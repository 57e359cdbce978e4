"""A worker: a process that runs the tasks of requests, so that the server can end it whatever it is doing.

It is started by ``server.process`` with a socket in the place of its standard input. It loads models in its own memory,
knows no token, and ends when the server does.
"""

from __future__ import annotations

import os
import threading
import time
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import orjson

from workflow_engine import memory
from workflow_engine.context import Stop
from workflow_engine.events import Event, StepFailed, StepFinished
from workflow_engine.server import child, logs
from workflow_engine.side_by_side import CROWDED

if TYPE_CHECKING:
    from workflow_engine.server.tasks.call import Bench


def main() -> None:
    """Serve until the server hangs up."""
    channel = child.Channel()
    child.belong_to_the_server()
    memory.keep_freed()
    greeting = channel.read()
    if greeting is not None:
        _Worker(channel, greeting[0]).serve()
    os._exit(0)  # threads may be in the middle of something that nobody waits for any more


class _Worker:
    """The threads of one worker, and the calls they are busy with."""

    def __init__(self, channel: child.Channel, greeting: dict[str, Any]) -> None:
        self._channel, self._greeting = channel, greeting
        self._stops: dict[int, Stop] = {}
        self._waiting: SimpleQueue[tuple[dict[str, Any], bytes | bytearray]] = SimpleQueue()

    def serve(self) -> None:
        """Get ready, say so, then take calls and cancellations as they come."""
        try:
            bench = _bench(self._greeting)
        except Exception as error:  # noqa: BLE001 -- whatever it is, the server must be told why there is no worker
            self._channel.write(child.told(error))
            return
        child.settle_down()
        for _ in range(self._greeting["threads"]):
            threading.Thread(target=self._work, args=(bench,), daemon=True).start()
        self._channel.write({"ready": True})
        while (frame := self._channel.read()) is not None:
            head, body = frame
            if "cancel" in head:
                if (stop := self._stops.get(head["cancel"])) is not None:
                    stop.cancel()
                continue
            self._stops[head["id"]] = Stop(timeout=head["seconds"])
            self._waiting.put((head, body))

    def _work(self, bench: Bench) -> None:
        from workflow_engine.server.tasks import TASKS
        from workflow_engine.server.tasks.call import Call
        from workflow_engine.server.tasks.patience import RUNNING

        while True:
            head, body = self._waiting.get()
            steps: list[dict[str, Any]] = []
            call = Call(
                bench=bench,
                stop=self._stops[head["id"]],
                observe=lambda event, steps=steps: _note(steps, event),  # type: ignore[misc]
                body=body,
                options=head["options"],
            )
            RUNNING.set(call.stop)
            CROWDED.set(head["crowded"])
            try:
                told, answer, filled = {}, orjson.dumps(TASKS[head["task"]](call)), False
            except Exception as error:  # noqa: BLE001 -- the boundary between a request and the worker
                told, answer, filled = child.told(error), b"", child.out_of_memory(error)
            del self._stops[head["id"]], call, body
            self._channel.write({"id": head["id"], "steps": steps, **told}, answer)
            if filled:
                memory.give_back()


def _bench(greeting: dict[str, Any]) -> Bench:
    """Import what runs need, and load the models that are to be there from the start.

    The imports are here and not above, so that the server is told of what this machine lacks for them.
    """
    from workflow_engine.server.tasks.call import Bench
    from workflow_engine.server.tasks.patience import PatientEngine

    settings = child.settings_from(greeting)
    logs.configure(as_json=settings.json_logs, secrets=settings.secrets.values())
    child.limit_memory(settings, shared_by=greeting["workers"])
    engine = PatientEngine(settings, trusted=False)
    engine.session(engine.compile(b'{"version": "1.0", "inputs": [], "steps": [], "outputs": []}')).run({})
    for model_id in settings.preload:
        engine.models.get(model_id)
    return Bench(engine)


def _note(steps: list[dict[str, Any]], event: Event) -> None:
    """Keep what metrics and traces want of a step that has just ended."""
    match event:
        case StepFinished():
            length, failed = event.seconds, False
        case StepFailed():
            length, failed = 0.0, True
        case _:
            return
    steps.append({"step": event.step, "block": event.block, "ended": time.time(), "seconds": length, "failed": failed})


if __name__ == "__main__":
    main()
