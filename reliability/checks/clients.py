"""One client, then ten at once, with the same pictures through the demo model."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor

from reliability.apart import ROOT
from reliability.outcome import Given, Outcome
from reliability.servers import Answer, Server, post, serving

CLIENTS = 10
_NEW = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT[\d:.]+")
"""What is new in every run: ids of single objects, and the time at which a picture came."""


def check(given: Given) -> Outcome:
    """Ask for every run once alone and once among others; the answers must be equal to the last digit."""
    bodies = _requests()
    wanted = [bodies[number % len(bodies)] for number in range(given.count)]
    # as many slots as two processors serve, and room for every client, so that none is refused
    with serving(given.folder, "--workers", "2", "--preload", "demo/fasteners") as server:
        alone = {body: _settled(post(server, body)) for body in bodies}
        with ThreadPoolExecutor(CLIENTS) as clients:
            together = list(clients.map(lambda body: _settled(_patient(server, body)), wanted))
    broken = [f"alone there was {text[:300]}" for text in alone.values() if not text.startswith("200")]
    for number, (body, text) in enumerate(zip(wanted, together, strict=True)):
        if text != alone[body]:
            at = max(0, _same(text, alone[body]) - 80)
            broken.append(f"request {number}: …{text[at : at + 200]}… instead of …{alone[body][at : at + 200]}…")
    different = len(set(alone.values()))
    return Outcome(tried=given.count, broken=broken, notes=[f"{CLIENTS} clients, {different} different answers."])


def _same(one: str, other: str) -> int:
    """Return how many characters two texts begin with in common."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _patient(server: Server, body: bytes) -> Answer:
    """Ask again while the server is full."""
    while (answer := post(server, body)).status == 503:
        pass
    return answer


def _settled(answer: Answer) -> str:
    return f"{answer.status} {_NEW.sub('new', json.dumps(answer.body, sort_keys=True))}"


def _requests() -> list[bytes]:
    """Return bodies of requests: the examples with one picture, each as it is and with less confidence."""
    bodies = []
    for example in ("count_fasteners", "crop_each", "blur_all_but_one", "compare_thresholds"):
        folder = ROOT / "examples" / example
        (picture,) = (file for file in folder.glob("*.jpg") if file.name != "result.jpg")
        image = {"type": "base64", "value": b64encode(picture.read_bytes()).decode()}
        document = json.loads((folder / "workflow.json").read_text())
        bodies.append(json.dumps({"specification": document, "inputs": {"image": image}}).encode())
        for step in document["steps"]:
            step |= {"confidence": 0.3} if "model_id" in step else {}
        bodies.append(json.dumps({"specification": document, "inputs": {"image": image}}).encode())
    return bodies
