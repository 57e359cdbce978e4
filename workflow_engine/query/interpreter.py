"""The interpreter of the operations language: chains of operations, statements, and cases.

It reads the JSON form as it stands; that the form is right was checked when the workflow was compiled, against
``query.schema.json``. Every operation is a function of a value, with the operation's fields as keyword arguments.
Chains and statements contain one another, which is why both are evaluated in this module.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any, TypeVar

import numpy as np

from workflow_engine.errors import nearest
from workflow_engine.query import classification, detections, images, rows, scalars, sequences
from workflow_engine.query.comparators import COMPARATORS, UNARY_OPERATORS
from workflow_engine.query.errors import QueryError, Within, describe
from workflow_engine.query.parameters import NONE, parameter
from workflow_engine.vision.detections import Detections

T = TypeVar("T")


def apply(operations: Sequence[Mapping[str, Any]], value: Any, *, parameters: Mapping[str, Any] = NONE) -> Any:
    """Send a value through a chain of operations, each getting what the one before it returned.

    Args:
        operations: The chain in its JSON form; an empty one returns the value.
        value: What the first operation gets.
        parameters: Named values that statements inside the chain may use. In a filter ``_`` is the current detection.

    Raises:
        QueryError: An operation cannot take what it got; the message names the operation by its place in the chain.
    """
    for index, fields in enumerate(operations):
        with Within(f"operations[{index}] ({fields.get('type')})"):
            value = _operate(fields, value, parameters)
    return value


def apply_each(
    operations: Mapping[str, Sequence[Mapping[str, Any]]], values: Mapping[str, Any], *, field: str
) -> dict[str, Any]:
    """Send each named value through the chain that has its name; a value without one stays as it is.

    Args:
        operations: Chains by name; one whose name no value has is ignored.
        values: What goes into them.
        field: What the chains are called in a document, for errors.

    Raises:
        QueryError: As ``apply`` does; the message names the field and the value before the operation.
    """
    found = {}
    for name, value in values.items():
        with Within(f"{field}.{name}"):
            found[name] = apply(operations.get(name, ()), value)
    return found


def holds(statement: Mapping[str, Any], *, parameters: Mapping[str, Any] = NONE) -> bool:
    """Tell whether a statement is true for the named values.

    All members of a group are evaluated, whatever the first ones say, so an error in any of them is always reported.

    Args:
        statement: A group, a comparison of two operands or a question about one, in its JSON form.
        parameters: The values that its operands name.

    Raises:
        QueryError: An operand names a value that is not there, or its operations or the comparison fail.
    """
    return _known(_STATEMENTS, statement, "statement")(statement, parameters)


def choose(cases: Mapping[str, Any], *, parameters: Mapping[str, Any] = NONE) -> Any:
    """Return the result of the first case whose condition holds, or the default result.

    Args:
        cases: The ``CasesDefinition`` in its JSON form.
        parameters: The values that conditions and results name.

    Raises:
        QueryError: As ``holds`` and ``apply`` do; cases after the first true one are not looked at.
    """
    for index, case in enumerate(cases["cases"]):
        with Within(f"cases[{index}].condition"):
            found = holds(case["condition"], parameters=parameters)
        if found:
            with Within(f"cases[{index}].result"):
                return _result(case["result"], parameters)
    with Within("default"):
        return _result(cases["default"], parameters)


def _operate(fields: Mapping[str, Any], value: Any, parameters: Mapping[str, Any]) -> Any:
    operation = _known(OPERATIONS, fields, "operation")
    arguments = {name: fields[name] for name in operation.fields if name in fields}
    if operation.sees_parameters:
        arguments["parameters"] = parameters
    return operation.function(value, **arguments)


def _sequence_apply(value: Any, *, operations: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> list[Any]:
    """Send each element through a chain of its own."""
    return [apply(operations, element, parameters=parameters) for element in sequences.elements(value)]


def _filter(value: Any, *, filter_operation: Mapping[str, Any], parameters: Mapping[str, Any]) -> Detections:
    """Keep the detections for which the statement holds, in their order."""
    table = rows.as_table(value)
    scope = dict(parameters)
    kept = np.zeros(len(table), dtype=bool)
    with Within("filter_operation"):
        for index, row in enumerate(rows.rows(table)):
            scope["_"] = row
            kept[index] = holds(filter_operation, parameters=scope)
    return table.select(kept)


def _group(statement: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    answers = []
    for index, member in enumerate(statement["statements"]):
        with Within(f"statements[{index}]"):
            answers.append(holds(member, parameters=parameters))
    return all(answers) if statement.get("operator", "or") == "and" else any(answers)


def _binary(statement: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    with Within("left_operand"):
        left = _operand(statement["left_operand"], parameters)
    with Within("right_operand"):
        right = _operand(statement["right_operand"], parameters)
    return _ask(statement, "comparator", COMPARATORS, left, right)


def _unary(statement: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
    with Within("operand"):
        operand = _operand(statement["operand"], parameters)
    return _ask(statement, "operator", UNARY_OPERATORS, operand)


def _ask(statement: Mapping[str, Any], field: str, table: Mapping[str, Callable[..., Any]], *operands: Any) -> bool:
    operator = _known(table, statement[field], field)
    try:
        answer = bool(operator(*operands))
    except (TypeError, ValueError, AttributeError, LookupError) as error:
        values = " and ".join(describe(operand) for operand in operands)
        message = f"{statement[field]['type']} cannot be evaluated for {values}: {error}."
        raise QueryError(message, code="query_evaluation", hint=_hint(operands)) from error
    return not answer if statement.get("negate", False) else answer


def _hint(operands: Sequence[Any]) -> str:
    if any(operand is None for operand in operands):
        return "To leave out detections without the value, filter them by Exists first, in an operation of its own."
    if any(isinstance(operand, rows.Row) for operand in operands):
        return "Take a property of the detection, with ExtractDetectionProperty in the operand's operations."
    return ""


def _operand(operand: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    if operand["type"] == "StaticOperand":
        value = operand["value"]
    else:
        value = parameter(operand.get("operand_name", "_"), parameters)
    return apply(operand.get("operations", ()), value, parameters=parameters)


def _result(result: Mapping[str, Any], parameters: Mapping[str, Any]) -> Any:
    if result["type"] == "StaticCaseResult":
        return result["value"]
    value = parameter(result["parameter_name"], parameters)
    return apply(result.get("operations", ()), value, parameters=parameters)


def _known(table: Mapping[str, T], fields: Mapping[str, Any], what: str) -> T:
    name = str(fields.get("type"))
    if name not in table:
        raise QueryError(f"{name!r} is not a known {what}.", code="query_bad_input", hint=nearest(name, table))
    return table[name]


@dataclass(frozen=True, slots=True)
class Operation:
    """How one type of operation is carried out.

    Attributes:
        function: Takes the value, and the operation's fields as keyword arguments.
        fields: Names of these fields; others that a document has are ignored.
        sees_parameters: Whether the function also takes the query's named values, as ``parameters``.
    """

    function: Callable[..., Any]
    fields: tuple[str, ...]
    sees_parameters: bool

    @classmethod
    def of(cls, function: Callable[..., Any]) -> Operation:
        """Read the fields from the function's signature."""
        names = [name for name, one in signature(function).parameters.items() if one.kind is one.KEYWORD_ONLY]
        return cls(function, tuple(name for name in names if name != "parameters"), "parameters" in names)


_FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "LookupTable": scalars.look_up,
    "ToString": scalars.to_string,
    "ToBoolean": scalars.to_boolean,
    "RandomNumber": scalars.random_number,
    "StringToLowerCase": scalars.lower_case,
    "StringToUpperCase": scalars.upper_case,
    "StringSubSequence": scalars.sub_sequence,
    "StringMatches": scalars.matches,
    "ToNumber": scalars.to_number,
    "NumberRound": scalars.number_round,
    "Multiply": scalars.multiply,
    "Divide": scalars.divide,
    "SequenceMap": sequences.sequence_map,
    "SequenceApply": _sequence_apply,
    "NumericSequenceAggregate": sequences.numeric_aggregate,
    "SequenceAggregate": sequences.aggregate,
    "SequenceLength": sequences.length,
    "SequenceElementsCount": sequences.elements_count,
    "SequenceJoin": sequences.join,
    "ConvertDictionaryToJSON": scalars.dictionary_to_json,
    "TimestampToISOFormat": scalars.timestamp_to_iso,
    "ExtractImageProperty": images.image_property,
    "ExtractFrameMetadata": images.frame_metadata,
    "ConvertImageToJPEG": images.to_jpeg,
    "ConvertImageToBase64": images.to_base64,
    "ClassificationPropertyExtract": classification.classification_property,
    "DetectionsPropertyExtract": rows.table_property,
    "ExtractDetectionProperty": rows.row_property,
    "DetectionsToDictionary": detections.to_dictionary,
    "DetectionsFilter": _filter,
    "DetectionsOffset": detections.offset,
    "DetectionsShift": detections.shift,
    "DetectionsRename": detections.rename,
    "DetectionsSelection": detections.select,
    "SortDetections": detections.sort,
    "PickDetectionsByParentClass": detections.pick_by_parent_class,
}
OPERATIONS = {name: Operation.of(function) for name, function in _FUNCTIONS.items()}

_STATEMENTS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], bool]] = {
    "StatementGroup": _group,
    "BinaryStatement": _binary,
    "UnaryStatement": _unary,
}
