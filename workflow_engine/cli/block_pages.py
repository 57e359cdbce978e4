"""``segflow blocks docs``: a reference page for every block, written from its manifest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workflow_engine.cli import block_pictures
from workflow_engine.faults import Schema, expectation
from workflow_engine.manifest import BlockManifest
from workflow_engine.registry import Registry
from workflow_engine.step_type import StepField, StepType

CATEGORIES = {
    "model": "Models",
    "transform": "Images and objects: change",
    "filter": "Objects: choose",
    "logic": "Values",
    "measure": "Measure",
    "visualize": "Draw",
    "track": "Track",
    "flow": "Control the flow",
    "source": "Sources",
    "sink": "Sinks",
}
PICTURES = "pictures"
_QUERIES = {"operations": "a list of operations", "statement_group": "a condition", "cases": "conditions with results"}
_QUERY = "urn:segflow:query:"


def write_pages(registry: Registry, out: Path) -> list[Path]:
    """Write a page for every block, a picture for those that draw, and the list of all; return the files.

    Pages of blocks that are no more are left where they are.
    """
    (out / PICTURES).mkdir(parents=True, exist_ok=True)
    written = []
    for block in registry.blocks():
        drawn = block_pictures.example_picture(registry, block)
        if drawn is not None:
            written.append(out / PICTURES / f"{page_name(block)}.jpg")
            written[-1].write_bytes(drawn)
        written.append(out / f"{page_name(block)}.md")
        written[-1].write_text(page(registry, block), encoding="utf-8")
    written.append(out / "README.md")
    written[-1].write_text(contents(registry.blocks()), encoding="utf-8")
    return written


def page_name(block: BlockManifest) -> str:
    """Return the name of a block's page without its ending; a later version than the first is in the name."""
    name, _, version = block.type.rpartition("/")[2].partition("@v")
    return name if version == "1" else f"{name}_v{version}"


def contents(blocks: Iterable[BlockManifest]) -> str:
    """Return the page that lists all blocks by category."""
    lines = ["# Blocks", "", "Written by `segflow blocks docs` from the blocks' manifests.", ""]
    listed = list(blocks)
    for category, title in CATEGORIES.items():
        rows = [
            (f"[{block.title}]({page_name(block)}.md)", f"`{block.type}`", block.summary)
            for block in sorted(listed, key=lambda block: (block.priority, block.title))
            if block.category == category
        ]
        if rows:
            lines += [f"## {title}", "", *_table(("block", "type", ""), rows), ""]
    return "\n".join(lines)


def page(registry: Registry, block: BlockManifest) -> str:
    """Return a block's page."""
    kind = registry.step_type(block.type)
    lines = [f"# {block.title}", "", block.summary, ""]
    if block_pictures.draws(block):
        lines += [f"![{block.title}]({PICTURES}/{page_name(block)}.jpg)", ""]
    if block.description:
        lines += [block.description, ""]
    lines += [*_names(block), ""]
    for title, rows in (("Inputs", _inputs(block)), ("Parameters", _parameters(kind)), ("Outputs", _outputs(kind))):
        if rows:
            lines += [f"## {title}", "", *_table(rows[0], rows[1:]), ""]
    lines += ["## Examples" if len(block.examples) > 1 else "## Example", ""]
    for example in block.examples:
        written = json.dumps(example.step, indent=2, ensure_ascii=False)
        lines += [f"{example.title}:", "", "```json", written, "```", ""]
    return "\n".join(lines)


def _names(block: BlockManifest) -> Iterator[str]:
    yield f"Type: `{block.type}`."
    if block.compat:
        yield "It stands in for these types of the ecosystem:"
        yield ""
    for entry in block.compat:
        names = ", ".join(f"`{name}`" for name in (entry.type, *entry.aliases))
        renamed = [f"`{theirs}` is `{ours}`" for theirs, ours in entry.rename.items()]
        fixed = [f"`{name}` is `{_json(value)}`" for name, value in entry.set.items()]
        defaults = [f"`{name}` is `{_json(value)}` by default" for name, value in entry.defaults.items()]
        facts = ", ".join([*renamed, *fixed, *defaults])
        yield f"- {names}; there {facts}" if facts else f"- {names}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _inputs(block: BlockManifest) -> list[tuple[str, ...]]:
    rows = []
    for port in block.inputs:
        several = "a list of these" if port.multiple else "all of one element" if port.dimensionality_offset else ""
        takes = ", ".join(filter(None, [_kinds(port.kinds), several, "" if port.required else "optional"]))
        name = " or ".join(f"`{name}`" for name in (port.name, *port.aliases))
        rows.append((name, takes, port.description or port.title))
    return [("name", "takes", ""), *rows] if rows else []


def _parameters(kind: StepType) -> list[tuple[str, ...]]:
    spelled: dict[str, list[StepField]] = {}
    for field in kind.fields.values():
        if field.role == "parameter":
            spelled.setdefault(field.target, []).append(field)
    rows = [_parameter(kind.manifest.parameters.properties[target], fields) for target, fields in spelled.items()]
    return [("name", "takes", "default", ""), *rows] if rows else []


def _parameter(schema: Schema, spellings: Sequence[StepField]) -> tuple[str, ...]:
    field, *_ = spellings
    name = " or ".join(f"`{one.name}`" for one in spellings)
    default = "required" if field.required else f"`{_json(schema.get('default'))}`"
    unit = f" In {schema['x-unit']}." if "x-unit" in schema else ""
    return name, takes(field), default, f"{schema.get('description', '')}{unit}"


def takes(field: StepField) -> str:
    """Say what a field of a step takes: a literal, a reference to a value of some kinds, or either."""
    kinds = field.kinds or field.element_kinds or ()
    reference = f"a reference: {_kinds(kinds)}" if kinds else ""
    return "; or ".join(filter(None, [literal(field.schema) if field.schema is not None else "", reference]))


def literal(schema: Schema) -> str:
    """Say what a literal must be, in words."""
    reference = str(schema.get("$ref", ""))
    if reference.startswith(_QUERY):
        return _QUERIES.get(reference.rpartition("/")[2], "a query")
    choices = ", ".join(_json(choice["const"]) for choice in schema.get("x-choices", ()))
    members = schema.get("additionalProperties", {})
    if isinstance(members, Mapping) and "$ref" in members:
        return f"{expectation(schema)} whose values are each {literal(members)}"
    return f"{expectation(schema)}, such as {choices}" if choices else expectation(schema)


def _kinds(kinds: Iterable[str]) -> str:
    return " or ".join("anything" if kind == "*" else f"`{kind}`" for kind in kinds)


def _outputs(kind: StepType) -> list[tuple[str, ...]]:
    ports = {port.name: port for port in kind.manifest.outputs}
    rows = [
        (f"`{name}`", _kinds(kinds), ports[name].description or ports[name].title)
        for name, kinds in kind.outputs.items()
    ]
    return [("name", "kind", ""), *rows] if rows else []


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> list[str]:
    lines = [" | ".join(str(cell).replace("|", r"\|") for cell in row) for row in (head, *rows)]
    first, *others = [f"| {line} |" for line in lines]
    return [first, f"|{' --- |' * len(head)}", *others]
