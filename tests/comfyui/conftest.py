"""A real ComfyUI with this checkout in custom_nodes, where COMFYUI_DIR names one, and networks of drawn weights.

COMFYUI_PYTHON is the Python that runs it and has mattecore installed; by default that of venv/ in ComfyUI's folder or
beside it.
"""

import base64
import json
import os
import secrets
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
VIDEO_SIZE = {"width": 160, "height": 128}


class RefusedError(Exception):
    """ComfyUI answered a request with an error; its words are in ``answer``."""

    def __init__(self, answer: Any) -> None:
        super().__init__(str(answer))
        self.answer = answer


@dataclass
class Server:
    url: str
    folder: Path
    process: subprocess.Popen

    def client(self) -> "Client":
        return Client(self.url)

    def resident_mib(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        (line,) = [line for line in status if line.startswith("RssAnon")]
        return int(line.split()[1]) / 1024

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")


class Client:
    """One user of the server."""

    def __init__(self, url: str) -> None:
        self.url, self.id = url, uuid.uuid4().hex

    def request(self, path: str, data: Any = None, kind: str = "application/json", method: str | None = None) -> bytes:
        if data is not None and not isinstance(data, bytes):
            data = json.dumps(data).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": kind}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise RefusedError(json.loads(error.read() or b"null")) from None

    def upload(self, name: str, content: bytes) -> str:
        mark = uuid.uuid4().hex
        head = f'--{mark}\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n'
        body = f"{head}Content-Type: image/png\r\n\r\n".encode() + content + f"\r\n--{mark}--\r\n".encode()
        return json.loads(self.request("/upload/image", body, f"multipart/form-data; boundary={mark}"))["name"]

    def submit(self, prompt: dict[str, Any]) -> str:
        return json.loads(self.request("/prompt", {"prompt": prompt, "client_id": self.id}))["prompt_id"]

    def wait(self, prompt_id: str, limit_s: float = 300) -> dict[str, Any]:
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            history = json.loads(self.request(f"/history/{prompt_id}"))
            if prompt_id in history:
                return history[prompt_id]
            threading.Event().wait(0.05)
        raise TimeoutError(f"prompt {prompt_id} was not done in {limit_s} s")

    def run(self, prompt: dict[str, Any]) -> dict[str, Any]:
        return self.wait(self.submit(prompt))

    def view(self, file: dict[str, str]) -> bytes:
        return self.request("/view?" + urllib.parse.urlencode(file))

    def free(self) -> None:
        self.request("/free", {"unload_models": True, "free_memory": True})

    def rest(self) -> None:
        """Runs prompts without our nodes: the queue has then done all it was asked for before.

        Two of them, since it frees what it was asked to free after the prompt that it may have taken meanwhile.
        """
        for color in range(2):
            empty = {"class_type": "EmptyImage", "inputs": {"width": 8, "height": 8, "batch_size": 1, "color": color}}
            self.run({"1": empty, "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}})


class Events:
    """What the server tells a client by websocket, as (seconds, type, data); pictures have the type "binary"."""

    def __init__(self, client: Client) -> None:
        where = urllib.parse.urlparse(client.url)
        self.messages: list[tuple[float, str, Any]] = []
        self._changed = threading.Condition()
        self._socket = socket.create_connection((where.hostname, where.port), timeout=10)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            f"GET /ws?clientId={client.id} HTTP/1.1\r\nHost: {where.netloc}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        self._stream = self._socket.makefile("rb")
        assert b" 101 " in self._stream.readline()
        while self._stream.readline() != b"\r\n":
            pass
        self._socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while True:
                code, size = self._stream.read(2)
                size &= 127
                if size > 125:
                    size = struct.unpack(
                        *((">H", self._stream.read(2)) if size == 126 else (">Q", self._stream.read(8)))
                    )[0]
                data = self._stream.read(size)
                kind, content = "binary", data
                if code & 15 == 1:
                    message = json.loads(data)
                    kind, content = message["type"], message.get("data")
                with self._changed:
                    self.messages.append((time.monotonic(), kind, content))
                    self._changed.notify_all()
        except (OSError, ValueError):
            return  # closed

    def of(self, kind: str) -> list[Any]:
        return [data for _, what, data in list(self.messages) if what == kind]

    def wait_for(self, wanted: Callable[["Events"], bool], limit_s: float = 120) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: wanted(self), limit_s), [m[1] for m in self.messages]

    def __enter__(self) -> "Events":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, drawn: Callable) -> Path:
    """A models folder as users have it, with checkpoints of full size."""
    import torch

    folder = tmp_path_factory.mktemp("comfyui") / "models"
    for place, keys in {
        "rmbg/RMBG-1.4/model.pth": "rmbg-1.4_model.pth.txt",
        "vitmatte/pytorch_model.bin": "vitmatte_small.safetensors.txt",
        "BiRefNet/BiRefNet_lite.safetensors": "birefnet_lite.safetensors.txt",
    }.items():
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        if place.endswith(".safetensors"):
            from safetensors.torch import save_file

            save_file(drawn(keys), folder / place)
        else:
            torch.save(drawn(keys), folder / place)
    return folder


@pytest.fixture(scope="session")
def server(models: Path) -> Iterator[Server]:
    named = os.environ.get("COMFYUI_DIR")
    if not named:
        pytest.skip("COMFYUI_DIR names no ComfyUI to run the nodes in")
    comfyui = Path(named).resolve()
    candidates = [comfyui / "venv" / "bin" / "python", comfyui.parent / "venv" / "bin" / "python"]
    python = os.environ.get("COMFYUI_PYTHON") or next((str(path) for path in candidates if path.exists()), None)
    assert python, f"there is no Python in {candidates[0]} or {candidates[1]}; name one with COMFYUI_PYTHON"
    folder = models.parent
    for name in ("input", "output", "temp", "user", "custom_nodes"):
        (folder / name).mkdir()
    (folder / "custom_nodes" / "mattecore").symlink_to(ROOT)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("MATTECORE_", "COMFYUI_"))}
    environment |= {"MATTECORE_OFFLINE": "1", "HOME": str(folder), "PYTHONUNBUFFERED": "1"}
    command = [python, "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(port), "--disable-api-nodes"]
    command += ["--base-directory", str(folder), "--database-url", f"sqlite:///{folder}/user/comfyui.db"]
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=comfyui, env=environment, stdout=log, stderr=subprocess.STDOUT)
    started = Server(f"http://127.0.0.1:{port}", folder, process)
    try:
        for _ in range(600):
            assert process.poll() is None, started.log()[-3000:]
            try:
                started.client().request("/object_info/LoadImage")
                break
            except OSError:
                threading.Event().wait(0.2)
        else:
            pytest.fail(f"ComfyUI did not answer within two minutes:\n{started.log()[-3000:]}")
        yield started
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def client(server: Server) -> Client:
    return server.client()


