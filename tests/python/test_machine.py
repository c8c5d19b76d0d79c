"""What the kernel says of machine and memory."""

import os

import pytest

from mattecore import machine


def test_the_machine_has_a_name_and_cores():
    assert machine.processor().strip()
    assert 1 <= machine.cores() <= (os.cpu_count() or 1)
    assert machine.cpuinfo("no such key") == ""


def test_growth_sees_what_is_gone_again_and_not_what_was_there_before():
    if not machine.forget_peak():
        pytest.skip("this kernel does not set the highest resident size back on request")
    before = bytearray(os.urandom(1 << 16) * (96 << 4))  # 96 MiB, written to
    with machine.Growth() as growth:
        during = bytearray(os.urandom(1 << 16) * (32 << 4))
        del during
    assert len(before) == 96 << 20
    assert growth.bytes is not None
    # urandom * n is one copy and the bytearray another; 4 MiB for what Python does meanwhile
    assert (32 << 20) <= growth.bytes < (68 << 20)


def test_growth_is_unknown_where_the_kernel_does_not_tell(monkeypatch):
    monkeypatch.setattr(machine, "forget_peak", lambda: False)
    with machine.Growth() as growth:
        pass
    assert growth.bytes is None
