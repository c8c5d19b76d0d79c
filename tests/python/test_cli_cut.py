"""``mattecore cut`` as a user meets it: its streams, its exit status, and what Ctrl-C leaves."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mattecore import cli
from mattecore.commands import cut as command
from mattecore.commands.cut.show import OneLine, printable
from mattecore.cutting import Options
from mattecore.cutting.folder import Job
from mattecore.cutting.run import Outcome


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, red_weights: Path, disc: Callable) -> Path:
    """A folder with three pictures, the second of them cut short."""
    monkeypatch.chdir(tmp_path)
    Path("photos/deep").mkdir(parents=True)
    for name in ("a.jpg", "deep/c.jpg"):
        Image.fromarray(disc()).save(Path("photos") / name, quality=95)
    Path("photos/b.jpg").write_bytes(Path("photos/a.jpg").read_bytes()[:1500])
    return tmp_path


@pytest.fixture
def mattecore(red_weights: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs the command in this process; returns its exit status, and what it wrote where."""

    def run(*words: str) -> tuple[int, str, str]:
        status = cli.main(["cut", "--model", str(red_weights), *words])
        out, err = capfd.readouterr()
        return status, out, err

    return run


def process(red_weights: Path, *words: str, **streams) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "mattecore", "cut", "--model", str(red_weights), *words]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    # Whoever began these tests in the background of a script made them, and so their children, deaf to Ctrl-C.
    return subprocess.Popen(command, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL), **pipes)


def files() -> set[str]:
    """What there is beside the three pictures."""
    return {str(path) for path in Path().rglob("*") if path.is_file() and path.suffix != ".jpg"}


# --- what becomes of files


def test_one_file(mattecore):
    status, out, err = mattecore("photos/a.jpg")
    assert (status, out) == (0, "photos/a.cut.png\n")
    assert re.search(r"^mattecore cut: network: red.safetensors", err)
    assert re.search(r"mattecore cut: 1 cut in \d+\.\d s\n$", err)
    assert "\x1b" not in err  # no terminal, no bar
    with Image.open("photos/a.cut.png") as image:
        assert (image.mode, image.size) == ("RGBA", (120, 90))


def test_a_folder_with_a_broken_file(mattecore):
    status, out, err = mattecore("photos")
    assert status == 1
    assert sorted(out.split()) == ["photos.cut/a.png", "photos.cut/deep/c.png"]
    assert "mattecore cut: photos/b.jpg is damaged or not whole" in err
    assert re.search(r"2 cut, 1 failed in \d+\.\d s \(\d+\.\d a second\)", err)
    assert files() == {"photos.cut/a.png", "photos.cut/deep/c.png"}


def test_what_is_there_is_touched_only_where_that_was_said(mattecore):
    Path("photos/a.cut.png").write_text("mine")
    status, out, err = mattecore("photos/a.jpg")
    assert (status, out) == (2, "")
    assert err == (
        "mattecore cut: photos/a.cut.png is there already; "
        "--resume leaves out what is there, --overwrite makes it anew\n"
    )
    status, out, err = mattecore("photos/a.jpg", "--resume")
    assert (status, out) == (0, "")
    assert "1 skipped" in err
    assert Path("photos/a.cut.png").read_text() == "mine"
    assert mattecore("photos/a.jpg", "--overwrite")[0] == 0
    assert Path("photos/a.cut.png").read_bytes()[:4] == b"\x89PNG"


def test_resume_knows_pictures_that_would_share_a_cut_out(mattecore):
    Path("photos/b.jpg").unlink()
    with Image.open("photos/a.jpg") as image:
        image.save("photos/a.png")
    whole = {"photos.cut/a.jpg.png", "photos.cut/a.png.png", "photos.cut/deep/c.png"}
    assert mattecore("photos")[0] == 0
    assert files() == {"photos/a.png", *whole}
    Path("photos.cut/a.png.png").unlink()
    status, out, err = mattecore("photos", "--resume")
    assert (status, out) == (0, "photos.cut/a.png.png\n")
    assert "1 cut, 2 skipped" in err


@pytest.mark.parametrize("more", [(), ("--json",), ("--resume",)])
def test_a_dry_run_says_all_and_writes_nothing(mattecore, more):
    before = files()
    status, out, _ = mattecore("photos", "--dry-run", *more)
    assert status == 0
    assert files() == before
    if "--json" in more:
        assert json.loads(out.splitlines()[0])["output"] == "photos.cut/a.png"
    else:
        assert out.splitlines()[0] == "photos/a.jpg -> photos.cut/a.png"
    assert len(out.splitlines()) == 3


