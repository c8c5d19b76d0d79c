"""What videos can become."""

from pathlib import Path
from typing import Literal, get_args

from . import VideoError

VideoFormat = Literal["prores", "vp9", "h264", "png-sequence"]
VIDEO_FORMATS: tuple[VideoFormat, ...] = get_args(VideoFormat)
VIDEO_ENDINGS: dict[VideoFormat, str] = {"prores": ".mov", "vp9": ".webm", "h264": ".mp4", "png-sequence": ""}
WITH_ALPHA: tuple[VideoFormat, ...] = ("prores", "vp9", "png-sequence")


def format_of(target: Path) -> VideoFormat:
    """Returns the format that the ending of a path stands for."""
    for format, ending in VIDEO_ENDINGS.items():
        if target.suffix.lower() == ending:
            return format
    raise VideoError(f"{target.name} ends in {target.suffix!r}; wanted .mov, .webm or .mp4, or a folder's name")
