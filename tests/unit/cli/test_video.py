"""``segflow video``: what it writes, what it says, and how it ends."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import ROOT, Segflow
from tests.unit.stream.clips import BLUR, steady, times


@pytest.fixture
def blur(tmp_path: Path) -> Path:
    path = tmp_path / "blur.json"
    path.write_text(json.dumps(BLUR))
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return steady(tmp_path / "clip.mp4", 10)


def test_everything_at_once_and_the_books_balance(segflow: Segflow, blur: Path, clip: Path, tmp_path: Path) -> None:
    out, rows, table, frames = (tmp_path / name for name in ("out.mp4", "out.jsonl", "out.csv", "frames"))
    done = segflow(
        *("video", blur, "--source", clip, "--every", "3"),
        *("--out", out, "--jsonl", rows, "--csv", table, "--frames", frames),
    )
    assert done.code == 0, done.err
    assert "clip.mp4: 10 frames read: 4 processed, 6 left out" in done.out
    assert times(out) == [0, 0.12, 0.24, 0.36]
    assert [json.loads(line)["frame"] for line in rows.read_text().splitlines()] == [1, 4, 7, 10]
    assert len(table.read_text().splitlines()) == 5
    assert len(list(frames.iterdir())) == 4


def test_several_sources_get_a_video_each(segflow: Segflow, blur: Path, clip: Path, tmp_path: Path) -> None:
    other = steady(tmp_path / "other.mp4", 4)
    done = segflow("video", blur, "--source", clip, other, "--out", tmp_path / "out.mp4")
    assert done.code == 0, done.err
    assert [len(times(tmp_path / f"out-{number}.mp4")) for number in (0, 1)] == [10, 4]
    assert "source 1, other.mp4: 4 frames read: 4 processed" in done.out
    assert f"Results: {tmp_path / 'out-0.mp4'}, {tmp_path / 'out-1.mp4'}" in done.out


def test_a_frame_on_which_the_workflow_fails_keeps_none_of_the_others(
    segflow: Segflow, clip: Path, tmp_path: Path
) -> None:
    """The first frame has none before it: its buffer holds nothing at the second place."""
    most = [{"type": "NumericSequenceAggregate", "function": "max"}]
    steps = [
        {"type": "core/buffer@v1", "name": "last", "data": "$inputs.number", "length": 2, "pad": True},
        {"type": "core/property_definition@v1", "name": "most", "data": "$steps.last.output", "operations": most},
    ]
    number = {"type": "WorkflowParameter", "name": "number", "default_value": 7}
    output = {"type": "JsonField", "name": "most", "selector": "$steps.most.output"}
    document = {**BLUR, "inputs": [*BLUR["inputs"], number], "steps": steps, "outputs": [output]}
    (tmp_path / "most.json").write_text(json.dumps(document))
    done = segflow("video", tmp_path / "most.json", "--source", clip, "--jsonl", tmp_path / "out.jsonl")
    assert done.code == 3
    assert "clip.mp4: 10 frames read: 9 processed, 1 failed" in done.out
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["outputs"].get("most") for row in rows] == [None, *[7] * 9]
    assert "step 'most' failed" in rows[0]["error"]["message"]
    assert done.err.startswith("warning: frame 1: The step 'most' failed")
    assert "error: The workflow failed on 1 of 10 frames, on frame 1 first: The step 'most' failed" in done.err


def test_a_bad_source_among_good_ones_is_told_and_the_others_go_on(
    segflow: Segflow, blur: Path, clip: Path, tmp_path: Path
) -> None:
    done = segflow("video", blur, "--source", tmp_path / "missing.mp4", clip)
    assert done.code == 1
    assert "source 0: The video 'missing.mp4' is not there" in done.err
    assert "clip.mp4: 10 frames read: 10 processed" in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--source", "missing.mp4"], "The video 'missing.mp4' is not there"),
        (["--source", "rtsp://me:secret@127.0.0.1:9/x"], "The source 'rtsp://127.0.0.1:9/x' cannot be opened"),
        (["--source", "ftp://me:secret@host/x"], "The video source 'ftp://host/x' is no file, and no address"),
        (["--source", "a.mp4", "--output", "pictur", "--out", "b.mp4"], "Did you mean 'picture'?"),
        (["--source", "a.mp4", "--out", "a.gif"], "an ending that is not known"),
        (["--source", "a.mp4", "--param", "x=1"], "The workflow has no input 'x'"),
        (["--source", "a.mp4", "--jsonl", "b", "--csv", "./b"], "b is named for two kinds of results"),
        (["--source", "a.mp4", "--jsonl", "-", "--csv", "-"], "Standard output is named for two kinds of results"),
        (["--source", "."], ". is a folder, and no video. segflow run runs a workflow on pictures"),
        (
            ["--source", str(ROOT / "examples/count_fasteners/tray.jpg")],
            "tray.jpg is a picture, and no video.",
        ),
        (["--source", "a.mp4", "--webhook", "ftp://host/secret"], "The webhook cannot be called: expected http(s)"),
    ],
    ids=str,
)
def test_what_is_wrong_is_one_sentence(segflow: Segflow, blur: Path, arguments: list[str], said: str) -> None:
    done = segflow("video", blur, *arguments)
    assert done.code == 1
    assert said in done.err
    assert "secret" not in done.out + done.err
    assert done.err.count("error:") == 1


def test_what_stood_there_before_is_lost_to_no_run_that_gives_nothing(
    segflow: Segflow, blur: Path, clip: Path, tmp_path: Path
) -> None:
    kept = [tmp_path / name for name in ("out.mp4", "out.jsonl", "out.csv")]
    for path in kept:
        path.write_text("precious")
    sinks = [*("--out", kept[0], "--jsonl", kept[1], "--csv", kept[2], "--frames", tmp_path / "frames")]
    model = {"type": "core/instance_segmentation@v1", "name": "parts", "images": "$inputs.image", "model_id": "no/such"}
    drawn = {"type": "core/mask_visualization@v1", "name": "blurred", "image": "$inputs.image"}
    failing = {**BLUR, "steps": [model, {**drawn, "predictions": "$steps.parts.predictions"}]}
    (tmp_path / "failing.json").write_text(json.dumps(failing))
    missing = segflow("video", blur, "--source", tmp_path / "missing.mp4", *sinks)
    failed = segflow("video", tmp_path / "failing.json", "--source", clip, *sinks)
    assert (missing.code, failed.code) == (1, 3), failed.err
    assert failed.err.count("There is no model 'no/such'") == 1
    assert "Results" not in failed.out
    assert [path.read_text() for path in kept] == ["precious"] * 3
    assert not (tmp_path / "frames").exists()


@pytest.mark.parametrize(("option", "lines"), [("--jsonl", 10), ("--csv", 11)])
def test_results_on_standard_output_stand_there_alone(
    blur: Path, clip: Path, tmp_path: Path, option: str, lines: int
) -> None:
    before = tmp_path / "before.txt"
    before.write_text("kept\n")
    command = ["video", str(blur), "--source", str(clip), option, "-"]
    with before.open("a") as added, started(command, tmp_path, stdout=added, stderr=subprocess.PIPE) as process:
        _, said = process.communicate(timeout=60)
    assert process.returncode == 0, said
    kept, *rows = before.read_text().splitlines()
    assert (kept, len(rows)) == ("kept", lines)
    assert b"10 frames read: 10 processed" in said
    assert not (ROOT / "-").exists()


def test_who_has_enough_of_the_results_ends_the_run_without_a_word(blur: Path, tmp_path: Path) -> None:
    clip = steady(tmp_path / "long.mp4", 1000)
    command = ["video", str(blur), "--source", str(clip), "--jsonl", "-"]
    with started(command, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["frame"] == 1
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 0, said
    assert b"error" not in said


@pytest.mark.parametrize("option", ["--out", "--jsonl", "--csv"])
def test_no_result_takes_the_place_of_its_source(segflow: Segflow, blur: Path, clip: Path, option: str) -> None:
    before = clip.read_bytes()
    done = segflow("video", blur, "--source", clip, option, clip)
    assert done.code == 1
    assert "clip.mp4 is a source, and would be lost" in done.err
    assert clip.read_bytes() == before


@pytest.mark.parametrize("option", ["--jsonl", "--csv", "--out"])
def test_no_result_takes_the_place_of_the_workflow(segflow: Segflow, blur: Path, clip: Path, option: str) -> None:
    before = blur.read_bytes()
    workflow = blur.rename(blur.with_name("blur.mp4"))
    done = segflow("video", workflow, "--source", clip, option, workflow.parent / "." / "blur.mp4")
    assert done.code == 1
    assert "blur.mp4 is the workflow, and would be lost" in done.err
    assert workflow.read_bytes() == before


@pytest.mark.parametrize("option", ["--jsonl", "--csv"])
def test_no_result_takes_the_place_of_a_source_under_another_name(
    segflow: Segflow, blur: Path, clip: Path, tmp_path: Path, option: str
) -> None:
    before = clip.read_bytes()
    (tmp_path / "other").hardlink_to(clip)
    done = segflow("video", blur, "--source", clip, option, tmp_path / "other")
    assert done.code == 1
    assert "other is a source, and would be lost" in done.err
    assert clip.read_bytes() == before


@pytest.mark.parametrize(
    ("option", "name", "expected"),
    [
        ("--jsonl", "nowhere/rows.jsonl", "rows.jsonl is not there. Make it, or name another."),
        ("--out", "folder.mp4", "folder.mp4 is to be a file, and there is a folder."),
        ("--frames", "clip.mp4", "clip.mp4 is"),
        ("--frames", "blur.json", "blur.json is to be a folder, and there is a file."),
    ],
)
def test_results_that_have_no_place_are_refused_before_anything_runs(
    segflow: Segflow, blur: Path, clip: Path, tmp_path: Path, option: str, name: str, expected: str
) -> None:
    (tmp_path / "folder.mp4").mkdir()
    done = segflow("video", blur, "--source", clip, option, tmp_path / name)
    assert done.code == 1
    assert expected in done.err
    assert "frames read" not in done.out


def test_a_name_that_begins_like_that_of_a_home(segflow: Segflow, blur: Path) -> None:
    done = segflow("video", blur, "--source", "~nobody-has-this-name.mp4")
    assert done.code == 1
    assert "The video '~nobody-has-this-name.mp4' is not there" in done.err


def test_no_video_of_several_takes_the_place_of_a_source(segflow: Segflow, blur: Path, tmp_path: Path) -> None:
    clips = [steady(tmp_path / f"clip-{number}.mp4", 3) for number in range(2)]
    before = [clip.read_bytes() for clip in clips]
    done = segflow("video", blur, "--source", *clips, "--out", tmp_path / "clip.mp4")
    assert done.code == 1
    assert "clip-0.mp4 is a source, and would be lost" in done.err
    assert [clip.read_bytes() for clip in clips] == before


def test_a_workflow_without_a_picture_cannot_be_shown(segflow: Segflow, clip: Path, tmp_path: Path) -> None:
    document = {**BLUR, "outputs": [{"type": "JsonField", "name": "all", "selector": "$steps.blurred.*"}]}
    path = tmp_path / "plain.json"
    path.write_text(json.dumps(document))
    done = segflow("video", path, "--source", clip, "--out", tmp_path / "out.mp4")
    assert done.code == 1
    assert "no output with an annotated picture" in done.err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=str)
def test_a_signal_ends_the_run_and_finishes_the_files(blur: Path, tmp_path: Path, number: signal.Signals) -> None:
    clip = steady(tmp_path / "long.mp4", 1000, size=(320, 240))
    out, rows = tmp_path / "out.mp4", tmp_path / "out.jsonl"
    command = ["video", str(blur), "--source", str(clip), "--out", str(out), "--jsonl", str(rows)]
    with started(command, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        while not rows.exists() or rows.read_bytes().count(b"\n") < 5:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(number)
        said, complaints = process.communicate(timeout=30)
    assert process.returncode == 130, complaints
    written = rows.read_text().splitlines()
    assert 5 <= len(written) < 1000
    assert len(times(out)) == len(written)
    assert f"{len(written)} processed" in said
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_a_signal_before_the_first_frame_is_answered(blur: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = ["video", str(blur), "--source", f"rtsp://127.0.0.1:{silent.getsockname()[1]}/camera"]
        with started(command, tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            caller, _ = silent.accept()
            with caller:
                process.send_signal(signal.SIGINT)
                said, complaints = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "")
    assert complaints == "Interrupted before the first frame.\n"


@pytest.mark.parametrize(("more", "shown"), [([], r"10 of 10 frames, "), (["--max-frames", "9"], r"9 frames, ")])
def test_the_progress_line_is_whole_in_a_narrow_terminal(
    blur: Path, clip: Path, tmp_path: Path, more: list[str], shown: str
) -> None:
    terminal, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 50))
    command = ["video", str(blur), "--source", str(clip), "--out", str(tmp_path / "out.mp4"), *more]
    with started(command, tmp_path, stdout=subprocess.DEVNULL, stderr=theirs) as process:
        os.close(theirs)
        with os.fdopen(terminal, "rb", buffering=0) as screen:
            text = "".join(chunk.decode(errors="replace") for chunk in iter(lambda: _read(screen), b""))
    assert process.returncode == 0
    plain = re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text))
    assert re.search(shown + r"[\d.]+/s; decode [\d.]+, run [\d.]+, write [\d.]+ ms", plain), plain


@pytest.fixture
def screen() -> Iterator[str]:
    """A screen without a monitor."""
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "640x480x24"]
    with subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL) as server:
        os.close(writing)
        with os.fdopen(reading) as ready:
            number = ready.readline().strip()
        yield f":{number}"
        server.terminate()


def titles(screen: str) -> set[str]:
    """Return the titles of the windows on a screen, as far as they can be had at this moment."""
    command = [sys.executable, str(Path(__file__).with_name("window_titles.py")), screen]
    return set(subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout.splitlines())


@pytest.mark.flaky(reruns=1)  # a window may come too late on a crowded machine
@pytest.mark.skipif(shutil.which("Xvfb") is None, reason="there is no screen without a monitor: apt-get install xvfb")
def test_every_source_is_shown_in_a_window_of_its_own(
    blur: Path, tmp_path: Path, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", screen)
    clip = steady(tmp_path / "a.mp4", 10_000)
    clips = [str(clip), shutil.copy(clip, tmp_path / "b.mp4")]
    expected = {f"segflow: blur.json, source {number}, {name}" for number, name in enumerate(("a.mp4", "b.mp4"))}
    with started(["video", str(blur), "--show", "--source", *clips], tmp_path) as process:
        while not expected <= titles(screen):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    assert process.returncode == 130


def test_without_a_screen_nothing_is_begun(
    blur: Path, clip: Path, segflow: Segflow, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    done = segflow("video", blur, "--source", clip, "--show")
    assert (done.code, done.out) == (4, "")
    assert "no screen that segflow can reach" in done.err


def _read(screen: FileIO) -> bytes:
    """Return what the terminal shows next, or nothing when there is nobody any more who writes to it."""
    try:
        return screen.read(4096)
    except OSError:
        return b""


def started(command: list[str], home: Path, **streams: Any) -> subprocess.Popen[Any]:
    """Run the command line in a process of its own, which hears signals and has a terminal."""
    return subprocess.Popen(
        [sys.executable, "-m", "workflow_engine.cli", *command],
        cwd=ROOT,
        env={**os.environ, "SEGFLOW_HOME": str(home / "home"), "TERM": "xterm"},
        **streams,
    )
