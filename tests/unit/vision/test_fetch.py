"""Fetching, against real servers on this machine: what comes back, what is refused, and when it gives up."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from workflow_engine.errors import InputError
from workflow_engine.settings import Limits
from workflow_engine.vision import fetch as module
from workflow_engine.vision.fetch import fetch, request

HERE = ("127.0.0.1",)
LIMITS = Limits(image_bytes=200_000, fetch_seconds=2.0)
QUICK = Limits(image_bytes=200_000, fetch_seconds=0.4)


class Handler(BaseHTTPRequestHandler):
    """Answers as the path says, and keeps what it was asked."""

    protocol_version = "HTTP/1.1"
    asked: list[tuple[str, dict[str, str]]]
    bodies: list[bytes]

    def do_GET(self) -> None:
        self.asked.append((self.path, dict(self.headers)))
        self.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        page, _, argument = self.path[1:].partition("/")
        getattr(self, f"page_{page}")(argument)

    def do_POST(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        self.do_GET()

    def answer(self, body: bytes = b"", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def page_image(self, argument: str) -> None:
        self.answer(b"image " + argument.encode())

    def page_size(self, argument: str) -> None:
        self.answer(bytes(int(argument)))

    def page_chunks(self, argument: str) -> None:
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for _ in range(int(argument)):
            self.wfile.write(b"2710\r\n" + bytes(10_000) + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def page_status(self, argument: str) -> None:
        self.answer(b"no", status=int(argument))

    def page_hops(self, argument: str) -> None:
        left = int(argument)
        self.answer(status=302, Location=f"/hops/{left - 1}" if left else "/image/end")

    def page_to(self, argument: str) -> None:
        self.answer(status=307, Location=argument)

    def page_gzip(self, _: str) -> None:
        self.answer(b"\x1f\x8b", Content_Encoding="gzip")

    def page_slowly(self, _: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.drip(b"x")

    def page_short(self, _: str) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b"x")
        self.close_connection = True

    def page_headers(self, _: str) -> None:
        self.send_response(200)
        self.flush_headers()
        self.drip(b"X-A: b\r\n")

    def drip(self, data: bytes) -> None:
        for _ in range(60):
            self.wfile.write(data)
            time.sleep(0.05)

    def handle(self) -> None:
        try:
            super().handle()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[tuple[str, type[Handler]]]:
    handler = type("ItsHandler", (Handler,), {"asked": [], "bodies": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}", handler
        server.shutdown()


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    with serving() as started:
        yield started


def problem(url: str, allowed: tuple[str, ...] = HERE, limits: Limits = LIMITS) -> Any:
    with pytest.raises(InputError) as caught:
        fetch(url, limits=limits, allowed_hosts=allowed, at="/inputs/image")
    assert (caught.value.problem.at, caught.value.problem.whose) == ("/inputs/image", "caller")
    return caught.value.problem


def resolver(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> list[str]:
    """Let host names resolve to these addresses, one answer after the other; return the names that were asked for."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(0, 0, 0, "", (address, port)) for address in answers[min(len(asked), len(answers)) - 1]]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return asked


