"""What a schema or a model asks for, and in which way a value falls short of it, in sentences."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from workflow_engine.errors import nearest, pointer

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError
    from pydantic_core import ErrorDetails

Schema = Mapping[str, Any]
Location: TypeAlias = tuple[str | int, ...]

MANY = 12
"""A longer list of choices is not spelled out where a near one can be named."""

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_MODELS = {
    "dict": "object",
    "model": "object",
    "list": "array",
    "tuple": "array",
    "string": "string",
    "bool": "boolean",
    "int": "integer",
    "float": "number",
    "finite": "number",
    "none": "null",
}
"""The same types, by the first word of what pydantic calls an error about them."""


def faults(value: Any, schema: Schema, vocabulary: Mapping[str, Schema]) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with ``value``: JSON pointer inside it, a sentence's end, a hint.

    ``vocabulary`` has the schemas that ``schema`` may refer to, by ``$id``.
    """
    # The usual document is in order, and need not wait for these.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from jsonschema_specifications import REGISTRY
    from referencing import Resource

    known = REGISTRY.with_resources((name, Resource.from_contents(other)) for name, other in vocabulary.items())
    for error in Draft202012Validator(schema, registry=known).iter_errors(value):
        deepest = best_match([error]) if _names_the_branch(error) else error
        yield pointer(*deepest.absolute_path), *_sentence(deepest)


def expectation(schema: Schema) -> str:
    """Say in a few words what ``schema`` asks for: ``a number from 0 to 1``, ``one of "a", "b"``."""
    if "const" in schema:
        return json.dumps(schema["const"])
    if "enum" in schema:
        return "one of " + ", ".join(json.dumps(choice, ensure_ascii=False) for choice in schema["enum"])
    for choices in (schema.get("anyOf"), schema.get("oneOf")):
        if choices:
            return " or ".join(expectation(choice) for choice in choices)
    types = schema.get("type", [])
    names = [types] if isinstance(types, str) else types
    return " or ".join(_typed(name, schema) for name in names) or "another value"


def _typed(name: str, schema: Schema) -> str:
    text = _TYPES[name]
    if name == "array":
        return f"{text} of {_plural(schema['items'])}" if "type" in schema.get("items", {}) else text
    if name not in ("number", "integer"):
        return text
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        return f"{text} from {low} to {high}"
    if low is not None:
        return f"{text} of at least {low}"
    above = schema.get("exclusiveMinimum")
    if above is not None and high is not None:
        return f"{text} above {above} and at most {high}"
    if high is not None:
        return f"{text} of at most {high}"
    return text if above is None else f"{text} above {above}"


def _plural(schema: Schema) -> str:
    words = {"string": "texts", "number": "numbers", "integer": "whole numbers", "array": "lists", "object": "objects"}
    name = schema["type"]
    return words.get(name, "values") if isinstance(name, str) else "values"


def _names_the_branch(error: ValidationError) -> bool:
    """Whether the value shows which of several alternatives is meant: a list or an object, where one takes those.

    Anything else falls short of all alternatives alike, and all of them together read as one expectation.
    """
    if error.validator not in ("anyOf", "oneOf") or not isinstance(error.instance, list | dict):
        return False
    wanted = "array" if isinstance(error.instance, list) else "object"
    branches: Any = error.validator_value
    return any(branch.get("type", wanted) == wanted and not {"const", "enum"} & branch.keys() for branch in branches)


