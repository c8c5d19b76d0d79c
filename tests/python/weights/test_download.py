"""Downloads against a host that does everything hosts do: every file is whole or not there."""

import errno
import hashlib
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from mattecore.weights import WeightsError, transfer
from mattecore.weights.download import download

HALF = 700_000


@pytest.fixture
def get(host, models, cache):
    """Downloads the host's file, with its settings in ``environ``."""

    def run(entry=None, environ=None, timeout_s=30, **options) -> Path:
        environ = {"HF_ENDPOINT": host.url, **(environ or {})}
        return download(entry or host.entry(), models, environ=environ, cache=cache, timeout_s=timeout_s, **options)

    return run


@pytest.fixture
def refused(get, models, host):
    """Downloads, expects a refusal in one sentence and no file, and returns the sentence."""

    def run(*arguments, **options) -> str:
        with pytest.raises(WeightsError) as error:
            get(*arguments, **options)
        assert "\n" not in str(error.value)
        assert not (models / host.place).exists()
        return str(error.value)

    return run


def left(models: Path) -> list[str]:
    return sorted(path.name for path in models.rglob("*") if path.is_file())


def test_a_file_arrives_whole_at_its_first_place(host, get, models):
    told = []
    path = get(progress=lambda done, total: told.append((done, total)))
    assert path == models / host.place
    assert path.read_bytes() == host.content
    assert left(models) == ["model.safetensors"]
    assert host.requests[0][0] == "/me/it/resolve/main/m.bin"
    assert told == sorted(told)
    assert told[-1] == (len(host.content), len(host.content))


def test_a_whole_file_is_not_fetched_again(host, get):
    path = get()
    assert get() == path
    assert get(environ={"MATTECORE_OFFLINE": "1"}) == path
    assert len(host.requests) == 1


def test_a_damaged_file_is_replaced_only_when_asked(host, get):
    path = get()
    path.write_bytes(b"x" + host.content[1:])
    with pytest.raises(WeightsError, match=r"has the SHA-256 .*: damaged.*--overwrite$"):
        get()
    assert path.read_bytes()[:1] == b"x"
    get(overwrite=True)
    assert path.read_bytes() == host.content


# --- breaks ------------------------------------------------------------------------------------------------------


def test_a_break_is_resumed_where_it_was(host, get, models, pauses):
    host.answers = [host.serve(cut=HALF), host.serve()]
    assert get().read_bytes() == host.content
    assert host.ranges == [None, f"bytes={HALF}-"]
    assert host.requests[1][1]["If-Range"] == '"1"'
    assert sum(pauses) == pytest.approx(1)


def test_many_breaks_are_resumed_each_where_it_was(host, get, pauses):
    host.answers = [host.serve(cut=cut) for cut in (0, 1, 4096, 1_100_000)] + [host.serve()]
    assert get().read_bytes() == host.content
    assert host.ranges == [None, None, "bytes=1-", "bytes=4096-", "bytes=1100000-"]


def test_breaks_without_an_end_are_given_up_and_what_came_is_kept(host, get, refused, models, pauses):
    host.answers = [host.serve(cut=HALF)]
    sentence = refused()
    assert sentence.endswith(f"5 times in a row; {HALF} bytes are kept; the same command goes on from there")
    assert left(models) == ["model.safetensors.part"]
    assert sum(pauses) == pytest.approx(1 + 2 + 4 + 8)
    host.answers = [host.serve()]
    assert get().read_bytes() == host.content
    assert host.ranges[-1] == f"bytes={HALF}-"


def test_a_host_that_does_not_resume_begins_again(host, get, pauses):
    host.answers = [host.serve(cut=HALF), host.serve(resumes=False)]
    assert get().read_bytes() == host.content
    assert host.ranges[-1] == f"bytes={HALF}-"


def test_a_file_that_changes_between_attempts_begins_again(host, get, pauses):
    other = bytes(len(host.content))
    host.answers = [host.serve(other, etag='"old"', cut=HALF), host.serve(etag='"new"')]
    assert get().read_bytes() == host.content
    assert host.requests[1][1]["If-Range"] == '"old"'
    assert len(host.requests) == 2


