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


@pytest.mark.parametrize("arguments", [[], ["no-such-verb"], ["doctor", "--no-such-option"]])
def test_what_is_not_understood_ends_with_2_and_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: mattecore")


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
