"""``segflow models``: the models of this machine, and those that could be pulled."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from workflow_engine.cli import exits, terminal
from workflow_engine.workflow import Engine

if TYPE_CHECKING:  # the block families behind it are imported when a command needs them
    from workflow_engine.models.catalogue import Catalogue, Entry

_FACTS = {
    "params_m": "parameters (millions)",
    "coco_mask_ap": "COCO mask AP 50:95",
    "coco_mask_ap50": "COCO mask AP 50",
    "t4_ms": "time on a T4 (ms)",
}


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("models", help="list, show, pull, add and remove models")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="every model, here or to be pulled")
    listing.add_argument("--json", action="store_true", help="print a list of objects")
    listing.set_defaults(command=_list)

    info = actions.add_parser("info", help="what there is to know about one model")
    info.add_argument("model", metavar="MODEL")
    info.add_argument("--json", action="store_true", help="print an object")
    info.set_defaults(command=_info)

    pull = actions.add_parser("pull", help="download published weights")
    pull.add_argument("model", metavar="MODEL", help="such as rfdetr-seg-nano")
    pull.set_defaults(command=_pull)

    adding = actions.add_parser("add", help="make a checkpoint of yours usable by name in any workflow")
    adding.add_argument("model", metavar="NAME", help="what workflows will call it, such as my-parts/2")
    adding.add_argument("checkpoint", type=Path, metavar="FILE", help="the checkpoint, or a model's folder")
    adding.add_argument("--size", metavar="SIZE", help="the published size that it is of: nano, small, medium, …")
    adding.add_argument("--labels", metavar="FILE|coco", help="class names, one per line, in the order of training")
    adding.add_argument(
        "--reference",
        nargs="+",
        action="extend",
        default=[],
        type=Path,
        metavar="IMAGE",
        help="pictures with objects that it finds, by which a faster precision is judged",
    )
    adding.set_defaults(command=_add)

    export = actions.add_parser("export", help="write a model as files for use elsewhere")
    export.add_argument("model", metavar="MODEL")
    export.add_argument("--format", choices=["onnx", "openvino"], required=True, help="what reads them")
    export.add_argument("--resolution", type=int, metavar="PX", help="side of the square that the model looks at")
    export.add_argument("--out", type=Path, default=Path(), metavar="DIR", help="where to write, by default here")
    export.set_defaults(command=_export)

    remove = actions.add_parser("remove", help="delete a model that was pulled or added")
    remove.add_argument("model", metavar="MODEL")
    remove.set_defaults(command=_remove)


def _catalogue() -> Catalogue:
    catalogue: Catalogue = Engine().models.catalogue
    return catalogue


def _list(asked: argparse.Namespace) -> int:
    entries = _catalogue().list()
    if asked.json:
        terminal.show_json([entry.to_json() for entry in entries])
        return exits.OK
    terminal.table(
        ["model", "origin", "size ", "classes ", "resolution "],
        [
            (entry.id, entry.origin, _size(entry), str(len(entry.contract.classes)), str(entry.contract.resolution))
            for entry in entries
        ],
    )
    return exits.OK


def _size(entry: Entry) -> str:
    return "to be pulled" if entry.folder is None else f"{entry.nbytes / 1e6:.1f} MB"


def _info(asked: argparse.Namespace) -> int:
    entry = _catalogue().find(asked.model)
    if asked.json:
        terminal.show_json(entry.to_json())
        return exits.OK
    contract = entry.contract
    confidence = "0.4" if contract.default_confidence is None else f"{contract.default_confidence:g}"
    facts = [
        ("title", entry.title),
        ("origin", entry.origin),
        ("files", _size(entry) if entry.folder is None else f"{entry.folder} ({_size(entry)})"),
        ("architecture", contract.variant or "its own"),
        ("resolution", f"{contract.resolution} by {contract.resolution} pixels"),
        ("confidence", f"{confidence} unless a workflow says otherwise"),
        ("license", contract.license or "not recorded"),
        ("read from", contract.source or "not recorded"),
        *((_FACTS[name], f"{figure:g}") for name, figure in entry.facts.items() if name in _FACTS),
        (f"{len(contract.classes)} classes", ", ".join(contract.classes.values())),
    ]
    terminal.table(["model", entry.id], [(name, value) for name, value in facts if value])
    return exits.OK


def _pull(asked: argparse.Namespace) -> int:
    catalogue = _catalogue()
    if catalogue.find(asked.model).folder is not None:
        terminal.show(f"{asked.model} is here already.")
        return exits.OK
    with terminal.download(f"Pulling {asked.model}") as progress:
        entry = catalogue.pull(asked.model, progress=progress)
    terminal.show(f"{entry.id} is ready: {_size(entry)}, {len(entry.contract.classes)} classes.")
    return exits.OK


def _add(asked: argparse.Namespace) -> int:
    labels = None if asked.labels is None else asked.labels if asked.labels == "coco" else Path(asked.labels)
    entry = _catalogue().add(
        asked.model, asked.checkpoint, model_type=asked.size, labels=labels, references=asked.reference
    )
    classes = ", ".join(entry.contract.classes.values())
    terminal.show(f"{entry.id} is ready: {entry.contract.variant or 'its own size'}, classes {classes}.")
    terminal.show(f'Use it in a workflow as "model_id": "{entry.id}".')
    return exits.OK


def _export(asked: argparse.Namespace) -> int:
    files = _catalogue().export(asked.model, asked.out, form=asked.format, resolution=asked.resolution)
    for file in files:
        terminal.show(f"{file} ({file.stat().st_size / 1e3:,.0f} kB)")
    return exits.OK


def _remove(asked: argparse.Namespace) -> int:
    _catalogue().remove(asked.model)
    terminal.show(f"{asked.model} is gone.")
    return exits.OK