def test_pieces_of_two_versions_begin_again_once(host, get, pauses):
    other = bytes(len(host.content))
    host.answers = [host.serve(other, cut=HALF), host.serve(), host.serve()]  # one ETag for both
    assert get().read_bytes() == host.content
    assert host.ranges == [None, f"bytes={HALF}-", None]


def test_a_host_that_mixes_versions_for_ever_is_given_up(host, refused, models, pauses):
    other = bytes(len(host.content))
    host.answers = [host.serve(other, cut=HALF), host.serve(), host.serve(other, cut=HALF), host.serve()]
    assert "serves another m.bin" in refused()
    assert left(models) == []
    assert len(host.requests) == 4


@pytest.mark.parametrize("content", [b"rubbish", b"x" * 2_000_000])
def test_a_part_of_something_else_begins_again(host, get, models, content):
    part = models / f"{host.place}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(content)
    assert get().read_bytes() == host.content
    assert left(models) == ["model.safetensors"]


def test_a_part_that_is_whole_already_is_put_in_place(host, get, models):
    part = models / f"{host.place}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(host.content)
    assert get().read_bytes() == host.content
    assert host.ranges == [f"bytes={len(host.content)}-"]


@pytest.mark.parametrize("code", [408, 429, 500, 502, 503, 504])
def test_trouble_that_passes_is_waited_for(host, get, pauses, code):
    host.answers = [host.status(code), host.serve()]
    assert get().read_bytes() == host.content
    assert sum(pauses) == pytest.approx(1)


def test_retry_after_is_obeyed_within_reason(host, get, pauses):
    host.answers = [host.status(429, Retry_After=7), host.status(503, Retry_After=99999), host.serve()]
    get()
    assert sum(pauses) == pytest.approx(7 + 60)


def test_a_stall_is_a_break(host, get, pauses):
    host.answers = [host.serve(cut=HALF, then=host.stall), host.stall, host.serve()]
    assert get(timeout_s=0.3).read_bytes() == host.content
    assert host.ranges[-1] == f"bytes={HALF}-"


def test_a_host_that_is_not_there(hosts, get, refused, pauses):
    gone = hosts()
    gone.shutdown()
    gone.server_close()
    assert re.search(r"cannot be reached \(.*refused.*\), 5 times in a row", refused(environ={"HF_ENDPOINT": gone.url}))


# --- lies --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [len(bytes(range(256)) * 5000) + 10, 10])
def test_a_length_that_is_not_the_file_s_is_refused_before_anything_is_fetched(host, refused, models, length):
    host.answers = [host.serve(Content_Length=length)]
    assert f"with the length in bytes {length} where {len(host.content)} is expected" in refused()
    assert left(models) == []


@pytest.mark.parametrize(("more", "said"), [(10, "broke off"), (-10, "serves another m.bin: its 1279990 bytes")])
def test_a_length_that_nobody_knows_better(host, refused, pauses, more, said):
    host.answers = [host.serve(resumes=False, Content_Length=len(host.content) + more)]
    assert said in refused(host.entry(size=None))


def test_more_than_was_said_is_refused(host, refused, models):
    host.answers = [host.serve(host.content + b"more", Content_Length=None)]
    assert "sends more than the 1280000 bytes of m.bin" in refused()
    assert left(models) == []


def test_a_file_of_no_known_length_is_refused(host, refused):
    host.answers = [host.serve(Content_Length=None)]
    assert "neither the manifest nor 127.0.0.1" in refused(host.entry(size=None))


def test_a_file_with_another_hash_is_refused(host, refused, models):
    host.answers = [host.serve(bytes(len(host.content)))]
    assert re.search(rf"serves another m.bin: .* not {host.sha256}; try another mirror", refused())
    assert left(models) == []


