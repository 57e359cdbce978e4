"""Runs on video files: in order, every frame accounted for, and nothing left over."""

from __future__ import annotations

import struct
import threading
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.stream.clips import BLUR, cornered, place, steady, with_its_beginning_cut_off, write
from workflow_engine import InputError, StepFailed, Workflow
from workflow_engine.stream.feed import Account
from workflow_engine.stream.files import FileSource
from workflow_engine.stream.frame import Notice

TRACKED: dict[str, Any] = {
    **BLUR,
    "steps": [
        *BLUR["steps"],
        {"type": "core/buffer@v1", "name": "seen", "data": "$inputs.image", "length": 100},
        {
            "type": "core/property_definition@v1",
            "name": "count",
            "data": "$steps.seen.output",
            "operations": [{"type": "SequenceLength"}],
        },
    ],
    "outputs": [{"type": "JsonField", "name": "seen", "selector": "$steps.count.output"}],
}


@pytest.fixture
def blur() -> Workflow:
    return Workflow(BLUR)


def video_threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("segflow-video")]


def counted(account: Account) -> int:
    return account.processed + account.failed + account.skipped + account.dropped + account.unused


def test_every_frame_of_a_file_comes_in_order_with_its_time(blur: Workflow, tmp_path: Path) -> None:
    run = blur.video(steady(tmp_path / "a.mp4", 40))
    found = [(frame.number, frame.seconds, place(frame["picture"].pixels)) for frame in run]
    assert found == [(number, pytest.approx((number - 1) / 25), number - 1) for number in range(1, 41)]
    account = run.accounts["0"]
    assert (account.read, account.processed, counted(account)) == (40, 40, 40)
    assert video_threads() == []


def test_results_are_those_of_a_sequential_run(blur: Workflow, tmp_path: Path) -> None:
    path = steady(tmp_path / "a.mp4", 20)
    stopped = threading.Event()
    alone = blur.session()
    frames = list(FileSource(path).frames(stopped, lambda code, message: None))
    expected = [alone.run({"image": frame.pixels})["picture"].pixels for frame in frames]
    found = [frame["picture"].pixels for frame in blur.video(path)]
    assert all(np.array_equal(one, other) for one, other in zip(found, expected, strict=True))


def test_what_a_workflow_is_told_of_a_frame(blur: Workflow, tmp_path: Path) -> None:
    frame = list(blur.video(steady(tmp_path / "a.mp4", 3)))[2]
    video = frame["picture"].video
    assert (video.video_identifier, video.frame_number, video.fps, video.total_frames) == ("0", 3, 25, 3)
    assert video.comes_from_video_file
    assert video.frame_timestamp == datetime(1970, 1, 1, 0, 0, 0, 80_000, tzinfo=UTC)


def test_a_variable_rate_keeps_its_times_and_says_that_numbers_do_not_tell_them(blur: Workflow, tmp_path: Path) -> None:
    path = write(tmp_path / "vfr.mp4", [0, 40, 500, 540, 1700])
    frames = list(blur.video(path))
    assert [frame.seconds for frame in frames] == pytest.approx([0, 0.04, 0.5, 0.54, 1.7])
    assert frames[-1].video.time - frames[0].video.time == pytest.approx(1.7)


