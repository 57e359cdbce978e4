"""Names that change what they mean: public when they are checked, private when they are visited."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from reliability.network import Canary, standing_in
from reliability.outcome import Given, Outcome
from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision.addresses import is_public, parse_address
from workflow_engine.vision.fetch import fetch

PUBLIC = ("93.184.215.14", "8.8.8.8", "2606:4700::1111")
PRIVATE = ("127.0.0.1", "::1", "169.254.169.254", "10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "fe80::1")


def check(given: Given) -> Outcome:
    """Let a name resolve to something else each time, in every order; connections may go to public addresses only."""
    chance, broken = random.Random(given.seed), []
    with standing_in() as network:
        canary = Canary()
        for number in range(given.count):
            told: list[Sequence[str]] = []
            network.connected.clear()
            network.names["rebind.example"] = _changing(chance, told)
            try:
                fetch(f"http://rebind.example:{canary.port}/", limits=Limits(fetch_seconds=5.0))
                broken.append(f"try {number}, {told}: was fetched")
            except InputError:
                wrong = [address for address, _ in network.connected if not is_public(parse_address(address))]
                if wrong or canary.visits or len(told) != 1:
                    broken.append(f"try {number}, {told}: connected to {network.connected}")
                    canary.visits = 0
    return Outcome(tried=given.count, broken=broken)


def _changing(chance: random.Random, told: list[Sequence[str]]) -> Callable[[], Sequence[str]]:
    """Return a resolver: first public, or public among private; from the second time on private."""
    first = [chance.choice(PUBLIC)]
    if chance.random() < 0.5:
        first += chance.sample(PRIVATE, chance.randint(1, 3))
        chance.shuffle(first)

    def resolve() -> Sequence[str]:
        told.append(first if not told else [chance.choice(PRIVATE)])
        return told[-1]

    return resolve
