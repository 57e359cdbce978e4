"""Where the parts of a plan stand in its picture: in columns by when they can run, wires in lanes between them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from workflow_engine.plan import FromStep, Plan, PlannedStep, Reference, references

WIDTH, GAP_X, GAP_Y, MARGIN = 210, 80, 22, 30
HEIGHTS = {"input": 56, "step": 56, "output": 36, "lane": 8}

Role: TypeAlias = Literal["input", "step", "output", "lane"]


@dataclass(slots=True, eq=False)
class Box:
    """An input, a step or an output; or the lane of a wire that passes a column, so that it runs under no box."""

    role: Role
    column: int
    title: str = ""
    subtitle: str = ""
    y: float = 0.0
    sources: list[str] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)

    @property
    def height(self) -> int:
        """Height in pixels."""
        return HEIGHTS[self.role]

    @property
    def left(self) -> int:
        """The x of its left edge."""
        return MARGIN + self.column * (WIDTH + GAP_X)

    @property
    def right(self) -> int:
        """The x of its right edge."""
        return self.left + WIDTH

    @property
    def middle(self) -> float:
        """The y of its middle, where wires begin and end."""
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class Wire:
    """A value's way from the first box to the last, through the lanes between; or the say of a gate."""

    route: Sequence[Box]
    gate: bool


@dataclass(frozen=True, slots=True)
class Layout:
    """Boxes and wires, placed; sizes in pixels."""

    boxes: Sequence[Box]
    wires: Sequence[Wire]
    width: int
    height: float


def lay_out(plan: Plan) -> Layout:
    """Place everything in ``plan``."""
    boxes = _boxes(plan)
    lanes: dict[tuple[str, int], Box] = {}
    wires = [
        Wire(_route(key, boxes[key], box, lanes), key in box.gates)
        for box in boxes.values()
        for key in (*box.sources, *box.gates)
    ]
    everything = [*boxes.values(), *lanes.values()]
    columns = [
        [b for b in everything if b.column == c] for c in range(max((b.column for b in everything), default=0) + 1)
    ]
    height = MARGIN * 2 + max(_height(column) for column in columns)
    for forward in (True, False, True):
        _arrange(columns if forward else columns[::-1], _neighbours(wires, forward=forward), height)
    width = 2 * MARGIN + len(columns) * (WIDTH + GAP_X) - GAP_X
    return Layout(list(boxes.values()), wires, width, height)


def _boxes(plan: Plan) -> dict[str, Box]:
    """Every box by a key of its own; inputs, steps and outputs may share names."""
    boxes: dict[str, Box] = {}
    for declared in plan.inputs:
        kinds = " or ".join(declared.kinds).replace("*", "anything")
        boxes[f"input {declared.name}"] = Box("input", 0, declared.name, kinds)
    for step in plan.steps:
        sources, gates = _keys(_read(step)), [f"step {gate.step}" for gate in step.gates]
        column = 1 + max((boxes[key].column for key in (*sources, *gates)), default=0)
        title = step.type.manifest.title
        boxes[f"step {step.name}"] = Box("step", column, step.name, title, sources=sources, gates=gates)
    last = 1 + max((box.column for box in boxes.values()), default=0)
    for output in plan.outputs:
        sources = _keys(reference for _, reference, _ in output.origins)
        boxes[f"output {output.name}"] = Box("output", last, output.name, sources=sources)
    return boxes


def _read(step: PlannedStep) -> Iterator[Reference]:
    for binding in step.bindings:
        yield from references(binding.origin)


def _keys(read: Iterable[Reference]) -> list[str]:
    return list(dict.fromkeys(f"step {r.step}" if isinstance(r, FromStep) else f"input {r.name}" for r in read))


def _route(key: str, source: Box, target: Box, lanes: dict[tuple[str, int], Box]) -> list[Box]:
    """The boxes of a wire; those of one source share their lanes."""
    between = range(source.column + 1, target.column)
    return [source, *(lanes.setdefault((key, column), Box("lane", column)) for column in between), target]


def _neighbours(wires: Sequence[Wire], *, forward: bool) -> dict[Box, list[Box]]:
    """For each box those that wires connect it with in the column before, or after."""
    found: dict[Box, list[Box]] = {}
    for wire in wires:
        for before, after in zip(wire.route, wire.route[1:], strict=False):
            here, there = (after, before) if forward else (before, after)
            found.setdefault(here, []).append(there)
    return found


def _arrange(columns: Sequence[list[Box]], neighbours: dict[Box, list[Box]], height: float) -> None:
    """Stack every column around the middle, each box near those that it is connected with."""

    def wanted(box: Box) -> float:
        near = neighbours.get(box)
        return sum(other.middle for other in near) / len(near) if near else box.middle

    for column in columns:
        column.sort(key=wanted)
        y = (height - _height(column)) / 2
        for box in column:
            box.y = y
            y += box.height + GAP_Y


def _height(column: Sequence[Box]) -> float:
    return sum(box.height + GAP_Y for box in column) - GAP_Y
