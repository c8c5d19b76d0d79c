"""Says whether a weights file is what it should be: its size and SHA-256, and that its tensors fit a network.

The SHA-256 of a file that the manifest knows none of is kept beside it when it is fetched or made, in ``NAME.sha256``,
as ``sha256sum -c`` reads it.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ..atomic import replacing
from . import digest
from .digest import Progress
from .error import WeightsError
from .lookup import by_name
from .manifest import Entry, WeightsFile, manifest


@dataclass(frozen=True)
class Identity:
    """What a file's size and SHA-256 say. ``ok`` is None where nothing is known to compare them with."""

    ok: bool | None
    text: str  # goes on after the file's path


def identify(entry: Entry | None, file: WeightsFile | None, path: Path, sha256: str) -> Identity:
    """Compares a file with what was published for its entry, and with what was written down beside it."""
    owner = next((known for known in manifest() if any(sha256 == one.sha256 for one in known.files)), None)
    if owner is not None and entry is not None and owner.name != entry.name:
        return Identity(False, f"is {owner.name} as published, not {entry.name}")
    if owner is not None or (file is not None and sha256 == file.sha256):
        return Identity(True, "is as published")
    kept = beside(path)
    if kept == sha256:
        return Identity(True, f"is as it was fetched or made ({_beside(path).name})")
    if kept is not None:
        return Identity(False, f"has the SHA-256 {sha256}, not {kept} as when it was fetched or made")
    size = path.stat().st_size
    if file is not None and file.bytes not in (None, size):
        return Identity(False, f"has {size} bytes, not {file.bytes}: a broken download, or another version")
    if file is not None and file.sha256 is not None:
        return Identity(False, f"has the SHA-256 {sha256}, not {file.sha256}: damaged, or another version")
    return Identity(None, "has no published SHA-256 to compare with")


def beside(path: Path) -> str | None:
    """Returns the SHA-256 that was written down beside a file, None where there is none that can be read."""
    try:
        text = _beside(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    found = re.match(r"[0-9a-f]{64}(?=\s)", text)
    return found[0] if found else None


def write_beside(path: Path, sha256: str) -> None:
    """Writes down the SHA-256 of a file beside it."""
    with replacing(_beside(path)) as file:
        file.write(f"{sha256}  {path.name}\n".encode())


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def verify(
    path: Path,
    entry: Entry | None = None,
    file: WeightsFile | None = None,
    *,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> str:
    """Reads a file as a whole and says in half a sentence what it is; raises WeightsError where it is not right.

    ``entry`` and ``file`` are what a search took it for; without them its name says what it should be.
    """
    from ..networks import build
    from .reader import read

    tensors = read(path)
    sha256 = digest.compute(path, progress)
    digest.remember(path, sha256, cache)
    entry = entry or by_name(path)
    identity = identify(entry, file, path, sha256)
    if identity.ok is False:
        raise WeightsError(f"{path} {identity.text}; delete it and fetch it again")
    try:
        network = build({name: tensor.shape for name, tensor in tensors.items()}, device="meta")
    except ValueError as error:
        raise WeightsError(f"{path} holds no weights that mattecore can use: {error}") from error
    if entry is not None and network.family != entry.family.removesuffix("-legacy"):
        raise WeightsError(f"{path} holds weights of {network.family}, not of {entry.family} as its name says")
    return f"{identity.text}, and fits {network.family}"
