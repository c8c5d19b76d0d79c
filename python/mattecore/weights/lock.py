"""A lock between processes, so that two of them do not fetch the same file twice."""

import contextlib
import errno
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from .error import WeightsError

_POLL_S = 0.2  # how often one who waits looks again, and can be cancelled

# What a file system says that knows no locks. Two downloads at once then cost time and a second look at the hash.
_NO_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP)


@contextlib.contextmanager
def locked(path: Path, waiting: Callable[[], object]) -> Iterator[None]:
    """Holds the file ``path`` as a lock and removes it afterwards; until it has it, calls ``waiting``, which may raise.

    The system itself lets go of the lock of a process that dies, so a file that is left over blocks nobody.
    Raises WeightsError where the file cannot be written.
    """
    file = _acquire(path, waiting)
    try:
        yield
    finally:
        if sys.platform == "win32":  # an open file cannot be removed, neither one's own nor one another waits with
            file.close()
            with contextlib.suppress(OSError):
                path.unlink()
        else:  # removed while it is held, so that whoever waits sees that it is gone
            with contextlib.suppress(OSError):
                path.unlink()
            file.close()


def _acquire(path: Path, waiting: Callable[[], object]) -> BinaryIO:
    while True:
        try:
            file = path.open("a+b")
        except OSError as error:
            raise WeightsError(f"{path} cannot be written ({error.strerror}); choose another folder") from error
        try:
            while not _try(file):
                waiting()
                time.sleep(_POLL_S)
            if _is_at(file, path):
                return file
        except BaseException:
            file.close()
            raise
        file.close()  # the one waited for has removed it: what is locked here, the next one would not see


def _try(file: BinaryIO) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        if error.errno not in _NO_LOCKS:
            raise
    return True


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
