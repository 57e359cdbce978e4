"""``segflow run``: what goes in, what comes out, and what is said when it cannot."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

from tests.unit.cli.conftest import CROP, Segflow, draw


def test_a_table_of_the_outputs(segflow: Segflow, workflow: Path, photo: Path) -> None:
    done = segflow("run", workflow, "--image", photo)
    assert done.code == 0
    assert "a picture (--out DIR keeps it)" in done.out
    assert "1 run in" in done.out


def test_json_and_nothing_else(segflow: Segflow, workflow: Path, photo: Path) -> None:
    done = segflow("run", workflow, "--image", photo, "--json", "--param", "note=[1, 2]")
    result = json.loads(done.out)
    assert result["images"] == ["photo"]
    (outputs,) = result["outputs"]
    assert outputs["note"] == [1, 2]
    assert outputs["crop"]["type"] == "base64"


@pytest.mark.parametrize(("given", "read"), [("7", 7), ("true", True), ("bolt", "bolt"), ("a=b", "a=b"), ("", "")])
def test_a_parameter_is_json_where_it_reads_as_json(
    segflow: Segflow, workflow: Path, photo: Path, given: str, read: object
) -> None:
    done = segflow("run", workflow, "--image", photo, "--json", "--param", f"note={given}")
    assert json.loads(done.out)["outputs"][0]["note"] == read


def test_pictures_become_files_and_the_result_names_them(
    segflow: Segflow, workflow: Path, photo: Path, tmp_path: Path
) -> None:
    out = tmp_path / "deep" / "out"
    assert segflow("run", workflow, "--image", photo, "--out", out).code == 0
    result = json.loads((out / "result.json").read_text())
    assert result["outputs"] == [{"crop": "crop.jpg", "note": "none"}]
    picture = cv2.imread(str(out / "crop.jpg"))
    assert picture is not None
    assert picture.shape == (10, 20, 3)


def test_a_folder_gives_a_folder_for_each_picture_and_one_bad_file_stops_nothing(
    segflow: Segflow, workflow: Path, tmp_path: Path
) -> None:
    pictures, out = tmp_path / "in", tmp_path / "out"
    pictures.mkdir()
    for name in ("b.png", "a.png", "a.bmp"):
        draw(pictures / name)
    (pictures / "broken.jpg").write_bytes(b"no picture")
    (pictures / "notes.txt").write_text("ignored")
    done = segflow("run", workflow, "--image", pictures, "--out", out)
    assert done.code == 1
    assert "broken: " in done.err
    result = json.loads((out / "result.json").read_text())
    assert result["images"] == ["a-1", "a-2", "b", "broken"]
    assert [outputs and outputs["crop"] for outputs in result["outputs"]] == [
        "a-1/crop.jpg",
        "a-2/crop.jpg",
        "b/crop.jpg",
        None,
    ]
    assert [error["image"] for error in result["errors"]] == ["broken"]
    assert sorted(path.name for path in out.iterdir()) == ["a-1", "a-2", "b", "result.json"]


def test_a_trace_says_where_the_time_went(segflow: Segflow, workflow: Path, photo: Path, tmp_path: Path) -> None:
    assert segflow("run", workflow, "--image", photo, "--trace", tmp_path / "trace.json").code == 0
    events = json.loads((tmp_path / "trace.json").read_text())["traceEvents"]
    assert [event["name"] for event in events] == ["workflow_compilation", "step_execution", "workflow_run"]


def test_several_image_inputs_are_named(segflow: Segflow, photo: Path, tmp_path: Path) -> None:
    document = {**CROP, "inputs": [*CROP["inputs"], {"type": "WorkflowImage", "name": "other"}]}
    document["outputs"] = [{"type": "JsonField", "name": "o", "selector": "$inputs.other"}]
    path = tmp_path / "two.json"
    path.write_text(json.dumps(document))
    unnamed = segflow("run", path, "--image", photo)
    assert unnamed.code == 1
    assert "2 image inputs: which one takes" in unnamed.err
    assert segflow("run", path, "--image", f"image={photo}", f"other={photo}").code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "nowhere.json"], "The workflow nowhere.json cannot be read: no such file or directory."),
        (["run", "{workflow}"], "There is no picture for the input 'image'. Name one: --image photo.jpg."),
        (["run", "{workflow}", "--image", "{folder}/phot.png"], "Did you mean '{folder}/photo.png'?"),
        (["run", "{workflow}", "--image", "{folder}/empty"], "holds no pictures"),
        (["run", "{workflow}", "--image", "a.MP4"], "a.MP4 is no picture, but a video. segflow video runs"),
        (["run", "{workflow}", "--image", "rtsp://camera/1"], "rtsp://camera/1 is no picture, but a video."),
        (["run", "{workflow}", "--image", "{photo}", "--param", "nte=1"], "Did you mean 'note'?"),
        (["run", "{workflow}", "--image", "{photo}", "--param", "note"], "Write --param note=VALUE."),
    ],
)
def test_one_sentence_about_what_is_wrong(
    segflow: Segflow, workflow: Path, photo: Path, tmp_path: Path, arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    words = {"workflow": workflow, "photo": photo, "folder": tmp_path}
    done = segflow(*(argument.format(**words) for argument in arguments))
    assert done.code == 1
    assert done.out == ""
    assert said.format(**words) in done.err
    assert done.err.startswith("error: ")
    assert done.err.count("\n") == 1


def test_a_full_disk_is_one_sentence_and_an_exit_code_of_its_own(
    segflow: Segflow, workflow: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    done = segflow("run", workflow, "--image", photo, "--out", tmp_path / "out")
    assert done.code == 4
    assert "No space left on device" in done.err
    assert done.err.count("\n") == 1
    assert list((tmp_path / "out").iterdir()) == [], "no half of a file, and no result that names what is not there"


def test_an_interruption_keeps_what_is_done(workflow: Path, photo: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pictures = [photo] * 20_000
    command = [sys.executable, "-m", "workflow_engine.cli", "run", workflow, "--out", out, "--image", *pictures]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as running:
        while not (out / "photo-3" / "crop.jpg").exists():
            assert running.poll() is None, "it ended by itself"
        running.send_signal(signal.SIGINT)
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said == "Interrupted.\n"
    result = json.loads((out / "result.json").read_text())
    assert 2 <= len(result["images"]) < len(pictures)
    assert all((out / outputs["crop"]).is_file() for outputs in result["outputs"])


def test_an_error_that_nobody_foresaw_is_a_sentence_too(
    segflow: Segflow, workflow: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("workflow_engine.cli.pictures.assign", broken)
    done = segflow("run", workflow, "--image", photo)
    assert done.code == 4
    assert "RuntimeError: boom SEGFLOW_DEBUG=1 shows where." in done.err
    monkeypatch.setenv("SEGFLOW_DEBUG", "1")
    with pytest.raises(RuntimeError, match="boom"):
        segflow("run", workflow, "--image", photo)


def test_no_command_is_a_wrong_command_line(segflow: Segflow) -> None:
    with pytest.raises(SystemExit, match="2"):
        segflow("run")