def test_what_is_asked_and_what_comes_back(server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, handler = server
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert fetch(f"http://{address}/image/ä?b#c", limits=LIMITS, allowed_hosts=HERE) == b"image %C3%A4?b"
    ((_, headers),) = handler.asked
    assert headers == {
        "Host": address,
        "Accept-Encoding": "identity",
        "User-Agent": "segflow",
        "Connection": "close",
    }


@pytest.mark.parametrize("page", ["size/200000", "chunks/20"])
def test_as_much_as_is_allowed(server: tuple[str, type[Handler]], page: str) -> None:
    assert len(fetch(f"http://{server[0]}/{page}", limits=LIMITS, allowed_hosts=HERE)) == 200_000


@pytest.mark.parametrize("page", ["size/200001", "chunks/21", "chunks/100000"])
def test_more_than_is_allowed(server: tuple[str, type[Handler]], page: str) -> None:
    assert problem(f"http://{server[0]}/{page}").code == "image_too_large"


def test_redirects_are_followed_and_counted(server: tuple[str, type[Handler]]) -> None:
    address, handler = server
    assert fetch(f"http://{address}/hops/2", limits=LIMITS, allowed_hosts=HERE) == b"image end"
    handler.asked.clear()
    found = problem(f"http://{address}/hops/3")
    assert found.code == "url_refused"
    assert "more than 3 times" in found.message
    assert [path for path, _ in handler.asked] == ["/hops/3", "/hops/2", "/hops/1", "/hops/0"]


@pytest.mark.parametrize(
    "place", ["file:///etc/passwd", "http://u@127.0.0.1/", "ftp://a/", "http://127.1/", "http://[::1"]
)
def test_a_redirect_is_read_like_any_url(server: tuple[str, type[Handler]], place: str) -> None:
    assert problem(f"http://{server[0]}/to/{place}").code == "url_refused"


def test_a_redirect_to_a_private_place_is_not_followed(
    server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    address, handler = server
    with serving() as (canary, canary_handler):
        resolver(monkeypatch, ["127.0.0.1"])
        port = address.rpartition(":")[2]
        found = problem(f"http://public.example:{port}/to/http://{canary}/image/secret", allowed=("public.example",))
        assert found.code == "url_refused"
        assert len(handler.asked) == 1
        assert not canary_handler.asked


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "[::]"])
def test_this_machine_is_never_visited(server: tuple[str, type[Handler]], host: str) -> None:
    address, handler = server
    found = problem(f"http://{host}:{address.rpartition(':')[2]}/image/a", allowed=())
    assert found.code == "url_refused"
    assert "not on the public internet" in found.message
    assert not handler.asked


@pytest.mark.parametrize(
    "answer", [["127.0.0.1"], ["93.184.215.14", "127.0.0.1"], ["93.184.215.14", "::1"], ["fe80::1%eth0"]]
)
def test_one_private_address_among_others_is_enough(
    server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    address, handler = server
    resolver(monkeypatch, answer)
    assert problem(f"http://rebind.example:{address.rpartition(':')[2]}/image/a", allowed=()).code == "url_refused"
    assert not handler.asked


def test_the_checked_address_is_the_one_visited(
    server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that resolves otherwise the second time is asked for once only."""
    address, handler = server
    asked = resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.99"])
    port = address.rpartition(":")[2]
    assert fetch(f"http://camera.lan:{port}/image/a", limits=LIMITS, allowed_hosts=("camera.lan",)) == b"image a"
    assert asked == ["camera.lan"]
    assert handler.asked[0][1]["Host"] == f"camera.lan:{port}"


def test_the_next_address_is_tried(server: tuple[str, type[Handler]], monkeypatch: pytest.MonkeyPatch) -> None:
    address, _ = server
    resolver(monkeypatch, ["127.0.0.2", "::1", "127.0.0.1"])
    url = f"http://camera.lan:{address.rpartition(':')[2]}/image/a"
    assert fetch(url, limits=LIMITS, allowed_hosts=("camera.lan",)) == b"image a"


@pytest.mark.parametrize("status", [204, 206, 304, 404, 500])
def test_other_answers_are_no_image(server: tuple[str, type[Handler]], status: int) -> None:
    found = problem(f"http://{server[0]}/status/{status}")
    assert found.code == "url_unreachable"
    assert f"status {status}" in found.message


def test_a_body_that_ends_early_is_no_image(server: tuple[str, type[Handler]]) -> None:
    assert problem(f"http://{server[0]}/short").code == "url_unreachable"


def test_a_compressed_body_is_refused(server: tuple[str, type[Handler]]) -> None:
    assert "compressed" in problem(f"http://{server[0]}/gzip").message


@pytest.mark.parametrize("page", ["slowly", "headers"])
def test_a_server_that_drips_is_left(server: tuple[str, type[Handler]], page: str) -> None:
    found = problem(f"http://{server[0]}/{page}", limits=QUICK)
    assert found.code == "url_unreachable"
    assert "within 0.4 s" in found.message


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """A port of this machine where ``serve`` talks to the first who connects."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:

        def accept() -> None:
            with closing(listener.accept()[0]) as connection:
                serve(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_says_nothing_is_left(scheme: str) -> None:
    let_go, waited = threading.Event(), []
    with listening(lambda _: waited.append(let_go.wait(30))) as port:
        assert problem(f"{scheme}://127.0.0.1:{port}/", limits=QUICK).code == "url_unreachable"
        assert waited == [], "the server still waits when it is given up"
        let_go.set()


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: \r\nContent-Length: 0\r\n\r\n",
    ],
)
def test_answers_that_are_no_http(answer: bytes) -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(answer)

    with listening(serve) as port:
        assert problem(f"http://127.0.0.1:{port}/").code == "url_unreachable"


def test_hosts_that_do_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as unused:
        port = unused.getsockname()[1]
    refused = problem(f"http://127.0.0.1:{port}/")
    assert (refused.code, refused.message) == (
        "url_unreachable",
        "The image's URL names a host that takes no connection at this port.",
    )
    nowhere = problem("http://" + "a" * 64 + ".example/", limits=QUICK)
    assert (nowhere.code, nowhere.message) == ("url_unreachable", "The image's URL names a host that has no address.")

    let_go, waited = threading.Event(), []

    def late(*_: Any, **__: Any) -> list[Any]:
        waited.append(let_go.wait(30))
        return []

    monkeypatch.setattr(socket, "getaddrinfo", late)
    assert problem("http://slow.example/", limits=QUICK).code == "url_unreachable"
    assert waited == [], "the name is still being looked up when it is given up"
    let_go.set()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl program to make a certificate")
    path = tmp_path / "localhost.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=camera.lan"]
    command += ["-addext", "subjectAltName=DNS:camera.lan", "-keyout", str(path), "-out", str(path)]
    subprocess.run(command, check=True, capture_output=True)
    text = path.read_text()
    if "PRIVATE KEY" not in text:
        pytest.skip("this openssl does not write key and certificate into one file")
    return path