@pytest.mark.usefixtures("models_folder")
def test_a_dry_run_notices_weights_that_are_not_here(mattecore):
    status, out, err = mattecore("photos", "--dry-run", "--refine", "vitmatte")
    assert (status, out) == (2, "")
    assert err == (
        "mattecore cut: the weights vitmatte-small are not here; "
        "fetch them with: mattecore weights download vitmatte-small\n"
    )


def test_lines_of_json(mattecore):
    Path("photos.cut").mkdir()
    Path("photos.cut/a.png").touch()
    status, out, err = mattecore("photos", "--json", "--resume")
    assert (status, err) == (1, "")
    first, *events, last = [json.loads(line) for line in out.splitlines()]
    assert first["event"] == "network"
    assert set(last) == {"event", "cut", "skipped", "failed", "seconds", "stopped"}
    assert (last["event"], last["cut"], last["skipped"], last["failed"], last["stopped"]) == ("summary", 1, 1, 1, False)
    by_input = {event.pop("input"): event for event in events}
    assert set(by_input) == {"photos/a.jpg", "photos/b.jpg", "photos/deep/c.jpg"}
    assert by_input["photos/a.jpg"]["event"] == "skipped"
    assert by_input["photos/b.jpg"]["event"] == "failed"
    assert "is damaged or not whole" in by_input["photos/b.jpg"]["message"]
    done = by_input["photos/deep/c.jpg"]
    assert done.pop("seconds") > 0
    assert done == {"event": "cut", "output": "photos.cut/deep/c.png", "width": 120, "height": 90, "message": ""}


def test_every_option_reaches_the_result(mattecore):
    Image.new("RGB", (9, 9), "blue").save("sky.png")
    plain = ("photos/a.jpg", "--overwrite", "-o")
    mattecore(*plain, "plain.png")
    reference = Path("plain.png").read_bytes()
    for option in (
        ("--refine", "none"),
        ("--refine", "closed-form", "--detail-range", "1"),
        ("--detail-range", "9"),
        ("--black-point", "0.4"),
        ("--white-point", "0.6"),
        ("--background", "blur"),
        ("--background", "sky.png"),
        ("--no-foreground",),
        ("--mask-only",),
        ("--crop",),
        ("--crop", "--margin", "3"),
        ("--format", "png", "--precision", "exact", "--background", "white"),
    ):
        status, _, err = mattecore(*plain, "other.png", *option)
        assert status == 0, err
        assert Path("other.png").read_bytes() != reference, option


@pytest.mark.parametrize(("name", "kind"), [("x.webp", "WEBP"), ("x.tif", "TIFF"), ("x.png", "PNG")])
def test_the_ending_of_the_output_says_its_format(mattecore, name, kind):
    assert mattecore("photos/a.jpg", "-o", name)[0] == 0
    with Image.open(name) as image:
        assert image.format == kind


def test_the_options_of_the_command_are_those_of_python():
    parser = command.argparse.ArgumentParser()
    command.add_arguments(parser)
    arguments = parser.parse_args(["x.jpg"])
    assert command._options(arguments) == Options()


def test_help_teaches(capsys):
    with pytest.raises(SystemExit):
        cli.main(["cut", "--help"])
    said = capsys.readouterr().out
    assert "examples:\n  mattecore cut photo.jpg" in said
    assert "exit status: 0 all were cut, 1 some failed" in said
    parser = command.argparse.ArgumentParser()
    command.add_arguments(parser)
    words = " ".join(said.partition("photo.jpg becomes")[0].split())
    for action in parser._actions:
        assert action.help
        if action.option_strings and action.nargs != 0 and action.dest != "output":
            text = words[words.rindex(action.option_strings[-1]) :]
            assert "(default: " in text or "(else: " in text


