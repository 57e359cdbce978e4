"""The document: what stands in a workflow's JSON, before anyone asks whether it can run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from math import isinf
from typing import Annotated, Any, Literal, NoReturn, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workflow_engine.errors import DefinitionError, Problem, nearest, pointer
from workflow_engine.faults import Location, Misfit, misfits, shorten
from workflow_engine.kinds import ANYTHING
from workflow_engine.settings import Limits

MOST_PORTS = 1000
"""Inputs, and outputs, of one workflow: more than any has, for each is looked up among the others."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class ImageInput(_Part):
    """One picture per element of the batch."""

    type: Literal["WorkflowImage", "InferenceImage"]
    name: str = Field(min_length=1)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Always an image."""
        return ("image",)

    @property
    def dimensionality(self) -> int:
        """One value per element."""
        return 1


class VideoMetadataInput(_Part):
    """A record about a frame; deprecated by the ecosystem, where an image now carries it."""

    type: Literal["WorkflowVideoMetadata"]
    name: str = Field(min_length=1)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Always video metadata."""
        return ("video_metadata",)

    @property
    def dimensionality(self) -> int:
        """One value per element."""
        return 1


class BatchInput(_Part):
    """Any values, one per element of the batch, or nested lists of them."""

    type: Literal["WorkflowBatchInput"]
    name: str = Field(min_length=1)
    kind: list[str] = [ANYTHING]
    dimensionality: int = 1

    @property
    def kinds(self) -> tuple[str, ...]:
        """The declared kinds."""
        return tuple(self.kind)


class ParameterInput(_Part):
    """One value for the whole run."""

    type: Literal["WorkflowParameter", "InferenceParameter"]
    name: str = Field(min_length=1)
    kind: list[str] = [ANYTHING]
    default_value: Any = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The declared kinds."""
        return tuple(self.kind)

    @property
    def dimensionality(self) -> int:
        """None: a scalar."""
        return 0


WorkflowInput: TypeAlias = ImageInput | VideoMetadataInput | BatchInput | ParameterInput

INPUT_TYPES = (
    "WorkflowImage",
    "InferenceImage",
    "WorkflowParameter",
    "InferenceParameter",
    "WorkflowBatchInput",
    "WorkflowVideoMetadata",
)


class Step(_Part):
    """One use of a block: its type, its name, and the fields that the block's manifest declares."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)

    type: str = Field(min_length=1)
    name: str = Field(min_length=1)

    @property
    def fields(self) -> Mapping[str, Any]:
        """Every field but type and name, as written."""
        return self.model_extra or {}


class Output(_Part):
    """A value that the run gives back, by its selector.

    ``mask_format`` is ours: ``rle`` writes masks as compressed COCO run lengths, which keep holes and separate parts,
    rather than as the outline that the kinds of the value ask for.
    """

    type: Literal["JsonField"]
    name: str
    selector: str
    coordinates_system: Literal["parent", "own"] = "parent"
    mask_format: Literal["rle"] | None = None


class Definition(_Part):
    """A workflow as written. Frozen; pointers of problems are indexes into ``inputs``, ``steps`` and ``outputs``."""

    version: str
    inputs: list[Annotated[WorkflowInput, Field(discriminator="type")]]
    steps: list[Step]
    outputs: list[Output]
    dynamic_blocks_definitions: list[Any] | None = None


def parse(document: bytes | str | Mapping[str, Any], *, limits: Limits | None = None) -> Definition:
    """Read a workflow document.

    Args:
        document: JSON text, or the object it stands for.
        limits: Bounds on its size, depth and number of steps; the default ones when left out.

    Raises:
        DefinitionError: With every problem found: broken JSON, parts missing or misshapen, a limit passed.
    """
    limits = limits or Limits()
    content = read(document, limits=limits)
    try:
        definition = Definition.model_validate(dict(content))
    except ValidationError as error:
        wrong = misfits(error.errors(include_url=False), content)
        raise DefinitionError(_problem(misfit, content) for misfit in wrong) from None
    if len(definition.steps) > limits.steps:
        _refuse(
            "too_many_steps", f"The workflow has {len(definition.steps)} steps; at most {limits.steps} are allowed."
        )
    for part, found in (("inputs", definition.inputs), ("outputs", definition.outputs)):
        if len(found) > MOST_PORTS:
            _refuse("too_many_ports", f"The workflow has {len(found)} {part}; at most {MOST_PORTS} are allowed.")
    return definition


