"""Any value as plain JSON: only dicts with text keys, lists, text, numbers, booleans and null."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date
from enum import Enum
from typing import Any

import numpy as np


def plain(value: Any) -> Any:
    """Return ``value`` as plain JSON, recursively.

    Arrays and tuples become lists, numpy's scalars Python's, dates ISO 8601 text, bytes base64 text, keys text. A
    number that is not finite stays as it is. What JSON has no form for becomes its text.
    """
    if type(value) in (str, bool, int, float, type(None)):
        return value
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist() if value.dtype.kind in "biufU" else plain(value.tolist())
    if isinstance(value, Mapping):
        return {key_text(key): plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [plain(member) for member in value]
    if isinstance(value, bytes):
        return b64encode(value).decode("ascii")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Enum):
        return plain(value.value)
    return next((kind(value) for kind in (int, float) if isinstance(value, kind)), str(value))


def key_text(key: Any) -> str:
    """Return a key as text: what is no text in its JSON form, as ``3`` or ``null``."""
    found = plain(key)
    return found if isinstance(found, str) else json.dumps(found)
