"""A whole prediction: from an array of pixels to objects with masks of the picture's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks import materials
from benchmarks.agreement import Disagreement, same_detections
from benchmarks.cases.exports import package
from benchmarks.report import Table, compared
from benchmarks.setting import BACKENDS, Setting
from benchmarks.timing import alternate, series
from benchmarks.worker import Contestant, Worker

PEER = "inference-models"
WHOLE_PIXELS = 1.0  # in which it gives its boxes


def measure(setting: Setting) -> Iterator[Table]:
    """Compare everyone on nano and three sizes of picture, with about 20 objects each."""
    equal, notes = _equal_models(setting, "nano")
    for name, (height, width) in materials.PICTURES.items():
        picture = materials.picture(setting.work, height, width)
        confidence = score_above(setting, "nano", picture)
        checked = _checked(setting, "nano", picture, confidence)
        models = [one for one in _models(setting, "nano", picture, confidence) if one.name in equal]
        yield _compare(setting, f"Whole prediction, nano, {name}", checked, models, notes)


def score_above(setting: Setting, size: str, picture: Path) -> float:
    """Return a score that 20 objects are above, halfway to the next."""
    everything = setting.segflow(size, picture, 0.0, backend="torch")
    with setting.workers([everything]) as workers:
        workers[everything.name].run()
        workers[everything.name].save(setting.answer(everything.name))
    scores = np.load(setting.answer(everything.name))["score"]
    return round(float(scores[materials.OBJECTS - 1 : materials.OBJECTS + 1].mean()), 6)


def _compare(
    setting: Setting, title: str, checked: Sequence[Contestant], models: Sequence[Contestant], notes: Sequence[str]
) -> Table:
    """Time those who find what rfdetr finds, and with them the ``models``, which cannot; ratios are to the first."""
    reference = next(one.name for one in checked if one.name.startswith("rfdetr"))
    with setting.workers([*checked, *models]) as workers:
        agreed, left_out = agreeing(
            setting, {one.name: workers[one.name] for one in checked}, reference=reference, same=same_detections
        )
        others = {one.name: workers[one.name] for one in models}
        found = [f"{name} finds {_objects(setting, worker, name)} objects here." for name, worker in others.items()]
        taken = alternate(
            {name: worker.run for name, worker in (agreed | others).items()}, rounds=setting.rounds, rehearsals=2
        )
    return compared(title, series(taken, setting.clock), to=checked[0].name, notes=[*left_out, *notes, *found])


def _objects(setting: Setting, worker: Worker, name: str) -> int:
    worker.run()
    return int(worker.save(setting.answer(name))["objects"])


def _equal_models(setting: Setting, size: str) -> tuple[set[str], list[str]]:
    """Return which of inference-models' ways find what rfdetr finds on a picture that nobody needs to resize.

    On any other they cannot: rfdetr 1.11 resizes without antialias, inference-models with it, as PIL does.
    """
    side = materials.RESOLUTION[size]
    picture = materials.picture(setting.work, side, side)
    confidence = score_above(setting, size, picture)
    reference = setting.upstream(size, picture, confidence)
    with setting.workers([reference, *_models(setting, size, picture, confidence)]) as workers:
        agreed, notes = agreeing(setting, workers, reference=reference.name, same=_same_but_for_rounding)
    said = (
        f"{PEER} resizes with antialias, rfdetr and segflow do not, so on these pictures it finds other objects; it "
        f"was held equal on one of {side} x {side}, which nobody resizes."
    )
    return set(agreed) - {reference.name}, [*notes, said]


def agreeing(
    setting: Setting, workers: Mapping[str, Worker], *, reference: str, same: Callable[[Path, Path], None]
) -> tuple[dict[str, Worker], list[str]]:
    """Return those who run as asked and give the reference's answer, and a sentence about each of the others."""
    for name, worker in workers.items():
        worker.run()
        worker.save(setting.answer(name))
    agreed, notes = {}, []
    for name, worker in workers.items():
        backend = worker.facts.get("backend", name)
        if backend not in name:
            notes.append(f"Not timed: {name}, which fell back to {backend}.")
            continue
        try:
            same(setting.answer(reference), setting.answer(name))
            agreed[name] = worker
        except Disagreement as difference:
            notes.append(f"Not timed: {name}, which disagrees with {reference}: {difference}.")
    return agreed, notes


def _same_but_for_rounding(first: Path, second: Path) -> None:
    same_detections(first, second, box=WHOLE_PIXELS)


def _checked(setting: Setting, size: str, picture: Path, confidence: float) -> list[Contestant]:
    ours = [setting.segflow(size, picture, confidence, backend=backend) for backend in BACKENDS]
    dense = setting.segflow(size, picture, confidence, backend=BACKENDS[0], dense=True)
    upstream = [setting.upstream(size, picture, confidence, optimised=optimised) for optimised in (True, False)]
    return [*ours, dense, *upstream]


def _models(setting: Setting, size: str, picture: Path, confidence: float) -> list[Contestant]:
    arguments = {"package": str(package(setting, size)), "picture": str(picture), "confidence": confidence}
    return [
        Contestant(
            name=f"{PEER}, {backend}, {masks} masks",
            python=setting.inference,
            side="with_inference_models",
            arguments={**arguments, "backend": backend, "masks": masks},
            environment=setting.environment(),
        )
        for backend in ("torch", "onnx")
        for masks in ("dense", "rle")
    ]
