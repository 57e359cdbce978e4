"""``segflow video``: a workflow on files, cameras and streams."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from workflow_engine.cli import exits, terminal
from workflow_engine.cli.parameters import add_parameters, read_parameters
from workflow_engine.cli.pictures import SUFFIXES
from workflow_engine.errors import InputError, Problem, StepFailed, WorkflowError, nearest
from workflow_engine.vision.paths import at_home

if TYPE_CHECKING:  # all of these bring numpy and OpenCV
    from workflow_engine.cli.video_progress import Progress
    from workflow_engine.cli.window import Windows
    from workflow_engine.stream.frame import Notice
    from workflow_engine.stream.run import VideoRun
    from workflow_engine.stream.sinks.queued import Queued, Sink
    from workflow_engine.workflow import Workflow


def add(commands: terminal.Commands) -> None:
    """Add the command's arguments."""
    parser = commands.add_parser("video", help="run a workflow on video files, cameras and streams")
    parser.add_argument("workflow", metavar="WORKFLOW", help="the workflow's JSON file")
    parser.add_argument(
        "--source",
        nargs="+",
        action="extend",
        required=True,
        metavar="FILE|INDEX|URL",
        help="a video file, the number of a camera, or a stream such as rtsp://camera/1; several run side by side",
    )
    add_parameters(parser)
    parser.add_argument("--image-input", metavar="NAME", help="the input that takes the frames, if there are several")
    parser.add_argument("--output", metavar="NAME", help="the output with the annotated picture, if there are several")
    frames = parser.add_argument_group("which frames")
    thinning = frames.add_mutually_exclusive_group()
    thinning.add_argument("--every", type=int, default=1, metavar="N", help="take every N-th frame")
    thinning.add_argument("--fps", type=float, metavar="F", help="take at most F frames per second of video")
    frames.add_argument("--max-frames", type=int, metavar="N", help="stop after N frames of each source")
    frames.add_argument(
        "--policy",
        choices=["all", "latest"],
        help="frames that come too fast wait (all; files) or give way to newer ones (latest; cameras and streams)",
    )
    results = parser.add_argument_group("what becomes of the results")
    results.add_argument(
        "--out", type=Path, metavar="VIDEO", help="annotated video: .mp4, .mov or .mkv; the sound of a file is kept"
    )
    results.add_argument(
        "--jsonl", type=_target, metavar="FILE", help="a line of JSON for every frame; - is standard output"
    )
    results.add_argument("--csv", type=_target, metavar="FILE", help="a table with a row for every frame; likewise")
    results.add_argument("--frames", type=Path, metavar="FOLDER", help="an annotated picture for every frame")
    results.add_argument("--webhook", metavar="URL", help="send every result to this address, as JSON")
    results.add_argument(
        "--show", action="store_true", help="show the annotated frames in a window for each source; q ends the run"
    )
    parser.set_defaults(command=_video)


OF_A_MODEL = "model_"
"""How the codes of problems begin that are those of a model that cannot be had."""
STANDARD_OUTPUT = "-"
STILL = set(SUFFIXES) - {".gif"}
"""Endings of pictures that do not move."""


def _target(text: str) -> Path | str:
    return text if text == STANDARD_OUTPUT else Path(text)


