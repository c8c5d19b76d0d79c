"""Videos, frame by frame, through PyAV, which brings its own FFmpeg (``mattecore[video]``). Nothing is cut here.

``read.Reader`` and ``write`` are between files and tensors; frames and packets of sound go from one to the other in the
order of the file, so that no more than a few of them are in memory.
"""

import importlib.util
from pathlib import Path

from ..pictures import PictureError

ENDINGS = frozenset(
    (
        *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv"),
        *(".3gp", ".ogv", ".mxf"),
    )
)


class VideoError(PictureError):
    """A video that cannot be read or written. The message is for the user as it stands."""


def is_video(path: Path) -> bool:
    """Says whether a file is a video, by its ending or else by how it begins."""
    if path.suffix.lower() in ENDINGS:
        return True
    if not path.is_file():  # nor a pipe, whose first bytes can be read but once
        return False
    try:
        with path.open("rb") as file:
            head = file.read(16)
    except OSError:
        return False
    is_mp4 = head[4:8] == b"ftyp" and head[8:12] not in (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1", b"jp2 ")
    return is_mp4 or head[:4] == b"\x1aE\xdf\xa3" or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def has_pyav() -> bool:
    """Says whether PyAV is installed."""
    return importlib.util.find_spec("av") is not None


def require_pyav() -> None:
    """Raises VideoError, which says what to install, where PyAV is not."""
    if not has_pyav():
        raise VideoError("videos need PyAV; install it with: pip install 'mattecore[video]'")
