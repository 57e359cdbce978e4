"""Video: frames per second against the network alone, memory of a long run, lost streams, numbers that tracks lose.

``python -m benchmarks.video``; ``--memory-seconds 1200`` for the long one. Of the peers' environments only that of
inference is needed, and ``--without-peer`` does without.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import supervision as sv

from benchmarks import machine, materials, peers, report
from benchmarks.cases.exports import package
from benchmarks.cases.prediction import score_above
from benchmarks.report import Table
from benchmarks.setting import OURS, Setting
from benchmarks.timing import alternate, ratio, series
from benchmarks.worker import Contestant
from examples.clips import counted_belt, steady
from tests.unit.stream.clips import BLUR
from workflow_engine import Workflow
from workflow_engine.stream.encode import VideoFile
from workflow_engine.stream.frame import SourceInfo

ROOT = Path(__file__).parents[1]
FRAMES = 40
HEIGHT, WIDTH, FPS = 1080, 1920, 25
ALONE = "network alone"
BESIDE = "network alone, the clip decoded beside it"
"""No run on the clip can be faster: it has to do both."""
RTSP_SERVER = ("/usr/bin/python3", str(ROOT / "tests" / "unit" / "stream" / "rtsp_server.py"))
AWAY = 3.0
"""Seconds for which a server is gone."""
SAME = 0.5
"""Overlap from which a track is that of an object."""


def main() -> None:
    """Follow the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.video", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2, help="clips that each contestant's speed is taken from")
    parser.add_argument("--memory-seconds", type=float, default=45, help="length of the run whose memory is watched")
    parser.add_argument("--losses", type=int, default=3, help="how often a stream is lost")
    parser.add_argument("--without-peer", action="store_true", help="leave inference's pipeline out")
    parser.add_argument("--peers", type=Path, default=peers.PEERS, help="folder of the peers' environments")
    parser.add_argument("--work", type=Path, default=Path(__file__).parent / ".work", help="folder for all files")
    chosen = parser.parse_args()
    chosen.work.mkdir(parents=True, exist_ok=True)
    setting = Setting(work=chosen.work.resolve(), peers=chosen.peers.resolve(), rounds=chosen.rounds)
    tables = []
    for table in measure(setting, chosen):
        print(f"\n{table.markdown()}", flush=True)
        tables.append(table)
        report.write(setting.work, {**machine.describe(), "rounds": str(chosen.rounds)}, {"video": tables})


def measure(setting: Setting, chosen: argparse.Namespace) -> Iterator[Table]:
    """Yield every table."""
    nano = materials.kept_model(setting.home, setting.work, "nano")
    confidence = score_above(setting, "nano", materials.picture(setting.work, HEIGHT, WIDTH))
    peer = [] if chosen.without_peer else [_pipeline(setting, confidence)]
    yield speed(setting, "nano", [*_ours(setting, nano, confidence), *peer])
    yield speed(setting, "the demo model", _ours(setting, "demo/fasteners", 0.45))
    yield switches()
    yield recovery(chosen.losses)
    yield memory(setting, chosen.memory_seconds)


def clip(setting: Setting) -> Path:
    """Return a video of 1080p: a view that wanders over a rendered picture."""
    file = setting.work / "clip-1080p.mp4"
    if not file.exists():
        photo = cv2.imread(str(materials.PHOTO))
        assert photo is not None
        wide = cv2.resize(photo, (WIDTH + 5 * FRAMES, HEIGHT + FRAMES), interpolation=cv2.INTER_CUBIC)
        video = VideoFile(file)
        info = SourceInfo(width=WIDTH, height=HEIGHT, fps=FPS)
        for number in range(FRAMES):
            view = wide[number : number + HEIGHT, 5 * number : 5 * number + WIDTH]
            video.add(np.asarray(view, np.uint8), number / FPS, info)
        video.close()
    return file


def _ours(setting: Setting, model_id: str, confidence: float) -> list[Contestant]:
    given = {"model_id": model_id, "confidence": confidence, "clip": str(clip(setting))}
    find, draw = (str(materials.document_file(name)) for name in ("find", "find_and_draw"))
    drawn = {"document": draw, **given}
    jobs = {
        ALONE: ("video_network", {"model_id": model_id, "frames": FRAMES}),
        BESIDE: ("video_network", {"model_id": model_id, "frames": FRAMES, "clip": str(clip(setting))}),
        "segflow, objects found": ("video_segflow", {"document": find, **given}),
        "segflow, drawn as well": ("video_segflow", drawn),
        "segflow, written as H.264 as well": ("video_segflow", {**drawn, "out": str(setting.work / "drawn.mp4")}),
    }
    return [
        Contestant(name=name, python=OURS, side=side, arguments=arguments, environment=setting.environment())
        for name, (side, arguments) in jobs.items()
    ]


def _pipeline(setting: Setting, confidence: float) -> Contestant:
    return Contestant(
        name="InferencePipeline, objects found",
        python=setting.inference,
        side="video_roboflow",
        arguments={
            "package": str(package(setting, "nano")),
            "confidence": confidence,
            "clip": str(clip(setting)),
        },
        environment=setting.environment(),
    )


