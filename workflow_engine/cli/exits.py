"""Exit codes, and which error ends with which."""

from __future__ import annotations

from workflow_engine.errors import Problem, StepFailed, WorkflowError, missing_library

OK = 0
WRONG = 1
USAGE = 2
FAILED = 3
MACHINE = 4
INTERRUPTED = 130

TABLE = """exit codes:
  0    done
  1    the workflow or what it was given is wrong
  2    the command line is wrong
  3    a step failed, or the time was up
  4    something of this machine: disk, network, an address taken, a file of the installation
  130  interrupted"""


def code_of(error: WorkflowError) -> int:
    """Return the exit code of ``error``: by whose fault it is, and whether a step was running."""
    if error.problem.whose == "operator":
        return MACHINE
    if isinstance(error, StepFailed) or error.problem.code == "deadline":
        return FAILED
    return WRONG if error.problem.whose in ("author", "caller") else MACHINE


def unforeseen(error: Exception) -> Problem:
    """Say that ``error``, which nothing was prepared for, happened."""
    if (missing := missing_library(error)) is not None:
        return missing
    if isinstance(error, MemoryError):
        message, hint = "This machine has not enough memory for that.", "Try a smaller picture or model."
    elif isinstance(error, OSError):
        message, hint = f"{error.strerror or error}: {error.filename or 'no file named'}.", ""
    else:
        message = f"Something went wrong inside segflow: {type(error).__name__}: {error}"
        hint = "SEGFLOW_DEBUG=1 shows where."
    return Problem(code="unforeseen", message=message, hint=hint, whose="operator")
