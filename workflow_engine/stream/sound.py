"""The sound of a video file, copied as it is beside other pictures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, suppress
from fractions import Fraction
from typing import Any

from workflow_engine.stream.clock import MOST_BACK
from workflow_engine.stream.files import opened
from workflow_engine.stream.frame import SourceInfo


class Sound:
    """Copies the first track of sound of a video into another, as far as the pictures have come."""

    def __init__(self, info: SourceInfo, into: Any) -> None:
        """Begin; to be made after the stream of pictures and before the first of them.

        Args:
            info: Facts of the source, which may be no file, or one without sound.
            into: The container that is written.
        """
        self.refused = ""
        """Name of the codec, when the container cannot take it."""
        self._into, self._stack = into, ExitStack()
        self._packets: Iterator[Any] = iter(())
        self._next: Any = None
        if info.file is not None:
            source = self._stack.enter_context(opened(info.file))
            if source.streams.audio:
                self._begin(source, info)

    def _begin(self, source: Any, info: SourceInfo) -> None:
        track = source.streams.audio[0]
        if track.codec_context.name not in self._into.supported_codecs:
            self.refused = track.codec_context.name
            return
        self._track = self._into.add_stream_from_template(track)
        self._late = round(Fraction(info.start) / track.time_base)
        self._packets = _pieces(source, track)
        self._next = next(self._packets, None)

    def copy_until(self, seconds: float) -> None:
        """Copy what is heard before ``seconds`` of the pictures' clock.

        Raises:
            OSError: It cannot be written.
        """
        while self._next is not None and (self._next.dts - self._late) * self._next.time_base <= seconds:
            packet = self._next
            self._next = next(self._packets, None)
            packet.pts, packet.dts = packet.pts - self._late, packet.dts - self._late
            packet.stream = self._track
            self._into.mux(packet)

    def close(self) -> None:
        """Close the source."""
        self._stack.close()


def _pieces(source: Any, track: Any) -> Iterator[Any]:
    """Yield the encoded pieces of a track, one after the other; where it is broken the sound ends, and not the video.

    A timestamp far before the last begins another count, as where recordings were joined; one that is a little early
    waits for a tick, and moves no other.
    """
    shift, last, length = 0, None, 0
    most_back = round(MOST_BACK / track.time_base)
    with suppress(OSError, ValueError):
        for packet in source.demux(track):
            if packet.dts is None or packet.pts is None:
                continue
            if last is not None and packet.dts + shift < last - most_back:
                shift = last + max(length, 1) - packet.dts
            moment = packet.dts + shift if last is None else max(packet.dts + shift, last + 1)
            packet.pts, packet.dts = max(packet.pts + shift, moment), moment
            last, length = moment, packet.duration or 0
            yield packet
