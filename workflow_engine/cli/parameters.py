"""Values for a workflow's inputs as the command line gives them: ``NAME=VALUE``."""

from __future__ import annotations

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from workflow_engine.errors import InputError, Problem, nearest


def add_parameters(parser: ArgumentParser) -> None:
    """Add ``--param``, whose values ``read_parameters`` reads."""
    parser.add_argument(
        "--param",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="a value for another input: JSON where it reads as JSON, else text",
    )


def read_parameters(given: Sequence[str], known: Sequence[str]) -> dict[str, Any]:
    """Read ``NAME=VALUE`` pairs.

    Raises:
        InputError: If one has no ``=``, or names no input.
    """
    values: dict[str, Any] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise _refusal("bad_param", f"--param {text} has no value.", f"Write --param {text}=VALUE.")
        if name not in known:
            hint = nearest(name, known) or f"Its inputs are {', '.join(known) or 'none'}."
            raise _refusal("unknown_input", f"The workflow has no input {name!r}.", hint)
        try:
            values[name] = json.loads(value)
        except ValueError:
            values[name] = value
    return values


def positive(text: str) -> int:
    """Read a number of things of which there must be one at least, for an argument's ``type``."""
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"at least 1, not {number}")
    return number


def zero_to_one(text: str) -> float:
    """Read a number from 0 to 1, for an argument's ``type``."""
    with suppress(ValueError):
        if 0 <= float(text) <= 1:
            return float(text)
    raise ArgumentTypeError(f"a number from 0 to 1, not {text}")


def _refusal(code: str, message: str, hint: str) -> InputError:
    return InputError(Problem(code=code, message=message, hint=hint, whose="caller"))
