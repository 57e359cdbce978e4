"""Who may ask this server to work: whoever shows its token, if it has one.

The token may stand in a header, in the query, or, as the ecosystem's client sends it, in the body as ``api_key``.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable
from itertools import islice
from urllib.parse import parse_qs

import orjson
from starlette.datastructures import Headers
from starlette.types import Scope

from workflow_engine.errors import InputError, Problem
from workflow_engine.server.routes import docs

OPEN = frozenset(
    {
        "/",
        "/healthz",
        "/readiness",
        "/info",
        "/openapi.json",
        "/docs",
        *(f"/docs/{name}" for name in docs.FILES),
    }
)
"""Paths that answer without a token: probes, who answers here, and the page of the API."""

_IN_BODY = re.compile(rb'"api_key"\s*:\s*("(?:[^"\\]|\\.){1,1000}")')
_MOST_KEYS = 8


def shown(scope: Scope) -> list[str]:
    """Return the keys that a request shows outside its body: ``?api_key=`` and ``Authorization: Bearer``."""
    scheme, _, key = Headers(scope=scope).get("authorization", "").partition(" ")
    bearer = [key.strip()] if scheme.lower() == "bearer" else []
    return [*parse_qs(scope["query_string"].decode("latin-1")).get("api_key", ()), *bearer]


def in_body(body: bytes) -> list[str]:
    """Return the first values of members ``api_key`` of a JSON body, at whatever depth, without reading the rest."""
    found = []
    for match in islice(_IN_BODY.finditer(body), _MOST_KEYS):
        try:
            found.append(orjson.loads(match[1]))
        except orjson.JSONDecodeError:
            continue
    return found


def fits(token: str | None, keys: Iterable[str]) -> bool:
    """Whether one of ``keys`` is the ``token``; how long this takes does not tell how much of it is right."""
    return token is not None and any(hmac.compare_digest(key.encode(), token.encode()) for key in keys)


def wanted() -> InputError:
    """Return the error for a request that shows no token that fits."""
    message = "This server wants its token, and the request shows none that fits."
    hint = "Send it as Authorization: Bearer TOKEN, or as api_key."
    return InputError(Problem(code="token_wanted", message=message, hint=hint, whose="caller"))
