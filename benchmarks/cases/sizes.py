"""All six sizes, end to end with masks, on every backend."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from benchmarks import materials
from benchmarks.agreement import same_detections
from benchmarks.cases.prediction import agreeing, score_above
from benchmarks.report import Table, compared
from benchmarks.setting import BACKENDS, Setting
from benchmarks.timing import Series, alternate, ratio, series

HEADER = ("size", "px", *(f"{backend}, ms" for backend in BACKENDS), "rfdetr, ms", "rfdetr / best of ours")


def measure(setting: Setting) -> Iterator[Table]:
    """Yield the table of the sizes, and one of the demo model, whose weights are trained, in lower precision too."""
    yield _sizes(setting)
    yield _precisions(setting)


def _sizes(setting: Setting) -> Table:
    rows: list[tuple[str, ...]] = []
    raw: dict[str, tuple[float, ...]] = {}
    notes: list[str] = []
    for size in materials.SIZES:
        taken, said = _one(setting, size)
        rows.append(_row(size, taken))
        raw |= {f"{size}: {name}": series.seconds for name, series in taken.items()}
        notes += [f"{size}: {note}" for note in said]
    return Table(
        f"From pixels to objects with masks, 480 x 640, float32, median of {setting.rounds}",
        HEADER,
        tuple(rows),
        tuple(notes),
        raw,
    )


def _one(setting: Setting, size: str) -> tuple[dict[str, Series], list[str]]:
    picture = materials.picture(setting.work, 480, 640)
    confidence = score_above(setting, size, picture)
    upstream = setting.upstream(size, picture, confidence)
    ours = [setting.segflow(size, picture, confidence, backend=backend) for backend in BACKENDS]
    with setting.workers([*ours, upstream]) as workers:
        agreed, notes = agreeing(setting, workers, reference=upstream.name, same=same_detections)
        taken = alternate({name: worker.run for name, worker in agreed.items()}, rounds=setting.rounds, rehearsals=2)
    return series(taken, setting.clock), notes


def _row(size: str, taken: dict[str, Series]) -> tuple[str, ...]:
    *ours, upstream = (taken.get(name) for name in (*(f"segflow, {b}" for b in BACKENDS), "rfdetr, inference()"))
    assert upstream is not None
    cells = ["see below" if one is None else f"{one.median * 1e3:.0f}" for one in (*ours, upstream)]
    best = min((one for one in ours if one is not None), key=lambda one: one.median, default=upstream)
    return (size, str(materials.RESOLUTION[size]), *cells, f"{ratio(upstream, best):.2f}")


def _precisions(setting: Setting) -> Table:
    """Time the demo model; ``auto`` is the fastest precision that finds on reference pictures what torch finds."""
    tray = cv2.imread(str(materials.ROOT / "examples" / "count_fasteners" / "tray.jpg"))
    assert tray is not None
    picture = setting.work / "tray.npy"
    np.save(picture, tray)
    contestants = [
        setting.demo(picture, backend=backend, precision=precision)
        for backend in BACKENDS
        for precision in ("float32", "auto")
    ]
    with setting.workers(contestants) as workers:
        taken = alternate({name: worker.run for name, worker in workers.items()}, rounds=setting.rounds, rehearsals=2)
        found = {name: worker.save(setting.answer(name))["objects"] for name, worker in workers.items()}
    notes = [f"{name} finds {count} objects." for name, count in found.items()]
    return compared(
        f"The demo model, {tray.shape[0]} x {tray.shape[1]}",
        series(taken, setting.clock),
        to=contestants[0].name,
        notes=notes,
    )