@pytest.mark.parametrize("kind", ["text/html", "text/html; charset=utf-8"])
def test_a_login_page_is_refused(host, refused, models, kind):
    page = b"<html>Sign in</html>"
    host.answers = [host.serve(page, Content_Type=kind)]
    assert "answers with a web page instead of m.bin, as login pages do" in refused()
    host.answers = [host.serve(page, Content_Type="application/octet-stream")]
    assert "with the length in bytes 20 where" in refused()
    assert left(models) == []


@pytest.mark.parametrize("said", ["bytes 5-9/1280000", "bytes */1280000", "5-9", "", None])
def test_a_piece_that_nobody_asked_for_is_refused(host, refused, said):
    host.answers = [lambda request: request.reply(206, b"12345", Content_Range=said, Content_Length=5)]
    assert "which nobody asked for" in refused()


@pytest.mark.parametrize("code", [401, 403])
def test_a_licence_to_be_accepted(host, refused, code):
    host.answers = [host.status(code)]
    sentence = refused()
    assert f"without a token ({code}): accept its licence at {host.url}/me/it, make a token there and set" in sentence
    assert "with the token in HF_TOKEN" in refused(environ={"HF_TOKEN": "secret"})
    assert "secret" not in refused(environ={"HF_TOKEN": "secret"})
    assert len(host.requests) == 3


@pytest.mark.parametrize(("code", "said"), [(404, "has no m.bin (404 for"), (410, "has no m.bin"), (418, "with 418")])
def test_what_will_not_pass_is_not_tried_again(host, refused, code, said):
    host.answers = [host.status(code)]
    assert said in refused()
    assert len(host.requests) == 1


# --- what the host itself says of the file -----------------------------------------------------------------------


def test_without_a_hash_in_the_manifest_the_host_s_own_is_taken_and_written_down(host, hosts, get, models):
    storage = hosts()
    linked = {"X_Linked_Etag": f'"{host.sha256}"', "X_Linked_Size": len(host.content)}
    host.answers = [host.redirect(f"{storage.url}/blob", **linked)]
    path = get(host.entry(None, None))
    assert path.read_bytes() == host.content
    assert (path.parent / "model.safetensors.sha256").read_text() == f"{host.sha256}  model.safetensors\n"
    assert get(host.entry(None, None)) == path
    path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="as when it was fetched or made"):
        get(host.entry(None, None))


def test_without_any_hash_nothing_is_fetched(host, refused):
    assert "neither the manifest nor 127.0.0.1" in refused(host.entry(None))
    host.answers = [host.serve(X_Linked_Etag='"not-a-hash"')]
    assert "says the SHA-256 of m.bin" in refused(host.entry(None))


def test_the_hash_is_taken_from_nobody_but_the_host_that_was_asked(host, hosts, refused):
    storage = hosts()
    storage.answers = [host.serve(X_Linked_Etag=f'"{host.sha256}"')]
    host.answers = [host.redirect(f"{storage.url}/blob")]
    assert "neither the manifest nor" in refused(host.entry(None))


def test_another_version_at_the_host_is_seen_before_it_is_fetched(host, refused, models):
    host.answers = [host.serve(X_Linked_Etag=f'"{"0" * 64}"')]
    assert f"with the SHA-256 {'0' * 64} where {host.sha256} is expected" in refused()
    assert left(models) == []


# --- redirects and tokens ----------------------------------------------------------------------------------------


def tokens(host) -> list[str | None]:
    return [headers.get("Authorization") for _, headers in host.requests]


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_the_token_follows_to_nobody_else(host, hosts, get, code):
    storage = hosts()
    host.answers = [host.redirect("/moved", code), host.redirect(f"{storage.url}/blob?signed=1", code)]
    get(environ={"HF_TOKEN": " secret\n"})
    assert tokens(host) == ["Bearer secret"] * 2
    assert tokens(storage) == [None]
    assert storage.requests[0][0] == "/blob?signed=1"