@pytest.mark.parametrize(
    ("options", "numbers"),
    [
        ({"every": 4}, [1, 5, 9, 13, 17]),
        ({"fps": 5}, [1, 6, 11, 16]),
        ({"fps": 10}, [1, 4, 6, 9, 11, 14, 16, 19]),
        ({"max_frames": 3}, [1, 2, 3]),
        ({"every": 8, "max_frames": 2}, [1, 9]),
    ],
    ids=str,
)
def test_which_frames_are_taken(blur: Workflow, tmp_path: Path, options: dict[str, Any], numbers: list[int]) -> None:
    run = blur.video(steady(tmp_path / "a.mp4", 20), **options)
    assert [frame.number for frame in run] == numbers
    account = run.accounts["0"]
    assert account.processed == len(numbers)
    assert account.read == counted(account)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every must be a whole number above 0; found 0."),
        ({"every": 1.5}, "every must be a whole number above 0; found 1.5."),
        ({"fps": "a"}, "fps must be a number above 0; found 'a'."),
        ({"fps": float("nan")}, "fps must be a number above 0; found nan."),
        ({"max_frames": -1}, "max_frames must be a whole number above 0; found -1."),
        ({"policy": "newest"}, "policy must be all or latest; found 'newest'."),
    ],
    ids=str,
)
def test_options_that_make_no_sense(blur: Workflow, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        blur.video("a.mp4", **options)


def test_what_is_printed_of_a_frame_has_no_pixels(blur: Workflow, tmp_path: Path) -> None:
    (frame,) = blur.video(steady(tmp_path / "a.mp4", 1))
    shown = "{'picture': Image(64 x 48, id='image')}"
    assert repr(frame) == f"FrameResult(source='0', number=1, seconds=0.000, outputs={shown})"


def test_leaving_the_loop_ends_the_threads(blur: Workflow, tmp_path: Path) -> None:
    path = steady(tmp_path / "a.mp4", 40)
    for frame in blur.video(path):
        if frame.number == 3:
            break
    assert video_threads() == []
    with blur.video(path) as run:
        assert run.next() is not None
    assert video_threads() == []
    account = run.accounts["0"]
    assert account.read == counted(account)
    assert account.unused > 0


def test_stopping_from_another_thread(blur: Workflow, tmp_path: Path) -> None:
    run = blur.video(steady(tmp_path / "a.mp4", 40))
    numbers = []
    for frame in run:
        numbers.append(frame.number)
        if frame.number == 5:
            stopping = threading.Thread(target=run.stop)
            stopping.start()
            stopping.join()
    assert numbers == [1, 2, 3, 4, 5]


def test_the_callback_form(blur: Workflow, tmp_path: Path) -> None:
    numbers: list[int] = []
    accounts = blur.video(steady(tmp_path / "a.mp4", 6)).each(lambda frame: numbers.append(frame.number))
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert accounts["0"].processed == 6


def test_the_latest_frame_is_kept_and_the_others_are_counted(blur: Workflow, tmp_path: Path) -> None:
    run = blur.video(steady(tmp_path / "a.mp4", 40), policy="latest")
    first = run.next()
    assert first is not None
    with run._changed:  # the reader is done with the file while nobody takes anything
        assert run._changed.wait_for(lambda: run._feeds[0]._ended, timeout=30)
    rest = list(run)
    assert [frame.number for frame in rest] == [40]
    account = run.accounts["0"]
    assert account.dropped == 40 - 2
    assert account.read == counted(account) == 40


def test_each_source_has_its_own_state_and_it_can_be_reset(tmp_path: Path) -> None:
    run = Workflow(TRACKED).video(steady(tmp_path / "a.mp4", 6), steady(tmp_path / "b.mp4", 6))
    seen: dict[str, list[int]] = {"0": [], "1": []}
    for frame in run:
        seen[frame.source].append(frame["seen"])
        if (frame.source, frame.number) == ("1", 4):
            run.reset("1")
    assert seen == {"0": [1, 2, 3, 4, 5, 6], "1": [1, 2, 3, 4, 1, 2]}
    with pytest.raises(InputError, match="no source '2'; they are 0, 1"):
        run.reset("2")


def test_one_bad_source_ends_neither_the_others_nor_in_silence(blur: Workflow, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(b"this is no video")
    told: list[Notice] = []
    run = blur.video(bad, steady(tmp_path / "a.mp4", 5), observers=[told.append])
    assert [(frame.source, frame.number) for frame in run] == [("1", number) for number in range(1, 6)]
    assert [(notice.source, notice.code) for notice in told] == [("0", "failed")]
    assert list(run.failures) == ["0"]


def test_a_step_that_fails_fails_its_frame_only(tmp_path: Path) -> None:
    step = {
        "type": "core/absolute_static_crop@v1",
        "name": "cut",
        "images": "$inputs.image",
        "x_center": 5,
        "y_center": 5,
        "width": 4,
        "height": 4,
    }
    untracked = {
        "type": "core/line_counter@v1",
        "name": "line",
        "image": "$inputs.image",
        "predictions": "$inputs.objects",
        "line_segment": [[0, 0], [9, 9]],
    }
    document = {
        **BLUR,
        "inputs": [
            *BLUR["inputs"],
            {"type": "WorkflowParameter", "name": "objects", "kind": ["object_detection_prediction"]},
        ],
        "steps": [step, untracked],
        "outputs": [{"type": "JsonField", "name": "in", "selector": "$steps.line.count_in"}],
    }
    row = {"x": 5, "y": 5, "width": 2, "height": 2, "confidence": 1, "class": "a", "class_id": 0, "detection_id": "a"}
    objects = {"image": {"width": 64, "height": 48}, "predictions": [row]}
    run = Workflow(document).video(steady(tmp_path / "a.mp4", 3), parameters={"objects": objects})
    frames = list(run)
    assert [frame.problem is not None and frame.problem.step for frame in frames] == ["line"] * 3
    with pytest.raises(StepFailed, match="The step 'line' failed"):
        frames[0]["in"]
    account = run.accounts["0"]
    assert (account.failed, account.read) == (3, counted(account))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"this is no video", "is no video"),
        (b"", "is empty"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/hostname\n#EXT-X-ENDLIST\n", "is no video"),
        (b"ffconcat version 1.0\nfile a.mp4\n", "is no video"),
    ],
    ids=["text", "empty", "playlist", "list of files"],
)
def test_what_is_no_video_is_one_clear_error(blur: Workflow, tmp_path: Path, content: bytes, expected: str) -> None:
    steady(tmp_path / "a.mp4", 3)
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=expected):
        list(blur.video(path))
    assert video_threads() == []


