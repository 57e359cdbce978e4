"""A plan as an SVG picture."""

from __future__ import annotations

from html import escape

from workflow_engine.cli.layout import WIDTH, Box, Wire, lay_out
from workflow_engine.plan import Plan

PAPER, TITLE, SUBTITLE = "#f5f7fa", "#1f2933", "#616e7c"
FILLS = {"input": "#e3f2fd", "step": "#ffffff", "output": "#e8f5e9"}
EDGES = {"input": "#64b5f6", "step": "#cbd2d9", "output": "#81c784"}
VALUE, GATE = 'stroke="#9aa5b1"', 'stroke="#d97706" stroke-dasharray="6 4"'


def draw(plan: Plan) -> str:
    """Return the text of the SVG picture of ``plan``: inputs on the left, outputs on the right, gates dashed."""
    layout = lay_out(plan)
    size = f'width="{layout.width}" height="{layout.height:g}" viewBox="0 0 {layout.width} {layout.height:g}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="Helvetica, Arial, sans-serif">',
        f'<rect width="100%" height="100%" fill="{PAPER}"/>',
        *(_wire(wire) for wire in layout.wires),
        *(_box(box) for box in layout.boxes),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _wire(wire: Wire) -> str:
    source, *rest = wire.route
    x, y = source.right, source.middle
    path = f"M{x} {y:g}"
    for box in rest:
        bend = (x + box.left) / 2
        path += f" C{bend:g} {y:g} {bend:g} {box.middle:g} {box.left} {box.middle:g}"
        if box.role == "lane":
            path += f" H{box.right}"
        x, y = box.right, box.middle
    return f'<path d="{path}" fill="none" stroke-width="2" {GATE if wire.gate else VALUE}/>'


def _box(box: Box) -> str:
    shape = (
        f'<rect x="{box.left}" y="{box.y:g}" width="{WIDTH}" height="{box.height}" rx="8" '
        f'fill="{FILLS[box.role]}" stroke="{EDGES[box.role]}" stroke-width="1.5"/>'
    )
    title = _text(box, 23, box.title, f'font-size="15" font-weight="600" fill="{TITLE}"', most=22)
    subtitle = _text(box, 43, box.subtitle, f'font-size="12" fill="{SUBTITLE}"', most=28)
    return shape + title + (subtitle if box.subtitle else "")


def _text(box: Box, down: int, text: str, style: str, *, most: int) -> str:
    fitting = escape(text if len(text) <= most else text[: most - 1] + "…")
    return f'<text x="{box.left + 14}" y="{box.y + down:g}" {style}>{fitting}</text>'
