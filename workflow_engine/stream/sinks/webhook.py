"""Records of results, sent to a URL."""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, wait
from contextlib import suppress

import orjson

from workflow_engine.errors import InputError
from workflow_engine.plan import Plan
from workflow_engine.stream.records import record
from workflow_engine.stream.run import FrameResult
from workflow_engine.vision.addresses import parse_url
from workflow_engine.vision.fetch import request
from workflow_engine.vision.refusals import refusal

CALL_SECONDS = 5.0
FAILURES = 3
"""Calls that may fail one after the other before a URL is left alone for a while."""
REST_SECONDS = 30.0
STOPPED = "The run was stopped before they were answered."

_log = logging.getLogger("segflow.video")


class Webhook:
    """A URL that gets every record as JSON.

    One that fails several times in a row gets none for a while, so that the run goes on, and is then tried again.
    """

    def __init__(
        self, url: str, plan: Plan, *, allowed_hosts: tuple[str, ...], rest_seconds: float = REST_SECONDS
    ) -> None:
        """Name the URL, and the hosts that may be called although they are not public.

        Raises:
            InputError: It is no URL that can be called (``url_refused``).
        """
        try:
            parse_url(url)
        except ValueError as error:
            raise refusal(f"The webhook cannot be called: {error}.", at="", code="url_refused") from error
        self._url, self._plan, self._allowed = url, plan, allowed_hosts
        self._sent = self._failed = self._in_a_row = 0
        self._reason = ""
        self._rest, self._resting_until = rest_seconds, 0.0
        self._hurried: Future[str] = Future()

    @property
    def remarks(self) -> list[str]:
        """How many calls failed, if any did."""
        if not self._failed:
            return []
        return [f"The webhook took {self._sent} results and missed {self._failed}: {self._reason}"]

    @property
    def results(self) -> list[str]:
        """How many records it took, if any."""
        return [f"{self._sent} calls of the webhook"] if self._sent else []

    def write(self, result: FrameResult) -> None:
        """Send a record, and note whether it was taken."""
        if not self._hurried.done() and time.monotonic() < self._resting_until:
            self._failed += 1
            return
        failure = STOPPED if self._hurried.done() else self._sent_or_left(orjson.dumps(record(self._plan, result)))
        if failure == STOPPED:
            self._failed, self._reason = self._failed + 1, failure
            return
        if not failure:
            self._sent, self._in_a_row = self._sent + 1, 0
            return
        self._failed, self._in_a_row, self._reason = self._failed + 1, self._in_a_row + 1, failure
        if self._in_a_row >= FAILURES:
            self._resting_until = time.monotonic() + self._rest
            if self._in_a_row == FAILURES:
                _log.warning("The webhook is left alone for %g s after each call that fails: %s", self._rest, failure)

    def hurry(self) -> None:
        """Leave the call that is under way to itself, and make no other."""
        with suppress(InvalidStateError):  # told before
            self._hurried.set_result(STOPPED)

    def _sent_or_left(self, body: bytes) -> str:
        """Send a record; return why it was not taken, or nothing."""
        call: Future[str] = Future()

        def carry_out() -> None:
            try:
                call.set_result(self._send(body))
            except BaseException as error:  # noqa: BLE001 - whatever it is, who waits must hear of it
                call.set_exception(error)

        threading.Thread(target=carry_out, daemon=True, name="segflow-webhook").start()
        wait([call, self._hurried], return_when=FIRST_COMPLETED)
        return (call if call.done() else self._hurried).result()

    def _send(self, body: bytes) -> str:
        headers = {"Content-Type": "application/json"}
        try:
            status = request(
                self._url, "POST", seconds=CALL_SECONDS, headers=headers, body=body, allowed_hosts=self._allowed
            )
        except InputError as error:
            return str(error)
        return "" if 200 <= status < 300 else f"The URL answered with status {status}."

    def close(self) -> None:
        """Do nothing: every call has been made."""

    def discard(self) -> None:
        """Do nothing: every call has been made."""
