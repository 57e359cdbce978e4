"""Which sources may be opened: anything that a user names, and for requests what the operator lists."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from workflow_engine.errors import InputError
from workflow_engine.vision.addresses import is_listed, parse_address
from workflow_engine.vision.paths import at_home, contained
from workflow_engine.vision.refusals import described, refusal

Reference: TypeAlias = str | int | Path
"""What names a source: a path, an address, or the number of a camera."""

STREAMS = ("rtsp", "rtsps")
WEB = ("http", "https")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_URL = re.compile(r"[a-z]+://[\x21-\x7e]+", re.IGNORECASE)
_SECRETS = re.compile(r":.*@")  # to the last @, for a password may hold one, and whatever an address lacks
_DEVICE = re.compile(r"(?:/dev/video)?(\d{1,3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRules:
    """What may be opened.

    Attributes:
        hosts: Hosts, addresses and networks (CIDR) that streams may come from; ``None`` for any. FFmpeg follows the
            redirect of a listed server: its target, whatever it is, is asked for a stream before that is refused.
        folder: Folder below which files may be read; ``None`` for none.
        files: Whether any file may be read.
        devices: Numbers of the cameras that may be used; ``None`` for any.
    """

    hosts: tuple[str, ...] | None = ()
    folder: Path | None = None
    files: bool = False
    devices: tuple[int, ...] | None = ()


ANYTHING = SourceRules(hosts=None, files=True, devices=None)
"""The rules for who sits at the machine: in Python and on the command line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePlace:
    """A file of this machine."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraPlace:
    """A camera of this machine, by number."""

    device: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class StreamPlace:
    """A stream of the network.

    Attributes:
        url: What to open, credentials included.
        name: What may be shown of it.
        address: The only address that its pictures may come from; ``None`` for wherever it sends us on to.
    """

    url: str
    name: str
    address: str | None = None


Place: TypeAlias = FilePlace | CameraPlace | StreamPlace


def redacted(url: str) -> str:
    """Return an address without user name, password and query."""
    return _SECRETS.sub("://", url, count=1).partition("?")[0]


def locate(reference: Reference, rules: SourceRules, *, at: str = "") -> Place:
    """Return what a reference names, if the rules allow it. For a stream with listed hosts this resolves the host.

    Raises:
        InputError: It names nothing that can be a source (``source_invalid``), or one that is not allowed
            (``source_refused``).
    """
    if isinstance(reference, bool) or not isinstance(reference, str | int | Path) or reference == "":
        message = f"A video source is a path, an address or a camera's number; found {described(reference)}."
        raise refusal(message, at=at, code="source_invalid")
    text = str(reference)
    camera = _DEVICE.fullmatch(text) if not isinstance(reference, Path) else None
    if camera:
        return _camera(int(camera[1]), rules, at)
    scheme = _SCHEME.match(text) if not isinstance(reference, Path) else None
    if scheme and (rules.folder is not None or not Path(text).exists()):
        return _stream(text, scheme[1].lower(), rules, at)
    return _file(text, rules, at)


def _camera(device: int, rules: SourceRules, at: str) -> CameraPlace:
    if rules.devices is not None and device not in rules.devices:
        hint = "The operator of a server lists its cameras in SEGFLOW_CAMERAS."
        raise refusal(f"The camera {device} may not be used.", at=at, code="source_refused", hint=hint)
    return CameraPlace(device=device)


def _file(text: str, rules: SourceRules, at: str) -> FilePlace:
    if rules.files:
        return FilePlace(path=at_home(text))
    if rules.folder is None:
        hint = "The operator of a server names a folder of videos in SEGFLOW_VIDEO_FOLDER."
        raise refusal("Videos by path are not accepted here.", at=at, code="source_refused", hint=hint)
    return FilePlace(path=contained(rules.folder, text))


def _stream(url: str, scheme: str, rules: SourceRules, at: str) -> StreamPlace:
    name = redacted(url)
    if scheme not in (*STREAMS, *WEB) or not _URL.fullmatch(url):
        message = f"The video source {name!r} is no file, and no address of a kind that can be opened."
        raise refusal(
            message, at=at, code="source_invalid", hint="Addresses begin with rtsp://, rtsps:// or http(s)://."
        )
    if rules.hosts is None:
        return StreamPlace(url=url, name=name)
    if scheme in WEB:
        hint = "Give an rtsp:// address of a listed host."
        raise refusal("Videos by web address are not accepted here.", at=at, code="source_refused", hint=hint)
    return _pinned(url, name, rules.hosts, at)


def _pinned(url: str, name: str, hosts: tuple[str, ...], at: str) -> StreamPlace:
    """Return the stream with the host's address in the host's place, so that what is opened is what was checked."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or (322 if parts.scheme == "rtsps" else 554)
        found: list[Any] = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError) as error:
        message = f"The host of {name!r} is not known."
        raise refusal(message, at=at, code="source_refused") from error
    addresses = [parse_address(str(entry[4][0])) for entry in found]
    if "\\" in url or not all(is_listed(host, address, hosts) for address in addresses):
        raise _unlisted(name, at)
    number = f"[{addresses[0]}]" if addresses[0].version == 6 else str(addresses[0])
    user, at_sign, _ = parts.netloc.rpartition("@")
    pinned = parts._replace(netloc=f"{user}{at_sign}{number}:{port}").geturl()
    return StreamPlace(url=pinned, name=name, address=str(addresses[0]))


def _unlisted(name: str, at: str) -> InputError:
    hint = "The operator lists hosts and networks of cameras in SEGFLOW_ALLOWED_HOSTS."
    return refusal(f"The host of {name!r} is not on the list of this server.", at=at, code="source_refused", hint=hint)