def speed(setting: Setting, model: str, contestants: list[Contestant]) -> Table:
    """Compare frames per second over the clip."""
    with setting.workers(contestants) as workers:
        taken = alternate({name: worker.run for name, worker in workers.items()}, rounds=setting.rounds, warmup=1)
        counts = {name: worker.save(setting.answer(name)).get("frames", FRAMES) for name, worker in workers.items()}
    if set(counts.values()) != {FRAMES}:
        raise RuntimeError(f"Not everyone had every frame: {counts}")
    times, busy = series(taken, "wall"), series(taken, "cpu")
    rows = tuple(
        (
            name,
            f"{FRAMES / one.median:.1f}",
            *(f"{100 * ratio(times[least], one):.0f} %" for least in (ALONE, BESIDE)),
            f"{1000 * busy[name].median / FRAMES:.0f}",
            f"{ratio(busy[name], one):.1f}",
        )
        for name, one in times.items()
    )
    header = ("", "frames a second", f"of {ALONE}", "of it and decoding", "processor ms a frame", "cores busy")
    title = f"A clip of {FRAMES} frames of {WIDTH} x {HEIGHT}, {model}"
    return Table(title, header, rows, (), {name: one.seconds for name, one in times.items()})


def memory(setting: Setting, seconds: float) -> Table:
    """Watch a long run of the demo model, everything drawn and written."""
    arguments = {
        "document": str(materials.document_file("find_and_draw")),
        "model_id": "demo/fasteners",
        "confidence": 0.45,
        "clip": str(clip(setting)),
        "out": str(setting.work / "memory.mp4"),
        "seconds": seconds,
    }
    one = Contestant(
        name="memory", python=OURS, side="video_memory", arguments=arguments, environment=setting.environment()
    )
    with setting.workers([one]) as workers:
        told = workers["memory"].run()
    (setting.work / "memory.mp4").unlink()
    growth = 100 * (told["late"] / told["early"] - 1)
    cells = tuple(f"{told[name]:.0f}" for name in ("frames", "early", "late", "highest"))
    header = ("frames", "second quarter, MB", "last quarter, MB", "highest, MB", "growth")
    return Table(f"Memory of a run of {seconds:.0f} s", header, ((*cells, f"{growth:+.1f} %"),))


def switches() -> Table:
    """Count how often a part on the example's belt gets another number."""
    scene = counted_belt()
    folder = ROOT / "examples" / "conveyor_count"
    boxes = np.array([one.box for one in scene.objects], dtype=np.float64)
    numbers: list[list[int]] = [[] for _ in boxes]
    crossed = 0
    run = Workflow.load(folder / "workflow.json").video(folder / "clip.mp4")
    for frame, offset in zip(run, steady(scene), strict=True):
        crossed, parts = frame["crossed"], frame["parts"]
        if not len(parts):
            continue
        seen = np.clip(boxes - [offset, 0, offset, 0], 0, [frame.info.width, frame.info.height] * 2)
        overlap = sv.box_iou_batch(seen, parts.xyxy)
        for one, part in enumerate(overlap.argmax(axis=1)):
            if overlap[one, part] >= SAME:
                numbers[one].append(int(parts.tracker_id[part]))
    changed = sum(a != b for row in numbers for a, b in pairwise(row))
    cells = (str(len(boxes)), str(sum(bool(row) for row in numbers)), str(crossed), str(changed))
    header = ("parts on the belt", "followed", "counted at the line", "numbers changed")
    return Table("Parts on a conveyor, ByteTrack", header, (cells,))


def recovery(losses: int) -> Table:
    """Take the time from a server's return to the first frame of it."""
    title, header = f"An RTSP server gone for {AWAY:.0f} s", ("losses", "back after, median s", "longest s")
    if subprocess.run([*RTSP_SERVER, "--check"], capture_output=True, check=False).returncode:
        return Table(title, header, (), ("GStreamer's RTSP server is not installed.",))
    times = list(_recoveries(losses))
    cells = (str(losses), f"{statistics.median(times):.1f}", f"{max(times):.1f}")
    return Table(title, header, (cells,), raw={"recovery": times})


def _recoveries(losses: int) -> Iterator[float]:
    with _served("0") as (server, port):
        run = Workflow(BLUR).video(f"rtsp://127.0.0.1:{port}/camera")
        if run.next() is None:
            raise RuntimeError("The stream has no frame.")
        server.kill()
    with run:
        for _ in range(losses):
            time.sleep(AWAY)
            with _served(port):
                back = time.monotonic()
                while (frame := run.next()) is not None and frame.gap is None:
                    pass
                yield time.monotonic() - back


@contextmanager
def _served(port: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with subprocess.Popen([*RTSP_SERVER, port], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            yield server, server.stdout.readline().strip()
        finally:
            server.kill()


if __name__ == "__main__":
    main()
