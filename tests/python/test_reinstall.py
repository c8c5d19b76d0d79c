import shlex
import sys

import pytest

from mattecore import reinstall


@pytest.mark.skipif(sys.platform == "win32", reason="another shell, other quotes")
def test_the_command_survives_a_shell(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", "/opt/my python/bin/python")
    command = reinstall.command(tmp_path / "it's here")
    assert shlex.split(command) == ["/opt/my python/bin/python", str(tmp_path / "it's here" / "install.py")]