@pytest.fixture
def events(client: Client) -> Iterator[Events]:
    with Events(client) as listening:
        yield listening


@pytest.fixture(scope="session")
def video(server: Server, picture: bytes) -> str:
    """The name of an uploaded video of six frames, which ComfyUI's own nodes made."""
    client = server.client()
    nodes = {
        "load": ("LoadImage", {"image": client.upload("frame.png", picture)}),
        "small": ("ImageScale", {"image": ["load", 0], **VIDEO_SIZE, "upscale_method": "area", "crop": "disabled"}),
        "other": ("ImageInvert", {"image": ["small", 0]}),
        "two": ("ImageBatch", {"image1": ["small", 0], "image2": ["other", 0]}),
        "six": ("RepeatImageBatch", {"image": ["two", 0], "amount": 3}),
        "video": ("CreateVideo", {"images": ["six", 0], "fps": 24}),
        "save": ("SaveVideo", {"video": ["video", 0], "filename_prefix": "made", "format": "mp4", "codec": "h264"}),
    }
    result = client.run({key: {"class_type": name, "inputs": inputs} for key, (name, inputs) in nodes.items()})
    (file,) = result["outputs"]["save"]["images"]
    return client.upload("video.mp4", client.view(file))


@pytest.fixture(scope="session")
def picture() -> bytes:
    return (ROOT / "docs" / "pictures" / "coffee.jpg").read_bytes()
