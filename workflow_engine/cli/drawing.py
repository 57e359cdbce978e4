"""A plan as an SVG picture: inputs on the left, steps in columns by when they can run, outputs on the right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from workflow_engine.plan import FromStep, Plan, PlannedStep, Reference, references

WIDTH, GAP_X, GAP_Y, MARGIN = 210, 90, 26, 30
TALL, SHORT = 56, 36
TITLE, SUBTITLE, WIRE, GATE = "#1f2933", "#616e7c", "#9aa5b1", "#d97706"
FILLS = {"input": "#e3f2fd", "step": "#ffffff", "output": "#e8f5e9"}
EDGES = {"input": "#64b5f6", "step": "#cbd2d9", "output": "#81c784"}


@dataclass(slots=True)
class _Box:
    role: str
    title: str
    subtitle: str = ""
    sources: list[str] = field(default_factory=list)
    gates: list[str] = field(default_factory=list)
    column: int = 0
    y: float = 0.0

    @property
    def height(self) -> int:
        return TALL if self.subtitle else SHORT

    @property
    def x(self) -> int:
        return MARGIN + self.column * (WIDTH + GAP_X)

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def draw(plan: Plan) -> str:
    """Return the text of the SVG picture of ``plan``."""
    boxes = _boxes(plan)
    columns = [[box for box in boxes.values() if box.column == c] for c in range(_last(boxes) + 1)]
    height = MARGIN + max(sum(box.height + GAP_Y for box in column) for column in columns)
    for column in columns:
        _stack(column, boxes, height)
    width = 2 * MARGIN + len(columns) * WIDTH + (len(columns) - 1) * GAP_X
    parts = [*_wires(boxes), *(_drawn(box) for box in boxes.values())]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:g}" viewBox="0 0 {width} {height:g}" '
        f'font-family="Helvetica, Arial, sans-serif"><rect width="100%" height="100%" fill="#f5f7fa"/>\n'
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _boxes(plan: Plan) -> dict[str, _Box]:
    """Every box by a key of its own, with its column."""
    boxes: dict[str, _Box] = {}
    for declared in plan.inputs:
        kinds = " or ".join(declared.kinds).replace("*", "anything")
        boxes[f"input {declared.name}"] = _Box("input", declared.name, kinds)
    for step in plan.steps:
        gates = [f"step {gate.step}" for gate in step.gates]
        box = _Box("step", step.name, step.type.manifest.title, _sources(_read(step)), gates)
        box.column = 1 + max((boxes[key].column for key in (*box.sources, *box.gates)), default=0)
        boxes[f"step {step.name}"] = box
    last = _last(boxes) + 1
    for output in plan.outputs:
        sources = _sources(reference for _, reference, _ in output.origins)
        boxes[f"output {output.name}"] = _Box("output", output.name, sources=sources, column=last)
    return boxes


def _last(boxes: dict[str, _Box]) -> int:
    return max((box.column for box in boxes.values()), default=0)


def _read(step: PlannedStep) -> Iterator[Reference]:
    for binding in step.bindings:
        yield from references(binding.origin)


def _sources(read: Iterable[Reference]) -> list[str]:
    return list(dict.fromkeys(f"step {r.step}" if isinstance(r, FromStep) else f"input {r.name}" for r in read))


def _stack(column: list[_Box], boxes: dict[str, _Box], height: float) -> None:
    """Place the boxes of a column under each other, each near what feeds it."""

    def wanted(box: _Box) -> float:
        feeding = [boxes[key].middle for key in (*box.sources, *box.gates)]
        return sum(feeding) / len(feeding) if feeding else height

    y = (height - sum(box.height + GAP_Y for box in column) + GAP_Y) / 2
    for box in sorted(column, key=wanted):
        box.y = y
        y += box.height + GAP_Y


def _wires(boxes: dict[str, _Box]) -> Iterator[str]:
    for box in boxes.values():
        for key in box.sources:
            yield _wire(boxes[key], box, f'stroke="{WIRE}"')
        for key in box.gates:
            yield _wire(boxes[key], box, f'stroke="{GATE}" stroke-dasharray="6 4"')


def _wire(source: _Box, target: _Box, stroke: str) -> str:
    x1, y1, x2, y2 = source.x + WIDTH, source.middle, target.x, target.middle
    bend = (x2 - x1) / 2
    curve = f"M{x1} {y1:g} C{x1 + bend:g} {y1:g} {x2 - bend:g} {y2:g} {x2} {y2:g}"
    return f'<path d="{curve}" fill="none" stroke-width="2" {stroke}/>'


def _drawn(box: _Box) -> str:
    x, y = box.x + 14, box.y + 23
    shape = (
        f'<rect x="{box.x}" y="{box.y:g}" width="{WIDTH}" height="{box.height}" rx="8" '
        f'fill="{FILLS[box.role]}" stroke="{EDGES[box.role]}" stroke-width="1.5"/>'
    )
    title = f'<text x="{x}" y="{y:g}" font-size="15" font-weight="600" fill="{TITLE}">{_fit(box.title, 22)}</text>'
    subtitle = f'<text x="{x}" y="{y + 20:g}" font-size="12" fill="{SUBTITLE}">{_fit(box.subtitle, 28)}</text>'
    return shape + title + (subtitle if box.subtitle else "")


def _fit(text: str, most: int) -> str:
    return escape(text if len(text) <= most else text[: most - 1] + "…")