def _video(asked: argparse.Namespace) -> int:
    from workflow_engine.cli.video_progress import Progress
    from workflow_engine.stream.sinks.queued import Queued
    from workflow_engine.workflow import Workflow

    _check_sources(asked.source)
    _check_targets(asked)
    workflow = Workflow.load(asked.workflow)
    terminal.warn(workflow.plan.warnings)
    output = _picture_output(workflow, asked)
    several = len(asked.source) > 1
    run = workflow.video(
        *asked.source,
        image_input=asked.image_input,
        parameters=read_parameters(asked.param, [declared.name for declared in workflow.plan.inputs]),
        policy=asked.policy,
        every=asked.every,
        fps=asked.fps,
        max_frames=asked.max_frames,
        observers=[_tell if several else _tell_unless_failed],
    )
    windows = _windows(asked, run)
    sinks = [Queued(sink, called=name) for name, sink in list(_sinks(asked, workflow, output))]
    show = terminal.say if STANDARD_OUTPUT in (asked.jsonl, asked.csv) else terminal.show
    progress = Progress(run, sinks, whole=asked.max_frames is None)
    with _ended_by_signals(run, sinks) as told:
        try:
            _carry_out(run, sinks, windows, output, progress)
        except WorkflowError as error:
            if isinstance(error.__cause__, BrokenPipeError):
                raise error.__cause__ from None  # whoever reads the results has enough
            raise
        finally:
            progress.summarise(show)
    if told and not progress.frames:
        terminal.say("Interrupted before the first frame.")
    if progress.failure is not None:
        terminal.tell([progress.failure])
        return exits.FAILED
    if run.failures:  # of some of several sources, told when they came
        return exits.code_of(next(iter(run.failures.values())))
    return exits.INTERRUPTED if told else exits.OK


def _carry_out(
    run: VideoRun, sinks: Sequence[Queued], windows: Windows | None, output: str | None, progress: Progress
) -> None:
    """Run to the end; the sinks finish their files whatever happens.

    Raises:
        WorkflowError: The run or a sink failed.
    """
    from workflow_engine.stream.sinks.queued import close_all

    try:
        with progress.shown(), run:
            for result in run:
                if result.problem is not None and result.problem.code.startswith(OF_A_MODEL):
                    raise StepFailed(result.problem)  # so would every other frame, whatever is in it
                for sink in sinks:
                    sink.write(result)
                progress.note(result)
                if windows is not None and not windows.show(result.source, result.picture(output)):
                    _stop(run, sinks)
    finally:
        if windows is not None:
            windows.close()
        close_all(sinks)


def _sinks(asked: argparse.Namespace, workflow: Workflow, output: str | None) -> Iterator[tuple[str, Sink]]:
    """Yield what takes the results, with the name that errors call it by."""
    from workflow_engine.stream.sinks.lines import CsvTable, JsonLines
    from workflow_engine.stream.sinks.pictures import PictureFolder
    from workflow_engine.stream.sinks.video import AnnotatedVideo
    from workflow_engine.stream.sinks.webhook import Webhook
    from workflow_engine.workflow import ANYWHERE

    plan = workflow.plan
    if asked.out is not None and output is not None:
        yield str(asked.out), AnnotatedVideo(asked.out, output, sources=len(asked.source))
    for target, kind in ((asked.jsonl, JsonLines), (asked.csv, CsvTable)):
        if target == STANDARD_OUTPUT:
            yield "Standard output", kind(None, plan)
        elif target is not None:
            yield str(target), kind(target, plan)
    if asked.frames is not None:
        yield str(asked.frames), PictureFolder(asked.frames, output)
    if asked.webhook is not None:
        yield "The webhook", Webhook(asked.webhook, plan, allowed_hosts=ANYWHERE)


def _check_sources(given: Sequence[str]) -> None:
    """Check that no source is what the command for pictures takes.

    Raises:
        InputError: One is a picture or a folder.
    """
    for source in given:
        path = at_home(source)
        if path.is_dir() or (path.is_file() and path.suffix.lower() in STILL):
            what = "a folder" if path.is_dir() else "a picture"
            hint = "segflow run runs a workflow on pictures and folders of them, with --image."
            raise _refusal("no_video", f"{source} is {what}, and no video.", hint)


def _check_targets(asked: argparse.Namespace) -> None:
    """Check that results can be put where they are to be, in the place of no source, workflow or other result.

    Raises:
        InputError: They cannot, or one would.
    """
    from workflow_engine.stream.sinks.video import video_paths

    read = {"a source": [at_home(source) for source in asked.source], "the workflow": [Path(asked.workflow)]}
    videos = [] if asked.out is None else video_paths(asked.out, len(asked.source))
    taken: set[Path] = set()
    for target in (*videos, asked.jsonl, asked.csv, asked.frames):
        if target is None:
            continue
        if target == STANDARD_OUTPUT:
            if asked.jsonl == asked.csv:
                raise _refusal("target_is_taken", "Standard output is named for two kinds of results.", "Name a file.")
            continue
        _check_place(target, folder=target is asked.frames)
        for what, paths in read.items():
            if any(_same(target, path) for path in paths):
                message = f"{target} is {what}, and would be lost if results were written there."
                raise _refusal("target_is_source", message, "Give another name.")
        if target.resolve() in taken:
            message = f"{target} is named for two kinds of results."
            raise _refusal("target_is_taken", message, "Give each a name of its own.")
        taken.add(target.resolve())


