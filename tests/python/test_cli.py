"""The command line's own part: verbs are found, help costs no torch."""

import subprocess
import sys

import pytest

import mattecore
from mattecore import cli
from mattecore.commands import VERBS, doctor


def test_version(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"mattecore {mattecore.__version__}\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("", "mattecore: the following arguments are required: VERB (mattecore --help lists them)"),
        (
            "cutt a.jpg",
            "mattecore: VERB is 'cutt'; wanted cut, compare, bench, doctor or weights; did you mean cut? "
            "(mattecore --help lists them)",
        ),
        ("doctor --x", "mattecore doctor: there is no option --x (mattecore doctor --help lists them)"),
        (
            "cut a.jpg --backgroud=white",
            "mattecore cut: there is no option --backgroud; did you mean --background? "
            "(mattecore cut --help lists them)",
        ),
        (
            "cut a.jpg --refine gided",
            "mattecore cut: --refine is 'gided'; wanted none, guided, closed-form, vitmatte or vitmatte-base; "
            "did you mean guided? (mattecore cut --help lists them)",
        ),
        ("cut a.jpg --jobs x", "mattecore cut: --jobs is 'x'; wanted a whole number (mattecore cut --help lists them)"),
        (
            "cut a.jpg --stability x",
            "mattecore cut: --stability is 'x'; wanted a number (mattecore cut --help lists them)",
        ),
        (
            "cut a.jpg --crop b.jpg",
            "mattecore cut: 'b.jpg' is one too many, or apart from the others; wanted names one after another "
            "(mattecore cut --help lists them)",
        ),
        (
            "cut a.jpg -o",
            "mattecore cut: argument -o/--output: expected one argument (mattecore cut --help lists them)",
        ),
        (
            "weights list --jsn",
            "mattecore weights list: there is no option --jsn; did you mean --json? "
            "(mattecore weights list --help lists them)",
        ),
        ("cut a.jpg --\x1b[31m", "mattecore cut: there is no option --\\x1b[31m (mattecore cut --help lists them)"),
    ],
)
def test_what_is_not_understood_ends_with_2_and_one_sentence(words, sentence, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(words.split())
    assert ended.value.code == 2
    assert capsys.readouterr() == ("", f"{sentence}\n")


def test_help_names_every_verb(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = capsys.readouterr().out
    assert all(verb in said for verb in VERBS)


@pytest.mark.parametrize(("error", "status"), [(KeyboardInterrupt, 130)])
def test_an_interrupted_verb(monkeypatch, error, status):
    def run(arguments):
        raise error

    monkeypatch.setattr(doctor, "run", run)
    assert cli.main(["doctor"]) == status


def test_a_reader_that_stops_reading_is_no_error():
    code = "import sys; from mattecore import cli; sys.exit(cli.main(['doctor']))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == 1


def test_the_command_line_loads_no_torch():
    code = (
        "import sys; from mattecore import cli\n"
        "try:\n    cli.main(['--help'])\n"
        "finally:\n    assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
