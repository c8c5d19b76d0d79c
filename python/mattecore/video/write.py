"""Frames to files: a video with or without alpha, or a folder of pictures."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import av
import torch

from ..pictures import png
from ..pictures.write import in_type
from .formats import VideoFormat
from .read import Frame, Reader, Sound

# Of MP4's and QuickTime's own, and what FFmpeg says of itself.
_NOT_METADATA = ("major_brand", "minor_version", "compatible_brands", "encoder")
_PNG_LEVEL = 1


@dataclass(frozen=True)
class _Codec:
    container: str
    name: str
    with_alpha: str | None  # the format of its pixels
    opaque: str
    copied: tuple[str, ...]  # sound that players of this container know; pcm is every pcm_...
    sound: str  # what other sound becomes
    options: dict[str, str] = field(default_factory=dict)


_CODECS: dict[VideoFormat, _Codec] = {
    "prores": _Codec(
        *("mov", "prores_ks", "yuva444p10le", "yuv444p10le"),
        *(("aac", "alac", "mp3", "ac3", "eac3", "pcm"), "aac"),
        {"profile": "4444", "vendor": "apl0"},
    ),
    # Frames that are not shown would come without their alpha: auto-alt-ref.
    "vp9": _Codec(
        *("webm", "libvpx-vp9", "yuva420p", "yuv420p"),
        *(("opus", "vorbis"), "libopus"),
        {"crf": "18", "b": "0", "row-mt": "1", "cpu-used": "4", "auto-alt-ref": "0"},
    ),
    "h264": _Codec(
        *("mp4", "libx264", None, "yuv420p"),
        *(("aac", "alac", "mp3", "ac3", "eac3", "opus"), "aac"),
        {"crf": "16", "preset": "medium"},
    ),
}


def encodes(format: VideoFormat) -> bool:
    """Says whether this PyAV was built with what a format needs."""
    if format == "png-sequence":
        return True
    try:
        av.Codec(_CODECS[format].name, "w")
    except ValueError:
        return False
    return True


class VideoWriter:
    """A video file: frames are encoded, packets of sound copied where the container takes their kind."""

    def __init__(self, file: BinaryIO, format: VideoFormat, reader: Reader, has_alpha: bool) -> None:
        codec = _CODECS[format]
        pixel_format = codec.with_alpha if has_alpha else codec.opaque
        assert pixel_format is not None, f"{format} keeps no alpha"
        self._colours = reader.colours
        self._time_base = reader.time_base
        self._last = -1
        self.notes: list[str] = []
        container: Any = av.open(file, "w", format=codec.container)
        container.metadata.update({k: v for k, v in reader.metadata.items() if k.lower() not in _NOT_METADATA})
        stream = container.add_stream(codec.name, rate=reader.rate, options=dict(codec.options))
        stream.width, stream.height = reader.width, reader.height
        # 4:2:0 of H.264 has an even number of columns and rows.
        odd = format == "h264" and (reader.width % 2 or reader.height % 2)
        stream.pix_fmt = self._pixel_format = "yuv444p" if odd else pixel_format
        stream.time_base = stream.codec_context.time_base = reader.time_base
        stream.codec_context.sample_aspect_ratio = reader.aspect
        stream.codec_context.thread_type = "AUTO"
        self._colours.describe(stream.codec_context)
        if has_alpha and format == "vp9":
            stream.metadata["alpha_mode"] = "1"
        self._container, self._stream = container, stream
        self._sound = {source.index: self._sound_stream(source, codec) for source in reader.sound}
        container.start_encoding()

    def frame(self, frame: Frame) -> None:
        """Adds a frame [H,W,1|3|4]."""
        encoded = self._colours.from_rgb(frame.pixels, self._pixel_format)
        # Damaged times would go backwards, which no container takes.
        encoded.pts = self._last = max(frame.begin, self._last + 1)
        encoded.time_base = self._time_base
        encoded.duration = frame.duration
        self._mux(self._stream.encode(encoded))

    def sound(self, packet: Sound) -> None:
        """Adds a packet of the reader's sound."""
        self._mux(self._sound[packet.stream.index].packets(packet))

    def close(self) -> None:
        """Writes what the encoders still hold, and the file's end."""
        self._mux(self._stream.encode(None))
        for sound in self._sound.values():
            self._mux(sound.rest())
        self._container.close()

    def abandon(self) -> None:
        """Lets go of the file as it is."""
        self._container.close()

    def _mux(self, packets: Iterable[Sound]) -> None:
        for packet in packets:
            self._container.mux(packet)

    def _sound_stream(self, source: av.AudioStream, codec: _Codec) -> "_CopiedSound | _EncodedSound":
        kind = source.codec_context.codec.canonical_name
        stream: Any
        if kind.partition("_")[0] in codec.copied:
            stream = self._container.add_stream_from_template(source)
            stream.metadata.update(_of_sound(source))
            return _CopiedSound(stream)
        self.notes.append(f"the sound was encoded anew as {codec.sound}, since {codec.container} does not take {kind}")
        stream = self._container.add_stream(codec.sound, rate=48000 if codec.sound == "libopus" else source.rate)
        stream.codec_context.layout = source.layout
        stream.metadata.update(_of_sound(source))
        return _EncodedSound(source, stream)


def _of_sound(source: av.AudioStream) -> dict[str, str]:
    return {key: value for key, value in source.metadata.items() if key.lower() in ("language", "title")}


class _CopiedSound:
    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def packets(self, packet: Sound) -> list[Sound]:
        packet.stream = self._stream
        return [packet]

    def rest(self) -> list[Sound]:
        return []


class _EncodedSound:
    def __init__(self, source: Any, stream: Any) -> None:
        self._source, self._stream = source, stream
        self._resampler: av.AudioResampler | None = None

    def packets(self, packet: Sound) -> list[Sound]:
        return self._encoded(self._source.codec_context.decode(packet))

    def rest(self) -> list[Sound]:
        packets = self._encoded(self._source.codec_context.decode(None))
        if self._resampler is not None:
            packets += self._encoded([None])
        return packets + list(self._stream.encode(None))

    def _encoded(self, frames: list[Any]) -> list[Sound]:
        if self._resampler is None:
            if not frames:
                return []
            context = self._stream.codec_context
            self._resampler = av.AudioResampler(context.format, context.layout, context.rate, context.frame_size)
        return [
            packet
            for frame in frames
            for resampled in self._resampler.resample(frame)
            for packet in self._stream.encode(resampled)
        ]


class PictureWriter:
    """A folder of PNG files, 000001.png and on; without sound."""

    def __init__(self, folder: Path, reader: Reader) -> None:
        self._folder = folder
        self._count = 0
        self.notes = ["pictures have no sound, so it was left out"] if reader.sound else []

    def frame(self, frame: Frame) -> None:
        """Adds a frame."""
        self._count += 1
        with (self._folder / f"{self._count:06}.png").open("xb") as file:
            png.write(file, in_type(frame.pixels, torch.uint8), level=_PNG_LEVEL)

    def sound(self, packet: Sound) -> None:
        """Lets a packet of sound go."""

    def close(self) -> None:
        """Nothing is left to write."""

    def abandon(self) -> None:
        """Nothing is held."""