def _same(one: Path, other: Path) -> bool:
    """Whether two names are those of one file, also by way of a link."""
    return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))


def _check_place(target: Path, *, folder: bool) -> None:
    if folder and target.exists() and not target.is_dir():
        raise _refusal("bad_target", f"{target} is to be a folder, and there is a file.", "Give another name.")
    if not folder and target.is_dir():
        raise _refusal("bad_target", f"{target} is to be a file, and there is a folder.", "Give the file's name, too.")
    if not folder and not target.parent.is_dir():
        raise _refusal("bad_target", f"The folder of {target} is not there.", "Make it, or name another.")


def _picture_output(workflow: Workflow, asked: argparse.Namespace) -> str | None:
    """Return the output with the picture to show and to keep, if any is wanted.

    Raises:
        InputError: It is wanted and cannot be told.
    """
    from workflow_engine.stream.records import pictures

    names = pictures(workflow.plan)
    chosen: str | None = asked.output
    if chosen is not None and chosen not in names:
        hint = nearest(chosen, names) or f"Its pictures are {', '.join(names) or 'none'}."
        raise _refusal("unknown_output", f"The workflow has no output {chosen!r} with one picture a frame.", hint)
    if chosen is not None or not (asked.out or asked.show or asked.frames):
        return chosen
    if len(names) == 1:
        return names[0]
    if not names:
        hint = "Add a step that draws, and an output for its picture; or leave out --out, --frames and --show."
        raise _refusal("no_picture_output", "The workflow has no output with an annotated picture.", hint)
    hint = f"Choose one with --output: {', '.join(names)}."
    raise _refusal("which_output", f"The workflow has {len(names)} outputs with a picture: which one is wanted?", hint)


def _windows(asked: argparse.Namespace, run: VideoRun) -> Windows | None:
    if not asked.show:
        return None
    from workflow_engine.cli.window import Windows

    name = f"segflow: {Path(asked.workflow).name}"
    several = len(run.sources) > 1
    return Windows(
        {source: f"{name}, source {source}, {title}" if several else name for source, (title, _) in run.sources.items()}
    )


def _stop(run: VideoRun, sinks: Sequence[Queued]) -> None:
    run.stop()
    for sink in sinks:
        sink.hurry()


@contextmanager
def _ended_by_signals(run: VideoRun, sinks: Sequence[Queued]) -> Iterator[list[int]]:
    """Let Ctrl-C, a request to end or a terminal that closes stop the run and finish its files; yield what came.

    A second Ctrl-C has its usual effect. Who started the program by ``nohup`` wants it to outlive the terminal.
    """
    told: list[int] = []

    def stop(number: int, _: object) -> None:
        told.append(number)
        signal.signal(signal.SIGINT, before[signal.SIGINT])
        # Not here: what was interrupted may hold a lock that stopping takes.
        threading.Thread(target=_stop, args=(run, sinks), daemon=True).start()

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        before[signal.SIGHUP] = signal.getsignal(signal.SIGHUP)
    for number in before:
        signal.signal(number, stop)
    try:
        yield told
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _tell(notice: Notice) -> None:
    terminal.say(f"source {notice.source}: {notice.message}", style="yellow")


def _tell_unless_failed(notice: Notice) -> None:
    if notice.code != "failed":  # then it is the error that ends the run
        terminal.say(f"warning: {notice.message}", style="yellow")


def _refusal(code: str, message: str, hint: str) -> InputError:
    return InputError(Problem(code=code, message=message, hint=hint, whose="caller"))
