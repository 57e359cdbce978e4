"""Who may ask this server to work: whoever shows its token, if it has one."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from starlette.requests import Request

from workflow_engine.errors import InputError, Problem


def shown(request: Request) -> list[str]:
    """Return the keys that a request shows outside its body: ``?api_key=`` and ``Authorization: Bearer``."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    bearer = [key.strip()] if scheme.lower() == "bearer" else []
    return [*request.query_params.getlist("api_key"), *bearer]


def check(token: str | None, keys: Iterable[str]) -> None:
    """Let the request pass if one of ``keys`` is the server's ``token``, or if it has none.

    Raises:
        InputError: If none is (code ``token_wanted``).
    """
    if token is None or any(hmac.compare_digest(key.encode(), token.encode()) for key in keys):
        return
    message = "This server wants its token, and the request shows none that fits."
    hint = "Send it as Authorization: Bearer TOKEN, or as api_key."
    raise InputError(Problem(code="token_wanted", message=message, hint=hint, whose="caller"))
