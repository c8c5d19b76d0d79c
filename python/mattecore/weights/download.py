"""Fetches weights into a models folder: resumed, checked, and put in place whole or not at all."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from ..atomic import sync_folder
from . import digest, verify
from .digest import Progress
from .error import WeightsError
from .lock import locked
from .manifest import Entry, WeightsFile
from .transfer import HostError, Part, Source, fetch

_HUGGING_FACE = "https://huggingface.co"
_OFFLINE = ("MATTECORE_OFFLINE", "HF_HUB_OFFLINE")


def download(
    entry: Entry,
    models: Path,
    *,
    progress: Progress | None = None,
    mirror: str | None = None,
    overwrite: bool = False,
    environ: Mapping[str, str] = os.environ,
    cache: Path | None = None,
    timeout_s: float = 30,
) -> Path:
    """Fetches an entry's file to its first place in the folder ``models`` and returns its path.

    A file that is there and whole is left alone; so is one that is not what it should be, unless ``overwrite``. A break
    leaves ``NAME.part``, which the next call goes on from.

    ``progress`` takes the bytes done and in all and may raise to cancel. It is asked at each block, and five times a
    second while it waits for another process or before another try; a host that is silent for ``timeout_s`` counts as
    a break. ``mirror`` (else MATTECORE_MIRROR) is asked before HF_ENDPOINT (else huggingface.co), which alone gets
    HF_TOKEN. ``cache`` keeps hashes, by default in the user's folder. Raises WeightsError.
    """
    progress = progress or _silent
    target = models / place(entry)
    if target.is_file() and not overwrite:
        return _left_alone(entry, target, cache, progress)
    sources = _sources(entry, target, mirror, environ)
    with _failures_said(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    with locked(target.with_name(f"{target.name}.lock"), lambda: progress(0, sources[0].bytes or 0)):
        if target.is_file() and not overwrite:  # another process has fetched it meanwhile
            return _left_alone(entry, target, cache, progress)
        sha256 = _fetch(sources, target, progress, timeout_s)
        if sources[0].sha256 is None:
            with _failures_said(target):
                verify.write_beside(target, sha256)
        digest.remember(target, sha256, cache)
    return target


def file_of(entry: Entry) -> WeightsFile:
    """Returns the file that is fetched for an entry; raises WeightsError where it can only be placed by hand."""
    file = entry.download
    if file is None:
        names = " or ".join(dict.fromkeys(file.places[0] for file in entry.files if file.places))
        raise WeightsError(f"{entry.name} has no address to fetch it from; place it in the models folder as {names}")
    return file


def place(entry: Entry) -> str:
    """Returns where in a models folder an entry's file is put."""
    return file_of(entry).places[0]


def _silent(done: int, total: int) -> None:
    """Takes progress for those who do not ask."""


def _left_alone(entry: Entry, target: Path, cache: Path | None, progress: Progress) -> Path:
    identity = verify.identify(entry, file_of(entry), target, digest.remembered(target, cache, progress))
    if identity.ok is False:
        raise WeightsError(f"{target} {identity.text}; delete it or have it replaced with --overwrite")
    return target


def _sources(entry: Entry, target: Path, mirror: str | None, environ: Mapping[str, str]) -> list[Source]:
    """Returns the hosts to ask, in their order."""
    file = file_of(entry)
    assert file.source is not None
    owner, repository, path = file.source.removeprefix("huggingface:").split("/", 2)
    endpoint = environ.get("HF_ENDPOINT") or _HUGGING_FACE
    hosts = [mirror or environ.get("MATTECORE_MIRROR"), endpoint]
    token = environ.get("HF_TOKEN", "").strip() or None
    if token is not None and not (token.isascii() and token.isprintable() and " " not in token):
        raise WeightsError("HF_TOKEN holds characters that no token has; copy it anew from your Hugging Face settings")
    sources = []
    for host in dict.fromkeys(host.rstrip("/") for host in hosts if host):
        page = f"{host}/{owner}/{repository}"
        url = f"{page}/resolve/main/{quote(path)}"
        sources.append(Source(url, page, token, endpoint, file.bytes, file.sha256))
    switch = next((name for name in _OFFLINE if environ.get(name, "").lower() in ("1", "true", "yes", "on")), None)
    if switch:
        by_hand = f"or fetch {sources[-1].url} by hand to {target}"
        raise WeightsError(f"{switch} is set, so {entry.name} is not fetched; unset it, {by_hand}")
    return sources


def _fetch(sources: list[Source], target: Path, progress: Progress, timeout_s: float) -> str:
    """Fetches from the first host that has the file, puts it in place and returns its SHA-256."""
    failures: list[str] = []
    for source in sources:
        part = Part(target.with_name(f"{target.name}.part"))
        with contextlib.closing(part):
            try:
                sha256 = fetch(source, part, progress, timeout_s)
            except HostError as error:
                failures.append(str(error))
                empty = part.size == 0
            else:
                part.finish()
                with _failures_said(target):
                    os.replace(part.path, target)
                sync_folder(target.parent)
                return sha256
        if empty:
            part.path.unlink()
    raise WeightsError("; ".join(failures))


@contextlib.contextmanager
def _failures_said(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise WeightsError(f"{path} cannot be written ({error.strerror}); choose another folder") from error
