"""How a value from outside is refused: one error, one sentence, the place it stands at."""

from __future__ import annotations

from workflow_engine.errors import InputError, Problem


def refusal(message: str, *, at: str, code: str = "input_invalid", hint: str = "") -> InputError:
    """Return the error that says why the value at ``at`` (a JSON pointer) cannot be used.

    Args:
        message: What was found and what was expected, as a sentence.
        at: Where the value stands, as ``/inputs/NAME``.
        code: Machine-readable name.
        hint: What to do about it.
    """
    return InputError(Problem(code=code, message=message, at=at, hint=hint, whose="caller"))


_CALLED: dict[type, str] = {dict: "an object", list: "a list", str: "a longer text"}
"""Types in the words of JSON; others come from Python alone."""


def described(value: object) -> str:
    """Return a short account of a value for a message: its type, and the value itself when it is small."""
    shown = repr(value) if isinstance(value, (bool, int, float, str, type(None))) else ""
    if 0 < len(shown) <= 40:
        return shown
    return _CALLED.get(type(value)) or f"a value of type {type(value).__name__}"
