"""Videos made for a test: frames whose brightness tells their number."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

CLOCK = Fraction(1, 1000)
STEP = 5
"""Grey levels between a frame and the next: more than what the codec changes."""

BLUR: dict[str, Any] = {
    "version": "1.0",
    "inputs": [{"type": "WorkflowImage", "name": "image"}],
    "steps": [{"type": "core/image_blur@v1", "name": "blurred", "image": "$inputs.image"}],
    "outputs": [
        {"type": "JsonField", "name": "picture", "selector": "$steps.blurred.image"},
    ],
}


def write(
    path: Path, milliseconds: Sequence[int], *, size: tuple[int, int] = (64, 48), rate: int | Fraction = 25
) -> Path:
    """Write a video with a frame at each of the times; ``size`` is (width, height), ``rate`` what it declares."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate, options={"g": "10"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.time_base = CLOCK
        container.start_encoding()
        for number, moment in enumerate(milliseconds):
            pixels = np.full((size[1], size[0], 3), grey(number), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="bgr24")
            frame.pts, frame.time_base = moment, CLOCK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def steady(path: Path, frames: int, **more: Any) -> Path:
    """Write a video of 25 frames a second."""
    return write(path, range(0, 40 * frames, 40), **more)


def cornered(path: Path, *, frames: int = 2, pixel_aspect: Fraction = Fraction(1)) -> Path:
    """Write a video whose frames are white in their upper left quarter, 64 x 48."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.sample_aspect_ratio = pixel_aspect
        pixels = np.zeros((48, 64, 3), np.uint8)
        pixels[:24, :32] = 255
        for _ in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="bgr24")))
        container.mux(stream.encode(None))
    return path


def with_unsteady_sound(path: Path, source: Path) -> Path:
    """Copy a video with every second piece of its sound 3 ms early."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as container:
        copied = {stream.index: container.add_stream_from_template(stream) for stream in whole.streams}
        heard = 0
        for packet in whole.demux():
            if not packet.size:
                continue  # the end
            if packet.stream.type == "audio":
                heard += 1
                early = round(Fraction(3, 1000) / packet.time_base) * (heard % 2 and heard > 1)
                packet.pts, packet.dts = packet.pts - early, packet.dts - early
            packet.stream = copied[packet.stream.index]
            container.mux(packet)
    return path


def with_its_beginning_cut_off(path: Path, source: Path, seconds: float) -> Path:
    """Write what an editor makes of a video when it cuts without encoding: all of it, and a list of what is shown."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as container:
        stream = whole.streams.video[0]
        copied = container.add_stream_from_template(stream)
        for packet in whole.demux(stream):
            if packet.dts is not None and packet.pts is not None:
                late = round(Fraction(seconds) / packet.time_base)
                packet.pts, packet.dts, packet.stream = packet.pts - late, packet.dts - late, copied
                container.mux(packet)
    return path


def grey(number: int) -> int:
    """Return how bright the frame at this place is."""
    return 10 + STEP * (number % 48)


def place(pixels: Any) -> int:
    """Return the place of a frame, of up to 48, by its brightness; the way to the codec and back takes off some 3."""
    return round((float(pixels.mean()) - 7) / STEP)


def times(path: Path) -> list[float]:
    """Return when each frame of a video is shown, in seconds."""
    with av.open(str(path)) as container:
        return [round(float(frame.time), 4) for frame in container.decode(video=0)]


def with_sound(path: Path, codec: str) -> Path:
    """Write a video of two seconds with a tone."""
    with av.open(str(path), "w") as container:
        pictures, tone = container.add_stream("libx264", rate=25), container.add_stream(codec, rate=48000)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey(number), np.uint8), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(pictures.encode(frame))
            wave = np.sin(np.arange(number * 1920, (number + 1) * 1920) / 20)
            heard = av.AudioFrame.from_ndarray((wave * 9000).astype(np.int16)[None], format="s16", layout="mono")
            heard.sample_rate, heard.pts = 48000, number * 1920
            container.mux(tone.encode(heard))
        container.mux(pictures.encode(None))
        container.mux(tone.encode(None))
    return path


def sound(path: Path) -> list[tuple[float, bytes]]:
    """Return the pieces of a video's sound, still encoded, with their times."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return []
        packets = [packet for packet in container.demux(audio=0) if packet.size]
        return [(round(float(packet.pts * packet.time_base), 3), bytes(packet)) for packet in packets]
