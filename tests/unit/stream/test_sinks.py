"""Where results go: files that any player and any program reads, whole or absent."""

from __future__ import annotations

import csv
import json
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from tests.unit.stream.clips import BLUR, cornered, sound, steady, times, with_sound, with_unsteady_sound, write
from workflow_engine import InputError, Workflow, WorkflowError
from workflow_engine.stream.encode import CONTAINERS, VideoFile
from workflow_engine.stream.frame import Gap, SourceInfo
from workflow_engine.stream.records import outputs_to_json, pictures, values, without_pictures
from workflow_engine.stream.sinks import webhook
from workflow_engine.stream.sinks.lines import CsvTable, JsonLines
from workflow_engine.stream.sinks.pictures import PictureFolder
from workflow_engine.stream.sinks.queued import Queued, Sink
from workflow_engine.stream.sinks.video import AnnotatedVideo
from workflow_engine.stream.sinks.webhook import Webhook
from workflow_engine.vision.image import Image

INFO = SourceInfo(width=64, height=48, fps=25)
COUNTED: dict[str, Any] = {
    **BLUR,
    "steps": [
        *BLUR["steps"],
        {"type": "core/buffer@v1", "name": "last", "data": "$inputs.note", "length": 2},
    ],
    "inputs": [*BLUR["inputs"], {"type": "WorkflowParameter", "name": "note", "default_value": "fine"}],
    "outputs": [
        *BLUR["outputs"],
        {"type": "JsonField", "name": "note", "selector": "$inputs.note"},
        {"type": "JsonField", "name": "last", "selector": "$steps.last.output"},
        {"type": "JsonField", "name": "all", "selector": "$steps.blurred.*"},
    ],
}


def through(workflow: Workflow, path: Path, sink: Sink) -> None:
    queued = Queued(sink, called="it")
    try:
        for result in workflow.video(path):
            queued.write(result)
    finally:
        queued.close()


def test_every_output_of_a_step_below_the_frame_is_written_part_by_part() -> None:
    step = {"type": "core/image_slicer@v1", "name": "parts", "image": "$inputs.image"}
    sizes = {"slice_width": 32, "slice_height": 48, "overlap_ratio_width": 0.0}
    outputs = [{"type": "JsonField", "name": "all", "selector": "$steps.parts.*"}]
    workflow = Workflow({**BLUR, "steps": [step | sizes], "outputs": outputs})
    result = workflow.run(image=np.zeros((48, 64, 3), np.uint8)).outputs[0]
    written = outputs_to_json(workflow.plan, result)["all"]
    assert [part["slices"]["type"] for part in written] == ["base64", "base64"]
    assert without_pictures(workflow.plan, result) == {"all": [{}, {}]}


def test_an_annotated_video_is_h264_that_any_player_shows_with_the_times_of_its_source(tmp_path: Path) -> None:
    moments = [0, 40, 500, 540, 1700]
    out = tmp_path / "out.mp4"
    through(Workflow(BLUR), write(tmp_path / "vfr.mp4", moments), AnnotatedVideo(out, "picture", sources=1))
    assert times(out) == [moment / 1000 for moment in moments]
    with av.open(str(out)) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt, context.width, context.height) == ("h264", "yuv420p", 64, 48)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.mp4", "vfr.mp4"]


def test_without_an_encoder_for_h264_it_is_mpeg_4_and_it_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(av, "codecs_available", {"mpeg4"})
    video = VideoFile(tmp_path / "a.mp4")
    for number in range(5):
        video.add(np.full((48, 64, 3), 90, np.uint8), number / 25, INFO)
    video.close()
    assert times(tmp_path / "a.mp4") == [0, 0.04, 0.08, 0.12, 0.16]
    assert video.remarks == ["a.mp4 is MPEG-4 and not H.264, which this build of FFmpeg cannot write."]


def test_odd_sizes_are_made_even_and_it_is_said(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "odd.mp4")
    for number in range(3):
        video.add(np.full((47, 63, 3), 90, np.uint8), number / 25, INFO)
    video.close()
    with av.open(str(tmp_path / "odd.mp4")) as container:
        (frame, *_) = container.decode(video=0)
        assert (frame.width, frame.height) == (64, 48)
        assert abs(float(frame.to_ndarray(format="bgr24")[-1].mean()) - 90) < 8
    assert ["even sizes" in remark for remark in video.remarks] == [True]


