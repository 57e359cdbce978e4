"""The checks, each a module with a function ``check(given) -> Outcome``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A promise, and how hard to try to break it.

    Attributes:
        promise: What should hold.
        count: How many cases are tried in full.
        few: How many the tests try.
        of: What is counted.
        seconds: When to give up waiting for the check in full.
    """

    promise: str
    count: int
    few: int
    of: str = "cases"
    seconds: float = 300.0


CHECKS: Mapping[str, Check] = {
    "urls": Check(
        promise="No URL in a request makes the server connect to a place that is not public.",
        count=600,
        few=600,
        of="URLs",
    ),
    "rebinding": Check(
        promise="A name that resolves to something else the second time leads nowhere else.",
        count=1000,
        few=100,
        of="tries",
    ),
    "images": Check(
        promise="No image file crashes the decoder, and none that claims to be huge is decoded.",
        count=12_000,
        few=600,
        of="damaged files",
    ),
    "documents": Check(
        promise="No workflow document runs code, opens a file or connects; each compiles or is refused in words.",
        count=20_000,
        few=600,
        of="documents",
    ),
    "paths": Check(
        promise="No name in a request leads to a file outside the folder that it is meant for.",
        count=400,
        few=400,
        of="spellings",
    ),
    "weights": Check(
        promise="No file of weights runs code; what is hostile or broken is refused with a reason.",
        count=200,
        few=100,
        of="files",
    ),
    "schema": Check(
        promise="The server keeps to its description of the API, whatever it is sent.",
        count=5000,
        few=200,
        of="requests",
        seconds=600.0,
    ),
    "clients": Check(
        promise="Ten clients at once get the answers that one gets.",
        count=200,
        few=20,
        of="requests",
    ),
    "load": Check(
        promise="At four times its capacity the server does what it accepts in time, and says no at once to the rest.",
        count=60,
        few=3,
        of="seconds",
        seconds=3600.0,
    ),
    "departures": Check(
        promise="When a client leaves, no later step of its run starts.",
        count=200,
        few=20,
        of="departures",
    ),
    "worker_kills": Check(
        promise="When a worker is killed, its requests are answered and another takes its place.",
        count=50,
        few=3,
        of="kills",
        seconds=600.0,
    ),
    "stops": Check(
        promise="A server that is told to stop finishes what it has accepted.",
        count=50,
        few=2,
        of="stops",
        seconds=900.0,
    ),
    "saves": Check(
        promise="A saved workflow that was acknowledged is kept whatever is killed, and no file is partial.",
        count=100,
        few=6,
        of="kills",
    ),
}
"""By the name of their module, in the order in which they are run."""
