"""The clips of the video examples: fasteners on a belt under a camera, and on a tray that someone takes a part from.

``python -m examples.clips`` renders them anew, each with ``truth.json``, which says what is to be seen in it, and draws
the READMEs' pictures. A belt is one long picture over which the frame is moved: that is what a camera above it sees.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from examples.demo_model.renderer import CLASS_NAMES, Scene, SceneSpec, placements, render_placements, render_scene
from workflow_engine.stream.encode import VideoFile
from workflow_engine.stream.frame import SourceInfo
from workflow_engine.workflow import Workflow

EXAMPLES = Path(__file__).parent
HEIGHT, WIDTH, FPS = 360, 480, 10
INFO = SourceInfo(width=WIDTH, height=HEIGHT, fps=FPS)
STEP = 12  # pixels that a belt moves from frame to frame
LINE = WIDTH // 2  # column of the line across a belt
ZONE = (160, 320)  # columns of the zone on a belt
STOP_AFTER, STOP = 30, 25  # frames that a belt moves, and frames that it then stands still
GONE = (20, 65)  # frames without the nut: the first, and the first with it again
DRAWN = {
    "conveyor_count": (46, 81),
    "time_in_zone": (51, 71),
    "missing_part_alert": (6, 61),
    "blur_class_in_video": (6, 36),
}
QUALITY = 82
Picture = NDArray[np.uint8]


def belt(seed: int, *, length: int, parts: int) -> Scene:
    """A belt with parts, as one long picture."""
    spec = SceneSpec(seed=seed, size=(HEIGHT, length), count=(parts, parts), surface="plastic", margin=0.14)
    return render_scene(spec)


def frames_of(scene: Scene, offsets: list[int]) -> list[Picture]:
    """What the camera sees of a belt, frame by frame; it moves to the left."""
    return [scene.picture[:, offset : offset + WIDTH] for offset in offsets]


def steady(scene: Scene) -> list[int]:
    """Offsets of a belt that moves on and on, until its end is reached."""
    return list(range(0, scene.picture.shape[1] - WIDTH + 1, STEP))


def stop_and_go(scene: Scene) -> list[int]:
    """Offsets of a belt that stands still once."""
    moving = steady(scene)
    return moving[:STOP_AFTER] + [moving[STOP_AFTER]] * STOP + moving[STOP_AFTER:]


def middles(scene: Scene) -> list[tuple[str, float]]:
    """Class and middle column of every part on a belt."""
    return [(CLASS_NAMES[one.class_id], (one.box[0] + one.box[2]) / 2) for one in scene.objects]


def crossings(scene: Scene, offsets: list[int]) -> dict[str, Any]:
    """How many parts cross the line, and of which classes."""
    crossed = [name for name, x in middles(scene) if x - offsets[0] > LINE > x - offsets[-1]]
    return {"crossed": len(crossed), "classes": dict(sorted(Counter(crossed).items()))}


def dwell(scene: Scene, offsets: list[int]) -> dict[str, Any]:
    """The longest time that a part's middle is within the zone, in seconds."""
    inside = [sum(ZONE[0] <= x - offset < ZONE[1] for offset in offsets) for _, x in middles(scene)]
    return {"longest_seconds": (max(inside) - 1) / FPS}


def tray() -> Iterator[Picture]:
    """A tray with one nut, which is taken away and comes back."""
    spec = SceneSpec(seed=57, size=(HEIGHT, WIDTH), count=(7, 7), surface="cutting_mat", margin=0.16)
    complete = placements(spec)
    nut = next(one for one in complete if one.fastener.class_name == "nut")
    rest = [one for one in complete if one is nut or one.fastener.class_name != "nut"]
    full = render_placements(spec, rest).picture
    without = render_placements(spec, [one for one in rest if one is not nut]).picture
    for frame in range(90):
        yield without if GONE[0] <= frame < GONE[1] else full


def write(name: str, frames: list[Picture], truth: dict[str, Any]) -> None:
    """Write an example's clip and what is true of it."""
    folder = EXAMPLES / name
    folder.mkdir(exist_ok=True)
    video = VideoFile(folder / "clip.mp4")
    for number, frame in enumerate(frames):
        video.add(frame, number / FPS, INFO)
    video.close()
    (folder / "truth.json").write_text(json.dumps({"frames": len(frames), **truth}, indent=2) + "\n", "utf-8")
    print(f"{name}: {(folder / 'clip.mp4').stat().st_size} bytes, {truth}")


def draw(name: str, moments: tuple[int, int]) -> None:
    """Write a README's picture: what the workflow draws on two frames of the clip."""
    folder = EXAMPLES / name
    run = Workflow.load(folder / "workflow.json").video(folder / "clip.mp4")
    drawn = [frame["picture"].pixels for frame in run if frame.number in moments]
    cv2.imwrite(str(folder / "result.jpg"), np.hstack(drawn), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])


def counted_belt() -> Scene:
    """The belt on which parts are counted."""
    return belt(31, length=1560, parts=16)


def main() -> None:
    """Render every clip, and draw on it."""
    scene = counted_belt()
    write("conveyor_count", frames_of(scene, steady(scene)), crossings(scene, steady(scene)))
    scene = belt(33, length=1200, parts=9)
    write("time_in_zone", frames_of(scene, stop_and_go(scene)), dwell(scene, stop_and_go(scene)))
    write("missing_part_alert", list(tray()), {"missing_from": GONE[0] / FPS, "back_at": GONE[1] / FPS})
    scene = belt(35, length=960, parts=10)
    write("blur_class_in_video", frames_of(scene, steady(scene)), {})
    for name, moments in DRAWN.items():
        draw(name, moments)


if __name__ == "__main__":
    main()