# --- what is not understood


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["none.jpg"], "there is no file or folder none.jpg"),
        (["photos/a.jpg", "--margin", "3"], "--margin is 3 and does nothing without --crop; wanted both or none"),
        (
            ["photos/a.jpg", "--detail-erode", "3"],
            "--detail-erode does nothing with --refine guided; it is for vitmatte",
        ),
        (
            ["photos/a.jpg", "--black-point", "0.5", "--white-point", "0.4"],
            "--black-point is 0.5 and --white-point 0.4; wanted the black one below the white one",
        ),
        (["photos/a.jpg", "--background", "my crop"], "--background is 'my crop', and there is no such file; wanted"),
        (["crop"], "there is no file or folder crop"),
        (["photos/a.jpg", "--overwrite", "--resume"], "--overwrite makes anew what --resume leaves out; wanted one of"),
        (["photos/a.jpg", "--jobs", "0"], "--jobs is 0; wanted 1 or more"),
        (["photos/a.jpg", "--max-memory", "lots"], "'lots' is no amount of memory; wanted one as 800MB or 1.5GiB"),
        (["photos/a.jpg", "-o", "-", "--json"], "the standard output is for the picture or for --json; give --output"),
        (
            ["photos/a.jpg", "-o", "photos/a.jpg", "--format", "png"],
            "the output is photos/a.jpg, and pictures become .png, .webp or .tif; give a name that ends so",
        ),
        (["photos", "-o", sys.executable], f"{sys.executable} is a file; wanted a folder for the cut-outs"),
        (["photos", "-o", "both.png"], "the file both.png takes one picture; found 3 of them; give a folder"),
        (["photos/a.jpg", "--model", "rmbg"], "there is no model 'rmbg', nor a file of that name"),
        (["photos/a.jpg", "--model", "rmbg", "--dry-run"], "there is no model 'rmbg', nor a file of that name"),
        (["photos/a.jpg", "--device", "cuda:99"], "--device is 'cuda:99', and this torch sees"),
    ],
)
def test_what_cannot_be_begun_ends_with_2_and_one_sentence(red_weights, capfd, words, sentence):
    model = [] if "--model" in words else ["--model", str(red_weights)]
    before = files()
    assert cli.main(["cut", *model, *words]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert f"mattecore cut: {sentence}" in err
    assert "Traceback" not in err
    assert files() == before


def test_without_pillow_there_is_one_sentence():
    code = "import sys; sys.modules['PIL'] = None; from mattecore import cli; sys.exit(cli.main(['cut', 'a.jpg']))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 2
    sentence = "reading pictures needs Pillow; install it with: pip install 'mattecore[cli]'"
    assert result.stderr == f"mattecore cut: {sentence}\n"


def test_a_picture_that_takes_too_much_memory_is_refused_by_the_size_in_its_head(mattecore):
    """A small file for 60000 x 60000 pixels, which is more than any machine's --max-memory."""
    bomb = bytearray(Path("photos/a.jpg").read_bytes())
    frame = bomb.index(b"\xff\xc0") + 5
    bomb[frame : frame + 4] = (60000).to_bytes(2, "big") * 2
    Path("photos/bomb.jpg").write_bytes(bomb)
    status, out, err = mattecore("photos/bomb.jpg", "photos/a.jpg")
    assert (status, out) == (1, "photos/a.cut.png\n")
    assert re.search(r"photos/bomb.jpg takes about \d+\.\d GiB to be cut, and .* are allowed; allow more with", err)


# --- streams


def test_through_pipes(red_weights):
    data = Path("photos/a.jpg").read_bytes()
    done = process(red_weights, "-", stdin=subprocess.PIPE)
    out, err = done.communicate(data, timeout=300)
    assert done.returncode == 0, err
    with Image.open(io.BytesIO(out)) as image:
        assert (image.mode, image.size) == ("RGBA", (120, 90))
        assert image.getpixel((60, 45))[3] == 255


def test_a_damaged_standard_input(red_weights):
    done = process(red_weights, "-", stdin=subprocess.PIPE)
    out, err = done.communicate(b"no picture", timeout=300)
    assert (done.returncode, out) == (1, b"")
    assert b"the standard input is no picture that can be read here" in err


def test_a_standard_input_without_end_is_refused(red_weights):
    with open("/dev/zero", "rb") as endless:
        done = process(red_weights, "-", "--max-memory", "20MB", stdin=endless)
        out, err = done.communicate(timeout=300)
    assert (done.returncode, out) == (1, b"")
    assert b"the standard input has more than 19 MiB; allow more with --max-memory" in err


def test_a_named_pipe_goes_by_but_once(red_weights):
    os.mkfifo("pipe.jpg")
    done = process(red_weights, "pipe.jpg", "-o", "out.png")
    Path("pipe.jpg").write_bytes(Path("photos/a.jpg").read_bytes())  # waits until it is read
    _, err = done.communicate(timeout=300)
    assert done.returncode == 0, err
    with Image.open("out.png") as image:
        assert (image.mode, image.size) == ("RGBA", (120, 90))


def test_a_file_to_the_standard_output(red_weights):
    done = process(red_weights, "photos/a.jpg", "-o", "-", "--format", "webp")
    out, _ = done.communicate(timeout=300)
    assert done.returncode == 0
    assert out[8:12] == b"WEBP"
    assert files() == set()


@pytest.mark.parametrize("name", ["Ünï 東京 🌸.jpg", "new\nline \x1b[31m.jpg", b"\xff\xfe.jpg"])
def test_names_of_every_kind(red_weights, name):
    name = os.fsdecode(name)
    Path("photos/a.jpg").rename(name)
    done = process(red_weights, name, env={**os.environ, "LC_ALL": "C.UTF-8"})
    out, err = done.communicate(timeout=300)
    assert done.returncode == 0, err
    assert os.fsencode(name[:-4] + ".cut.png") + b"\n" == out
    assert b"\x1b" not in err
    assert Path(name[:-4] + ".cut.png").is_file()


def test_what_commands_a_terminal_is_shown_as_text():
    assert printable("a\x1b[31m\nb 東") == "a\\x1b[31m\\nb 東"


# --- cut short


def test_ctrl_c_leaves_whole_files_and_resume_does_the_rest(red_weights, disc):
    """The signal comes when the first cut-out has been named, and most of the 40 pictures are still to come."""
    Path("many").mkdir()
    for number in range(40):
        Image.fromarray(np.roll(disc(600, 900), number, 0)).save(f"many/{number:02}.jpg")
    words = ["many", "--jobs", "2"]
    running = process(red_weights, *words)
    assert running.stdout is not None
    first = running.stdout.readline()
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=300)
    assert running.returncode == 130, err
    assert b"Traceback" not in err
    assert re.search(rb"stopped, \d+ left; the same command with --resume goes on", err)

    there = sorted(Path("many.cut").iterdir())
    # A picture that another worker finished at that very moment is there, whole, and may not have been named.
    assert {str(path) for path in there} >= set((first + out).decode().split())
    assert 0 < len(there) < 40
    for path in there:
        with Image.open(path) as image:
            image.load()
    before = {path: path.stat().st_mtime_ns for path in there}

    again = process(red_weights, *words, "--resume", "--json")
    out, err = again.communicate(timeout=300)
    assert again.returncode == 0, err
    summary = json.loads(out.splitlines()[-1])
    assert (summary["cut"], summary["skipped"]) == (40 - len(there), len(there))
    assert {path: path.stat().st_mtime_ns for path in there} == before
    assert len(list(Path("many.cut").iterdir())) == 40


