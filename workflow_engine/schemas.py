"""JSON Schemas: those that others refer to, and what is wrong with a value by one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from math import isfinite
from typing import Any

import jsonschema_rs

from workflow_engine.faults import Schema, faults

_WORDS = {"title", "description", "default", "examples"}
"""What a schema says that no value is held against."""

VOCABULARY = "urn:segflow:"
"""How the ``$id`` of every schema begins that others may refer to."""


@cache
def vocabulary() -> Mapping[str, dict[str, Any]]:
    """The schemas that others refer to, by ``$id``: those of manifests, forms and the operations language."""
    schemas = [
        json.loads(path.read_bytes())
        for package in ("manifests", "ui_schema")
        for path in (files(package) / "_meta").iterdir()
        if path.name.endswith(".schema.json")
    ]
    return {schema["$id"]: schema for schema in schemas}


class Validator:
    """Holds values against one schema, which may refer to the vocabulary.

    A value that fits is found to do so by compiled code, in microseconds. One that does not is looked at again by
    ``jsonschema``, which tells the truest of several errors, and is not even imported before.
    """

    def __init__(self, schema: Schema) -> None:
        """Compile ``schema``, or find that it is already: types of steps share most of what their fields ask for."""
        self._schema = schema
        self._compiled = _compiled(json.dumps({name: schema[name] for name in schema.keys() - _WORDS}, sort_keys=True))

    def faults(self, value: Any) -> Iterator[tuple[str, str, str]]:
        """Yield what is wrong with ``value``: JSON pointer inside it, a sentence's end, a hint.

        The sentence's end reads after a name: ``expected a number from 0 to 1, got "high"``.
        """
        if not self._fits(value):
            yield from faults(value, self._schema, vocabulary())

    def _fits(self, value: Any) -> bool:
        try:
            return _is_plain(value) and self._compiled.is_valid(value)
        except ValueError:  # names that are no text, or text that is no Unicode
            return False


@cache
def _compiled(schema: str) -> jsonschema_rs.Draft202012Validator:
    # Most schemas refer to nothing, and are compiled long before the vocabulary would be read.
    known = _compiled_vocabulary() if VOCABULARY in schema else None
    return jsonschema_rs.Draft202012Validator(schema, registry=known)


@cache
def _compiled_vocabulary() -> jsonschema_rs.Registry:
    return jsonschema_rs.Registry(vocabulary().items())


def _is_plain(value: Any) -> bool:
    """Whether ``value`` is as if read from JSON; compiled code takes infinity for null, and tuples for lists."""
    kind = type(value)
    if kind is list:
        return all(map(_is_plain, value))
    if kind is dict:
        return all(map(_is_plain, value.values()))
    return isfinite(value) if kind is float else kind in (str, int, bool, type(None))
