"""A host of files that misbehaves as it is told, and what the tests of downloads share."""

import contextlib
import hashlib
import http.server
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mattecore.weights import Entry, WeightsFile
from mattecore.weights.manifest import Licence

CONTENT = bytes(range(256)) * 5000  # 1.2 MiB: more than one block
SHA256 = hashlib.sha256(CONTENT).hexdigest()

Answer = Callable[["Request"], None]


class Request(http.server.BaseHTTPRequestHandler):
    server: "Host"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        with contextlib.suppress(ConnectionError):
            answer(self)

    def reply(self, status: int, body: bytes = b"", **headers: Any) -> None:
        self.send_response(status)
        for name, value in headers.items():
            if value is not None:
                self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments: Any) -> None:
        """Keeps quiet."""


class Host(http.server.ThreadingHTTPServer):
    """Gives each request the next of ``answers``, the last one for ever."""

    content, sha256, place = CONTENT, SHA256, "rmbg/Tiny/model.safetensors"
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Request)
        self.answers: list[Answer] = [self.serve()]
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.over = threading.Event()  # set when the test is over; an answer that stalls waits for it

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def ranges(self) -> list[str | None]:
        """The Range of each request."""
        return [headers.get("Range") for _, headers in self.requests]

    @staticmethod
    def serve(
        content: bytes = CONTENT,
        *,
        etag: str = '"1"',
        resumes: bool = True,
        cut: int | None = None,
        then: Callable[[Request], object] | None = None,
        **headers: Any,
    ) -> Answer:
        """Answers as a good host does; or stops after the byte ``cut`` of the file, where ``then`` happens."""

        def answer(request: Request) -> None:
            begin, status = 0, 200
            asked = request.headers.get("Range")
            if asked and resumes and request.headers.get("If-Range", etag) == etag:
                begin, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
            if begin >= len(content):
                request.reply(416, Content_Range=f"bytes */{len(content)}", **headers)
                return
            whole = {
                "Content_Length": len(content) - begin,
                "Content_Range": f"bytes {begin}-{len(content) - 1}/{len(content)}" if status == 206 else None,
                "ETag": etag,
            }
            request.reply(status, content[begin:cut], **{**whole, **headers})
            if then is not None:
                request.wfile.flush()
                then(request)

        return answer

    @staticmethod
    def stall(request: Request) -> None:
        request.server.over.wait()

    @staticmethod
    def redirect(to: str, status: int = 302, **headers: Any) -> Answer:
        return lambda request: request.reply(status, Location=to, Content_Length=0, **headers)

    @staticmethod
    def status(code: int, **headers: Any) -> Answer:
        return lambda request: request.reply(code, b"no", Content_Length=2, **headers)

    @staticmethod
    def entry(
        sha256: str | None = SHA256, size: int | None = len(CONTENT), source: str | None = "huggingface:me/it/m.bin"
    ) -> Entry:
        file = WeightsFile("m.bin", source, size, sha256, (Host.place,))
        licence = Licence("MIT", "Free for commercial use.")
        return Entry("tiny", "isnet", (0.5, 0.5, 0.5), (1, 1, 1), (64, 64), 1, licence, (file,))


@pytest.fixture
def hosts() -> Iterator[Callable[[], Host]]:
    """Starts hosts that end with the test."""
    with contextlib.ExitStack() as stack:

        def start() -> Host:
            host = stack.enter_context(Host())
            stack.callback(host.shutdown)
            stack.callback(host.over.set)
            threading.Thread(target=host.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
            return host

        yield start


@pytest.fixture
def host(hosts: Callable[[], Host]) -> Host:
    return hosts()


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the user's own settings reaches a test."""
    for name in ("HF_ENDPOINT", "HF_TOKEN", "MATTECORE_MIRROR", "MATTECORE_MODELS", "MATTECORE_OFFLINE", "COMFYUI_DIR"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Makes every pause of this process instant, and lists them."""
    made: list[float] = []
    monkeypatch.setattr("time.sleep", made.append)
    return made
