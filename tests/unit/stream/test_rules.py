"""Which sources may be opened, and that no password is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from workflow_engine.errors import WorkflowError
from workflow_engine.stream.rules import (
    ANYTHING,
    CameraPlace,
    FilePlace,
    Reference,
    SourceRules,
    StreamPlace,
    locate,
    redacted,
)

LOCAL = SourceRules(hosts=("127.0.0.0/8",))


@pytest.mark.parametrize(
    ("reference", "place"),
    [
        (0, CameraPlace(device=0)),
        ("2", CameraPlace(device=2)),
        ("/dev/video1", CameraPlace(device=1)),
        ("clip.mp4", FilePlace(path=Path("clip.mp4"))),
        (Path("3"), FilePlace(path=Path("3"))),
    ],
    ids=str,
)
def test_what_a_reference_names(reference: Reference, place: object) -> None:
    assert locate(reference, ANYTHING) == place


def test_an_address_is_opened_as_it_is_and_shown_without_its_secrets() -> None:
    place = locate("rtsp://me:pa/ss@w@camera.local:554/one?token=abc", ANYTHING)
    assert isinstance(place, StreamPlace)
    assert place.url == "rtsp://me:pa/ss@w@camera.local:554/one?token=abc"
    assert place.name == "rtsp://camera.local:554/one"
    assert "pa" not in repr(place)


@pytest.mark.parametrize(
    "reference",
    [
        "concat:a.mp4|b.mp4",
        "data:video/mp4;base64,AAAA",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "file:///etc/passwd",
        "tcp://127.0.0.1:80",
        "udp://239.0.0.1:1234",
        "rtsp://127.0.0.1/a b",
        "rtmp://127.0.0.1/live",
        "crypto:rtsp://127.0.0.1/",
        "http://127.0.0.1/list.m3u8",
        "http://127.0.0.1/clip.mp4",
        "rtsp://10.0.0.1/",
        "rtsp://8.8.8.8/",
        "rtsp://localhost.invalid/",
        "rtsp://127.0.0.1\\@10.0.0.1/",
        "rtsp://",
        "/etc/passwd",
        "frame%03d.png",
        "*.mp4",
        "clip.mp4",
        "0",
        0,
        "/dev/video0",
        "",
        True,
        None,
    ],
    ids=repr,
)
def test_a_request_reaches_only_what_is_listed(reference: Reference) -> None:
    with pytest.raises(WorkflowError):
        locate(reference, LOCAL)


def test_a_listed_host_is_opened_at_the_address_that_was_checked() -> None:
    place = locate("rtsp://me:secret@localhost:8554/cam", SourceRules(hosts=("localhost",)))
    assert isinstance(place, StreamPlace)
    assert place.url in ("rtsp://me:secret@127.0.0.1:8554/cam", "rtsp://me:secret@[::1]:8554/cam")
    assert place.name == "rtsp://localhost:8554/cam"


def test_listed_cameras_and_a_folder_of_files(tmp_path: Path) -> None:
    rules = SourceRules(devices=(1,), folder=tmp_path)
    assert locate(1, rules) == CameraPlace(device=1)
    assert locate("a/clip.mp4", rules) == FilePlace(path=(tmp_path / "a" / "clip.mp4").resolve())
    for reference in (0, "../clip.mp4", "/etc/passwd"):
        with pytest.raises(WorkflowError):
            locate(reference, rules)


@pytest.mark.parametrize(
    "url", ["rtsp://u:p@h/x", "rtsp://u:p@p@h/x", "rtsp://u:p/q@h/x?password=p", "rtsp:/u:p@h/x", "rtsp:u:p@h/x"]
)
def test_secrets_are_left_out(url: str) -> None:
    assert redacted(url) == "rtsp://h/x"
