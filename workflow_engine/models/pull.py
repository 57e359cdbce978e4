"""Download published weights: with progress, resumed after an interruption, checked, and whole or absent.

The only connection that models need; it goes to the one address of the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeAlias
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urljoin
from urllib.request import Request, urlopen

from workflow_engine.models.family import ModelError, Published
from workflow_engine.models.storage import checksum, disk_errors_explained
from workflow_engine.settings import Settings

# Called with the bytes that are here, and the bytes in all where the server says so.
Progress: TypeAlias = Callable[[int, int | None], None]

CHUNK = 1 << 20
STALL_SECONDS = 30.0
ATTEMPTS = 3


class _Lost(Exception):
    """The connection failed or broke off; the message says why."""


def fetch(weights: Published, settings: Settings, *, progress: Progress | None = None) -> Path:
    """Return the file of published weights: one that is here already, with the right checksum, or else a download.

    Looked for are the catalogue's own ``downloads`` folder and the cache that upstream's package keeps.

    Raises:
        ModelError: If it cannot be had; the sentence names the file, the address, and the folder to put the file into.
    """
    folder = downloads(settings)
    for place in (folder / weights.file, settings.upstream_models / weights.file):
        if place.is_file() and checksum(place, "md5") == weights.md5:
            return place
    part = folder / f"{weights.file}.part"
    with disk_errors_explained(f"Downloading {weights.file}"):
        folder.mkdir(parents=True, exist_ok=True)
        resumed = part.exists()
        _download(weights, settings, part, progress)
        if resumed and checksum(part, "md5") != weights.md5:
            # What lay there may have been of another release; a fresh start decides.
            part.unlink()
            _download(weights, settings, part, progress)
        found = checksum(part, "md5")
        if found != weights.md5:
            part.unlink()
            message = (
                f"What {_address(weights, settings)} gave for {weights.file} has the MD5 {found}, not {weights.md5}."
            )
            raise ModelError(
                "pull_checksum", message, hint="Nothing was kept. Try again later, or from another address."
            )
        return part.replace(folder / weights.file)


def downloads(settings: Settings) -> Path:
    """Return the folder that downloads go to, and that a user of an offline machine puts files into."""
    return settings.models / "downloads"


def _address(weights: Published, settings: Settings) -> str:
    return urljoin(f"{settings.weights_url.rstrip('/')}/", quote(weights.remote))


def _download(weights: Published, settings: Settings, part: Path, progress: Progress | None) -> None:
    address = _address(weights, settings)
    if not address.startswith(("https://", "http://")):
        raise ModelError("pull_address", f"Weights come over http or https; {address} is neither.", whose="operator")
    for attempt in range(1, ATTEMPTS + 1):
        before = part.stat().st_size if part.exists() else 0
        try:
            _transfer(address, part, progress)
            return
        except _Lost as lost:
            now = part.stat().st_size if part.exists() else 0
            if attempt == ATTEMPTS or now <= before:
                raise _unavailable(weights, address, part.parent, str(lost)) from lost


def _unavailable(weights: Published, address: str, folder: Path, reason: str) -> ModelError:
    message = f"{weights.file} could not be downloaded from {address} ({reason})"
    advice = f"put that file into {folder} as {weights.file} and run again"
    hint = "A download that broke off goes on from where it was when you run again."
    return ModelError("pull_failed", f"{message}; without a connection, {advice}.", hint=hint, whose="operator")


def _transfer(address: str, part: Path, progress: Progress | None) -> None:
    """Add to ``part`` what it lacks.

    Raises:
        _Lost: If the server cannot be reached, refuses, or stops before the end.
    """
    have = part.stat().st_size if part.exists() else 0
    with _open(address, have) as response:
        resumes = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {have}-")
        if have and response.status == 206 and not resumes:
            part.unlink()
            raise _Lost("the server sent another part than was asked for")
        have = have if resumes else 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        with part.open("ab" if resumes else "wb") as file:
            for chunk in _chunks(response):
                file.write(chunk)
                have += len(chunk)
                if progress is not None:
                    progress(have, total)
    if total is not None and have < total:
        raise _Lost(f"the connection broke off after {have} of {total} bytes")


def _open(address: str, have: int) -> HTTPResponse:
    # A server may compress on the way unless told not to, and then neither lengths nor ranges mean the file.
    headers = {"User-Agent": "segflow", "Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    try:
        response: HTTPResponse = urlopen(Request(address, headers=headers), timeout=STALL_SECONDS)  # noqa: S310 -- http(s) only
        return response
    except HTTPError as error:
        error.close()
        if error.code == 416:
            return _open(address, 0)
        raise _Lost(f"the server answered {error.code} {error.reason}") from error
    except (URLError, OSError, HTTPException) as error:
        raise _Lost(str(getattr(error, "reason", "") or error) or type(error).__name__) from error


def _chunks(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while chunk := response.read(CHUNK):
            yield chunk
    except (OSError, HTTPException) as error:
        raise _Lost(str(error) or type(error).__name__) from error