def _sentence(error: ValidationError) -> tuple[str, str]:
    value: Any = error.instance
    schema: Any = error.schema
    asked: Any = error.validator_value
    found = shorten(value)
    match error.validator:
        case "required":
            missing = next(name for name in asked if name not in value)
            return f"lacks {missing!r}", f"Add {missing!r}."
        case "additionalProperties":
            known = schema.get("properties", {})
            extra = next(name for name in value if name not in known)
            return f"has no field {extra!r}", nearest(extra, known) or "Remove it."
        case "enum" if len(asked) > MANY and nearest(str(value), map(str, asked)):
            return f"{found} is none of the {len(asked)} choices", nearest(str(value), map(str, asked))
        case "enum" if isinstance(value, str):
            return f"expected {expectation(schema)}, got {found}", nearest(value, map(str, asked))
        case "minItems":
            return f"expected at least {asked} elements, got {len(value)}", ""
        case "maxItems":
            return f"expected at most {asked} elements, got {len(value)}", ""
        case "minLength":
            return "must not be empty", ""
        case "not":
            told = schema.get("description", "")
            return (
                f"cannot have {found} as a name" if "propertyNames" in error.schema_path else f"cannot be {found}",
                told,
            )
        case "uniqueItems":
            return "holds the same element twice", "Keep one of them."
        case "pattern":
            return f"expected text like {asked}, got {found}", ""
        case "type" | "minimum" | "maximum" | "exclusiveMinimum" | "anyOf" | "oneOf" | "const" | "enum":
            return f"expected {expectation(schema)}, got {found}", ""
    return f"is not valid: {error.message}", ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Misfit:
    """A part of a value that a pydantic model does not take.

    Attributes:
        location: The keys and indexes that lead to it.
        text: How a sentence about it ends: ``is required`` or ``expected text, got 5``.
        missing: Whether it is not there at all.
    """

    location: Location
    text: str
    missing: bool


def misfits(errors: Iterable[ErrorDetails], content: Any) -> Iterator[Misfit]:
    """Yield what pydantic found wrong with ``content``, in the words that are used for JSON.

    Of a union it tells what is wrong with each alternative, which here becomes one sentence; where the value shows
    which one is meant, as a list does whose elements are wrong, only what is wrong with that one is told.
    """
    by_place: dict[Location, list[ErrorDetails]] = {}
    for error in errors:
        by_place.setdefault(_location(error, content), []).append(error)
    above = {place[:depth] for place in by_place for depth in range(len(place))}
    yield from (_misfit(place, found) for place, found in by_place.items() if place not in above)


def _location(error: ErrorDetails, content: Any) -> Location:
    """Where an error is in ``content``: its ``loc`` without the names of alternatives that stand between the keys."""
    missing = error["type"] == "missing"
    place: list[str | int] = []
    for position, part in enumerate(error["loc"]):
        if _has(content, part):
            content = content[part]
        elif not (missing and position == len(error["loc"]) - 1):
            continue
        place.append(part)
    return tuple(place)


def _has(content: Any, part: str | int) -> bool:
    return (
        isinstance(part, int) if isinstance(content, list | tuple) else isinstance(content, Mapping) and part in content
    )


def _misfit(place: Location, errors: list[ErrorDetails]) -> Misfit:
    if errors[0]["type"] == "missing":
        return Misfit(location=place, text="is required", missing=True)
    wanted = " or ".join(dict.fromkeys(map(_wanted, errors)))
    return Misfit(location=place, text=f"expected {wanted}, got {shorten(errors[0]['input'])}", missing=False)


def _wanted(error: ErrorDetails) -> str:
    """What pydantic asked for, in a few words."""
    context = error.get("ctx", {})
    match error["type"]:
        case "literal_error":
            return str(context["expected"])
        case "greater_than_equal":
            return f"a number of at least {context['ge']}"
        case "less_than_equal":
            return f"a number of at most {context['le']}"
        case "greater_than":
            return f"a number above {context['gt']}"
        case "too_short":
            return f"at least {context['min_length']} elements"
        case "too_long":
            return f"at most {context['max_length']} elements"
        case "string_too_short":
            return "text that is not empty"
        case kind:
            known = _MODELS.get(kind.partition("_")[0])
            return _TYPES[known] if known else error["msg"][:1].lower() + error["msg"][1:]


def shorten(value: Any) -> str:
    """Return ``value`` as JSON for a message, cut to 60 characters."""
    whole = value[:60] if isinstance(value, str) else value
    text = json.dumps(whole, default=lambda other: type(other).__name__, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "…"