@pytest.mark.parametrize(
    ("name", "what"),
    [("missing.mp4", "not there"), (".", "a folder"), ("a%d.mp4", "not there"), ("*.mp4", "not there")],
)
def test_what_is_not_there_is_one_clear_error(
    blur: Workflow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    steady(tmp_path / "a1.mp4", 3)
    with pytest.raises(InputError, match=f"is {what}"):
        list(blur.video(name))


@pytest.mark.parametrize("given", [["a.mp4", "b.mp4"], None, 1.5], ids=str)
def test_what_can_be_no_source_is_one_clear_error(blur: Workflow, given: Any) -> None:
    with pytest.raises(InputError, match="A video source is a path, an address or a camera's number"):
        blur.video(given)


def test_what_can_be_decoded_of_a_truncated_file_is_processed_and_the_rest_is_told(
    blur: Workflow, tmp_path: Path
) -> None:
    whole = steady(tmp_path / "a.mkv", 100, size=(320, 240))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    run = blur.video(cut)
    numbers = [frame.number for frame in run]
    assert 0 < len(numbers) < 100
    assert numbers == list(range(1, len(numbers) + 1))
    assert "damaged" in [notice.code for notice in run.notices]


def test_a_file_without_frames_is_one_clear_error(blur: Workflow, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no pictures"):
        list(blur.video(write(tmp_path / "none.mp4", [])))


def test_a_file_of_which_nothing_can_be_decoded_is_told(blur: Workflow, tmp_path: Path) -> None:
    path = steady(tmp_path / "a.mp4", 5)
    head, begin, rest = path.read_bytes().partition(b"mdat")
    content, index, tail = rest.partition(b"moov")
    path.write_bytes(head + begin + bytes(len(content) - 4) + content[-4:] + index + tail)
    run = blur.video(path)
    assert list(run) == []
    assert "empty" in [notice.code for notice in run.notices]
    assert run.accounts["0"].read == 0


def matrix(a: int, b: int, c: int, d: int) -> bytes:
    """Return the bytes by which an MP4 file says that x, y are shown at a x + c y, b x + d y."""
    one = 0x10000
    return struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0, 0x40000000)


@pytest.mark.parametrize(
    ("turned", "white"),
    [
        ((0, 1, -1, 0), (0, 1)),
        ((-1, 0, 0, -1), (1, 1)),
        ((0, -1, 1, 0), (1, 0)),
        ((-1, 0, 0, 1), (0, 1)),
        ((1, 0, 0, -1), (1, 0)),
        ((0, 1, 1, 0), (0, 0)),
        ((0, -1, -1, 0), (1, 1)),
    ],
    ids=["right", "around", "left", "mirrored", "upside down", "mirrored and left", "mirrored and right"],
)
def test_phone_videos_stand_upright(
    blur: Workflow, tmp_path: Path, turned: tuple[int, int, int, int], white: tuple[int, int]
) -> None:
    """Pictures whose upper left quarter is white are shown with the quarter at (lower, right) white."""
    path = cornered(tmp_path / "a.mp4")
    head, track, tail = path.read_bytes().partition(b"tkhd")
    assert matrix(1, 0, 0, 1) in tail
    path.write_bytes(head + track + tail.replace(matrix(1, 0, 0, 1), matrix(*turned), 1))
    frame = next(iter(blur.video(path)))
    height, width, _ = frame.pixels.shape
    assert (frame.info.width, frame.info.height) == (width, height) == ((64, 48) if turned[0] else (48, 64))
    quarters = frame.pixels.mean(axis=2).reshape(2, height // 2, 2, width // 2).mean(axis=(1, 3))
    assert np.argwhere(quarters > 128).tolist() == [list(white)]


def test_recordings_that_were_joined_go_on(blur: Workflow, tmp_path: Path) -> None:
    path = steady(tmp_path / "a.ts", 25)
    path.write_bytes(path.read_bytes() * 2)
    run = blur.video(path, fps=5)
    assert [frame.seconds for frame in run] == pytest.approx(np.arange(0, 2, 0.2))
    assert run.accounts["0"].read == 50


@pytest.mark.parametrize(
    ("name", "moments", "rate"),
    [("late.mkv", range(4000, 4400, 40), 25), ("slow.mp4", range(0, 100_000, 10_000), Fraction(1, 10))],
    ids=["begins late", "frames that last"],
)
def test_nothing_lacks_of_a_video_that_is_whole(
    blur: Workflow, tmp_path: Path, name: str, moments: range, rate: int | Fraction
) -> None:
    run = blur.video(write(tmp_path / name, moments, rate=rate))
    assert len(list(run)) == 10
    assert list(run.notices) == []


def test_what_an_editor_has_cut_off_does_not_lack(blur: Workflow, tmp_path: Path) -> None:
    cut = with_its_beginning_cut_off(tmp_path / "cut.mp4", steady(tmp_path / "a.mp4", 50), seconds=0.52)
    run = blur.video(cut)
    assert len(list(run)) == 37
    assert list(run.notices) == []


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"image": 7}, "The input 'image' takes what belongs to each frame; it cannot be given a value."),
        ({"sizes": [3, 4]}, "The input 'sizes' has 2 elements; with each frame of a video goes one."),
    ],
    ids=str,
)
def test_parameters_must_suit_single_frames(tmp_path: Path, parameters: dict[str, Any], message: str) -> None:
    several = {"type": "WorkflowBatchInput", "name": "sizes", "kind": ["integer"]}
    workflow = Workflow({**BLUR, "inputs": [*BLUR["inputs"], several]})
    with pytest.raises(InputError, match=message):
        workflow.video(steady(tmp_path / "a.mp4", 2), parameters=parameters)


@pytest.mark.parametrize("options", [{"every": 0}, {"fps": 0}, {"max_frames": -1}, {"policy": "some"}], ids=str)
def test_options_are_checked(blur: Workflow, tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        blur.video(tmp_path / "a.mp4", **options)


def test_the_image_input_is_told_apart(tmp_path: Path) -> None:
    document = {**BLUR, "inputs": [*BLUR["inputs"], {"type": "WorkflowImage", "name": "other"}]}
    with pytest.raises(InputError, match="2 image inputs"):
        Workflow(document).video(tmp_path / "a.mp4")
    with pytest.raises(InputError, match="Did you mean 'image'"):
        Workflow(document).video(tmp_path / "a.mp4", image_input="imag")