def test_a_full_disk_is_said_and_leaves_nothing(red_weights):
    """The system lets this process write no file of more than 4 KiB, as a full disk would."""
    code = (
        "import resource, signal, sys; from mattecore import cli\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    words = ["cut", "--model", str(red_weights), "photos/a.jpg", "photos/deep/c.jpg", "-o", "out"]
    result = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert "out/a.png cannot be written: File too large" in result.stderr
    assert "2 failed" in result.stderr
    assert list(Path("out").iterdir()) == []


# --- on a terminal


def test_a_terminal_sees_a_bar_with_count_and_file(red_weights):
    terminal, end = os.openpty()
    running = process(red_weights, "photos", "--jobs", "1", stderr=end)
    os.close(end)
    seen = b""
    with contextlib.suppress(OSError):  # the terminal's other end is closed when the process ends
        while chunk := os.read(terminal, 4096):
            seen += chunk
    os.close(terminal)
    running.communicate(timeout=300)
    assert running.returncode == 1
    assert b"\x1b[" in seen
    assert b"/3" in seen
    assert b"photos/" in seen
    assert b"photos/b.jpg is damaged or not whole" in seen.replace(b"\r\n", b" ")


def test_without_rich_one_line_is_written_over_and_over(capsys):
    job = Job(Path("photos/a.jpg"), Path("photos.cut/a.png"))
    line = OneLine(2)
    line.watch(job, 0.5, "")
    line.outcome(Outcome(job, "cut", size=(9, 9)))
    said = capsys.readouterr().err
    assert re.fullmatch(r"(\r\x1b\[K[^\r\n]*)+", said)
    first, last = said.split("\r\x1b[K")[1], said.split("\r\x1b[K")[-1]
    assert re.fullmatch(r"0/2 +\d+ s left +photos/a.jpg", first)
    assert re.fullmatch(r"1/2  [\d.]+/s  \d+ s left  photos/a.jpg", last)
