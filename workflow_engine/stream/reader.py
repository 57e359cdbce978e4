"""The program that reads a live source, in a process of its own: a hanging reader can only be ended with its process.

It is started as a script with ``{"url": …}`` or ``{"device": …}`` and its options as a line of JSON on standard input,
so that no credentials stand in a list of processes, and imports nothing of the engine. On standard output it writes
messages: four bytes of length, a JSON object, and for a frame its pixels. It ends with its parent, which holds standard
input open.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import socket
import stat
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

RTSP = {
    "rtsp_transport": "tcp",
    "allowed_media_types": "video",
    "protocol_whitelist": "rtsp,rtp,udp,tcp,tls",
    "format_whitelist": "rtsp,sdp,rtp,mpegts,h264,hevc,mjpeg",
    # Frames that are watched to guess the rate before any is given; by default FFmpeg lets twenty go by.
    "fpsprobesize": "5",
}
WEB = {
    "protocol_whitelist": "http,https,httpproxy,tcp,tls",
    "format_whitelist": "mpjpeg,mjpeg,mov,matroska,avi,mpegts,mpeg,flv,ogg,h264,hevc,asf",
}

MOST_FILES = 256
"""Files and connections that this process may have open, of which it needs a dozen."""
SILENT = "it was silent for too long"
END_SECONDS = 2.0
"""How far from its declared length the last frame of a whole video may lie."""


def main() -> None:
    """Read until the source ends, fails, or the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means
    order = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        for header, pixels in _camera(order) if "device" in order else _stream(order):
            _send(header, pixels)
    except BrokenPipeError:
        os._exit(0)
    os._exit(0)  # without waiting for a driver or a connection to be given back


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    os._exit(0)


def _send(header: dict[str, Any], pixels: Any = None) -> None:
    text = json.dumps(header).encode()
    sys.stdout.buffer.write(len(text).to_bytes(4, "big") + text)
    if pixels is not None:
        sys.stdout.buffer.write(pixels.data)
    sys.stdout.buffer.flush()


def _frame(pixels: Any, seconds: float | None, began: float) -> tuple[dict[str, Any], Any]:
    height, width = pixels.shape[:2]
    spent = time.perf_counter() - began
    return {"kind": "frame", "height": height, "width": width, "seconds": seconds, "decode": spent}, pixels


def _camera(order: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    import cv2

    capture = cv2.VideoCapture(order["device"])
    if not capture.isOpened():
        yield {"kind": "error", "reason": "there is no such camera, or another program uses it"}, None
        return
    yield {"kind": "open", "fps": capture.get(cv2.CAP_PROP_FPS) or None, "pixel_aspect": [1, 1]}, None
    while True:
        began = time.perf_counter()
        good, pixels = capture.read()
        if not good:
            yield {"kind": "error", "reason": "the camera gives no more pictures"}, None
            return
        yield _frame(pixels, None, began)


def _stream(order: dict[str, Any]) -> Iterator[tuple[dict[str, Any], Any]]:
    import av
    from av.video.reformatter import VideoReformatter

    to_bgr = VideoReformatter()  # one for all: a frame's own would make its tables and threads anew
    limits = (order["open_seconds"], order["read_seconds"])
    opened, asked = False, time.monotonic()
    options = RTSP if order["url"].lower().startswith("rtsp") else WEB
    try:
        container = av.open(order["url"], "r", options=options, timeout=limits)
        if order["address"] is not None and _others() != {order["address"]}:
            # FFmpeg follows a redirect without asking: by now it has been there, but its pictures go no further.
            yield {"kind": "error", "reason": "it sends its callers on to another host"}, None
            return
        if not container.streams.video:
            yield {"kind": "error", "reason": "it has no pictures"}, None
            return
        opened = True
        stream = container.streams.video[0]
        stream.thread_type = "SLICE"  # threads by frame would hold frames back
        rate, aspect = stream.average_rate, stream.sample_aspect_ratio
        told = {"fps": float(rate) if rate else None, "pixel_aspect": aspect.as_integer_ratio() if aspect else [1, 1]}
        yield {"kind": "open", **told}, None
        reached, asked = 0.0, time.monotonic()
        for packet in container.demux(stream):
            # A time-out makes FFmpeg give what its parser still holds, and keep the error to itself.
            if time.monotonic() - asked >= order["read_seconds"]:
                yield {"kind": "error", "reason": SILENT}, None
                return
            began = time.perf_counter()
            for frame in _decoded(packet, av):
                if frame.width * frame.height > order["max_pixels"]:
                    reason = f"its pictures have {frame.width} x {frame.height} pixels, more than are allowed"
                    yield {"kind": "error", "reason": reason}, None
                    return
                reached = frame.time or reached
                yield _frame(to_bgr.reformat(frame, format="bgr24").to_ndarray(), frame.time, began)
            asked = time.monotonic()
        # A server that goes away looks like the end of its video: only one that has told its length can be believed.
        # (Where it has told a number of bytes and sends fewer, FFmpeg fails.)
        length = None if container.duration is None else container.duration / av.time_base
        if not container.format.name.startswith("matroska"):  # whose length counts from its clock's zero
            reached -= (container.start_time or 0) / av.time_base
        whole = container.size > 0 or (length is not None and reached > length - END_SECONDS)
        yield ({"kind": "end"} if whole else {"kind": "error", "reason": "the connection was closed"}), None
    except av.FFmpegError as error:
        late = time.monotonic() - asked >= order["open_seconds"] and not opened
        lost = error.errno == errno.EIO and not opened and not _known(order["url"])
        reason = "it did not answer in time" if late else "its host is not known" if lost else _reason(error, av)
        yield {"kind": "error", "reason": reason}, None


def _known(url: str) -> bool:
    try:
        return bool(socket.getaddrinfo(urlsplit(url).hostname, None))
    except (OSError, ValueError):
        return False


def _others() -> set[str]:
    """Return the addresses that this process is connected with."""
    found = set()
    for number in range(MOST_FILES):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(number).st_mode):
                with socket.socket(fileno=os.dup(number)) as one:
                    if one.family in (socket.AF_INET, socket.AF_INET6):
                        found.add(one.getpeername()[0])
    return found


def _decoded(packet: Any, av: Any) -> list[Any]:
    try:
        return list(packet.decode())
    except av.InvalidDataError:
        return []  # until the next key frame, as after a lost packet


def _reason(error: Any, av: Any) -> str:
    """Say what happened without the address, which may hold a password."""
    if isinstance(error, av.ExitError | av.TimeoutError):
        return "it did not answer in time"
    if isinstance(error, av.HTTPUnauthorizedError):
        return "it wants a user name and a password, or others than those given"
    if isinstance(error, av.InvalidDataError):
        return "what it answers is no video"
    return str(error.strerror or type(error).__name__).lower()


if __name__ == "__main__":
    main()
