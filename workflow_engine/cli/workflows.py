"""``segflow workflows``: the saved workflows of this machine, which a server runs by name."""

from __future__ import annotations

import argparse

from workflow_engine.cli import exits, terminal
from workflow_engine.errors import CompileError, DefinitionError
from workflow_engine.library import Entry
from workflow_engine.workflow import Engine, read_document


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("workflows", help="list, show, save and delete saved workflows")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="every saved workflow, or every version of one")
    listing.add_argument("workflow", nargs="?", metavar="NAME")
    listing.add_argument("--json", action="store_true", help="print a list of objects")
    listing.set_defaults(command=_list)

    show = actions.add_parser("show", help="print a saved workflow")
    show.add_argument("workflow", metavar="NAME")
    show.add_argument("--version", type=int, metavar="N", help="not the latest version but this one")
    show.set_defaults(command=_show)

    save = actions.add_parser("save", help="save a workflow file as the next version of a name")
    save.add_argument("workflow", metavar="NAME", help="small letters, digits, '-' and '_', such as count-parts")
    save.add_argument("file", metavar="WORKFLOW", help="the workflow's JSON file")
    save.add_argument("--expect", type=int, metavar="N", help="only if the latest version is N; 0: if there is none")
    save.set_defaults(command=_save)

    delete = actions.add_parser("delete", help="delete a saved workflow with all its versions")
    delete.add_argument("workflow", metavar="NAME")
    delete.set_defaults(command=_delete)


def _list(asked: argparse.Namespace) -> int:
    library = Engine().library
    entries = library.list() if asked.workflow is None else library.versions(asked.workflow)
    if asked.json:
        terminal.show_json([_told(entry) for entry in entries])
    elif entries:
        terminal.table(["workflow", "version ", "saved"], [(e.id, str(e.version), _when(e)) for e in entries])
    else:
        terminal.show("No workflow is saved yet: segflow workflows save NAME WORKFLOW saves one.")
    return exits.OK


def _told(entry: Entry) -> dict[str, object]:
    saved_at = entry.saved_at.isoformat()
    return {"id": entry.id, "version": entry.version, "saved_at": saved_at, "bytes": entry.nbytes}


def _when(entry: Entry) -> str:
    return f"{entry.saved_at.astimezone():%Y-%m-%d %H:%M}"


def _show(asked: argparse.Namespace) -> int:
    found = Engine().library.read(asked.workflow, asked.version)
    terminal.show_json(found.definition)
    return exits.OK


def _save(asked: argparse.Namespace) -> int:
    engine = Engine()
    saved = engine.library.save(asked.workflow, read_document(asked.file), expected=asked.expect)
    terminal.show(f"{saved.entry.id} is saved as version {saved.entry.version}.")
    try:
        engine.compile(saved.definition)
    except (DefinitionError, CompileError) as error:
        terminal.show("It does not run yet:")
        terminal.tell(error.problems)
    return exits.OK


def _delete(asked: argparse.Namespace) -> int:
    Engine().library.delete(asked.workflow)
    terminal.show(f"{asked.workflow} is gone.")
    return exits.OK
