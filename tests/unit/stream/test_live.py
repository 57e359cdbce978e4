"""Live sources: a real RTSP server that goes away and comes back, servers that hang, readers that die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.unit.stream.clips import BLUR, cornered, place, steady
from workflow_engine import InputError, Workflow
from workflow_engine.stream.feed import Account
from workflow_engine.stream.live import LiveSource
from workflow_engine.stream.rules import CameraPlace, SourceRules, StreamPlace, locate

PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
HANGING = 60  # seconds after which something that should end is taken to hang


# Servers and readers are processes of their own: on a crowded machine one may come too late. Told of by "R".
pytestmark = pytest.mark.flaky(reruns=1)


def has_rtsp_server() -> bool:
    if not Path(PYTHON).exists():
        return False
    return subprocess.run([PYTHON, str(SERVER), "--check"], capture_output=True, check=False).returncode == 0


needs_rtsp = pytest.mark.skipif(
    not has_rtsp_server(),
    reason="GStreamer's RTSP server is not installed: apt-get install python3-gi gir1.2-gst-rtsp-server-1.0 "
    "gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad",
)


@pytest.fixture
def blur() -> Workflow:
    return Workflow(BLUR)


@pytest.fixture(autouse=True)
def nothing_is_left_over() -> Iterator[None]:
    before = children()
    yield
    assert children() - before == set()
    assert [one.name for one in threading.enumerate() if one.name.startswith("segflow-video")] == []


def children() -> set[int]:
    """Return the processes that this one has started and not yet buried."""
    found = Path("/proc/self/task").glob("*/children")
    return {int(number) for path in found for number in path.read_text().split()}


@contextmanager
def rtsp(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    with subprocess.Popen([PYTHON, str(SERVER), str(port)], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server, int(server.stdout.readline())
        finally:
            server.kill()


@contextmanager
def silent() -> Iterator[int]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def stream(port: int, **seconds: float) -> LiveSource:
    place = StreamPlace(url=f"rtsp://127.0.0.1:{port}/camera", name=f"rtsp://127.0.0.1:{port}/camera")
    return LiveSource(place, **seconds)


def counted(account: Account) -> int:
    return account.processed + account.failed + account.skipped + account.dropped + account.unused


@needs_rtsp
def test_a_server_that_is_killed_and_started_again(blur: Workflow) -> None:
    frames = []
    with ExitStack() as servers:
        server, port = servers.enter_context(rtsp())
        # The run ends before the servers do: one that goes away under it is lost once more.
        with blur.video(f"rtsp://me:secret@127.0.0.1:{port}/camera") as run:
            while sum(frame.gap is None for frame in frames) < 30:
                frame = run.next()
                assert frame is not None
                frames.append(frame)
                if len(frames) == 10:
                    server.kill()
                    server.wait(timeout=HANGING)
                    servers.enter_context(rtsp(port))
                elif frame.gap is not None:
                    after = len(frames)
    (gap,) = (frame.gap for frame in frames if frame.gap is not None)
    assert gap.attempts > 0
    for line in ([f.number for f in frames], [f.seconds for f in frames], [f.video.frame_timestamp for f in frames]):
        assert line == sorted(set(line))
    since = [(frame.video.frame_timestamp - frames[0].video.frame_timestamp).total_seconds() for frame in frames]
    assert since == pytest.approx([frame.seconds - frames[0].seconds for frame in frames], abs=1e-5)
    passed = frames[after - 1].seconds - frames[after - 2].seconds
    assert passed > gap.seconds or passed == pytest.approx(gap.seconds)  # sums of floats may round
    assert [notice.code for notice in run.notices] == ["lost", "resumed"]
    assert "secret" not in str(run.notices) + str(run.sources) + repr(frames[0].info)
    account = run.accounts["0"]
    assert (account.gaps, account.read) == (1, counted(account))


@needs_rtsp
def test_a_server_that_freezes_for_longer_than_allowed_is_lost(blur: Workflow) -> None:
    """It comes back before twice the time: FFmpeg answers the first time-out with one picture more, and no error."""
    with rtsp() as (server, port), blur.video(stream(port, read_seconds=4)) as run:
        frame = run.next()
        os.kill(server.pid, signal.SIGSTOP)
        thawing = threading.Timer(7.5, os.kill, (server.pid, signal.SIGCONT))
        thawing.start()
        while frame is not None and frame.gap is None and frame.number < 500:
            frame = run.next()
        thawing.join()
    assert frame is not None
    assert frame.gap is not None
    assert frame.gap.reason == "it was silent for too long"
    assert [notice.code for notice in run.notices] == ["lost", "resumed"]


@needs_rtsp
def test_what_is_not_served_is_one_clear_error(blur: Workflow) -> None:
    with rtsp() as (_, port), pytest.raises(InputError, match=r"cannot be opened: .*not found") as raised:
        list(blur.video(f"rtsp://me:secret@127.0.0.1:{port}/other"))
    assert "secret" not in str(raised.value)


@needs_rtsp
def test_a_silent_source_does_not_hold_up_another(blur: Workflow) -> None:
    with silent() as deaf, rtsp() as (_, port), blur.video(stream(deaf, open_seconds=HANGING), stream(port)) as run:
        found = [run.next() for _ in range(20)]
        assert [frame and frame.source for frame in found] == ["1"] * 20
        assert run.accounts["0"].read == 0


def redirect(listening: socket.socket, to: str) -> None:
    """Answer one caller as an RTSP server that has moved."""
    caller, _ = listening.accept()
    with caller:
        number = next(line for line in caller.recv(4096).splitlines() if line.startswith(b"CSeq"))
        caller.sendall(b"RTSP/1.0 302 Moved\r\n" + number + f"\r\nLocation: {to}\r\n\r\n".encode())


@needs_rtsp
@pytest.mark.parametrize("hosts", [None, ("127.0.0.2",)], ids=["anything", "listed"])
def test_a_redirect_leads_only_who_may_go_anywhere(blur: Workflow, hosts: tuple[str, ...] | None) -> None:
    with rtsp() as (_, port), socket.create_server(("127.0.0.2", 0)) as listening:
        answering = threading.Thread(target=redirect, args=(listening, f"rtsp://127.0.0.1:{port}/camera"))
        answering.start()
        place = locate(f"rtsp://127.0.0.2:{listening.getsockname()[1]}/", SourceRules(hosts=hosts))
        assert isinstance(place, StreamPlace)
        with blur.video(LiveSource(place, open_seconds=HANGING)) as run:
            if hosts is None:
                assert run.next() is not None
            else:
                with pytest.raises(InputError, match="sends its callers on to another host"):
                    run.next()
        answering.join(timeout=HANGING)


@needs_rtsp
def test_a_listed_server_is_opened(blur: Workflow) -> None:
    with rtsp() as (_, port):
        place = locate(f"rtsp://localhost:{port}/camera", SourceRules(hosts=("localhost",)))
        assert isinstance(place, StreamPlace)
        with blur.video(LiveSource(place)) as run:
            assert run.next() is not None


def test_a_host_that_is_not_known_is_one_clear_error(blur: Workflow) -> None:
    with pytest.raises(InputError, match="its host is not known"):
        list(blur.video("rtsp://camera.invalid/1"))


def test_a_server_that_says_nothing_is_one_clear_error(blur: Workflow) -> None:
    with silent() as port, pytest.raises(InputError, match="did not answer in time"):
        list(blur.video(stream(port, open_seconds=1)))


def test_a_run_that_waits_for_a_silent_server_can_be_stopped(blur: Workflow) -> None:
    with silent() as port:
        run = blur.video(stream(port, open_seconds=10 * HANGING))
        waiting = threading.Thread(target=lambda: list(run))
        waiting.start()
        while not children():
            assert waiting.is_alive()
        run.stop()
        waiting.join(timeout=HANGING)
        assert not waiting.is_alive()


def test_a_server_that_speaks_another_language_is_one_clear_error(blur: Workflow) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            caller, _ = listening.accept()
            with caller:
                caller.sendall(b"\x00garbage\r\n\r\n" * 100)

        answering = threading.Thread(target=answer)
        answering.start()
        with pytest.raises(InputError, match="what it answers is no video"):
            list(blur.video(stream(listening.getsockname()[1], open_seconds=2)))
        answering.join(timeout=HANGING)


def test_a_video_that_the_web_gave_whole_is_not_asked_for_again(blur: Workflow, tmp_path: Path) -> None:
    """A server that gives no parts of files leaves FFmpeg without the video's length, and tells the file's."""
    content = cornered(tmp_path / "a.ts", frames=25, pixel_aspect=Fraction(16, 11)).read_bytes()

    class Whole(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Whole) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        run = blur.video(f"http://127.0.0.1:{server.server_port}/a.ts", policy="all")
        frames = list(run)
        server.shutdown()
    assert [frame.number for frame in frames] == list(range(1, 26))
    assert {frame.info.pixel_aspect for frame in frames} == {Fraction(16, 11)}
    assert list(run.notices) == []


def camera(path: Path, **seconds: float) -> LiveSource:
    """A camera that is a file: OpenCV's capture takes a path where it takes a number."""
    return LiveSource(CameraPlace(device=str(path)), **seconds)  # type: ignore[arg-type]


