"""What a pipeline is to do, as the worker that checked the request tells the process that does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from workflow_engine import inputs
from workflow_engine.errors import InputError, Problem
from workflow_engine.plan import Plan
from workflow_engine.settings import Settings
from workflow_engine.stream.feed import Policy
from workflow_engine.stream.frame import Notice
from workflow_engine.stream.rules import SourceRules, redacted
from workflow_engine.stream.run import Options, VideoRun, open_sources
from workflow_engine.vision.image import Image, VideoMetadata
from workflow_engine.workflow import Engine


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A pipeline that was asked for.

    Attributes:
        document: The workflow.
        references: What names each source.
        filling: The buffer strategy that was asked for, in the ecosystem's word.
        consumption: The same for taking frames from the buffer.
        max_fps: Most frames per second of video.
        image_input: The input that takes the frames.
        metadata_input: The input that takes number and time of a frame.
        parameters: Values for the other inputs.
        sinks: Whether blocks that write files or call other machines do so.
        buffer: Results that wait to be consumed.
    """

    document: Mapping[str, Any]
    references: list[str | int]
    filling: str | None
    consumption: str | None
    max_fps: float | None
    image_input: str
    metadata_input: str
    parameters: Mapping[str, Any]
    sinks: bool
    buffer: int

    def to_json(self) -> dict[str, Any]:
        """Return the order for ``Order(**…)``."""
        return asdict(self)

    @property
    def shown(self) -> list[str | int]:
        """What names each source, without credentials."""
        return [redacted(one) if isinstance(one, str) and "://" in one else one for one in self.references]

    @property
    def policy(self) -> Policy | None:
        """What happens to frames that come too fast; ``None`` for what suits each source: of files all are taken."""
        return "all" if self.filling == "WAIT" else None


USUAL_METADATA_INPUT = "video_metadata"
"""What clients send although the workflow has no such input."""


def begin(engine: Engine, plan: Plan, order: Order, *, observers: Sequence[Callable[[Notice], None]] = ()) -> VideoRun:
    """Return the run that an order asks for; nothing is opened yet.

    Raises:
        InputError: A source may not be used, or the workflow has no such inputs, or they do not fit.
        WorkflowError: A file leads out of the folder of videos.
    """
    _check_inputs(engine, plan, order)
    options = Options(
        image_input=order.image_input,
        parameters=order.parameters,
        policy=order.policy,
        fps=order.max_fps,
        sinks=order.sinks,
    )
    settings = engine.settings
    sources = open_sources(order.references, source_rules(settings), max_pixels=settings.limits.image_pixels)
    return VideoRun(plan, lambda: engine.session(plan), sources, options=options, observers=observers)


def source_rules(settings: Settings) -> SourceRules:
    """Return which sources a request may name: those that the operator lists."""
    return SourceRules(hosts=settings.allowed_hosts, folder=settings.video_folder, devices=settings.cameras)


def _check_inputs(engine: Engine, plan: Plan, order: Order) -> None:
    metadata = [one.name for one in plan.inputs if "video_metadata" in one.kinds]
    if order.metadata_input not in (USUAL_METADATA_INPUT, *metadata):
        message = f"The workflow has no input {order.metadata_input!r} for the metadata of frames."
        hint = f"Its inputs for it are {', '.join(metadata) or 'none'}."
        raise InputError(Problem(code="unknown_input", message=message, hint=hint, whose="caller"))
    if order.image_input in {one.name for one in plan.inputs}:  # else the run says what is wrong
        video = VideoMetadata(video_identifier="0", frame_number=1, frame_timestamp=datetime.now(UTC))
        frame = Image.from_array(np.zeros((1, 1, 3), np.uint8), id=order.image_input, video=video)
        given = {**order.parameters, order.image_input: frame, **dict.fromkeys(metadata, video)}
        inputs.assemble(plan, given, engine.access)
