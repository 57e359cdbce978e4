"""From a command in a new process to the first result, with files in the system's cache."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from benchmarks import materials
from benchmarks.cases.folder import on_folder
from benchmarks.cases.processes import Command, runners
from benchmarks.report import Table, compared
from benchmarks.setting import OURS, Setting
from benchmarks.timing import alternate, series

SIDES = Path(__file__).parents[1] / "sides"
EXAMPLE = materials.ROOT / "examples" / "count_fasteners"


def measure(setting: Setting) -> Iterator[Table]:
    """Compare the first picture of nano, the first run of a workflow without a model, and our demo."""
    nano = on_folder(setting, materials.pictures(setting.work, 1))
    yield _compared(setting, "New process, one picture, nano, drawn", nano)
    yield _compared(setting, "New process, five blocks without a model", _contours(setting))
    demo = Command([*_segflow("workflow.json", "tray.jpg"), "--out", str(setting.work / "out-demo")], EXAMPLE)
    yield _compared(setting, "New process, the demo model's example", {"segflow run": demo})


def _compared(setting: Setting, title: str, commands: Mapping[str, Command]) -> Table:
    rounds = max(3, setting.rounds // 3)
    taken = alternate(runners(commands, setting.work), rounds=rounds, warmup=1)
    return compared(title, series(taken, setting.clock), to="segflow run", unit="s")


def _contours(setting: Setting) -> dict[str, Command]:
    document = str(materials.document_file("contours"))
    (picture,) = materials.pictures(setting.work, 1).iterdir()
    script = [str(setting.inference), str(SIDES / "contours_roboflow.py"), document, str(picture)]
    environment = setting.environment()
    return {
        "segflow run": Command(_segflow(document, str(picture)), setting.work, environment),
        "roboflow-workflows": Command(script, setting.work, environment),
    }


def _segflow(document: str, picture: str) -> list[str]:
    return [str(OURS), "-m", "workflow_engine.cli", "run", document, "--image", picture]