def test_tls_checks_the_name_in_the_url(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    resolver(monkeypatch, ["127.0.0.1"])
    with serving(context) as (address, handler):
        port = address.rpartition(":")[2]
        assert problem(f"https://camera.lan:{port}/image/a", allowed=("camera.lan",)).code == "url_unreachable"
        monkeypatch.setattr(module, "_tls", lambda: ssl.create_default_context(cafile=str(certificate)))
        assert problem(f"https://other.lan:{port}/image/a", allowed=("other.lan",)).code == "url_unreachable"
        assert not handler.asked
        found = fetch(f"https://camera.lan:{port}/image/a", limits=LIMITS, allowed_hosts=("camera.lan",))
        assert found == b"image a"


@pytest.mark.parametrize(("method", "body"), [("POST", b"{}"), ("PUT", b"\x00\xff"), ("POST", b""), ("GET", b"")])
def test_a_request_sends_what_it_is_given(server: tuple[str, type[Handler]], method: str, body: bytes) -> None:
    address, handler = server
    headers = {"X-Count": "3", "user-agent": "me", "Host": "elsewhere", "Content-Length": "0", "Connection": "x"}
    url = f"http://{address}/status/201"
    assert request(url, method, seconds=2, headers=headers, body=body, allowed_hosts=HERE) == 201
    ((path, received),) = handler.asked
    length = {} if method == "GET" else {"Content-Length": str(len(body))}
    known = {"Host": address, "Connection": "close", "X-Count": "3", "user-agent": "me"}
    assert (path, received, handler.bodies) == ("/status/201", known | length, [body])


def test_a_request_follows_no_redirect(server: tuple[str, type[Handler]]) -> None:
    address, handler = server
    assert request(f"http://{address}/hops/1", "POST", seconds=2, body=b"x", allowed_hosts=HERE) == 302
    assert len(handler.asked) == 1


@pytest.mark.parametrize(
    ("url", "headers", "code"),
    [
        ("http://{address}/image/a", {"X": "a\r\nY: b"}, "url_refused"),
        ("http://{address}/image/a", {"X Y": "a"}, "url_refused"),
        ("http://{address}/image/a", {"X: y\r\nZ": "a"}, "url_refused"),
        ("http://{address}/image/a", {"X": "\u2603"}, "url_refused"),
        ("http://user@{address}/", {}, "url_refused"),
        ("http://[::1]:1/", {}, "url_refused"),
    ],
)
def test_a_request_that_is_none(
    server: tuple[str, type[Handler]], url: str, headers: dict[str, str], code: str
) -> None:
    address, handler = server
    with pytest.raises(InputError) as caught:
        request(url.format(address=address), "POST", seconds=1, headers=headers, allowed_hosts=HERE)
    assert caught.value.problem.code == code
    assert not handler.asked


def test_a_request_is_over_in_time(server: tuple[str, type[Handler]]) -> None:
    with pytest.raises(InputError, match=r"no complete answer within 0\.3 s"):
        request(f"http://{server[0]}/headers", "POST", seconds=0.3, allowed_hosts=HERE)