def read(document: bytes | str | Mapping[str, Any], *, limits: Limits) -> Mapping[str, Any]:
    """Return the object that a document is, whether or not that is a workflow.

    Raises:
        DefinitionError: If it is not JSON, not an object, or passes the limits on size and depth.
    """
    content = _read_json(document, limits) if isinstance(document, bytes | str) else document
    if not isinstance(content, Mapping):
        _refuse("not_an_object", "A workflow is a JSON object with version, inputs, steps and outputs.")
    if _depth(content) > limits.json_depth:
        _refuse("too_deep", f"The document is nested more than {limits.json_depth} levels deep.")
    return content


def _refuse(code: str, message: str, hint: str = "") -> NoReturn:
    raise DefinitionError(Problem(code=code, message=message, hint=hint))


def _read_json(text: bytes | str, limits: Limits) -> Any:
    size = len(text)
    if size > limits.definition_bytes:
        _refuse("too_large", f"The document has {size:,} bytes; at most {limits.definition_bytes:,} are allowed.")
    try:
        content = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=_finite)
        json.dumps(content, ensure_ascii=False).encode()
        return content
    except json.JSONDecodeError as error:
        at = f"line {error.lineno}, column {error.colno}"
        _refuse(
            "broken_json",
            f"The document is not JSON: {error.msg} at {at}.",
            "Mend it there; a comma or quote too many?",
        )
    except UnicodeDecodeError:
        _refuse("broken_json", "The document is not UTF-8 text.", "Save it as UTF-8.")
    except UnicodeEncodeError:
        _refuse("broken_json", "The document holds half of a surrogate pair, which is no character.", "Remove it.")
    except ValueError:
        _refuse("broken_json", "The document holds a number of thousands of digits.", "Write a smaller one.")
    except RecursionError:
        _refuse("too_deep", f"The document is nested more than {limits.json_depth} levels deep.")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        twice = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        _refuse("duplicate_key", f"The key {twice!r} stands twice in one object.", "Keep one of the two.")
    return result


def _no_constant(name: str) -> NoReturn:
    _refuse("broken_json", f"The document holds {name}, which is not JSON.", "Write a number or null.")


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        _refuse(
            "broken_json", f"The document holds the number {shorten(text)}, which is too large.", "Write a smaller one."
        )
    return number


def _depth(value: Any) -> int:
    """Nesting of lists and objects; iterative, so that no document can exhaust the stack."""
    deepest, level = 0, [value]
    while level := [item for item in level if isinstance(item, list | Mapping)]:
        deepest += 1
        level = [child for item in level for child in (item.values() if isinstance(item, Mapping) else item)]
        if deepest > 10_000:
            break
    return deepest


def _problem(misfit: Misfit, content: Mapping[str, Any]) -> Problem:
    location = misfit.location
    what = ".".join(map(str, location))
    code, message, hint = "bad_value", f"{what}: {misfit.text}.", ""
    match location:
        case _ if misfit.missing:
            code, message = "missing_field", f"{what} is required."
            hint = "Add it." if len(location) > 1 else f'Add "{what}" to the document.'
        case ("version",) if content["version"] is not None:
            code, hint = "bad_version", 'Write it in quotes, such as "1.0.0".'
        case ("inputs", int(i)) if isinstance(content["inputs"][i], Mapping):
            tag = content["inputs"][i].get("type")
            code, message = (
                "unknown_input_type",
                f"{what}.type is {tag!r}; inputs are of type {', '.join(INPUT_TYPES)}.",
            )
            hint = nearest(str(tag), INPUT_TYPES)
    step, block = _step_at(location, content)
    name = str(location[-1]) if location else None
    return Problem(code=code, message=message, at=pointer(*location), hint=hint, step=step, block=block, field=name)


def _step_at(location: Location, content: Mapping[str, Any]) -> tuple[str | None, str | None]:
    match location:
        case ("steps", int(i), *_) if isinstance(content["steps"][i], Mapping):
            step = content["steps"][i]
            return (_text(step.get("name")), _text(step.get("type")))
    return (None, None)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
