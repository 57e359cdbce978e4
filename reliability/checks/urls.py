"""Hostile URLs: every disguise of this machine and of private networks, asked for at once and by a redirect."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

from reliability.network import Canary, Network, standing_in
from reliability.outcome import Figure, Given, Outcome, share
from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision.fetch import fetch

PRIVATE = (
    *("127.0.0.1", "127.1", "127.0.1", "127.255.255.254", "0.0.0.0", "0", "2130706433", "0x7f000001", "0x7f.1"),
    *("0177.0.0.1", "017700000001", "127.0.0.01", "0x7f.0x0.0x0.0x1", "127.0.0.1.", "①②⑦.⓪.⓪.①", "127。0。0。1"),
    *("%31%32%37.0.0.1", "localhost", "LOCALHOST", "localhost.", "inside.example", "mixed.example", "loop.example"),
    *("[::1]", "[0:0:0:0:0:0:0:1]", "[::]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0::1]"),
    *("[::ffff:0:127.0.0.1]", "[64:ff9b::7f00:1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]", "[2002:7f00:1::]"),
    *("[2002:a9fe:a9fe::]", "[2001:0:7f00:1::]", "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1]"),
    *("[fe80::1%25lo]", "[fec0::1]", "[fc00::1]", "[fd00:ec2::254]", "[ff02::1]", "[3fff::1]", "[5f00::1]", "[100::1]"),
    *(
        "[2001:db8::1]",
        "169.254.169.254",
        "0xa9fea9fe",
        "2852039166",
        "metadata.example",
        "100.100.100.200",
        "168.63.129.16",
    ),
    *("10.0.0.1", "172.16.0.1", "192.168.0.1", "100.64.0.1", "192.0.0.8", "192.88.99.1", "198.18.0.1", "224.0.0.1"),
    *("239.255.255.250", "240.0.0.1", "255.255.255.255", "203.0.113.1"),
)
FORMS = (
    *("http://{}:{}/", "HTTPS://{}:{}/a.png", "http://{}:{}?x=.png", "http://public.example@{}:{}/"),
    *("http://u:p@{}:{}/", "http://{}\\@public.example:{}/", "http://public.example#@{}:{}/", "//{}:{}/"),
    *("ftp://{}:{}/", "gopher://{}:{}/_x", "http:{}:{}", "http:///{}:{}/", "http://{}:{}/\r\nX: y", "\thttp://{}:{}/"),
    *("http:\\\\{}:{}\\", "http://{}:{}/%0d%0aX", "dict://{}:{}/x", "file://{}:{}/etc/passwd"),
)
OTHERS = (
    *("file:///etc/passwd", "data:image/png;base64,AAAA", "jar:http://a!/", "http://", "https://[", "http://[::1"),
    *(
        "http://a b/",
        "http://*/",
        "http://%/",
        "http://\x00/",
        "unix:///run/docker.sock",
        "http+unix://%2Frun%2Fdocker.sock/",
    ),
    "javascript:alert(1)",
)


def check(given: Given) -> Outcome:
    """Ask for every URL as it is, then for those that fit into one as a redirect from a server that may be visited."""
    with standing_in() as network:
        canary, door = Canary(), Canary()
        inside = ["127.0.0.1"]
        network.names = {
            "inside.example": lambda: inside,
            "loop.example": lambda: ["::1"],
            "mixed.example": lambda: ["93.184.215.14", "127.0.0.1"],
            "metadata.example": lambda: ["169.254.169.254"],
            "door.example": lambda: inside,
            **{name: lambda: inside for name in ("localhost", "LOCALHOST", "localhost.")},
        }
        urls = list(_urls(canary.port))
        random.Random(given.seed).shuffle(urls)
        broken, spent = [], []
        for number in range(given.count):
            url = urls[number % len(urls)]
            by_redirect = number >= len(urls) or number % 4 == 0
            began = time.perf_counter()
            fault = _fault(url, network, door if by_redirect else None)
            spent.append(time.perf_counter() - began)
            if fault or canary.visits:
                broken.append(f"{url!r}{' by a redirect' if by_redirect else ''}: {fault or 'the canary was reached'}")
                canary.visits = 0
        figures = {"99 % refused within": Figure(value=share(spent, 0.99) * 1000, unit="ms", most=50)}
        return Outcome(tried=given.count, broken=broken, figures=figures)


def _urls(port: int) -> Iterator[str]:
    yield from OTHERS
    for place in PRIVATE:
        yield from (form.format(place, port) for form in FORMS)


def _fault(url: str, network: Network, door: Canary | None) -> str:
    """Return what is wrong with how a URL was dealt with, if anything."""
    network.connected.clear()
    allowed: tuple[str, ...] = ()
    if door is not None:
        door.location, allowed = url, ("door.example",)
        url = f"http://door.example:{door.port}/"
    try:
        fetch(url, limits=Limits(fetch_seconds=5.0), allowed_hosts=allowed)
    except InputError as error:
        elsewhere = [place for place in network.connected if door is None or place[1] != door.port]
        return f"connected to {elsewhere}" if elsewhere else "" if error.problem.message else "refused without a word"
    except Exception as error:  # noqa: BLE001 -- whatever else it raises is a fault
        return f"{type(error).__name__}: {error}"
    return "was fetched"