def test_a_video_whose_pictures_change_their_size_keeps_its_own(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "a.mp4")
    for number, size in enumerate([(48, 64), (96, 128), (48, 64), (30, 30)]):
        video.add(np.full((*size, 3), 90, np.uint8), number / 25, INFO)
    video.close()
    assert len(times(tmp_path / "a.mp4")) == 4
    assert video.remarks == [
        "a.mp4 is 64 x 48 as its first picture; others, the first of them 128 x 96, were scaled to that."
    ]


def test_every_format_is_written_without_a_word_of_the_encoder(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for ending in CONTAINERS:
        video = VideoFile(tmp_path / f"a{ending}")
        video.add(np.zeros((48, 64, 3), np.uint8), 0.0, INFO)
        video.close()
        assert times(video.path) == [0]
    assert caplog.messages == []


def test_times_that_stand_still_go_on_by_a_tick(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "a.mp4")
    for _ in range(3):
        video.add(np.zeros((48, 64), np.uint8), 0.0, replace(INFO, clock=Fraction(1, 25)))
    video.close()
    assert times(tmp_path / "a.mp4") == [0, 0.04, 0.08]


def test_colours_come_out_as_they_went_in(tmp_path: Path) -> None:
    video = VideoFile(tmp_path / "a.mp4")
    colours = [(30, 60, 200), (200, 60, 30), (60, 200, 30), (128, 128, 128)]
    for number, colour in enumerate(colours):
        video.add(np.full((48, 64, 3), colour, np.uint8), number / 25, INFO)
    video.close()
    with av.open(str(tmp_path / "a.mp4")) as container:
        found = [frame.to_ndarray(format="bgr24").mean(axis=(0, 1)) for frame in container.decode(video=0)]
    assert np.abs(np.array(found) - np.array(colours)).max() < 8


def test_the_sound_of_a_file_is_kept_as_it_is(tmp_path: Path) -> None:
    source, out = with_sound(tmp_path / "a.mp4", "aac"), tmp_path / "out.mp4"
    sink = AnnotatedVideo(out, "picture", sources=1)
    through(Workflow(BLUR), source, sink)
    assert len(times(out)) == 50
    assert sound(out) == sound(source)
    assert sink.remarks == []


def test_the_sound_of_recordings_that_were_joined_goes_on(tmp_path: Path) -> None:
    source, out = with_sound(tmp_path / "a.ts", "aac"), tmp_path / "out.mp4"
    source.write_bytes(source.read_bytes() * 2)
    through(Workflow(BLUR), source, AnnotatedVideo(out, "picture", sources=1))
    with av.open(str(out)) as container:
        lengths = [float((stream.duration or 0) * (stream.time_base or 0)) for stream in container.streams]
    assert lengths == pytest.approx([4, 4], abs=0.05)


def test_sound_that_is_unsteady_does_not_run_late(tmp_path: Path) -> None:
    source = with_unsteady_sound(tmp_path / "b.mkv", with_sound(tmp_path / "a.mkv", "aac"))
    through(Workflow(BLUR), source, AnnotatedVideo(tmp_path / "out.mkv", "picture", sources=1))
    last = []
    for path in (source, tmp_path / "out.mkv"):
        with av.open(str(path)) as container:
            last.append(max(float(one.pts * one.time_base) for one in container.demux(audio=0) if one.pts is not None))
    assert last[1] == pytest.approx(last[0], abs=0.005)


def test_pixels_that_are_not_square_stay_so(tmp_path: Path) -> None:
    source, out = cornered(tmp_path / "a.mp4", pixel_aspect=Fraction(16, 11)), tmp_path / "out.mp4"
    through(Workflow(BLUR), source, AnnotatedVideo(out, "picture", sources=1))
    with av.open(str(out)) as container:
        assert container.streams.video[0].sample_aspect_ratio == Fraction(16, 11)


def test_sound_that_the_format_cannot_take_is_left_out_and_it_is_said(tmp_path: Path) -> None:
    sink = AnnotatedVideo(tmp_path / "out.mp4", "picture", sources=1)
    through(Workflow(BLUR), with_sound(tmp_path / "a.mkv", "wavpack"), sink)
    assert len(times(tmp_path / "out.mp4")) == 50
    assert ["no sound" in remark for remark in sink.remarks] == [True]


def test_a_video_without_a_frame_is_no_file(tmp_path: Path) -> None:
    VideoFile(tmp_path / "a.mp4").close()
    assert list(tmp_path.iterdir()) == []


def test_an_ending_that_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="ending that is not known"):
        VideoFile(tmp_path / "a.gif")


