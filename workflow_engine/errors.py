"""What can go wrong, as data: a ``Problem`` says it once for the command line, the HTTP body and the editor."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import islice
from typing import Literal, TypeAlias

Whose: TypeAlias = Literal["author", "caller", "block", "operator", "engine"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong, and what to do about it.

    Attributes:
        code: Stable machine-readable name, ``snake_case``.
        message: One sentence: what was found, where, what was expected.
        at: JSON pointer into the workflow document (or into the run's inputs, ``/inputs/NAME``); empty for the whole.
        hint: What to do, or an empty string.
        whose: Who can mend it: the document's ``author``, the ``caller`` of a run, the ``block``'s code, the
            ``operator`` of the machine, or the ``engine`` itself.
        step: Name of the step concerned, ``$outputs`` for an output, or ``None``.
        block: Type of that step's block as the document spells it, or ``None``.
        field: Name of the field or output concerned, or ``None``.
    """

    code: str
    message: str
    at: str = ""
    hint: str = ""
    whose: Whose = "author"
    step: str | None = None
    block: str | None = None
    field: str | None = None

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


MOST_PROBLEMS = 100
"""Problems that are told at once: more than anybody mends at once, and few enough that a hostile document, which may
have as many as it has bytes, costs no more than another."""


class WorkflowError(Exception):
    """Base of every error the engine raises on purpose; carries one or more problems, the first being the main one.

    Of more than ``MOST_PROBLEMS`` it carries the first, and a last one that says so.
    """

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else _first_ones(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @property
    def problem(self) -> Problem:
        """The main problem."""
        return self.problems[0]


def _first_ones(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    first = tuple(islice(problems, MOST_PROBLEMS + 1))
    if len(first) <= MOST_PROBLEMS:
        return first
    message = f"There are more than these {MOST_PROBLEMS} problems."
    more = Problem(code="more_problems", message=message, hint="Mend them first.", whose=first[0].whose)
    return (*first[:MOST_PROBLEMS], more)


class DefinitionError(WorkflowError):
    """The document is not a workflow: broken JSON, missing or misshapen parts."""


class CompileError(WorkflowError):
    """The document is a workflow that cannot run: unknown blocks, bad references, kinds or dimensions that disagree."""


class InputError(WorkflowError):
    """A run was given inputs that are missing, of the wrong type, or unreadable."""


class StepFailed(WorkflowError):
    """A step raised while running; the problem names the step and whose fault it is."""


class RunCancelled(WorkflowError):
    """The run was cancelled or passed its deadline; no later step was started."""


class ManifestError(WorkflowError):
    """A block's manifest, form or function is not what the engine can use."""


class BlockError(Exception):
    """Raised by a block to say, in one sentence, why it cannot go on; the engine adds the step's name.

    Args:
        message: What was found, where, and what was expected.
        hint: What to do about it.
        code: Machine-readable name.
        whose: Who can mend it.
    """

    def __init__(self, message: str, *, hint: str = "", code: str = "block_failed", whose: Whose = "caller") -> None:
        super().__init__(message)
        self.message, self.hint, self.code, self.whose = message, hint, code, whose


_ALIKE = 0.6
_LONGEST_LIKENED, _MOST_LIKENED = 100, 1000


def nearest(name: str, known: Iterable[str]) -> str:
    """Return ``Did you mean …?`` with the known names closest to ``name``, or an empty string when none is close.

    Both may come from a hostile document, so long names have no likeness, and only so many are compared.
    """
    if len(name) > _LONGEST_LIKENED:
        return ""
    likeness = {}
    matcher = SequenceMatcher(None, b=name)
    for other in islice(known, _MOST_LIKENED):
        matcher.set_seq1(other[: _LONGEST_LIKENED * 2])
        # the two quick ones are upper bounds, and spare nearly all the work
        if all(ratio() > _ALIKE for ratio in (matcher.real_quick_ratio, matcher.quick_ratio)):
            likeness[other] = matcher.ratio()
    best = max(likeness.values(), default=0.0)
    close = sorted(
        (other for other, ratio in likeness.items() if ratio > max(_ALIKE, best - 0.05)), key=likeness.__getitem__
    )
    return f"Did you mean {' or '.join(repr(other) for other in close[:-4:-1])}?" if close else ""


def missing_library(error: Exception) -> Problem | None:
    """Return what to say of a package that cannot be loaded for want of a library of the system, else ``None``."""
    library, _, rest = str(error).partition(": ")
    if not isinstance(error, ImportError) or not rest.startswith("cannot open shared object file"):
        return None
    message = f"The package {error.name} is installed but needs a library that this machine's system lacks: {library}."
    hint = "OpenCV needs two: on Debian or Ubuntu, apt-get install libgl1 libglib2.0-0." if error.name == "cv2" else ""
    return Problem(code="library_missing", message=message, hint=hint, whose="operator")


def pointer(*parts: str | int) -> str:
    """Return the JSON pointer (RFC 6901) made of ``parts``: ``pointer("steps", 0, "a/b")`` is ``/steps/0/a~1b``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)
