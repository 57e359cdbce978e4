"""A folder of 100 pictures: every one read, its objects found and drawn, written again; whole processes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from benchmarks import materials
from benchmarks.agreement import Disagreement
from benchmarks.cases.prediction import score_above
from benchmarks.cases.processes import Command, runners
from benchmarks.report import Table, compared
from benchmarks.setting import OURS, Setting
from benchmarks.timing import alternate, series

COUNT = 100
ROUNDS = 3
SIDE = Path(__file__).parents[1] / "sides" / "folder_rfdetr.py"


def measure(setting: Setting) -> Iterator[Table]:
    """Compare ``segflow run`` on a folder with a loop around rfdetr's ``predict``."""
    pictures = materials.pictures(setting.work, COUNT)
    commands = on_folder(setting, pictures)
    taken = alternate(runners(commands, setting.work), rounds=ROUNDS, warmup=1)
    counts = counted(setting)
    title = f"{COUNT} pictures of 480 x 640, nano, {sum(counts.values())} objects found and drawn"
    yield compared(title, series(taken, setting.clock), to="segflow run", unit="s")


def on_folder(setting: Setting, pictures: Path) -> dict[str, Command]:
    """Return the commands that find and draw the objects of a folder's pictures."""
    confidence = score_above(setting, "nano", _pixels(setting, pictures))
    model_id = materials.kept_model(setting.home, setting.work, "nano")
    document = materials.document_file("find_and_draw")
    line = [str(OURS), "-m", "workflow_engine.cli", "run", str(document), "--image", str(pictures)]
    line += ["--param", f"model={model_id}", f"confidence={confidence}", "--out", str(_out(setting, "ours"))]
    checkpoint = materials.checkpoint(setting.work, "nano")
    script = [str(setting.rfdetr), str(SIDE), "nano", str(checkpoint), str(confidence), str(pictures)]
    environment = setting.environment()
    for who in ("ours", "theirs"):
        shutil.rmtree(_out(setting, who), ignore_errors=True)
    return {
        "segflow run": Command(line, setting.work, environment),
        "rfdetr": Command([*script, str(_out(setting, "theirs"))], setting.work, environment),
    }


def counted(setting: Setting) -> dict[str, int]:
    """Return how many objects each picture has.

    Raises:
        Disagreement: If the two counted differently.
    """
    result = json.loads((_out(setting, "ours") / "result.json").read_text())
    ours = {name: outputs["count"] for name, outputs in zip(result["images"], result["outputs"], strict=True)}
    theirs: dict[str, int] = json.loads((_out(setting, "theirs") / "counts.json").read_text())
    if ours != theirs:
        raise Disagreement(f"objects per picture: {ours} against {theirs}")
    return ours


def _out(setting: Setting, who: str) -> Path:
    return setting.work / f"out-{who}"


def _pixels(setting: Setting, pictures: Path) -> Path:
    """Return the file of the first picture's pixels."""
    file = setting.work / "first.npy"
    pixels = cv2.imread(str(min(pictures.iterdir())))
    assert pixels is not None
    np.save(file, pixels)
    return file
