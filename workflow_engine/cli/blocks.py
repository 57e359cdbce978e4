"""``segflow blocks``: what there is, what each takes and gives, what runs of the ecosystem, checks, pages, new ones."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from workflow_engine.cli import block_pages, compat, exits, scaffold, terminal
from workflow_engine.errors import InputError, ManifestError, Problem, nearest
from workflow_engine.manifest import BlockManifest
from workflow_engine.registry import Registry, Source, installed
from workflow_engine.step_type import StepField, StepType


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("blocks", help="list, show, check and make blocks")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="every block, by category")
    listing.add_argument("--json", action="store_true", help="print a list of objects")
    listing.set_defaults(command=_list)

    show = actions.add_parser("show", help="what a block takes and gives")
    show.add_argument("type", metavar="TYPE", help="such as core/dynamic_crop@v1, or a name of the ecosystem's")
    show.set_defaults(command=_show)

    compat.add(actions)

    check = actions.add_parser("check", help="hold every manifest against its form and its code")
    check.add_argument("folders", nargs="*", type=Path, metavar="FOLDER", help="more manifests: FOLDER/manifests, …")
    check.set_defaults(command=_check)

    docs = actions.add_parser("docs", help="write a reference page for every block")
    docs.add_argument("--out", type=Path, default=Path("docs", "blocks"), metavar="DIR", help="where (docs/blocks)")
    docs.set_defaults(command=_docs)

    new = actions.add_parser("new", help="write manifest, form, function and test of a new block")
    new.add_argument("name", metavar="NAME", help="in small letters, such as count_holes")
    new.set_defaults(command=_new)


def _list(asked: argparse.Namespace) -> int:
    registry = Registry(installed())
    blocks = registry.blocks()
    if asked.json:
        terminal.show_json([_told(block) for block in blocks])
    else:
        terminal.table(
            ["category", "type", "title", "summary"], [(b.category, b.type, b.title, b.summary) for b in blocks]
        )
    terminal.warn(registry.load_errors)
    return exits.OK


def _told(block: BlockManifest) -> dict[str, Any]:
    stands_for = [name for name in block.type_names if name != block.type]
    return {
        "type": block.type,
        "category": block.category,
        "title": block.title,
        "summary": block.summary,
        "also": stands_for,
    }


def _show(asked: argparse.Namespace) -> int:
    registry = Registry(installed())
    try:
        kind = registry.step_type(asked.type)
    except KeyError:
        raise InputError(_no_block(registry, asked.type)) from None
    block = kind.manifest
    terminal.show(f"{block.title}  ({kind.name})", style="bold")
    terminal.show(block.summary)
    if block.description:
        terminal.show(block.description)
    for role, title in (("input", "inputs"), ("parameter", "parameters"), ("foreign", "parameters of this type alone")):
        rows = [_row(block, fields) for fields in _by_target(kind, role)]
        if rows:
            terminal.table([title, "takes", "default", ""], rows)
    if kind.outputs:
        terminal.table(["outputs", "kind"], [(name, " or ".join(kinds)) for name, kinds in kind.outputs.items()])
    also = [name for name in block.type_names if name != kind.name]
    if also:
        terminal.show(f"Also known as {', '.join(also)}.", style="dim")
    return exits.OK


def _no_block(registry: Registry, name: str) -> Problem:
    refusal = registry.refusal(name)
    if refusal is not None:
        message = f"segflow does not run {name!r}. {refusal.reason}"
        return Problem(code="refused_block", message=message, hint=refusal.alternative, whose="caller")
    hint = nearest(name, registry.type_names) or "segflow blocks list shows every block."
    return Problem(code="unknown_block", message=f"There is no block {name!r}.", hint=hint, whose="caller")


def _by_target(kind: StepType, role: str) -> list[list[StepField]]:
    """The fields of a role, all spellings of one together."""
    found: dict[str, list[StepField]] = {}
    for field in kind.fields.values():
        if field.role == role:
            found.setdefault(field.target, []).append(field)
    return list(found.values())


def _row(block: BlockManifest, spellings: list[StepField]) -> tuple[str, str, str, str]:
    field, *_ = spellings
    literal = "" if field.schema is None else block_pages.literal(field.schema)
    kinds = field.kinds or field.element_kinds or ()
    reference = f"$ {' or '.join(kinds)}".replace("*", "anything") if kinds else ""
    default = "required" if field.required else terminal.compact((field.schema or {}).get("default"))
    names, takes = " or ".join(one.name for one in spellings), ", ".join(filter(None, [literal, reference]))
    return names, takes, default, _about(block, field)


def _about(block: BlockManifest, field: StepField) -> str:
    ports = {port.name: port.description or port.title for port in block.inputs}
    schema = block.parameters.properties.get(field.target) or field.schema or {}
    return ports.get(field.target) or str(schema.get("description", ""))


def _check(asked: argparse.Namespace) -> int:
    sys.path.insert(0, str(Path.cwd()))  # a block under construction is not installed yet
    sources = list(installed())
    known = {str(source.manifests) for source in sources}
    folders = asked.folders or list(scaffold.block_folders(Path.cwd()))
    for folder in folders:
        source = Source(str(folder), folder.resolve() / "manifests", folder.resolve() / "ui_schema")
        if not (folder / "manifests").is_dir():
            message = f"The folder {folder} has no folder manifests."
            raise InputError(Problem(code="no_manifests", message=message, whose="caller"))
        if str(source.manifests) not in known:
            sources.append(source)
    registry = Registry(sources)
    problems = [*registry.load_errors, *_code_problems(registry)]
    if problems:
        terminal.tell(problems)
        return exits.WRONG
    terminal.show(f"{len(registry.blocks())} blocks, all sound.", style="bold green")
    return exits.OK


def _code_problems(registry: Registry) -> Iterator[Problem]:
    for block in registry.blocks():
        try:
            registry.function(block.type)
        except ManifestError as error:
            yield from error.problems


def _docs(asked: argparse.Namespace) -> int:
    registry = Registry(installed())
    files = block_pages.write_pages(registry, asked.out)
    terminal.show(f"wrote {len(files)} files below {asked.out}")
    terminal.warn(registry.load_errors)
    return exits.OK


def _new(asked: argparse.Namespace) -> int:
    files = scaffold.write_block(asked.name, Path.cwd())
    for file in files:
        terminal.show(f"wrote {file}")
    terminal.show("Check it with: segflow blocks check")
    return exits.OK
