"""Says which set of weights a file holds, and so how pictures go into the network."""

from pathlib import Path

from . import digest
from .manifest import Entry, manifest
from .search import GENERIC


def lookup(path: Path, *, cache: Path | None = None) -> Entry | None:
    """Returns the manifest's entry for a file: by its SHA-256, else by its name and folders, else None.

    None says that nothing is known of the file: its input size is then 1024 and the family's usual normalisation holds.
    ``cache`` is the folder that keeps SHA-256 values, by default the user's.
    """
    found = digest.remembered(path, cache)
    for entry in manifest():
        if any(file.sha256 == found for file in entry.files):
            return entry
    return by_name(path)


def by_name(path: Path) -> Entry | None:
    """Returns the entry whose places fit the end of ``path``, without regard to case; of several, the longest fit."""
    parts = [part.casefold() for part in path.absolute().parts]
    best: tuple[int, Entry | None] = (0, None)
    for entry in manifest():
        for place in (place for file in entry.files for place in file.places):
            whole = place.casefold().split("/")
            for tail in (whole, whole[1:]):
                speaks = len(tail) > 1 or tail[0] not in GENERIC
                if speaks and parts[-len(tail) :] == tail and len(tail) > best[0]:
                    best = (len(tail), entry)
    return best[1]