def test_a_mirror_comes_first_and_gets_no_token(host, hosts, get, pauses):
    mirror = hosts()
    mirror.answers = [host.serve(cut=HALF, resumes=False)]
    get(environ={"HF_TOKEN": "secret", "MATTECORE_MIRROR": f"{mirror.url}/"})
    assert tokens(mirror) == [None] * 5
    assert tokens(host) == ["Bearer secret"]
    assert host.ranges == [f"bytes={HALF}-"]  # a part is a part, whoever sent it


def test_a_mirror_that_has_it_is_all_that_is_asked(host, hosts, get):
    mirror, ignored = hosts(), hosts()
    get(mirror=mirror.url, environ={"MATTECORE_MIRROR": ignored.url})
    assert (len(mirror.requests), len(ignored.requests), len(host.requests)) == (1, 0, 0)


def test_where_all_fail_each_has_its_say(host, hosts, refused):
    mirror = hosts()
    mirror.answers, host.answers = [host.status(404)], [host.status(401)]
    sentence = refused(mirror=mirror.url)
    assert mirror.url.removeprefix("http://") in sentence.split("; ")[0]
    assert "accept its licence" in sentence


def test_a_token_that_is_none_is_refused_and_not_shown(refused, host):
    sentence = refused(environ={"HF_TOKEN": "two words"})
    assert sentence.startswith("HF_TOKEN holds characters that no token has")
    assert "words" not in sentence
    assert host.requests == []


def test_a_circle_of_redirects_ends(host, refused):
    host.answers = [host.redirect("/again")]
    assert "from address to address" in refused()
    assert len(host.requests) == 8


@pytest.mark.parametrize(
    "to",
    [
        "file:///etc/passwd",
        "http://example.com/m.bin",
        "ftp://example.com/m.bin",
        "data:text/plain,x",
        "https://me:secret@example.com/m.bin",
        "https://",
        "https://[::1/m.bin",
        "http://127.0.0.1:99999/m.bin",
    ],
)
def test_redirects_to_anything_but_https_are_refused(host, refused, to):
    host.answers = [host.redirect(to)]
    assert re.search(r"sends on to '.*', which is no https address", refused())


@pytest.mark.parametrize("endpoint", ["huggingface.co", "http://example.com", "file:///srv", "https://", "http://"])
def test_endpoints_that_are_no_https_address_are_refused(refused, endpoint):
    assert "no https address" in refused(environ={"HF_ENDPOINT": endpoint, "HF_TOKEN": "x"})


def test_a_host_on_the_net_may_not_send_to_this_machine(host):
    source = transfer.Source("https://example.com/m.bin", "", None, "", None, None)
    with pytest.raises(WeightsError, match=r"example.com sends on to 'http://127.0.0.1.* no https address"):
        transfer._check_address(source, f"{host.url}/m.bin")


def test_a_proxy_is_used(host, hosts, get, monkeypatch):
    proxy = hosts()
    monkeypatch.setenv("http_proxy", proxy.url)
    get()
    assert proxy.requests[0][0] == f"{host.url}/me/it/resolve/main/m.bin"
    assert host.requests == []


# --- this machine ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("switch", ["MATTECORE_OFFLINE", "HF_HUB_OFFLINE"])
def test_offline_nothing_is_asked(host, refused, models, switch):
    sentence = refused(environ={switch: "1"})
    assert sentence.startswith(f"{switch} is set, so tiny is not fetched; unset it, or fetch {host.url}/me/it/resolve/")
    assert str(models / host.place) in sentence
    assert host.requests == []


@pytest.mark.parametrize("value", ["0", "", "false"])
def test_an_offline_switch_that_is_off(get, value):
    get(environ={"MATTECORE_OFFLINE": value})


def test_an_entry_without_an_address_says_where_to_place_it(host, refused):
    assert refused(host.entry(source=None)).endswith(f"place it in the models folder as {host.place}")


