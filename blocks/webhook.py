"""Tell another program of results, over HTTP."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from threading import BoundedSemaphore
from typing import Any
from urllib.parse import urlencode

import orjson

from workflow_engine.api import RunContext, WorkflowError, apply_each, request, serialise

_log = logging.getLogger("segflow.webhook")

Operations = Mapping[str, Sequence[Mapping[str, Any]]]

AT_ONCE = 8
WAITING = BoundedSemaphore(256)
"""Calls in the background that are under way or wait for their turn; more are refused rather than kept in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """One request, complete."""

    url: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    seconds: float
    allowed_hosts: tuple[str, ...]

    def make(self) -> str:
        """Make it; return what went wrong, or an empty text."""
        try:
            status = request(
                self.url,
                self.method,
                seconds=self.seconds,
                headers=self.headers,
                body=self.body,
                allowed_hosts=self.allowed_hosts,
            )
        except WorkflowError as error:
            return str(error)
        return "" if 200 <= status < 300 else f"The URL answered with status {status}."


class WebhookSink:
    """Calls a URL, not more often than once per cooldown."""

    def __init__(self) -> None:
        self._last: float | None = None

    def __call__(
        self,
        *,
        url: str,
        method: str,
        query_parameters: Mapping[str, Any],
        headers: Mapping[str, Any],
        json_payload: Mapping[str, Any],
        json_payload_operations: Operations,
        multi_part_encoded_files: Mapping[str, Any],
        multi_part_encoded_files_operations: Operations,
        form_data: Mapping[str, Any],
        form_data_operations: Operations,
        request_timeout: int,
        fire_and_forget: bool,
        disable_sink: bool,
        cooldown_seconds: int,
        context: RunContext,
    ) -> dict[str, bool | str]:
        """Make the call, in the background when nobody waits for its outcome; times are in seconds."""
        if disable_sink or not context.sinks:
            return _told("Nothing is sent: sinks are switched off for this run.")
        now = time.monotonic()
        if self._last is not None and now - self._last < cooldown_seconds:
            return _told("Nothing is sent: the last call is too short ago.", throttled=True)
        self._last = now
        payload = apply_each(json_payload_operations, json_payload, field="json_payload_operations")
        form = apply_each(form_data_operations, form_data, field="form_data_operations")
        files = apply_each(
            multi_part_encoded_files_operations, multi_part_encoded_files, field="multi_part_encoded_files_operations"
        )
        body, content_type = _body(payload, form, files)
        given = {name: _text(value) for name, value in headers.items()}
        described = "content-type" in map(str.lower, given)
        call = _Call(
            url=_with_query(url, query_parameters),
            method=method,
            headers=given if described or not content_type else {"Content-Type": content_type, **given},
            body=body,
            seconds=request_timeout,
            allowed_hosts=context.allowed_hosts,
        )
        return _in_background(call) if fire_and_forget else _at_once(call)


def _at_once(call: _Call) -> dict[str, bool | str]:
    failure = call.make()
    return _told(failure or "Sent.", failed=bool(failure))


def _in_background(call: _Call) -> dict[str, bool | str]:
    if not WAITING.acquire(blocking=False):
        return _told("Nothing is sent: too many calls wait for an answer already.", failed=True)
    _threads().submit(_make_and_log, call)
    return _told("Being sent.")


def _make_and_log(call: _Call) -> None:
    try:
        failure = call.make()
        if failure:
            _log.warning("a call in the background failed: %s", failure)
    finally:
        WAITING.release()


@cache
def _threads() -> ThreadPoolExecutor:
    """The threads of all calls in the background; the program ends after the last call."""
    return ThreadPoolExecutor(AT_ONCE, "segflow-webhook")


def _told(message: str, *, failed: bool = False, throttled: bool = False) -> dict[str, bool | str]:
    return {"error_status": failed, "throttling_status": throttled, "message": message}


def _with_query(url: str, parameters: Mapping[str, Any]) -> str:
    if not parameters:
        return url
    address, mark, fragment = url.partition("#")
    return f"{address}{'&' if '?' in address else '?'}{_encoded(parameters)}{mark}{fragment}"


def _encoded(parameters: Mapping[str, Any]) -> str:
    """Return names and values as a query has them; a list stands for its elements, each under the name."""
    lists = {name: value if isinstance(value, list | tuple) else [value] for name, value in parameters.items()}
    return urlencode({name: [_text(one) for one in values] for name, values in lists.items()}, doseq=True)


def _body(payload: Mapping[str, Any], form: Mapping[str, Any], files: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return the body and its type: files with the form, else the form, else JSON, else nothing."""
    if files:
        from urllib3 import encode_multipart_formdata

        fields = {name: _text(value) for name, value in form.items()}
        named = {name: (name, value if isinstance(value, bytes) else _text(value)) for name, value in files.items()}
        return encode_multipart_formdata({**fields, **named})
    if form:
        return _encoded(form).encode(), "application/x-www-form-urlencoded"
    if payload:
        return orjson.dumps(_plain(payload)), "application/json"
    return b"", ""


def _text(value: Any) -> str:
    """Return a value as text: objects, lists, images and tables as JSON, anything else as Python writes it."""
    written = _plain(value)
    return orjson.dumps(written).decode() if isinstance(written, dict | list) else str(written)


def _plain(value: Any) -> Any:
    return serialise(value, ["*"], coordinates="own")
