"""The benchmark runner: its rows, its choices, its file; on cases that take no time."""

import dataclasses
import importlib
import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[3] / "benchmarks"
KEYS = [
    "name",
    "size",
    "ours_s",
    "peer",
    "peer_s",
    "ratio",
    "bar",
    "ours_peak_mib",
    "peer_peak_mib",
    "device",
    "threads",
]


@pytest.fixture(scope="module")
def run():
    """benchmarks/run.py as it sees itself; its modules leave with it, since their names are plain words."""
    sys.path.insert(0, str(BENCHMARKS))
    yield importlib.import_module("run")
    sys.path.remove(str(BENCHMARKS))
    for name in [name for name in sys.modules if name.partition(".")[0] in ("run", "cases", "harness")]:
        del sys.modules[name]


@pytest.fixture(autouse=True)
def _unpinned():
    """The runner pins this process and sets torch's threads; other tests want them back."""
    import os

    import torch

    cores, threads = os.sched_getaffinity(0), torch.get_num_threads()
    yield
    for task in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(task), cores)
    torch.set_num_threads(threads)


@pytest.fixture
def case(run):
    """Ours takes next to no time, the peer 4 ms."""
    return run.Case(
        name="resize nothing",
        size="1 x 1",
        threads=1,
        ours=lambda: lambda: None,
        peer="sleep",
        peer_call=lambda: lambda: time.sleep(0.004),
        bar=2.0,
    )


def rows_of_run(run, monkeypatch, path, cases, *argv):
    monkeypatch.setattr(run, "all_cases", lambda: cases)
    monkeypatch.setattr(run.memory, "peak_mib", lambda case, side: {"ours": 10.0, "peer": 40.0}[side])
    status = run.main(["--json", str(path), "--seconds", "0", *argv])
    return status, json.loads(path.read_text())


def test_a_row_has_the_agreed_keys_and_a_larger_ratio_is_better(run, monkeypatch, tmp_path, case):
    status, [row] = rows_of_run(run, monkeypatch, tmp_path / "rows.json", [case])
    assert status == 0
    assert list(row) == KEYS
    assert row["ratio"] == pytest.approx(row["peer_s"] / row["ours_s"])
    assert row["ratio"] > row["bar"] == 2.0
    assert (row["ours_peak_mib"], row["peer_peak_mib"], row["device"], row["threads"]) == (10.0, 40.0, "cpu", 1)


def test_memory_bars_are_rows_of_their_own(run, monkeypatch, tmp_path, case):
    beside_peer = dataclasses.replace(case, memory_bar=5.0)
    beside_limit = dataclasses.replace(case, allowed_mib=25.0, allowed="outputs + 24 MiB")
    _, rows = rows_of_run(run, monkeypatch, tmp_path / "rows.json", [beside_peer, beside_limit])
    assert [row["name"] for row in rows] == ["resize nothing", "resize nothing, memory"] * 2
    assert (rows[1]["ratio"], rows[1]["bar"]) == (4.0, 5.0)
    assert (rows[3]["ratio"], rows[3]["bar"], rows[3]["peer"]) == (2.5, 1.0, "outputs + 24 MiB")
    assert (rows[3]["peer_peak_mib"], rows[3]["peer_s"]) == (25.0, None)


def test_growth_is_judged_by_the_peers_time_times_a_factor(run, monkeypatch, tmp_path, case):
    both = dataclasses.replace(case, ours=case.peer_call, peer_factor=5.0, bar=1.0)
    _, [row] = rows_of_run(run, monkeypatch, tmp_path / "rows.json", [both])
    assert row["ratio"] == pytest.approx(5.0, rel=0.5)


def test_only_and_threads_choose(run, case):
    cases = [dataclasses.replace(case, name=name, threads=t) for name in ("resize up", "rgba") for t in (1, 2)]
    assert run.chosen(cases, None, None) == cases
    assert run.chosen(cases, ["resize"], None) == cases[:2]
    assert run.chosen(cases, ["resize up", "rgba"], [2]) == [cases[1], cases[3]]


def test_nothing_chosen_is_said_and_writes_nothing(run, monkeypatch, tmp_path, case, capsys):
    monkeypatch.setattr(run, "all_cases", lambda: [case])
    assert run.main(["--only", "vitmatte", "--json", str(tmp_path / "rows.json")]) == 2
    assert "--list" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_case_that_fails_keeps_its_row_and_stops_no_other(run, monkeypatch, tmp_path, case):
    def broken():
        raise ModuleNotFoundError("No module named 'peer'")

    cases = [dataclasses.replace(case, name="rgba", peer_call=broken), case]
    status, rows = rows_of_run(run, monkeypatch, tmp_path / "rows.json", cases)
    assert status == 1
    assert [(row["name"], row["ratio"] is None) for row in rows] == [("rgba", True), ("resize nothing", False)]


def test_files_appear_whole_or_not_at_all(run, monkeypatch, tmp_path):
    path = tmp_path / "rows.json"
    path.write_text("before")

    def full_disk(*_):
        raise OSError("no space left")

    monkeypatch.setattr(run.report.os, "replace", full_disk)
    with pytest.raises(OSError, match="no space"):
        run.report.write_json(path, [])
    assert [p.name for p in tmp_path.iterdir()] == ["rows.json"]
    assert path.read_text() == "before"


def test_real_cases_have_names_that_scripts_can_rely_on(run):
    cases = run.all_cases()
    subjects = {"resize", "rgba", "guided", "closed", "trimap", "foreground"}
    subjects |= {"rmbg", "birefnet", "vitmatte", "node", "detailer", "cut"}
    assert all(case.name.split()[0] in subjects for case in cases)
    assert len({case.key for case in cases}) == len(cases)


# In a process of its own, as the runner measures: memory that other tests have freed would serve the arrays unseen.
WEIGH = """
import numpy as np
from harness import memory

def maker():
    def call():
        np.ones(48 << 20, np.uint8)
        return np.ones(16 << 20, np.uint8)
    return call

figures = memory.weigh(maker)
print((figures["peak"] - figures["before"]) / 1024)
"""


def test_the_peak_is_seen_though_it_is_gone_before_the_end(run):
    if not run.memory.forget_peak():
        pytest.skip("this kernel does not set the highest resident size back on request")
    folder = Path(run.memory.__file__).parents[1]
    ended = subprocess.run([sys.executable, "-c", WEIGH], cwd=folder, capture_output=True, text=True, check=True)
    assert float(ended.stdout) == pytest.approx(48, abs=4)


def test_the_chart_is_an_svg_with_a_bar_for_every_ratio(run, case):
    from xml.etree import ElementTree

    rows = run.report.rows_of(case, 0.5, 2.0, None, None) + run.report.rows_of(case, None, None, None, None)
    picture = ElementTree.fromstring(run.chart.svg(rows))
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "4x" in texts
    assert texts.count("resize nothing, 1 x 1, 1 thread") == 1
