"""Problems in the ecosystem's words, by the table of the language's specification."""

from __future__ import annotations

import pytest

from workflow_engine.errors import (
    CompileError,
    DefinitionError,
    InputError,
    ManifestError,
    Problem,
    RunCancelled,
    StepFailed,
    Whose,
    WorkflowError,
)
from workflow_engine.server.problems import body, rule_of


@pytest.mark.parametrize(
    ("error", "code", "step", "told"),
    [
        (DefinitionError, "broken_json", None, ("WorkflowSyntaxError", 400)),
        (DefinitionError, "missing_field", "crop", ("WorkflowSyntaxError", 400)),
        (CompileError, "unknown_block", "crop", ("WorkflowSyntaxError", 400)),
        (CompileError, "bad_reference", "crop", ("WorkflowSyntaxError", 400)),
        (CompileError, "bad_reference", "$outputs", ("InvalidReferenceTargetError", 400)),
        (CompileError, "unknown_output", "crop", ("ExecutionGraphStructureError", 400)),
        (CompileError, "unknown_output", "$outputs", ("InvalidReferenceTargetError", 400)),
        (CompileError, "unknown_step", "$outputs", ("InvalidReferenceTargetError", 400)),
        (CompileError, "unsupported_version", None, ("NotSupportedExecutionEngineError", 400)),
        (CompileError, "lineage_mismatch", "crop", ("StepInputLineageError", 400)),
        (ManifestError, "bad_manifest", None, ("BlockInterfaceError", 500)),
        (InputError, "input_missing", None, ("RuntimeInputError", 400)),
        (InputError, "image_too_large", None, ("RuntimeInputError", 400)),
        (RunCancelled, "deadline", None, ("StepExecutionError", 504)),
        (StepFailed, "block_crashed", "crop", ("StepExecutionError", 500)),
        (StepFailed, "query_bad_input", "crop", ("InvalidInputTypeError", 400)),
        (StepFailed, "query_undeclared", "crop", ("UndeclaredSymbolError", 500)),
        (StepFailed, "model_unknown", "crop", ("ClientCausedStepExecutionError", 404)),
    ],
)
def test_names_and_statuses(error: type[WorkflowError], code: str, step: str | None, told: tuple[str, int]) -> None:
    rule = rule_of(error(Problem(code=code, message="It is wrong.", step=step)))
    assert (rule.error_type, rule.status) == told


@pytest.mark.parametrize(
    ("whose", "told"), [("caller", ("ClientCausedStepExecutionError", 400)), ("block", ("StepExecutionError", 500))]
)
def test_a_step_fails_by_whose_fault_it_is(whose: Whose, told: tuple[str, int]) -> None:
    rule = rule_of(StepFailed(Problem(code="block_failed", message="No.", whose=whose, step="crop")))
    assert (rule.error_type, rule.status) == told


def test_the_first_problem_is_the_main_one_and_all_are_told() -> None:
    first = Problem(code="cycle", message="A circle.", at="/steps/0", hint="Cut it.", step="a", block="core/a@v1")
    second = Problem(code="unknown_block", message="No such block.", at="/steps/1/type", step="b", field="type")
    told = body(CompileError([first, second]), request_id="r1")
    assert (told["message"], told["code"], told["at"], told["hint"]) == ("A circle.", "cycle", "/steps/0", "Cut it.")
    assert told["error_type"] == "ExecutionGraphStructureError"
    assert told["inner_error_message"] == "Cut it. No such block."
    assert [problem["code"] for problem in told["problems"]] == ["cycle", "unknown_block"]
    assert [(entry["block_id"], entry["property_name"]) for entry in told["blocks_errors"]] == [
        ("a", None),
        ("b", "type"),
    ]
    assert told["request_id"] == "r1"


def test_nothing_of_the_machine_is_told() -> None:
    crash = "The step 'crop' failed: FileNotFoundError: [Errno 2] No such file: '/srv/secret/weights.pt'"
    told = body(StepFailed(Problem(code="block_crashed", message=crash, whose="block", step="crop")), request_id="r")
    assert "secret" not in str(told)
    assert told["message"] == "The step 'crop' failed: its block made a mistake."
    disk = Problem(
        code="disk", message="/home/ada/.cache/segflow/models is full (see https://x.example/a/b).", whose="operator"
    )
    told = body(StepFailed(disk), request_id="r")
    assert told["message"] == "models is full (see https://x.example/a/b)."


def test_pointers_and_types_stay_whole() -> None:
    message = "The image /inputs/image/0 does not suit roboflow_core/crop@v1 and my-parts/2."
    told = body(InputError(Problem(code="input_invalid", message=message, whose="caller")), request_id="r")
    assert told["message"] == message


def test_debug_tells_all() -> None:
    problem = Problem(code="block_crashed", message="ValueError: boom", whose="block", step="crop")
    assert body(StepFailed(problem), request_id="r", debug=True)["message"] == "ValueError: boom"
