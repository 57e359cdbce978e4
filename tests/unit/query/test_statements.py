"""Groups, operands, and filters made of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from supervision import Detections

from workflow_engine.query import QueryError, apply, holds
from workflow_engine.vision import detections
from workflow_engine.vision.image import Ancestry


def constant(value: Any, *operations: dict[str, Any]) -> dict[str, Any]:
    return {"type": "StaticOperand", "value": value, "operations": list(operations)}


def named(name: str, *operations: dict[str, Any]) -> dict[str, Any]:
    return {"type": "DynamicOperand", "operand_name": name, "operations": list(operations)}


def prop(name: str) -> dict[str, Any]:
    return {"type": "DynamicOperand", "operations": [{"type": "ExtractDetectionProperty", "property_name": name}]}


def compare(left: dict[str, Any], comparator: str, right: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "BinaryStatement",
        "left_operand": left,
        "comparator": {"type": comparator},
        "right_operand": right,
    }


def ask(operand: dict[str, Any], operator: str) -> dict[str, Any]:
    return {"type": "UnaryStatement", "operand": operand, "operator": {"type": operator}}


def group(*statements: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"type": "StatementGroup", "statements": list(statements), **fields}


def keep(table: Detections, *statements: dict[str, Any], **parameters: Any) -> str:
    chain = [{"type": "DetectionsFilter", "filter_operation": group(*statements, operator="and")}]
    return "".join(detections.detection_ids(apply(chain, table, parameters=parameters)))


YES, NO = ask(constant(True), "(Boolean) is True"), ask(constant(True), "(Boolean) is False")


def test_a_group_is_true_when_any_member_is_or_all_are() -> None:
    assert holds(group(NO, YES))
    assert holds(group(NO, YES, operator="or"))
    assert not holds(group(NO, YES, operator="and"))
    assert holds(group(YES, group(NO, YES), operator="and"))


@given(st.recursive(st.booleans(), lambda members: st.tuples(st.booleans(), st.lists(members, min_size=1, max_size=4))))
def test_nested_groups_are_any_and_all(tree: Any) -> None:
    def statement(node: Any) -> dict[str, Any]:
        if isinstance(node, bool):
            return YES if node else NO
        return group(*map(statement, node[1]), operator="and" if node[0] else "or")

    def truth(node: Any) -> bool:
        if isinstance(node, bool):
            return node
        return all(map(truth, node[1])) if node[0] else any(map(truth, node[1]))

    assert holds(statement(tree)) is truth(tree)


def test_a_failing_member_is_reported_though_the_answer_was_settled() -> None:
    fails = compare(constant(None), "(Number) >", constant(1))
    with pytest.raises(QueryError) as caught:
        holds(group(YES, fails))
    assert caught.value.place == "statements[1]"


def test_both_operands_go_through_their_operations() -> None:
    length = {"type": "SequenceLength"}
    statement = compare(named("items", length), "==", constant("3", {"type": "ToNumber", "cast_to": "int"}))
    assert holds(statement, parameters={"items": ["a", "b", "c"]})
    assert not holds(statement, parameters={"items": []})


def test_a_name_that_is_not_there_is_answered_with_the_nearest() -> None:
    statement = group(compare(constant(1), "==", named("threshhold")))
    with pytest.raises(QueryError) as caught:
        holds(statement, parameters={"threshold": 1})
    assert caught.value.message == (
        "statements[0].right_operand: there is no parameter 'threshhold'; known here: 'threshold'."
    )
    assert (caught.value.code, caught.value.whose) == ("query_undeclared", "author")
    assert caught.value.hint == "Did you mean 'threshold'?"


def test_an_error_in_an_operand_names_the_whole_way(parts: Detections) -> None:
    wrong = {"type": "DynamicOperand", "operations": [{"type": "StringToLowerCase"}]}
    with pytest.raises(QueryError) as caught:
        keep(parts, YES, group(compare(wrong, "==", constant(1))))
    assert caught.value.message == (
        "operations[0] (DetectionsFilter).filter_operation.statements[1].statements[0].left_operand.operations[0] "
        "(StringToLowerCase): expected text, got one detection."
    )


def test_unknown_operations_and_statements_are_named() -> None:
    with pytest.raises(QueryError, match=r"operations\[0\] \(ToText\): 'ToText' is not a known operation"):
        apply([{"type": "ToText"}], 1)
    with pytest.raises(QueryError, match="'Statement' is not a known statement"):
        holds({"type": "Statement"})


def test_fields_that_the_language_does_not_know_are_ignored() -> None:
    assert apply([{"type": "StringToUpperCase", "parameters": 1, "note": "x"}], "a") == "A"


def test_a_chain_passes_results_on_and_an_empty_one_returns_the_value() -> None:
    chain: list[dict[str, Any]] = [{"type": "ToString"}, {"type": "SequenceLength"}, {"type": "Multiply", "other": 2}]
    assert apply(chain, 12345) == 10
    assert apply([], "as it is") == "as it is"


def test_filter_by_class_and_a_parameter(parts: Detections) -> None:
    sure = compare(prop("confidence"), "(Number) >", named("threshold"))
    nut = compare(prop("class_name"), "in (Sequence)", constant(["nut", "washer"]))
    assert keep(parts, sure, nut, threshold=0.5) == "a"
    assert keep(parts, sure, nut, threshold=0.1) == "ac"


def test_filter_by_zone(parts: Detections) -> None:
    inside = compare(prop("center"), "(Detection) in zone", constant([[0, 0], [90, 0], [90, 90], [0, 90]]))
    assert keep(parts, inside) == "ab"


def test_filter_by_track(parts: Detections) -> None:
    assert keep(parts, compare(prop("tracker_id"), "==", constant(13))) == "c"


def test_a_filter_sees_its_own_detection_whatever_underscore_was_outside(parts: Detections) -> None:
    assert keep(parts, compare(prop("class_name"), "==", constant("bolt")), _="something else") == "b"


def test_a_filter_in_an_operand_has_a_detection_of_its_own(parts: Detections) -> None:
    trays = [
        {"type": "DetectionsFilter", "filter_operation": group(compare(prop("class_name"), "==", constant("tray")))}
    ]
    crowded = compare(named("all", *trays, {"type": "SequenceLength"}), "(Number) >", constant(0))
    assert keep(parts, crowded, compare(prop("class_name"), "==", constant("nut")), all=parts) == "ac"


def test_a_missing_property_can_be_asked_for_but_not_compared(parts: Detections) -> None:
    assert keep(parts, ask(prop("area_px"), "DoesNotExist")) == "abcd"
    with pytest.raises(QueryError, match=r"statements\[0\]: \(Number\) > cannot be evaluated for nothing") as caught:
        keep(parts, compare(prop("area_px"), "(Number) >", constant(3)))
    assert caught.value.code == "query_evaluation"


def test_a_detection_itself_is_no_point(parts: Detections) -> None:
    zone = constant([[0, 0], [1, 0], [1, 1]])
    with pytest.raises(QueryError, match="cannot be evaluated for one detection and a list of 3") as caught:
        keep(parts, compare(named("_"), "(Detection) in zone", zone))
    assert "ExtractDetectionProperty" in caught.value.hint


def test_statements_of_a_group_filter_together() -> None:
    corners = np.random.default_rng(0).uniform(0, 600, (300, 2))
    table = detections.build(
        np.hstack([corners, corners + 20]),
        ancestry=Ancestry.root("photo", (640, 640)),
        class_id=[0, 1, 2] * 100,
        class_names=["nut", "bolt", "washer"] * 100,
        confidence=np.linspace(0, 1, 300),
    )
    statements = [
        compare(prop("class_name"), "in (Sequence)", constant(["nut", "bolt"])),
        compare(prop("confidence"), "(Number) >", constant(0.5)),
    ]
    chain = [{"type": "DetectionsFilter", "filter_operation": group(*statements, operator="and")}]
    assert len(apply(chain, table)) == 100
