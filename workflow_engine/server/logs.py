"""What the server writes about itself: lines of text or of JSON, and no secret in either."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import orjson

FIELDS = "fields"
"""Attribute of a log record with what a line of JSON shows as members of its own."""

_HIDDEN = "***"
_NAMED = re.compile(
    r"""(?ix) ( (?:api_?key|token|password|passwd|pwd|secret|authorization) ["']? \s* [=:] \s* ["']? (?:bearer\s+)? )
        [^\s"'&,;})\]]+"""
)
_CREDENTIALS = re.compile(r"(?i)(\b[a-z][a-z0-9+.\-]*://)[^\s/@'\"]+@")
_QUERY = re.compile(r"(?i)(\b[a-z][a-z0-9+.\-]*://[^\s?'\"]+\?)[^\s'\"]+")


def configure(*, as_json: bool, secrets: Iterable[str | None]) -> None:
    """Send every log record of this process to standard error, one line each, without ``secrets``."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Lines(secrets) if not as_json else _JsonLines(secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


class _Lines(logging.Formatter):
    """Text for people."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._secrets = sorted((secret for secret in secrets if secret), key=len, reverse=True)

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, or lines where there is a traceback."""
        fields: dict[str, Any] = getattr(record, FIELDS, {})
        return self.redacted(super().format(record) + "".join(f" {name}={value}" for name, value in fields.items()))

    def redacted(self, text: str) -> str:
        """Return ``text`` without known secrets, credentials, queries of addresses and values of telling names."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        text = _CREDENTIALS.sub(rf"\1{_HIDDEN}@", text)
        text = _QUERY.sub(rf"\1{_HIDDEN}", text)
        return _NAMED.sub(rf"\1{_HIDDEN}", text)


class _JsonLines(_Lines):
    """One JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as one line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.redacted(record.getMessage()),
            **getattr(record, FIELDS, {}),
        }
        if record.exc_info:
            told["exception"] = self.redacted(self.formatException(record.exc_info))
        return orjson.dumps(told, default=str).decode()
