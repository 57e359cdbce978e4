"""The pictures of a command line: which input each belongs to, and which files a folder stands for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from workflow_engine.definition import WorkflowInput
from workflow_engine.errors import InputError, Problem, nearest

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")
OF_VIDEOS = (".mp4", ".m4v", ".mov", ".mkv", ".avi", ".webm", ".ts", ".mpg", ".mpeg")


def assign(
    given: Sequence[str], inputs: Iterable[WorkflowInput], *, besides: Collection[str] = ()
) -> list[dict[str, str]]:
    """Return the pictures of each run, by input.

    Args:
        given: ``PATH``, ``URL`` or ``FOLDER``, each as it is or as ``NAME=…``; without a name it goes to the only image
            input. A folder stands for the pictures in it, by name.
        inputs: Those of the workflow.
        besides: Names of inputs that are given a value otherwise.

    Raises:
        InputError: If a picture does not exist, no input takes it, an input has none, or the inputs have different
            numbers of pictures.
    """
    names = [declared.name for declared in inputs if declared.dimensionality and "image" in declared.kinds]
    found: dict[str, list[str]] = {}
    for text in given:
        name, source = _split(text, names)
        found.setdefault(name, []).extend(_sources(source))
    for name in names:
        if name not in found and name not in besides:
            example = "photo.jpg" if len(names) == 1 else f"{name}=photo.jpg"
            raise _refusal(
                "no_picture", f"There is no picture for the input {name!r}.", f"Name one: --image {example}."
            )
    counts = {name: len(sources) for name, sources in found.items() if len(sources) > 1}
    if len(set(counts.values())) > 1:
        said = ", ".join(f"{name} has {count}" for name, count in counts.items())
        raise _refusal("input_sizes_differ", f"The image inputs have different numbers of pictures: {said}.")
    runs = max(map(len, found.values()), default=1)
    return [{name: sources[i % len(sources)] for name, sources in found.items()} for i in range(runs)]


def _split(text: str, names: Sequence[str]) -> tuple[str, str]:
    name, equals, source = text.partition("=")
    if equals and name in names:
        return name, source
    if len(names) == 1:
        return names[0], text
    if not names:
        raise _refusal("no_image_input", f"The workflow has no image input that could take {text}.")
    hint = f"Write NAME={text}, with one of {', '.join(names)}."
    raise _refusal("which_input", f"The workflow has {len(names)} image inputs: which one takes {text}?", hint)


def _sources(source: str) -> list[str]:
    if source.lower().startswith(("http://", "https://")):
        return [source]
    path = Path(source)
    if path.suffix.lower() in OF_VIDEOS or source.lower().startswith(("rtsp://", "rtsps://")):
        hint = "segflow video runs a workflow on videos and streams, with --source."
        raise _refusal("no_picture", f"{source} is no picture, but a video.", hint)
    if path.is_dir():
        found = sorted(str(file) for file in path.iterdir() if file.suffix.lower() in SUFFIXES and file.is_file())
        if not found:
            hint = f"Pictures end in {', '.join(SUFFIXES)}."
            raise _refusal("no_pictures", f"The folder {source} holds no pictures.", hint)
        return found
    if not path.is_file():
        beside = [str(file) for file in path.parent.iterdir()] if path.parent.is_dir() else []
        raise _refusal("no_picture", f"There is no picture {source}.", nearest(source, beside))
    return [source]


def _refusal(code: str, message: str, hint: str = "") -> InputError:
    return InputError(Problem(code=code, message=message, hint=hint, whose="caller"))
