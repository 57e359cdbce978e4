"""A frame's result as plain JSON: a line of a file, a row of a table, the body of a call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from workflow_engine.plan import Plan, PlannedOutput
from workflow_engine.results import RUN_LENGTHS
from workflow_engine.stream.run import FrameResult
from workflow_engine.vision.image import Image
from workflow_engine.vision.values import serialise


def record(plan: Plan, result: FrameResult) -> dict[str, Any]:
    """Return source, frame, seconds, timestamp and outputs; pictures are left out.

    A frame after an interruption also has ``gap``, and one on which the workflow failed ``error`` and no outputs.
    """
    written: dict[str, Any] = {
        "source": result.source,
        "frame": result.number,
        "seconds": round(result.seconds, 6),
        "timestamp": result.video.frame_timestamp.isoformat(),
        "outputs": outputs_to_json(plan, without_pictures(plan, result.outputs)),
    }
    if result.gap is not None:
        gap = result.gap
        written["gap"] = {"seconds": round(gap.seconds, 3), "reason": gap.reason, "attempts": gap.attempts}
    if result.problem is not None:
        written["error"] = {"code": result.problem.code, "message": str(result.problem), "step": result.problem.step}
    return written


def outputs_to_json(plan: Plan, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's outputs as JSON, as ``serialised=True`` would give them."""
    return {output.name: _written(output, outputs[output.name]) for output in plan.outputs if output.name in outputs}


def without_pictures(plan: Plan, outputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a run's outputs without those that are pictures."""
    every, gone = {output.name for output in plan.outputs if output.every}, _of_pictures(plan)
    return {
        name: _each_step(value, _without_pictures) if name in every else value
        for name, value in _without_pictures(outputs).items()
        if name not in gone
    }


def _each_step(value: Any, change: Callable[[Mapping[str, Any]], Any]) -> Any:
    """Apply ``change`` to the outputs of a step by name: one object, or nested lists of them below the frame."""
    if isinstance(value, list):
        return [_each_step(one, change) for one in value]
    return change(value) if isinstance(value, Mapping) else value


def _without_pictures(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if not _is_picture(value)}


def pictures(plan: Plan) -> list[str]:
    """Return the names of the outputs that are one picture a frame."""
    return [name for name, output in _of_pictures(plan).items() if _is_one_a_frame(output)]


def values(plan: Plan) -> list[str]:
    """Return the names of the outputs that are no pictures, neither one a frame nor several."""
    return [output.name for output in plan.outputs if output.name not in _of_pictures(plan)]


def _of_pictures(plan: Plan) -> dict[str, PlannedOutput]:
    return {
        output.name: output
        for output in plan.outputs
        if not output.every and all("image" in kinds for _, _, kinds in output.origins)
    }


def _is_one_a_frame(output: PlannedOutput) -> bool:
    return all(len(reference.lineage) < 2 for _, reference, _ in output.origins)


def _written(output: PlannedOutput, value: Any) -> Any:
    coordinates: Literal["parent", "own"] = "own" if output.own_coordinates else "parent"
    kinds = {name: (RUN_LENGTHS, *kinds) if output.run_lengths else kinds for name, _, kinds in output.origins}
    if output.every:
        return _each_step(
            value,
            lambda step: {name: serialise(one, kinds[name], coordinates=coordinates) for name, one in step.items()},
        )
    return serialise(value, next(iter(kinds.values()), ()), coordinates=coordinates)


def _is_picture(value: Any) -> bool:
    """Whether a value is a picture, or a list with nothing else."""
    if isinstance(value, list):
        return bool(value) and all(one is None or _is_picture(one) for one in value)
    return isinstance(value, Image)
