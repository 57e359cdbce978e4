"""Write text to files of this machine."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from workflow_engine.api import BlockError, RunContext, WorkflowError, paths


@dataclass(slots=True)
class _Log:
    """A file that grows, for entries that belong together."""

    place: tuple[str, str, str]
    name: str
    entries: int = 0


class LocalFileSink:
    """Writes each text to a file of its own, or the texts of many calls to one after the other."""

    def __init__(self) -> None:
        self._log: _Log | None = None

    def __call__(
        self,
        content: str,
        *,
        file_type: str,
        output_mode: str,
        target_directory: str,
        file_name_prefix: str,
        max_entries_per_file: int,
        context: RunContext,
    ) -> dict[str, bool | str]:
        """Write ``content`` below the folder that the context allows.

        A folder that cannot be written to, a full disk and JSON that is none do not end the run: the outputs say so.

        Raises:
            BlockError: Workflows may not write files here, or not in that folder.
        """
        if not context.sinks:
            return {"error_status": False, "message": "Nothing is written: sinks are switched off for this run."}
        if context.folder is None:
            hint = "The operator can name a folder for them in SEGFLOW_WRITE_FOLDER."
            raise BlockError("Workflows may not write files here.", hint=hint, whose="operator")
        place = (target_directory, file_name_prefix, file_type)
        try:
            if output_mode == "append_log":
                return _done(self._append(content, place, max_entries_per_file, context.folder))
            return _done(_separate(content, place, context.folder))
        except OSError as error:
            return {"error_status": True, "message": f"The file cannot be written: {error.strerror or error}."}
        except UnicodeError as error:
            return {"error_status": True, "message": f"The text has characters that no file can hold: {error}."}
        except (ValueError, RecursionError) as error:
            return {"error_status": True, "message": f"The text is not JSON: {error}."}

    def _append(self, content: str, place: tuple[str, str, str], most: int, folder: Path) -> str:
        log = self._log
        if log is None or log.place != place or log.entries >= most:
            log = _Log(place, _file_name(place, suffix="jsonl" if place[2] == "json" else place[2]))
        path = _inside(folder, log.name)
        entry = _entry(content, place[2], first=not log.entries)
        path.parent.mkdir(parents=True, exist_ok=True)
        paths.append(path, entry.encode())
        log.entries += 1
        self._log = log
        return log.name


def _separate(content: str, place: tuple[str, str, str], folder: Path) -> str:
    name = _file_name(place, suffix=place[2])
    path = _inside(folder, name)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        paths.write_atomic(path, content.encode())
    except WorkflowError as error:
        raise error.__cause__ or error from None  # its message has a path that is the operator's business
    return name


def _inside(folder: Path, name: str) -> Path:
    try:
        return paths.contained(folder, name)
    except WorkflowError as error:
        message = f"{name[:200]!r} lies outside the folder that workflows may write to."
        hint = "Give a folder below it; SEGFLOW_WRITE_FOLDER names it, and on the command line it is the current one."
        raise BlockError(message, hint=hint, code="path_refused") from error


def _file_name(place: tuple[str, str, str], *, suffix: str) -> str:
    directory, prefix, _ = place
    return str(Path(directory) / f"{prefix}_{datetime.now():%Y_%m_%d_%H_%M_%S_%f}.{suffix}")


def _entry(content: str, file_type: str, *, first: bool) -> str:
    """Return what ``content`` adds to a log: JSON on one line, CSV without its header after the first time."""
    if file_type == "json":
        content = json.dumps(json.loads(content), ensure_ascii=False)
    elif file_type == "csv" and not first:
        content = content.partition("\n")[2]
    return content if content.endswith("\n") or not content else content + "\n"


def _done(name: str) -> dict[str, bool | str]:
    return {"error_status": False, "message": f"Written to {name}."}