def test_a_video_that_cannot_be_written_is_one_clear_error_and_leaves_nothing(tmp_path: Path) -> None:
    out = tmp_path / "nowhere" / "out.mp4"
    with pytest.raises(WorkflowError, match="it cannot be written: no such file"):
        through(Workflow(BLUR), steady(tmp_path / "a.mp4", 20), AnnotatedVideo(out, "picture", sources=1))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_one_clear_error(tmp_path: Path) -> None:
    workflow = Workflow(COUNTED)
    with pytest.raises(WorkflowError, match="it cannot be written: no space left") as raised:
        through(workflow, steady(tmp_path / "a.mp4", 20), JsonLines(Path("/dev/full"), workflow.plan))
    assert raised.value.problem.whose == "operator"


def test_on_a_full_disk_what_is_there_is_whole(tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the last write finds room for a part of it."""
    workflow = Workflow(COUNTED)
    results = list(workflow.video(steady(tmp_path / "a.mp4", 5)))
    lines, folder = JsonLines(tmp_path / "out.jsonl", workflow.plan), PictureFolder(tmp_path / "frames", "picture")
    lines.write(results[0])
    folder.write(results[0])
    written = (tmp_path / "out.jsonl").read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(written) + 20, before[1]))
    try:
        for sink in (lines, folder):
            with pytest.raises(OSError, match="too large"):
                sink.write(results[1])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    lines.discard()
    assert (tmp_path / "out.jsonl").read_bytes() == written
    assert [path.name for path in (tmp_path / "frames").iterdir()] == ["0-000001.jpg"]


def test_lines_of_json(tmp_path: Path) -> None:
    workflow = Workflow(COUNTED)
    through(workflow, steady(tmp_path / "a.mp4", 3), JsonLines(tmp_path / "out.jsonl", workflow.plan))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [(row["source"], row["frame"], row["seconds"]) for row in rows] == [
        ("0", 1, 0),
        ("0", 2, 0.04),
        ("0", 3, 0.08),
    ]
    assert rows[2]["outputs"] == {"note": "fine", "last": ["fine", "fine"], "all": {}}
    assert rows[2]["timestamp"] == "1970-01-01T00:00:00.080000+00:00"


def test_a_table(tmp_path: Path) -> None:
    workflow = Workflow(COUNTED)
    sink = CsvTable(tmp_path / "out.csv", workflow.plan)
    for result in workflow.video(steady(tmp_path / "a.mp4", 2)):
        gap = Gap(seconds=1.5, reason="it was silent for too long", attempts=1) if result.number == 2 else None
        sink.write(replace(result, gap=gap))
    sink.close()
    with (tmp_path / "out.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["frame"] for row in rows] == ["1", "2"]
    assert rows[1]["note"] == "fine"
    assert json.loads(rows[1]["last"]) == ["fine", "fine"]
    assert [row["gap"] for row in rows] == ["", "1.5"]
    assert rows[1]["error"] == ""
    assert "picture" not in rows[0]


def test_a_folder_of_pictures(tmp_path: Path) -> None:
    out = tmp_path / "deep" / "frames"
    through(Workflow(BLUR), steady(tmp_path / "a.mp4", 3), PictureFolder(out, "picture"))
    assert sorted(path.name for path in out.iterdir()) == ["0-000001.jpg", "0-000002.jpg", "0-000003.jpg"]
    assert all(path.read_bytes().startswith(b"\xff\xd8") for path in out.iterdir())


def test_a_webhook_that_does_not_answer_is_left_alone_and_the_run_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workflow = Workflow(COUNTED)
    sink = Webhook("http://127.0.0.1:9/", workflow.plan, allowed_hosts=("127.0.0.1",))
    through(workflow, steady(tmp_path / "a.mp4", 10), sink)
    (remark,) = sink.remarks
    assert "missed 10" in remark
    assert ["left alone for 30 s" in message for message in caplog.messages] == [True]
    assert sink.results == []


@contextmanager
def listener(failing: int = 0) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A server that keeps what it is sent, and answers the first calls with an error."""
    bodies: list[dict[str, Any]] = []

    class Listener(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(503 if len(bodies) <= failing else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Listener) as server:
        listening = threading.Thread(target=server.serve_forever)
        listening.start()
        yield f"http://127.0.0.1:{server.server_port}/alerts", bodies
        server.shutdown()
        listening.join()


def test_a_webhook_gets_every_record(tmp_path: Path) -> None:
    workflow = Workflow(COUNTED)
    with listener() as (url, bodies):
        sink = Webhook(url, workflow.plan, allowed_hosts=("127.0.0.1",))
        through(workflow, steady(tmp_path / "a.mp4", 5), sink)
    assert [body["frame"] for body in bodies] == [1, 2, 3, 4, 5]
    assert bodies[0]["outputs"]["note"] == "fine"
    assert (sink.remarks, sink.results) == ([], ["5 calls of the webhook"])


def test_a_webhook_that_does_not_answer_holds_up_no_stop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhook, "CALL_SECONDS", 60.0)
    workflow = Workflow(COUNTED)
    results = list(workflow.video(steady(tmp_path / "a.mp4", 5)))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        sink = Queued(Webhook(url, workflow.plan, allowed_hosts=("127.0.0.1",)), called="The webhook")
        for result in results:
            sink.write(result)
        caller, _ = silent.accept()
        with caller:
            sink.hurry()
            sink.close()
    assert sink.remarks == [f"The webhook took 0 results and missed 5: {webhook.STOPPED}"]


def test_what_nobody_foresaw_of_a_webhook_ends_the_run_and_not_its_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise RuntimeError("boom")

    monkeypatch.setattr(webhook, "request", broken)
    workflow = Workflow(COUNTED)
    sink = Queued(Webhook("http://127.0.0.1:9/", workflow.plan, allowed_hosts=()), called="The webhook")
    (result,) = workflow.video(steady(tmp_path / "a.mp4", 1))
    with suppress(WorkflowError):  # if it fails at once
        sink.write(result)
    with pytest.raises(WorkflowError, match="The webhook cannot be written: boom"):
        sink.close()


def test_a_webhook_that_comes_back_is_called_again(tmp_path: Path) -> None:
    workflow = Workflow(COUNTED)
    with listener(failing=4) as (url, bodies):
        sink = Webhook(url, workflow.plan, allowed_hosts=("127.0.0.1",), rest_seconds=0)
        through(workflow, steady(tmp_path / "a.mp4", 6), sink)
    assert len(bodies) == 6
    assert sink.remarks == ["The webhook took 2 results and missed 4: The URL answered with status 503."]


def test_which_outputs_are_pictures() -> None:
    assert pictures(Workflow(COUNTED).plan) == ["picture"]


def test_lists_of_pictures_are_no_values_whether_or_not_there_are_any() -> None:
    outputs = [
        {"type": "JsonField", "name": "crops", "selector": "$steps.cut.crops"},
        {"type": "JsonField", "name": "found", "selector": "$inputs.found"},
    ]
    found = {"type": "WorkflowBatchInput", "name": "found", "kind": ["object_detection_prediction"]}
    cut = {"type": "core/dynamic_crop@v1", "name": "cut", "images": "$inputs.image", "predictions": "$inputs.found"}
    plan = Workflow({**BLUR, "inputs": [*BLUR["inputs"], found], "steps": [cut], "outputs": outputs}).plan
    assert (pictures(plan), values(plan)) == ([], ["found"])
    image = Image.from_array(np.zeros((4, 4, 3), np.uint8))
    for crops in ([], [image], [None, image]):
        assert without_pictures(plan, {"crops": crops, "found": None}) == {"found": None}
