"""Fetches one file over HTTP into a ``.part`` file: resumed, retried, checked.

Only https is spoken (http to this machine alone), also where a host sends on. The token goes to the host it is for and
to no other. What arrives is hashed as it comes, so that a file is whole before it gets its name.
"""

import contextlib
import hashlib
import http.client
import os
import re
import shutil
import ssl
import string
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import quote, urljoin, urlsplit

from .digest import Progress
from .error import WeightsError

T = TypeVar("T", int, str)

_BLOCK = 1 << 20
_ATTEMPTS = 5  # in a row without a megabyte of progress
_PROGRESS = 1 << 20
_REDIRECTS = 8
_LONGEST_PAUSE_S = 60
_POLL_S = 0.2  # how often a pause asks whether it is cancelled
_ELSEWHERE = "try another mirror, or place the file by hand"
_THIS_MACHINE = ("localhost", "127.0.0.1", "::1")
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class HostError(WeightsError):
    """One host cannot serve the file; another may."""


class _BrokenOffError(Exception):
    """An attempt that failed and may do better the next time, after ``pause_s`` seconds where the host asked for it."""

    def __init__(self, sentence: str, pause_s: float | None = None) -> None:
        super().__init__(sentence)
        self.pause_s = pause_s


@dataclass(frozen=True)
class Source:
    """Where a file is fetched from, and what is known of it."""

    url: str
    page: str  # where a person accepts its licence
    token: str | None
    token_for: str  # an address on the one host that gets the token
    bytes: int | None
    sha256: str | None

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    @property
    def file(self) -> str:
        return self.url.rpartition("/")[2]


