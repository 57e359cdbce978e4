"""Five blocks without a model, in process: what the engine takes beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from benchmarks import materials
from benchmarks.agreement import Disagreement, same_pictures
from benchmarks.cases.prediction import agreeing
from benchmarks.report import Table, compared
from benchmarks.setting import OURS, Setting
from benchmarks.timing import alternate, series
from benchmarks.worker import Contestant

REPEATS = 20
DOCUMENTS = {
    "numbers": "filter, offset, three properties of 20 objects",
    "count_and_draw": "filter, offset, count, boxes and labels drawn, 20 objects, 480 x 640",
    "contours": "grey, blur, threshold, contours, size, 480 x 640",
}
PARTS = {"engine": "engine alone", "total": "with the blocks"}


def measure(setting: Setting) -> Iterator[Table]:
    """Compare the engines on three workflows."""
    for name, title in DOCUMENTS.items():
        contestants = [
            _contestant(setting, "segflow", OURS, "engine_segflow", name),
            _contestant(setting, "roboflow-workflows", setting.inference, "engine_roboflow", name),
        ]
        with setting.workers(contestants) as workers:
            agreed, notes = agreeing(setting, workers, reference="roboflow-workflows", same=same_outputs)
            taken = alternate({who: worker.run for who, worker in agreed.items()}, rounds=setting.rounds)
        for part, words in PARTS.items():
            yield compared(f"{title}: {words}", series(taken, part), to="segflow", notes=notes, unit="µs")


def same_outputs(first: Path, second: Path) -> None:
    """Compare the outputs of two runs; drawn letters may differ in a few pixels with the version of OpenCV.

    Raises:
        Disagreement: Naming what differs.
    """
    a, b = np.load(first), np.load(second)
    if str(a["rest"]) != str(b["rest"]):
        raise Disagreement(f"{a['rest']} against {b['rest']}")
    for name in set(a.files) - {"rest"}:
        same_pictures(a[name], b[name], share=0.005)


def _contestant(setting: Setting, who: str, python: Path, side: str, name: str) -> Contestant:
    values = setting.work / f"values-{name}.json"
    picture = materials.picture(setting.work, 480, 640)
    everything = {"image": str(picture), "objects": materials.objects(640, 480)}
    wanted = {one["name"] for one in materials.document(name)["inputs"]}
    values.write_text(json.dumps({key: value for key, value in everything.items() if key in wanted}))
    return Contestant(
        name=who,
        python=python,
        side=side,
        arguments={
            "document": str(materials.document_file(name)),
            "values": str(values),
            "repeats": REPEATS,
            "clock": setting.clock,
        },
        environment=setting.environment(),
    )
