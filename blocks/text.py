"""Write text from values, and read values out of text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from string import Formatter
from typing import Any

from workflow_engine.api import BlockError, apply_each, nearest

LONGEST_TEXT = 1_000_000
LARGEST_NUMBER = 10_000
FENCED = re.compile(r"```json\s*(.*?)```", re.DOTALL | re.IGNORECASE)
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Operations = Mapping[str, Sequence[Mapping[str, Any]]]


def string_template(*, template: str, data: Mapping[str, Any], data_operations: Operations) -> dict[str, str]:
    """Put named values, each sent through its operations first, in the places that the text has for them.

    Raises:
        BlockError: The text names a value that is not there, or asks for a format that the value cannot have.
    """
    values = apply_each(data_operations, data, field="data_operations")
    try:
        written = sum(len(text) for text, *_ in Formatter().parse(template))
        return {"output": _Template(LONGEST_TEXT - written).vformat(template, (), values)}
    except (ValueError, TypeError) as error:
        hint = "Write {name} or {name:.2f} for a value, {{ and }} for the braces themselves."
        raise BlockError(f"The template cannot be filled in: {error}.", hint=hint, whose="author") from error


class _Template(Formatter):
    """Python's format language without its reach: a field is a value's name and nothing else, and sizes are bounded."""

    def __init__(self, most: int) -> None:
        """Let values take up ``most`` characters in all."""
        self._left = most

    def get_field(self, field_name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, str]:
        if field_name not in kwargs:
            known = ", ".join(map(repr, kwargs)) or "none"
            message = f"The template names {field_name!r}, which is not among the values; known: {known}."
            raise BlockError(message, hint=nearest(field_name, kwargs), whose="author")
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        if any(len(digits) > 5 or int(digits) > LARGEST_NUMBER for digits in re.findall(r"[1-9]\d*", format_spec)):
            raise BlockError(f"A format of the template has a number above {LARGEST_NUMBER}.", whose="author")
        text = str(format(value, format_spec))
        self._left -= len(text)
        if self._left < 0:
            raise BlockError(f"The text grows longer than {LONGEST_TEXT} characters.", hint="Use shorter values.")
        return text


def parsed_fields(fields: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return one output for each expected field of a step."""
    expected = fields.get("expected_fields")
    return {name: ["*"] for name in expected if isinstance(name, str)} if isinstance(expected, list) else {}


def json_parser(*, raw_json: str, expected_fields: list[str]) -> dict[str, Any]:
    """Read the expected fields of a JSON object, of the first block fenced by ```json if the text has one."""
    fenced = FENCED.search(raw_json)
    try:
        content = json.loads(fenced[1] if fenced else raw_json)
    except (ValueError, RecursionError):
        content = None
    found = content if isinstance(content, dict) else {}
    complete = all(name in found for name in expected_fields)
    return {"error_status": not (complete and found is content), **{name: found.get(name) for name in expected_fields}}


def csv_formatter(
    *, columns_data: list[Mapping[str, Any]], columns_operations: Operations
) -> list[dict[str, str | None]]:
    """Write a table with a row for each element, and give it at the last one."""
    rows = [apply_each(columns_operations, row, field="columns_operations") for row in columns_data]
    now = datetime.now(UTC).isoformat()
    lines = [_line([*rows[0], "timestamp"]), *(_line([*map(_cell, row.values()), now]) for row in rows)]
    texts = [*(None for _ in rows[1:]), "".join(lines)]
    return [{"csv_content": text} for text in texts]


def _line(cells: Sequence[Any]) -> str:
    # The writer quotes the characters of its own line ends only, so these are both, and one of them goes afterwards.
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    return written.getvalue().removesuffix("\r\n") + "\n"


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