class Part:
    """The file that is being filled, and the hash of what is in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.etag: str | None = None  # of what has been written, where the host gave a strong one
        self.patched = False  # whether it was put together from more than one answer
        self._hash = hashlib.sha256()
        with self._failures_said():
            self._file = path.open("r+b") if path.exists() else path.open("x+b")
            while block := self._file.read(_BLOCK):
                self._hash.update(block)
            self.size = self._file.tell()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, block: bytes) -> None:
        with self._failures_said():
            self._file.write(block)
        self._hash.update(block)
        self.size += len(block)

    def restart(self) -> None:
        with self._failures_said():
            self._file.seek(0)
            self._file.truncate()
        self._hash, self.size, self.etag, self.patched = hashlib.sha256(), 0, None, False

    def finish(self) -> None:
        """Sees to it that the content outlives a power cut."""
        with self._failures_said():
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()

    def close(self) -> None:
        with self._failures_said():
            self._file.close()

    @contextlib.contextmanager
    def _failures_said(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            kept = "what has come so far is kept; make room or choose another folder, then try again"
            raise WeightsError(f"{self.path} cannot be written ({error.strerror}); {kept}") from error


def fetch(source: Source, part: Part, progress: Progress, timeout_s: float) -> str:
    """Fills ``part`` with the file of ``source`` and returns its SHA-256, which is the one wanted.

    ``progress`` takes the bytes done and in all (0 where that is not yet known); what it raises cancels, and ``part``
    stays as it is for the next time. Raises HostError where this host cannot serve the file.
    """
    total, wanted = _fill(source, part, progress, timeout_s)
    if part.sha256 != wanted and part.patched:
        # Pieces of two versions, or a piece that was not on the disk when the power went: once more from the start.
        part.restart()
        total, wanted = _fill(source, part, progress, timeout_s)
    if part.sha256 != wanted:
        found = part.sha256
        part.restart()
        differs = f"its {total} bytes have the SHA-256 {found}, not {wanted}"
        raise HostError(f"{source.host} serves another {source.file}: {differs}; {_ELSEWHERE}")
    return wanted


def _fill(source: Source, part: Part, progress: Progress, timeout_s: float) -> tuple[int, str]:
    failures = 0
    part.patched = part.patched or part.size > 0
    while True:
        before = part.size
        try:
            return _attempt(source, part, progress, timeout_s)
        except _BrokenOffError as error:
            failures = failures + 1 if part.size - before < _PROGRESS else 1
            if failures == _ATTEMPTS:
                kept = f"{part.size} bytes are kept; the same command goes on from there"
                raise HostError(f"{error}, {failures} times in a row; {kept}") from error
            pause_s = error.pause_s if error.pause_s is not None else 2.0 ** (failures - 1)
            for _ in range(round(min(pause_s, _LONGEST_PAUSE_S) / _POLL_S)):
                progress(part.size, source.bytes or 0)
                time.sleep(_POLL_S)


def _attempt(source: Source, part: Part, progress: Progress, timeout_s: float) -> tuple[int, str]:
    """Asks for what is missing and writes it; returns the length and SHA-256 that the whole file has to have."""
    headers = {"User-Agent": "mattecore", "Accept-Encoding": "identity"}
    if part.size:
        headers["Range"] = f"bytes={part.size}-"
        if part.etag:
            headers["If-Range"] = part.etag
    response, linked_bytes, linked_sha256 = _open(source, headers, timeout_s)
    with contextlib.closing(response):
        _check_status(source, response)
        wanted = _agreed(source, "SHA-256", source.sha256, linked_sha256)
        begins, offered = _range(response)
        size = _agreed(source, "length in bytes", source.bytes, linked_bytes, offered)
        if response.status == 416:  # there is nothing after what is here: it is whole, or it is something else
            if part.size != size:
                part.restart()
                raise _BrokenOffError(f"{source.host} has less of {source.file} than was fetched before", pause_s=0)
            return size, wanted
        if begins != part.size:  # the host does not resume, or has a new version
            part.restart()
        if begins != part.size:
            raise HostError(f"{source.host} sends {source.file} from byte {begins} on, which nobody asked for")
        etag = response.headers.get("ETag", "")
        part.etag = etag if etag.startswith('"') else None
        _check_space(part, size)
        part.patched = part.patched or part.size > 0
        for block in _blocks(source, response):
            if part.size + len(block) > size:
                part.restart()
                raise HostError(f"{source.host} sends more than the {size} bytes of {source.file}; {_ELSEWHERE}")
            part.write(block)
            progress(part.size, size)
        if part.size < size:
            raise _BrokenOffError(f"the connection to {source.host} broke off at {part.size} of {size} bytes")
        return size, wanted


def _open(
    source: Source, headers: dict[str, str], timeout_s: float
) -> tuple[http.client.HTTPResponse, int | None, str | None]:
    """Asks for the file, following where the host sends on.

    Returns the last answer, and the length and SHA-256 that the host itself gave: Hugging Face sends large files from
    another host, but says of what they are in the answer that sends there.
    """
    opener = urllib.request.OpenerDirector()  # with no handler for file, ftp and data, and none that follows by itself
    for handler in (urllib.request.ProxyHandler(), urllib.request.HTTPHandler(), urllib.request.HTTPSHandler()):
        opener.add_handler(handler)
    url, linked_bytes, linked_sha256 = source.url, None, None
    for _ in range(_REDIRECTS):
        _check_address(source, url)
        authorised = source.token is not None and _origin(url) == _origin(source.token_for)
        token = {"Authorization": f"Bearer {source.token}"} if authorised else {}
        request = urllib.request.Request(url, headers={**headers, **token})
        try:
            response = opener.open(request, timeout=timeout_s)
        except (OSError, http.client.HTTPException) as error:
            _unreachable(urlsplit(url).netloc, error)
        if _origin(url) == _origin(source.url):
            linked_bytes = linked_bytes or _number(response.headers.get("X-Linked-Size"))
            linked_sha256 = linked_sha256 or _sha256(response.headers.get("X-Linked-Etag"))
        if response.status not in (301, 302, 303, 307, 308):
            return response, linked_bytes, linked_sha256
        response.close()
        to = response.headers.get("Location", "")
        with contextlib.suppress(ValueError):  # no address at all: joined to nothing, and then refused
            to = urljoin(url, quote(to, safe=string.punctuation, encoding="latin-1"))
        url = to
    raise HostError(f"{source.host} sends from address to address for {source.file} without an end; {_ELSEWHERE}")


def _check_address(source: Source, url: str) -> None:
    scheme, hostname, _ = _origin(url) or ("", None, None)
    near = all(
        one is not None and one[0] == "http" and one[1] in _THIS_MACHINE for one in map(_origin, (url, source.url))
    )
    if not hostname or "@" in urlsplit(url).netloc or not (scheme == "https" or near):
        start = f"{url!r} is" if url == source.url else f"{source.host} sends on to {url!r}, which is"
        raise HostError(f"{start} no https address without a user name, and nothing is fetched from others")


def _origin(url: str) -> tuple[str, str | None, int | None] | None:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port
    except ValueError:  # no address at all
        return None


def _unreachable(host: str, error: Exception) -> NoReturn:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        advice = "if a proxy stands between, set SSL_CERT_FILE to its certificate"
        raise HostError(f"the certificate of {host} cannot be verified ({reason.verify_message}); {advice}") from error
    if isinstance(error, http.client.InvalidURL):
        raise HostError(f"{host} has an address that cannot be asked ({error})") from error
    said = "no answer in time" if isinstance(reason, TimeoutError) else str(reason) or type(reason).__name__
    raise _BrokenOffError(f"{host} cannot be reached ({said})") from error


def _check_status(source: Source, response: http.client.HTTPResponse) -> None:
    status = response.status
    if status in _AGAIN:
        pause = _number(response.headers.get("Retry-After"))
        raise _BrokenOffError(f"{source.host} answers with {status} {response.reason}", pause)
    if status in (401, 403):
        known = "with the token in HF_TOKEN" if source.token else "without a token"
        raise HostError(
            f"{source.host} does not give {source.file} {known} ({status}): accept its licence at {source.page}, make "
            "a token there and set HF_TOKEN to it, or place the file by hand"
        )
    if status in (404, 410):
        raise HostError(f"{source.host} has no {source.file} ({status} for {source.url}); {_ELSEWHERE}")
    if status not in (200, 206, 416):
        raise HostError(f"{source.host} answers with {status} {response.reason} for {source.file}; {_ELSEWHERE}")
    if status != 416 and response.headers.get_content_type() == "text/html" and "Content-Type" in response.headers:
        raise HostError(
            f"{source.host} answers with a web page instead of {source.file}, as login pages do; open {source.url} in "
            "a browser to see what it wants"
        )


def _range(response: http.client.HTTPResponse) -> tuple[int, int | None]:
    """Returns the first byte that an answer brings and the length of the whole file, None where it is not said."""
    if response.status == 200:
        return 0, _number(response.headers.get("Content-Length"))
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if not found:
        return -1, None
    return int(found[1] or -1), _number(found[2])


def _agreed(source: Source, what: str, *said: T | None) -> T:
    """Returns what the manifest and the host say alike of the file."""
    known = [one for one in said if one is not None]
    if not known:
        raise HostError(
            f"neither the manifest nor {source.host} says the {what} of {source.file}, so it could not be checked; "
            f"{_ELSEWHERE}"
        )
    if len(set(known)) > 1:
        raise HostError(
            f"{source.host} offers a {source.file} with the {what} {known[-1]} where {known[0]} is expected; "
            f"{_ELSEWHERE}"
        )
    return known[0]


def _check_space(part: Part, size: int) -> None:
    missing, free = size - part.size, shutil.disk_usage(part.path.parent).free
    if free < missing:
        room = f"{missing >> 20} MiB are missing and {free >> 20} MiB are free"
        raise WeightsError(f"{part.path.parent} has no room for the file: {room}; make room or choose another folder")


def _blocks(source: Source, response: http.client.HTTPResponse) -> Iterator[bytes]:
    while True:
        try:
            block = response.read1(_BLOCK)
        except (OSError, http.client.HTTPException) as error:
            said = "no data in time" if isinstance(error, TimeoutError) else str(error) or type(error).__name__
            raise _BrokenOffError(f"the connection to {source.host} broke off ({said})") from error
        if not block:
            return
        yield block


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"\d{1,15}", text.strip()) else None


def _sha256(etag: str | None) -> str | None:
    found = re.fullmatch(r'"?([0-9a-f]{64})"?', etag or "")
    return found[1] if found else None