def test_a_camera_that_gives_no_more_pictures_is_opened_again(blur: Workflow, tmp_path: Path) -> None:
    run = blur.video(camera(steady(tmp_path / "a.mp4", 12)), policy="all", max_frames=30)
    frames = list(run)
    assert [frame.number for frame in frames] == list(range(1, 31))
    assert [frame.number for frame in frames if frame.gap is not None] == [13, 25]
    assert frames[12].gap is not None
    assert frames[12].gap.reason == "the camera gives no more pictures"
    assert [place(frame.pixels) for frame in frames[:13]] == [*range(12), 0]


def test_who_takes_its_time_with_a_frame_loses_no_other(blur: Workflow, tmp_path: Path) -> None:
    source = camera(steady(tmp_path / "a.mp4", 12, size=(640, 480)), read_seconds=0.5)
    frames = []
    for frame in blur.video(source, policy="all", max_frames=12):
        frames.append(frame)
        if frame.number == 1:
            threading.Event().wait(2)
    assert [place(frame.pixels) for frame in frames] == list(range(12))
    assert not any(frame.gap for frame in frames)


def test_there_is_no_such_camera(blur: Workflow) -> None:
    with pytest.raises(InputError, match=r"camera 97.* no such camera"):
        list(blur.video(97))


@pytest.mark.parametrize(
    ("blow", "reason"),
    [(signal.SIGKILL, "its reader ended"), (signal.SIGSTOP, "it was silent for too long")],
    ids=["dies", "hangs"],
)
def test_a_reader_that_dies_or_hangs_is_replaced(
    blur: Workflow, tmp_path: Path, blow: signal.Signals, reason: str
) -> None:
    source = camera(steady(tmp_path / "a.mp4", 600, size=(320, 240)), read_seconds=2)
    before = children()
    with blur.video(source, policy="all") as run:
        assert run.next() is not None
        (reader,) = children() - before
        os.kill(reader, blow)
        frames = []
        while not (frames and frames[-1].gap):
            frame = run.next()
            assert frame is not None
            frames.append(frame)
    gap = frames[-1].gap
    assert gap is not None
    assert gap.reason == reason
