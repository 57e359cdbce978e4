"""The face for the command line: ``segflow run``, ``check``, ``serve`` and the others."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from workflow_engine import __version__, memory, settings
from workflow_engine.cli import (
    bench,
    blocks,
    check,
    demo,
    evaluate,
    exits,
    explain,
    models,
    run,
    serve,
    terminal,
    video,
    workflows,
)
from workflow_engine.errors import WorkflowError

_COMMANDS = (run, video, check, explain, demo, bench, evaluate, serve, models, workflows, blocks)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that ``arguments`` name, by default those of the process; return its exit code."""
    asked = _parser().parse_args(arguments)
    memory.keep_freed()
    terminal.say_log()
    debug = False
    try:
        debug = settings.load().debug
        code: int = asked.command(asked)
        sys.stdout.flush()
    except KeyboardInterrupt:
        terminal.say("Interrupted.")
        return exits.INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has enough. The rest of it goes nowhere, also at the interpreter's end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exits.OK
    except WorkflowError as error:
        if debug:
            raise
        terminal.tell(error.problems)
        return exits.code_of(error)
    except Exception as error:
        if debug:
            raise
        terminal.tell([exits.unforeseen(error)])
        return exits.MACHINE
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="segflow",
        description="Visual workflows on this machine: segment, crop, filter, count, draw.",
        epilog=exits.TABLE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"segflow {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add(commands)
    return parser
