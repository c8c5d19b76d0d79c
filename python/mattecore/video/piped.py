"""Iterators that work ahead on a thread of their own."""

import contextlib
import queue
import threading
from collections.abc import Iterator
from typing import TypeVar

T = TypeVar("T")


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


@contextlib.contextmanager
def piped(items: Iterator[T], ahead: int) -> Iterator[Iterator[T]]:
    """Runs an iterator on a thread, at most so many items ahead of who takes them.

    What it raises is raised here. Leaving the block ends the thread, after the item it is at.
    """
    waiting: queue.Queue[T | _End] = queue.Queue(ahead)
    left = threading.Event()

    def work() -> None:
        error = None
        try:
            for item in items:
                waiting.put(item)
                if left.is_set():
                    return
        except BaseException as raised:  # for the thread that takes; there is nobody here to tell
            error = raised
        waiting.put(_End(error))

    def taken() -> Iterator[T]:
        while not isinstance(item := waiting.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    thread = threading.Thread(target=work, name="mattecore video")
    thread.start()
    try:
        yield taken()
    finally:
        left.set()
        while thread.is_alive():  # a full queue would hold it
            with contextlib.suppress(queue.Empty):
                waiting.get(timeout=0.05)
        thread.join()
