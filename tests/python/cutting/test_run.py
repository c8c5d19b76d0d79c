"""Many pictures: each for itself, in bounded memory, and nothing half there."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from mattecore.cutting import Cutter, Options
from mattecore.cutting.folder import Job, plan
from mattecore.cutting.memory import Budget, Stopped, parse_bytes
from mattecore.cutting.run import Line, Running, run
from mattecore.pictures import PictureError


@pytest.fixture
def cutter(red_weights: Path) -> Cutter:
    return Cutter(Options(model=str(red_weights)))


@pytest.fixture
def jobs(tmp_path: Path, disc: Callable) -> list[Job]:
    """Six pictures of different sizes, the third one cut short."""
    (tmp_path / "in").mkdir()
    for number in range(6):
        Image.fromarray(disc(60 + number, 80)).save(tmp_path / "in" / f"{number}.png")
    whole = (tmp_path / "in" / "2.png").read_bytes()
    (tmp_path / "in" / "2.png").write_bytes(whole[: len(whole) // 2])
    return plan([str(tmp_path / "in")], str(tmp_path / "out"), "png")


def settings(**given) -> Running:
    return Running(**{"max_memory": 10**9, **given})


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("at_once", [1, 2, 3, 9])
def test_one_broken_file_is_an_outcome_and_the_rest_goes_on(tmp_path, jobs, cutter, at_once):
    outcomes = {outcome.job.source.name: outcome for outcome in run(jobs, cutter, settings(jobs=at_once))}
    assert [name for name, outcome in sorted(outcomes.items()) if outcome.state == "failed"] == ["2.png"]
    assert outcomes["2.png"].message.startswith(f"{tmp_path}/in/2.png is damaged or not whole")
    assert outcomes["4.png"].size == (80, 64)
    assert outcomes["4.png"].seconds > 0
    assert names(tmp_path / "out") == ["0.png", "1.png", "3.png", "4.png", "5.png"]


def test_any_number_at_once_gives_the_same_bytes(tmp_path, jobs, cutter):
    files = []
    for at_once in (1, 3):
        for _ in run(jobs, cutter, settings(jobs=at_once)):
            pass
        files.append({name: (tmp_path / "out" / name).read_bytes() for name in names(tmp_path / "out")})
    assert files[0] == files[1]


def test_torch_has_its_threads_again_afterwards(jobs, cutter, set_threads):
    set_threads(3)
    for _ in run(jobs, cutter, settings(jobs=2)):
        pass
    assert torch.get_num_threads() == 3
    seen = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [3]


def test_resuming_leaves_out_what_is_done_and_does_what_has_changed(tmp_path, jobs, cutter):
    for _ in run(jobs, cutter, settings()):
        pass
    before = (tmp_path / "out" / "0.png").stat().st_mtime_ns
    changed = tmp_path / "in" / "1.png"
    os.utime(changed, ns=(before + 10**12, before + 10**12))
    states = {outcome.job.source.name: outcome.state for outcome in run(jobs, cutter, settings(resume=True))}
    assert states.pop("1.png") == "cut"
    assert states.pop("2.png") == "failed"
    assert set(states.values()) == {"skipped"}
    assert (tmp_path / "out" / "0.png").stat().st_mtime_ns == before


def test_closing_the_iterator_stops_the_work_with_nothing_half_there(tmp_path, jobs, cutter):
    outcomes = run(jobs, cutter, settings(jobs=2))
    next(outcomes)
    outcomes.close()
    assert threading.active_count() == 1
    there = names(tmp_path / "out")
    assert there
    for name in there:
        with Image.open(tmp_path / "out" / name) as image:
            image.load()


def test_a_picture_in_the_middle_of_its_work_is_stopped(tmp_path, jobs, cutter):
    cutter.load()
    stop = threading.Event()
    seen: list[float] = []

    def watch(job: Job, fraction: float, said: str) -> None:
        seen.append(fraction)
        if fraction > 0:
            stop.set()

    with pytest.raises(Stopped):
        Line(cutter, settings(), Budget(10**9, stop.is_set), stop, watch).outcome(jobs[0])
    assert seen[-1] < 0.9
    assert not (tmp_path / "out").exists()


def test_watching_sees_each_picture_from_0_to_1(jobs, cutter):
    seen: dict[str, list[float]] = {}

    def watch(job: Job, fraction: float, said: str) -> None:
        seen.setdefault(job.source.name, []).append(fraction)

    for _ in run(jobs, cutter, settings(jobs=2), watch):
        pass
    for name, fractions in seen.items():
        assert fractions == sorted(fractions)
        assert fractions[0] == 0
        assert (fractions[-1] == 1) == (name != "2.png")


def test_a_folder_that_cannot_be_written(tmp_path, jobs, cutter):
    (tmp_path / "out").write_text("a file where the folder should be")
    outcomes = list(run(jobs, cutter, settings(jobs=2)))
    assert {outcome.state for outcome in outcomes} == {"failed"}
    assert all("out" in outcome.message for outcome in outcomes if outcome.job.source.name != "2.png")
    assert (tmp_path / "out").read_text() == "a file where the folder should be"


def test_a_picture_that_takes_more_memory_than_is_allowed(jobs, cutter):
    needed = cutter.bytes_for(62, 80)
    outcomes = list(run(jobs, cutter, settings(jobs=2, max_memory=needed)))
    refused = sorted(outcome.job.source.name for outcome in outcomes if "are allowed" in outcome.message)
    assert refused == ["3.png", "4.png", "5.png"]
    assert all("--max-memory" in outcome.message for outcome in outcomes if "are allowed" in outcome.message)


def test_weights_that_are_not_whole_are_said_once_before_any_picture(tmp_path, jobs):
    (tmp_path / "broken.safetensors").write_bytes(b"\x10" + bytes(6) + b"\0{" + bytes(40))
    cutter = Cutter(Options(model=str(tmp_path / "broken.safetensors")))
    with pytest.raises(ValueError, match=r"broken.safetensors is a .safetensors file that is not whole"):
        next(run(jobs, cutter, settings()))
    assert not (tmp_path / "out").exists()


def test_a_defect_of_the_program_is_not_taken_for_a_broken_file(jobs, cutter, monkeypatch):
    def defect(*given):
        raise AssertionError("a defect")

    monkeypatch.setattr(cutter, "cut", defect)
    with pytest.raises(AssertionError, match="a defect"):
        list(run(jobs, cutter, settings(jobs=2)))


@pytest.mark.parametrize(("format", "ending"), [("png", "png"), ("webp", "webp"), ("tiff16", "tif")])
def test_every_format(tmp_path, disc, cutter, format, ending):
    Image.fromarray(disc()).save(tmp_path / "disc.png")
    (outcome,) = run(plan([str(tmp_path / "disc.png")], None, format), cutter, settings(format=format))
    assert outcome.job.target == tmp_path / f"disc.cut.{ending}"
    assert outcome.job.target.is_file()


def test_16_bits_from_file_to_file(tmp_path, disc, cutter):
    import tifffile

    deep = disc().astype(np.uint16) * 257 - 3
    tifffile.imwrite(tmp_path / "deep.tif", deep, photometric="rgb")
    (outcome,) = run(plan([str(tmp_path / "deep.tif")], None, "tiff16"), cutter, settings(format="tiff16"))
    cut = tifffile.imread(outcome.job.target)
    whole = cut[..., 3] == 65535
    assert whole.sum() > 1000
    np.testing.assert_array_equal(cut[whole][:, :3], deep[whole])


# --- the budget


def test_the_budget_lets_in_what_fits_and_has_the_rest_wait():
    budget = Budget(10, lambda: False)
    inside, let_go, second_is_in = threading.Event(), threading.Event(), threading.Event()

    def first() -> None:
        with budget.held(6, "a"):
            inside.set()
            assert let_go.wait(60)

    def second() -> None:
        with budget.held(5, "b"):
            second_is_in.set()

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert inside.wait(60)
    with budget.held(4, "c"):
        pass  # fits beside the first
    threads.append(threading.Thread(target=second))
    threads[1].start()
    assert not second_is_in.is_set()
    let_go.set()
    assert second_is_in.wait(60)
    for thread in threads:
        thread.join()


def test_the_budget_refuses_what_would_never_fit_and_ends_waiting():
    with pytest.raises(
        PictureError, match="x takes about 11 MiB to be cut, and 10 MiB are allowed; allow more with --max"
    ):
        Budget(10 * 2**20, lambda: False).held(11 * 2**20, "x").__enter__()
    stopped = Budget(10, lambda: True)
    with pytest.raises(Stopped):
        stopped.held(1, "x").__enter__()


@pytest.mark.parametrize(
    ("text", "bytes_"),
    [("100", 100), ("800MB", 800 * 10**6), ("1.5GiB", 3 * 2**29), ("2g", 2 * 10**9), ("4 KiB", 4096)],
)
def test_amounts_of_memory(text, bytes_):
    assert parse_bytes(text) == bytes_


@pytest.mark.parametrize("text", ["", "much", "1..2GB", "-1", "1TB"])
def test_what_is_no_amount_of_memory(text):
    with pytest.raises(ValueError, match=r"is no amount of memory; wanted one as 800MB or 1.5GiB"):
        parse_bytes(text)
