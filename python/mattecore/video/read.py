"""A video file as upright RGB frames, and its sound as it lies in the file."""

import contextlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Any, BinaryIO, TypeAlias

import av
import av.stream
import torch
from torch import Tensor

from . import VideoError
from .colours import Colours

# Containers alone: playlists and the like would have FFmpeg open other files.
_CONTAINERS = "mov,matroska,avi,flv,mpegts,mpeg,mpegvideo,asf,ogg,mxf,gif,h264,hevc,ivf,dv,wav,mp3,aac,flac"
# What a frame may have of pixels, however small the file is: 8192 x 8192.
_MOST_PIXELS = 2**26
# A file that ends so much before it says, in seconds and as a share, may have been cut off.
_MISSING_SECONDS, _MISSING_SHARE = 0.5, 0.05


@dataclass(frozen=True)
class Frame:
    """A picture and when it is shown, in units of Reader.time_base."""

    pixels: Tensor  # [H,W,3|4], uint8, or uint16 where the file has more than 8 bits a value
    begin: int
    duration: int  # 0: until the next one


Sound: TypeAlias = Any  # a packet of PyAV, whose type is a generic one in some versions


class Reader:
    """A video that is read from its beginning to its end, once. Iterating yields frames and packets of sound."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self.note = ""  # what to know of the file, once it is read
        self._next = Fraction(0)  # where a frame without a time of its own begins
        self._heard = Fraction(0)  # how long its sound is, in seconds
        with self._sentences("cannot be read as a video"):
            self._container: Any = av.open(file, options={"format_whitelist": _CONTAINERS})
        try:
            self._open()
        except BaseException:
            self._container.close()
            raise

    def __enter__(self) -> "Reader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._container.close()

    def _open(self) -> None:
        container = self._container
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not streams:
            found = "sound" if container.streams.audio else "data"
            raise VideoError(f"{self.name} holds {found} alone; wanted a video")
        self._stream = stream = streams[0]
        if stream.width * stream.height > _MOST_PIXELS:
            found = f"{stream.width} x {stream.height} pixels"
            raise VideoError(f"{self.name} has {found}; wanted at most {_MOST_PIXELS} of them")
        self.sound = tuple(container.streams.audio)
        self.metadata = dict(container.metadata)
        self.time_base = Fraction(stream.time_base or Fraction(1, 1000))
        self.rate = Fraction(stream.average_rate or stream.guessed_rate or 25)
        # The file's beginning becomes 0 for picture and sound alike.
        self._shift = Fraction(max(0, container.start_time or 0), av.time_base)
        self.seconds = float((stream.duration or 0) * self.time_base) or (container.duration or 0) / av.time_base
        self.frames = stream.frames or round(self.seconds * self.rate)  # about so many; 0: nobody knows
        self._decoder = _decoder(stream)
        self._decoder.options = {"max_pixels": str(_MOST_PIXELS)}  # whatever the frames themselves say
        self._decoder.thread_type = "AUTO"
        frames_and_sound = self._decoded()
        self._early: list[av.VideoFrame | Sound] = []  # up to the first frame, which says how all are to be shown
        for item in frames_and_sound:
            self._early.append(item)
            if isinstance(item, av.VideoFrame):
                break
        else:
            raise VideoError(f"{self.name} holds no frame; wanted a video")
        self._late = frames_and_sound
        self.colours = Colours.of(item, self._decoder)
        self._stored = item.width, item.height
        self._turns = item.rotation // 90  # quarters, against the clock
        width, height = self._stored
        self.width, self.height = (height, width) if self._turns % 2 else (width, height)
        ratio = Fraction(stream.sample_aspect_ratio or 1)
        self.aspect = 1 / ratio if self._turns % 2 else ratio  # how much wider than high a pixel is shown

    def __iter__(self) -> Iterator[Frame | Sound]:
        for item in itertools.chain(self._early, self._late):
            yield self._frame(item) if isinstance(item, av.VideoFrame) else item
        end = float(max(self._next * self.time_base, self._heard))
        if self.seconds - end > max(_MISSING_SECONDS, _MISSING_SHARE * self.seconds):
            self.note = f"the file may not be whole, it ends after {end:.1f} of {self.seconds:.1f} seconds"

    def _decoded(self) -> Iterator[av.VideoFrame | Sound]:
        with self._sentences("is damaged or not whole"):
            for packet in self._container.demux(self._stream, *self.sound):
                if packet.stream is self._stream:
                    yield from self._decoder.decode(packet if packet.size else None)
                elif packet.size:
                    yield self._shifted(packet)

    def _frame(self, frame: av.VideoFrame) -> Frame:
        shift = round(self._shift / self.time_base)
        begin = round(self._next) if frame.pts is None else frame.pts - shift
        duration = frame.duration or 0
        self._next = begin + (Fraction(duration) or 1 / (self.rate * self.time_base))
        pixels = self.colours.to_rgb(frame, *self._stored)
        return Frame(torch.rot90(pixels, self._turns).contiguous(), begin, duration)

    def _shifted(self, packet: Sound) -> Sound:
        shift = round(self._shift / packet.time_base) if packet.time_base else 0
        packet.dts = None if packet.dts is None else packet.dts - shift
        if packet.pts is not None:
            packet.pts -= shift
            self._heard = max(self._heard, (packet.pts + (packet.duration or 0)) * packet.time_base)
        return packet

    @contextlib.contextmanager
    def _sentences(self, what: str) -> Iterator[None]:
        """Turns FFmpeg's errors into one sentence."""
        try:
            yield
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"{self.name} {what} ({error.strerror or error}); get it again") from error


def _is_cover(stream: av.VideoStream) -> bool:
    """Says whether a stream is the picture on a record's sleeve."""
    return bool(stream.disposition & av.stream.Disposition.attached_pic)


def _decoder(stream: av.VideoStream) -> Any:
    """Returns what decodes a stream: FFmpeg's own VP9 leaves alpha out, which libvpx does not."""
    context = stream.codec_context
    has_alpha = any(key.lower() == "alpha_mode" and value == "1" for key, value in stream.metadata.items())
    name = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(context.codec.canonical_name)
    if not has_alpha or name is None:
        return context
    try:
        return av.CodecContext.create(name, "r")
    except ValueError:  # a build without it
        return context