def test_cancelling_leaves_the_part_alone_for_the_next_time(host, get, models):
    class CancelledError(OSError):  # not to be taken for the network's or the disk's
        pass

    def cancel(done, total):
        if done:
            raise CancelledError

    with pytest.raises(CancelledError):
        get(progress=cancel)
    assert left(models) == ["model.safetensors.part"]
    got = (models / f"{host.place}.part").stat().st_size
    assert 0 < got < len(host.content)
    assert get().read_bytes() == host.content
    assert host.ranges == [None, f"bytes={got}-"]


def test_a_pause_before_another_try_can_be_cancelled(host, get, pauses):
    def cancel(done, total):
        raise KeyboardInterrupt

    host.answers = [host.status(503)]
    with pytest.raises(KeyboardInterrupt):
        get(progress=cancel)
    assert pauses == []


def test_too_little_room_is_said_before_anything_is_fetched(refused, models, monkeypatch):
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda folder: SimpleNamespace(free=1000))
    assert "has no room for the file: 1 MiB are missing and 0 MiB are free" in refused()


def test_a_disk_that_fills_up_is_said_and_the_part_kept(get, refused, host, models, monkeypatch):
    def full(part, block):
        if part.size:
            with part._failures_said():
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(part, block)

    write = transfer.Part.write
    monkeypatch.setattr(transfer.Part, "write", full)
    assert re.search(r"\.part cannot be written \(No space left on device\); what has come so far is kept", refused())
    assert left(models) == ["model.safetensors.part"]
    monkeypatch.undo()
    assert get().read_bytes() == host.content
    assert host.ranges[-1] is not None


def test_a_folder_that_cannot_be_made_is_said(refused, models):
    models.write_text("a file")
    assert re.search(r"cannot be written \(.*\); choose another folder$", refused())


# --- two processes -----------------------------------------------------------------------------------------------

CHILD = """
import os, sys
from pathlib import Path
from mattecore.weights import Entry, WeightsFile
from mattecore.weights.download import download
from mattecore.weights.manifest import Licence

endpoint, models, cache, place, size, sha256 = sys.argv[1:]
file = WeightsFile("m.bin", "huggingface:me/it/m.bin", int(size), sha256, (place,))
entry = Entry("tiny", "isnet", (0,) * 3, (1,) * 3, None, 1, Licence("MIT", "Free."), (file,))
def tell(done, total):
    print("at", done, flush=True)
print(download(entry, Path(models), progress=tell, environ={"HF_ENDPOINT": endpoint}, cache=Path(cache)))
assert "torch" not in sys.modules
"""


@pytest.fixture
def child(host, models, cache):
    running = []

    def start() -> subprocess.Popen:
        arguments = [host.url, models, cache, host.place, len(host.content), host.sha256]
        command = [sys.executable, "-c", CHILD, *map(str, arguments)]
        running.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.communicate()


def test_two_processes_at_once_fetch_once(host, child, models):
    asked, go = threading.Event(), threading.Event()

    def gated(request):
        asked.set()
        go.wait(60)
        host.serve()(request)

    host.answers = [gated]
    first = child()
    assert asked.wait(60)
    second = child()
    assert second.stdout.readline() == "at 0\n"  # it waits, and can be cancelled meanwhile
    go.set()
    for process in (first, second):
        said, _ = process.communicate(timeout=60)
        assert said.splitlines()[-1] == str(models / host.place)
        assert process.returncode == 0
    assert len(host.requests) == 1
    assert left(models) == ["model.safetensors"]


def test_a_killed_process_is_resumed(host, child, get, models):
    host.answers = [host.serve(cut=HALF, then=host.stall), host.serve()]
    process = child()
    assert process.stdout.readline().startswith("at ")
    process.kill()
    process.wait(60)
    assert left(models) == ["model.safetensors.lock", "model.safetensors.part"]
    got = (models / f"{host.place}.part").stat().st_size
    assert hashlib.sha256(get().read_bytes()).hexdigest() == host.sha256
    assert host.ranges == [None, f"bytes={got}-" if got else None]
    assert left(models) == ["model.safetensors"]
