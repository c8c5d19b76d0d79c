"""One at a time, and nobody waits for the dead."""

import pytest

from mattecore.weights import WeightsError
from mattecore.weights.lock import locked


def never() -> None:
    pytest.fail("waited for nobody")


def test_it_is_removed_afterwards(tmp_path):
    with locked(tmp_path / "lock", never):
        assert (tmp_path / "lock").exists()
    assert not (tmp_path / "lock").exists()


def test_what_a_dead_process_left_blocks_nobody(tmp_path):
    (tmp_path / "lock").touch()
    with locked(tmp_path / "lock", never):
        pass


def test_one_that_its_holder_removed_is_taken_anew(tmp_path, pauses):
    """Else the next to come would see no lock file and take a second lock beside this one."""
    holder = locked(tmp_path / "lock", never)
    holder.__enter__()
    with locked(tmp_path / "lock", lambda: holder.__exit__(None, None, None)):
        assert (tmp_path / "lock").exists()


def test_who_waits_can_be_cancelled_and_leaves_the_holder_alone(tmp_path, pauses):
    def cancel() -> None:
        raise KeyboardInterrupt

    with locked(tmp_path / "lock", never):
        with pytest.raises(KeyboardInterrupt), locked(tmp_path / "lock", cancel):
            pytest.fail("two hold it")
        assert (tmp_path / "lock").exists()


def test_a_folder_that_is_not_there_is_said(tmp_path):
    said = r"cannot be written \(No such file or directory\)"
    with pytest.raises(WeightsError, match=said), locked(tmp_path / "nowhere" / "lock", never):
        pytest.fail("held what is not there")
